"""A broker's decision log replays to the same decisions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from broker.core.requests import (
    Admit,
    Attach,
    CloseSession,
    Drain,
    Leave,
    MediaDown,
    MediaUp,
    OpenSession,
    Request,
    SetRole,
    Undrain,
)
from broker.desk import Desk, Refused
from broker.sim.replay import replay
from rtcdn.model import Kind, Role, SessionIntent, StreamInfo
from rtcdn.store.memory import MemoryStore
from tests.unit.broker.rig import Rig, node_keys

VIEWERS = 12
CAMERA = StreamInfo("video", "1", "vp8", simulcast=True)


@pytest.fixture
def log(tmp_path: Path) -> list[str]:
    """The decision log of a broker that opened, admitted, promoted, refused, drained, ended and closed."""
    rig = Rig(MemoryStore(), tmp_path)
    try:
        rig.present()
        for request in story():
            ask(rig.desk, request)
            if isinstance(request, OpenSession):
                for name in ("st1", "st2"):  # a report in between
                    for key, text in node_keys(name, Kind.ST).items():
                        rig.store.put(key, text.replace("5", "7") if key.endswith("WEIGHT") else text)
    finally:
        rig.close()
    return (tmp_path / "b1.log").read_text().splitlines()


def ask(desk: Desk, request: Request) -> None:
    with suppress(Refused):
        desk.handle(request)


def story() -> Iterator[Request]:
    yield OpenSession("demo", SessionIntent(audience={"here": 40}))
    yield Admit("demo", "anna", Role.SPEAKER)
    for number in range(VIEWERS):
        yield Attach("demo", f"v{number}", gateway="1", regions=("here",), rights=("speak",), rtt_ms={"here": 7.1})
        yield MediaUp("demo", f"v{number}", "view", 1, 1, number)
    yield Attach("demo", "anna", ("publish", "view", "talk"), gateway="1", regions=("here",))
    yield MediaUp("demo", "anna", "publish", 1, 1, 99, (CAMERA,))
    yield Attach("demo", "v1", ("publish",), gateway="1")  # a viewer: refused
    yield SetRole("demo", "v1", Role.SPEAKER)
    yield Attach("demo", "v1", ("publish", "talk"), gateway="1")
    yield MediaUp("demo", "v1", "publish", 2, 1, 100, (CAMERA,))
    yield Drain("st1", "ops")
    yield Attach("demo", "late", gateway="1", regions=("here",))
    yield Undrain("st1")
    yield MediaDown("demo", "v1", "publish", 2)
    yield SetRole("demo", "v1", Role.VIEWER)
    yield Leave("demo", "v2", "view")
    yield Leave("demo", "anna")
    yield CloseSession("demo")


def test_all_decisions_of_a_log_come_out_the_same(log: list[str]) -> None:
    """On its own map, at its own time, with its own policy."""
    found = replay(log)
    assert found.first == ""
    assert found.different == found.skipped == found.unreadable == 0
    decided = [json.loads(line) for line in log if '"kind":"decision"' in line]
    assert found.same == len(decided) >= len(list(story()))
    assert any("refused" in line for line in decided)


def test_a_decision_that_was_another_is_told(log: list[str]) -> None:
    """A log in which a grant leads elsewhere is found out."""
    at = next(at for at, line in enumerate(log) if '"kind":"decision"' in line and '"participant":"v3"' in line)
    changed = log[at].replace('"chosen":"st1"', '"chosen":"st9"').replace('"chosen":"st2"', '"chosen":"st9"')
    assert changed != log[at]
    found = replay([*log[:at], changed, *log[at + 1 :]])
    assert found.different == 1
    assert "Attach on map" in found.first
    assert "choices" in found.first
    assert not found.well


def test_what_a_log_does_not_hold_is_not_guessed(log: list[str]) -> None:
    """A line of the map that is missing: decisions after it are skipped, and said to be."""
    at = next(at for at, line in enumerate(log) if '"kind":"put"' in line)
    found = replay([*log[:at], *log[at + 1 :], "no line of ours"])
    assert found.skipped > 0
    assert found.different == 0
    assert found.unreadable == 1


def test_a_broker_that_starts_anew_is_a_new_life(log: list[str]) -> None:
    """Logs of two lives one after the other replay both."""
    assert replay([*log, *log]).same == 2 * replay(log).same


@pytest.mark.parametrize(
    "line",
    [
        '{"kind":"decision","number":1}',
        '{"kind":"snapshot","number":1}',
        '{"kind":"decision","number":1,"request":{"type":[]},"policy":"balanced","now_s":1}',
        '{"kind":"snapshot","number":9,"changes":[["SS:a","{"]],"revision":1,"now_s":1}',
        "[" * 100_000,
        "5",
    ],
)
def test_garbage_is_counted_and_ends_nothing(line: str) -> None:
    """A line that no broker wrote is unreadable; never a traceback."""
    found = replay(['{"kind":"snapshot","number":"x"}', line])
    assert (found.unreadable, found.well) == (1, False)
    assert "nothing to compare: name the decision log" in found.text()


def test_a_decision_that_fails_now_is_another(log: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for a line that cannot be read."""

    def failing(*_: object) -> None:
        raise KeyError("gone")

    monkeypatch.setattr("broker.sim.replay.decide", failing)
    found = replay(log)
    assert found.different > 0
    assert found.unreadable == 0
