"""Roles, their scenarios, inventories and playbooks: the interface is checked by machine."""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.inventory import KNOWN
from ops.role_readme import render
from ops.testing import scenarios

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent for path in ROOT.glob("roles/*/tasks/main.yml"))
INVENTORIES = sorted(path.parent.name for path in ROOT.glob("inventories/*/hosts.yml"))
PLAYBOOKS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("ansible/*.yml"))
# What a scenario must go through; sites over many hosts have steps of their own between them.
STEPS = ["create", "prepare", "check", "converge", "idempotence", "verify", "destroy"]


class Loader(yaml.SafeLoader):
    """Reads what Ansible reads: values that are vaulted stay closed."""


Loader.add_constructor("!vault", lambda _loader, node: str(node.value))


def read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    loaded = yaml.load(path.read_text(encoding="utf-8"), Loader) or {}
    assert isinstance(loaded, dict), f"{path}: not a mapping"
    return loaded


def options(role: Path) -> dict[str, dict[str, Any]]:
    """All options of the role's argument_specs (of every entry point)."""
    specs = read(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    return {name: spec for entry in specs.values() for name, spec in entry.get("options", {}).items()}


def test_the_roles_of_the_plan_are_there() -> None:
    """The roles that the first issue asks for."""
    wanted = {"host", "docker_engine", "swarm", "registry", "pki", "images", "stack", "etcd",
              "janus_node", "broker", "gateway", "nginx"}  # fmt: skip
    assert wanted - {role.name for role in ROLES} == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_and_argument_specs_agree(role: Path) -> None:
    """Every default is described; every option has a default or is required; both say the same value."""
    defaults, specs = read(role / "defaults" / "main.yml"), options(role)
    assert (role / "meta" / "argument_specs.yml").is_file(), "meta/argument_specs.yml is missing"
    assert sorted(set(defaults) - set(specs)) == [], "defaults that argument_specs do not describe"
    loose = sorted(name for name, spec in specs.items() if name not in defaults and not spec.get("required"))
    assert loose == [], "options that are neither required nor have a default"
    both = sorted(name for name, spec in specs.items() if name in defaults and spec.get("required"))
    assert both == [], "options that are required and have a default"
    differing = {name: (spec["default"], defaults[name]) for name, spec in specs.items()
                 if "default" in spec and spec["default"] != defaults.get(name)}  # fmt: skip
    assert differing == {}, "the specs' default differs from the one in force"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_options_say_what_they_are(role: Path) -> None:
    """Each option has a type and a description, and begins with the role's name (or is one of the deployment)."""
    for name, spec in options(role).items():
        assert name.startswith((f"{role.name}_", "rtcdn_")), f"{name} does not begin with {role.name}_"
        assert spec.get("type"), f"{name} has no type"
        assert spec.get("description"), f"{name} has no description"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_readme_is_the_generated_one(role: Path) -> None:
    """README.md is what the specs make; `python -m ops.role_readme` writes it."""
    assert (role / "README.md").read_text(encoding="utf-8") == render(role)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_role_has_a_scenario(role: Path) -> None:
    """Each role is deployed by a molecule scenario of its name."""
    scenario = ROOT / "molecule" / role.name
    assert (scenario / "molecule.yml").is_file(), f"molecule/{role.name}/molecule.yml is missing"
    assert list(scenario.glob("tests/test_*.py")), f"molecule/{role.name}/tests has no test"


@pytest.mark.parametrize("name", scenarios.known())
def test_every_scenario_goes_all_the_way(name: str) -> None:
    """A dry run before anything is there, a second run that changes nothing, and questions to what runs."""
    shared = read(ROOT / ".config/molecule/config.yml")["scenario"]["test_sequence"]
    own = read(ROOT / "molecule" / name / "molecule.yml").get("scenario", {}).get("test_sequence", shared)
    places = [own.index(step) for step in STEPS if step in own]
    assert [step for step in STEPS if step not in own] == []
    assert places[:-1] == sorted(places[:-1]), f"out of order: {own}"
    assert own[-1] == "destroy"


@pytest.mark.parametrize("name", scenarios.known())
def test_every_scenario_asks_what_it_made(name: str) -> None:
    """It has tests, or it would be green whatever runs."""
    tests = list((ROOT / "molecule" / name / "tests").glob("test_*.py"))
    assert any("\ndef test_" in path.read_text(encoding="utf-8") for path in tests), (
        f"molecule/{name}/tests has no test"
    )


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_inventories_set_nothing_unknown(inventory: str) -> None:
    """Every variable is a role's option, one of the deployment, Ansible's own, or used by another of the inventory."""
    known = {*KNOWN, *(name for role in ROLES for name in options(role))}
    folder = ROOT / "inventories" / inventory
    walked = [Path(where) / name for where, _, names in os.walk(folder, followlinks=True) for name in sorted(names)]
    texts = {path: path.read_text(encoding="utf-8") for path in walked if path.suffix == ".yml"}
    names = {
        name: path
        for path, text in texts.items()
        if path.name != "hosts.yml" and not text.startswith("$ANSIBLE_VAULT")
        for name in read(path)
    }
    words = Counter(word for text in texts.values() for word in re.findall(r"\w+", text))
    strange = [
        f"{path.relative_to(ROOT)}: {name} (near: {difflib.get_close_matches(name, known, 1)})"
        for name, path in names.items()
        if not (name in known or name.startswith("ansible_") or words[name] > 1)
    ]
    assert names, "the inventory has no variables"
    assert strange == []


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_ansible_reads_every_playbook(inventory: str) -> None:
    """Each playbook, with its roles, is one with each inventory."""
    command = [Path(sys.executable).parent / "ansible-playbook", "--syntax-check", "-i", f"inventories/{inventory}"]
    done = subprocess.run(
        [*command, *PLAYBOOKS],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name in PLAYBOOKS if f"playbook: {name}" not in done.stdout] == []
