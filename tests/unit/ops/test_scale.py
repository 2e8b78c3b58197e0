"""What scaling does when another command is at work, or when the event is not the one that was applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops import apply, client, progress, scale, target
from ops.journal import Journal
from ops.progress import Outcome
from ops.scaling import START, STOP, Act, Memory, Rules, Verdict
from ops.target import Target
from rtcdn.errors import ConfigError
from tests.unit.ops.test_target import EVENT

OLD = {"id": "eu-3-st1", "kind": "ST", "host": "eu-3", "port": 8300, "webrtc": "20000-21499", "rtp": "21500-22999"}
MORE = Act(START, "eu", "VR", "eu-3", "", "wanted")
LESS = Act(STOP, "eu", "ST", "eu-3", "eu-3-st1", "idle")


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """An event that was applied, with a node that was started on its spare host."""
    monkeypatch.setattr(client, "STATES", tmp_path / "states")
    monkeypatch.setattr(progress, "play", lambda *_, **__: Outcome())
    path = tmp_path / "fair.yml"
    path.write_text(EVENT, encoding="utf-8")
    loaded = target.load(str(path))
    apply.do(loaded, apply.Way())
    scale.keep(loaded, [OLD])
    return loaded


@pytest.fixture
def undrained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Nodes that take work again; draining succeeds at once."""
    made: list[str] = []
    monkeypatch.setattr(scale, "emptied", lambda *_: True)
    monkeypatch.setattr(scale, "undrain", lambda _, acts: made.extend(act.node for act in acts))
    return made


def test_nothing_is_kept_of_what_could_not_begin(wanted: Target, undrained: list[str]) -> None:
    """Else the next apply would start a node that nobody wants, and one would stay drained."""
    with (
        Journal("fair").during("upgrade", "fair"),
        pytest.raises(ConfigError, match=r"upgrade .* is at work on fair"),
    ):
        scale.perform(wanted, Verdict((MORE, LESS), Memory()), 60)
    assert target.scaled(wanted.state) == [OLD]
    assert undrained == ["eu-3-st1"]


def test_what_is_done_is_kept(wanted: Target, undrained: list[str]) -> None:
    """One node more on the spare host, and the idle one gone."""
    assert scale.perform(wanted, Verdict((MORE, LESS), Memory()), 60) == 0
    assert [row["id"] for row in target.scaled(wanted.state)] == ["eu-3-vr1"]
    assert undrained == []


@pytest.mark.parametrize(
    ("there", "kept", "again"),
    [
        (set(), [], []),
        ({"eu-3-st1"}, ["eu-3-st1"], ["eu-3-st1"]),
        ({"eu-3-vr1"}, ["eu-3-vr1"], []),
        (None, ["eu-3-st1", "eu-3-vr1"], []),
    ],
)
def test_after_a_failure_what_the_broker_sees_stays(
    wanted: Target,
    undrained: list[str],
    monkeypatch: pytest.MonkeyPatch,
    there: set[str] | None,
    kept: list[str],
    again: list[str],
) -> None:
    """People may be on it, also when nobody can be asked; what never came is removed, and its host left alone."""
    played: list[Any] = []

    def play(playbook: Any, *_: Any, **__: Any) -> Outcome:
        played.append(playbook)
        return Outcome(code=2)

    monkeypatch.setattr(progress, "play", play)
    monkeypatch.setattr(scale, "seen", lambda _: there)
    assert scale.perform(wanted, Verdict((MORE, LESS), Memory()), 60) == 1
    assert [row["id"] for row in target.scaled(wanted.state)] == kept
    assert undrained == again
    lost = there is not None and "eu-3-vr1" not in there
    assert (apply.REMOVE in played) is lost
    assert ("eu-3" in scale.remembered(wanted).avoid) is lost


def test_an_event_that_changed_since_is_not_applied_by_scaling(wanted: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that was taken out of the file would go undrained, and nobody had been asked."""
    answers: list[list[dict[str, Any]]] = [[]]
    monkeypatch.setattr(scale, "ask", lambda _: answers.pop())
    assert scale.look(wanted, Rules()).blind is False
    wanted.path.write_text(EVENT.replace("eu-2: {", "eu-9: {"), encoding="utf-8")
    verdict = scale.look(target.load(str(wanted.path)), Rules())
    assert (verdict.acts, verdict.blind) == ((), True)
    assert "has changed since it was applied: bin/rtcdn apply" in verdict.held[0]
