"""What status tells of the last apply, without asking a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import applied, client, target
from ops.journal import Journal
from tests.unit.ops.test_target import EVENT


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An event that was applied."""
    monkeypatch.setattr(client, "STATES", tmp_path / "states")
    path = tmp_path / "fair.yml"
    path.write_text(EVENT, encoding="utf-8")
    wanted = target.load(str(path))
    wanted.note_applied(wanted.write())
    (wanted.state / "deployment.json").write_text('{"nodes": ["eu-1-st1"]}', encoding="utf-8")
    return tmp_path / "states"


def test_hosts_by_region_and_the_last_apply_are_told(states: Path) -> None:
    """By whom, from which file; nothing else when nothing changed."""
    found = applied.read(states / "fair", {"eu-1-st1"})
    assert found["hosts"] == {"eu": ["eu-1", "eu-2", "eu-3"]}
    assert found["hints"] == []
    assert found["under_way"] == ""
    lines = applied.text(found).splitlines()
    assert lines[0] == "eu: eu-1, eu-2, eu-3"
    assert lines[1].startswith("applied 20")
    assert len(lines) == 2


def test_a_changed_file_and_a_stray_node_are_hints(states: Path) -> None:
    """The plan says more."""
    path = states.parent / "fair.yml"
    path.write_text(EVENT + "about: more\n", encoding="utf-8")
    assert applied.read(states / "fair", {"eu-1-st1", "eu-9-st1"})["hints"] == [
        f"{path} has changed since: bin/rtcdn plan {path}",
        f"node eu-9-st1 is on the broker's map and was not applied: bin/rtcdn plan {path}",
    ]
    path.unlink()
    assert "is not there any more; as applied:" in applied.read(states / "fair", set())["hints"][0]


def test_what_failed_is_told_even_when_nothing_answers(states: Path) -> None:
    """With the step it reached."""
    with Journal("fair", states).during("apply", "fair.yml") as journal:
        journal.step("Run the store")
        journal.failed()
    told = applied.read(states / "fair", set())
    assert told["act"] == {"verb": "apply", "state": "failed", "step": "Run the store"}
    assert "failed at the step 'Run the store': run it again" in applied.text(told)
    assert "failed at the step" in applied.notice("fair")
    assert applied.notice(str(states.parent / "fair.yml")) == applied.notice("fair")


def test_a_deployment_of_playbooks_by_hand_has_nothing_to_tell(tmp_path: Path) -> None:
    """No event was applied: no lines, no failure."""
    assert applied.text(applied.read(tmp_path / "bare", set())) == ""
