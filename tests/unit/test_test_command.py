"""How ``rtcdn test`` counts, and which scenarios a change asks for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ops.testing.outcome import Outcome, last_line, of_exit, of_junit, table
from ops.testing.scenarios import chosen, known, named, note_green, role_of, split, wanted
from rtcdn.errors import ConfigError

REPORT = '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2"/></testsuites>'
ROOT = Path(__file__).resolve().parents[2]
WHOLE = ("site", "regions")
SCENARIOS = ["broker", "etcd", "etcd_three", "stack", "site", "regions"]


def test_a_report_is_counted(tmp_path: Path) -> None:
    """Failures and errors are failures; what was skipped has not passed."""
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert of_junit("unit", "tests/unit", report, 1, 3.0) == Outcome("unit", "tests/unit", 3, 2, 2, 3.0)


def test_a_run_that_died_has_failed(tmp_path: Path) -> None:
    """No report is one failure; so is a good report with a bad exit."""
    assert of_junit("unit", "x", tmp_path / "none.xml", 0, 1.0).failed == 1
    report = tmp_path / "report.xml"
    report.write_text('<testsuite tests="3" failures="0" errors="0" skipped="0"/>')
    assert of_junit("unit", "x", report, 2, 1.0).failed == 1


def test_the_last_line_sums_all_stages() -> None:
    """Plain text in the form that the gate reads."""
    outcomes = [of_exit("lint", "mypy", 0, 1.0), of_exit("lint", "ruff", 1, 1.0), Outcome("unit", "u", 40, 1, 2)]
    assert last_line(outcomes) == "41 passed, 2 failed, 2 skipped"
    assert "mypy" in table(outcomes)


@pytest.mark.parametrize(
    ("changed", "chosen"),
    [
        ([], []),
        (["docs/x.md"], []),
        (["roles/etcd/tasks/main.yml"], ["etcd", "etcd_three", "regions"]),
        (["molecule/etcd_three/tests/test_it.py"], ["etcd_three"]),
        (["images/etcd/Dockerfile", "molecule/broker/molecule.yml"], ["broker", "etcd", "etcd_three"]),
        (["images/media/Dockerfile"], []),
        (["images/python/Dockerfile"], ["broker"]),
        (["ansible/site.yml"], ["regions"]),
        (["ops/lab/wan.py"], ["regions"]),
        (["templates/stack.yml.j2"], SCENARIOS),
        (["roles/stack/defaults/main.yml"], SCENARIOS),
        (None, SCENARIOS),
    ],
)
def test_a_change_chooses_its_scenarios(changed: list[str] | None, chosen: list[str]) -> None:
    """Roles that it touches, with their variants; all of them where every role may break."""
    assert wanted(changed, SCENARIOS) == chosen


def test_the_site_over_regions_runs_when_something_of_it_changed() -> None:
    """It takes long: not for a page of the docs, and once among all."""
    assert wanted(["docs/x.md"], SCENARIOS) == []
    assert wanted(None, SCENARIOS).count("regions") == 1


def test_a_run_of_everything_leaves_the_regions_to_who_names_them() -> None:
    """They take an hour; that they were touched is told. Nothing else is left."""
    assert split(wanted(["roles/etcd/tasks/main.yml"], SCENARIOS)) == (["etcd", "etcd_three"], ["regions"])
    assert split(SCENARIOS) == (SCENARIOS[:-1], ["regions"])
    assert split(wanted(["docs/x.md"], SCENARIOS)) == ([], [])


def test_every_scenario_is_of_a_role_or_of_the_whole_site() -> None:
    """A variant is named after its role."""
    strange = [name for name in known() if name not in WHOLE and not (ROOT / "roles" / role_of(name)).is_dir()]
    assert strange == []
    assert role_of("janus_node_small") == "janus_node"


def test_a_role_is_named_with_its_variants() -> None:
    """A variant alone is named by itself; what is no scenario is said with those that are."""
    assert named(["etcd"], SCENARIOS) == ["etcd", "etcd_three"]
    assert named(["etcd_three", "stack"], SCENARIOS) == ["etcd_three", "stack"]
    with pytest.raises(ConfigError, match="--scenario etc: no such scenario; there are broker"):
        named(["etc"], SCENARIOS)


class Repository:
    """A repository of two roles, on a branch of its own."""

    def __init__(self, root: Path) -> None:
        self.root, self.green = root, root.parent / "tested.json"
        for scenario in ("broker", "etcd"):
            self.write(f"molecule/{scenario}/molecule.yml")
            self.write(f"roles/{scenario}/tasks/main.yml")
        self.git("init", "--quiet", "--initial-branch=main")
        self.first = self.commit()

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(self.root), *identity, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def write(self, path: str, text: str = "") -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def commit(self, path: str = "", text: str = "x") -> str:
        if path:
            self.write(path, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", path or "first")
        return self.git("rev-parse", "HEAD")

    def chosen(self, suite: str = "bookworm") -> list[str]:
        return chosen(suite, known(self.root), root=self.root, green=self.green)

    def noted(self, *names: str) -> None:
        note_green("bookworm", names, self.root, self.green)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "tree")


def test_a_branch_is_compared_with_where_it_left_the_main_one(repository: Repository) -> None:
    """Whatever its commits touched, and files not committed yet."""
    repository.git("switch", "--quiet", "--create", "work")
    repository.commit("roles/etcd/tasks/main.yml")
    repository.commit("docs/x.md")
    assert repository.chosen() == ["etcd"]
    repository.write("roles/broker/tasks/new.yml")
    assert repository.chosen() == ["broker", "etcd"]


def test_on_the_main_branch_what_was_green_counts(repository: Repository) -> None:
    """Not the last commit alone: a scenario is asked for until it was green after the change."""
    repository.noted("broker", "etcd")
    repository.commit("roles/etcd/tasks/main.yml")
    repository.commit("docs/x.md")
    assert repository.chosen() == ["etcd"]
    assert repository.chosen("trixie") == []  # nothing noted there: the last commit counts
    repository.noted("broker")
    assert repository.chosen() == ["etcd"]
    repository.noted("etcd")
    assert repository.chosen() == []


def test_green_elsewhere_is_not_green_here(repository: Repository) -> None:
    """A commit that is none of this branch's past, and a record that cannot be read, do not count."""
    repository.git("switch", "--quiet", "--create", "other")
    repository.commit("roles/etcd/tasks/main.yml")
    repository.noted("broker", "etcd")
    repository.git("switch", "--quiet", "main")
    repository.commit("roles/broker/tasks/main.yml")
    assert repository.chosen() == ["broker"]
    repository.green.write_text("{", encoding="utf-8")
    assert repository.chosen() == ["broker"]


def test_a_tree_with_changes_is_not_noted(repository: Repository) -> None:
    """What ran is then not what the commit holds."""
    repository.write("docs/x.md")
    repository.noted("etcd")
    assert not repository.green.exists()
    repository.commit()
    repository.noted("etcd")
    assert json.loads(repository.green.read_text()) == {"bookworm": {"etcd": repository.git("rev-parse", "HEAD")}}


def test_a_first_commit_asks_for_everything(repository: Repository) -> None:
    """There is nothing to compare it with."""
    assert repository.chosen() == ["broker", "etcd"]
