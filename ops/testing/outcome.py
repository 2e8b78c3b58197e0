"""Counts of a stage, and how they are printed."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tool, scenario or suite of a stage came to; ``note`` says where to read more when it is red."""

    stage: str
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    took_s: float = 0.0
    note: str = ""


def of_exit(stage: str, name: str, code: int, took_s: float, note: str = "") -> Outcome:
    """A tool counts as one test: passed when it exits with 0."""
    return Outcome(stage, name, passed=int(code == 0), failed=int(code != 0), took_s=took_s, note=note if code else "")


def of_junit(stage: str, name: str, report: Path, code: int, took_s: float) -> Outcome:
    """Counts of a run from its JUnit report; a run that left none, or was cut short, has failed."""
    if not report.is_file():
        return Outcome(stage, name, failed=1, took_s=took_s, note=f"the run ended with {code} and left no report")
    suites = list(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314  (written by our own tests a moment ago)
    total, bad, skipped = (
        sum(int(suite.get(key, 0)) for suite in suites for key in keys)
        for keys in (("tests",), ("failures", "errors"), ("skipped",))
    )
    failed = bad or int(code != 0)
    return Outcome(stage, name, max(total - bad - skipped, 0), failed, skipped, took_s)


def table(outcomes: Iterable[Outcome]) -> str:
    """One line per outcome, stage by stage."""
    rows = [("stage", "what", "passed", "failed", "skipped", "time")]
    for each in outcomes:
        counts = (str(each.passed), str(each.failed), str(each.skipped), f"{each.took_s:.0f} s")
        rows.append((each.stage, each.name, *counts))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def last_line(outcomes: Iterable[Outcome]) -> str:
    """The line that a CI runner reads."""
    found = list(outcomes)
    passed, failed, skipped = (sum(getattr(each, key) for each in found) for key in ("passed", "failed", "skipped"))
    return f"{passed} passed, {failed} failed, {skipped} skipped"
