"""Roles: the interface is checked by machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.role_readme import render

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent for path in ROOT.glob("roles/*/tasks/main.yml"))


def read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    loaded = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
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
