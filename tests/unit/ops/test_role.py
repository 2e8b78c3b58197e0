"""``rtcdn role new``: the skeleton passes what every role must pass, and a wrong name writes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ops import role
from ops.role_readme import render
from rtcdn.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
LINKED = ("ansible", "collections", "inventories", "templates", "ops", "rtcdn", "roles/stack")
COPIED = ("ansible.cfg", ".ansible-lint", ".yamllint", "pyproject.toml")  # tools look for the tree where these lie
PLAY = """---
- name: Run a role
  hosts: managers[0]
  gather_facts: false
  roles: [{name}]
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree beside this one with a new role in it; what is not written is linked to."""
    made = tmp_path_factory.mktemp("tree")
    (made / "roles").mkdir()
    for name in LINKED:
        (made / name).symlink_to(ROOT / name)
    for name in COPIED:
        shutil.copy(ROOT / name, made / name)
    role.new("page_counter", tree=made, summary="Counts pages")
    return made


def ran(tree: Path, *command: str) -> tuple[int, str]:
    env = {**os.environ, "NO_COLOR": "1", "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("ansible-lint", "--offline", "-q", "roles/page_counter"),
        ("yamllint", "--strict", "roles/page_counter", "molecule"),
        ("ruff", "check", "roles/page_counter", "molecule"),
        ("ruff", "format", "--check", "roles/page_counter", "molecule"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_a_new_role_passes_lint(tree: Path, command: tuple[str, ...]) -> None:
    """As it is written, by the tree's own rules."""
    code, said = ran(tree, str(BIN / command[0]), *command[1:])
    assert code == 0, said


def test_lint_would_find_a_fault(tree: Path) -> None:
    """The linters look at the new role: a fault in it is found."""
    faulty = tree / "roles" / "page_counter" / "tasks" / "faulty.yml"
    faulty.write_text("---\n- name: list files\n  shell: ls\n", encoding="utf-8")
    try:
        code, said = ran(tree, str(BIN / "ansible-lint"), "--offline", "-q", "roles/page_counter")
    finally:
        faulty.unlink()
    assert code != 0
    assert "faulty.yml" in said


def test_its_play_is_one_that_ansible_reads(tree: Path) -> None:
    """With the local inventory."""
    play = tree / "play.yml"
    play.write_text(PLAY.format(name="page_counter"), encoding="utf-8")
    code, said = ran(
        tree, str(BIN / "ansible-playbook"), "-i", str(ROOT / "inventories/local"), "--syntax-check", "play.yml"
    )
    assert code == 0, said


def test_its_readme_and_specs_are_in_step(tree: Path) -> None:
    """The README is the generated one; every default is described."""
    made = tree / "roles" / "page_counter"
    assert (made / "README.md").read_text(encoding="utf-8") == render(made)
    defaults = yaml.safe_load((made / "defaults/main.yml").read_text(encoding="utf-8"))
    options = yaml.safe_load((made / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    assert {name: spec["default"] for name, spec in options["options"].items()} == defaults


def test_no_token_of_the_skeleton_is_left(tree: Path) -> None:
    """Every file is filled in, and has the name."""
    files = [path for path in [*tree.glob("roles/page_counter/**/*"), *tree.glob("molecule/**/*")] if path.is_file()]
    assert len(files) == 10
    assert [path for path in files if "@" in path.name or "@name@" in path.read_text(encoding="utf-8")] == []


def test_its_port_is_nobodys(tree: Path) -> None:
    """Neither a table's nor another role's."""
    assert role.free_port(tree) not in role.used_ports(ROOT)
    assert role.free_port(tree) != role.free_port(ROOT), "the new role has taken one"


@pytest.mark.parametrize(
    ("name", "port", "said"),
    [
        ("Page-Counter", None, "use a-z, 0-9 and _"),
        ("a" * 25, None, "at most 24 characters"),
        ("../etc", None, "use a-z"),
        ("videoroom", None, "is taken"),
        ("regions", None, "is taken"),
        ("stack", None, "roles/stack is there already"),
        ("fresh", 80, "--port 80: choose one from 1024 to 65535"),
        ("fresh", 8443, "--port 8443 is in a table"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_written(tree: Path, name: str, port: int | None, said: str) -> None:
    """Each problem with its cure."""
    before = sorted(tree.glob("[rm]ol*/*"))
    with pytest.raises(ConfigError, match=said):
        role.new(name, port, tree=tree)
    assert sorted(tree.glob("[rm]ol*/*")) == before
