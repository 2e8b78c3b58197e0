"""How ``rtcdn test`` counts, and which scenarios a change asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.testing.outcome import Outcome, last_line, of_exit, of_junit, table
from ops.testing.scenarios import wanted

REPORT = '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2"/></testsuites>'
SCENARIOS = ["broker", "etcd", "stack", "site"]


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
        (["roles/etcd/tasks/main.yml"], ["etcd"]),
        (["images/etcd/Dockerfile", "molecule/broker/molecule.yml"], ["broker", "etcd"]),
        (["templates/stack.yml.j2"], SCENARIOS),
        (["roles/stack/defaults/main.yml"], SCENARIOS),
        (None, SCENARIOS),
    ],
)
def test_a_change_chooses_its_scenarios(changed: list[str] | None, chosen: list[str]) -> None:
    """Roles that it touches; all of them where every role may break."""
    assert wanted(changed, SCENARIOS) == chosen
