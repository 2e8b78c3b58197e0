"""Nodes that went leave the broker's map; others stay, and nothing waits for ever."""

from __future__ import annotations

from typing import Any

import pytest

from ops import forget
from ops.client import CallRefused


class Broker:
    """Shows one picture after the other (node -> state); ``refuses``: how often it says no, and by which status."""

    def __init__(self, *pictures: dict[str, str], refuses: tuple[int, int] = (0, 409)) -> None:
        self.pictures, (self.refuses, self.status) = list(pictures), refuses
        self.forgot: list[str] = []

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        if method == "DELETE":
            if self.refuses:
                self.refuses -= 1
                raise CallRefused(self.status, "no")
            self.forgot.append(path)
            return 204, None
        picture = self.pictures.pop(0) if len(self.pictures) > 1 else self.pictures[0]
        return 200, {"nodes": [{"id": name, "state": state} for name, state in picture.items()]}


def asked(broker: Broker, *leaving: str) -> list[str]:
    ticks = iter(range(1000))
    return forget.forgotten(broker, {"st1"}, leaving, clock=lambda: float(next(ticks)), pause=lambda _: None)  # type: ignore[arg-type]


def test_a_node_that_leaves_is_forgotten_when_its_life_sign_has_ended() -> None:
    """Not before, and not one that the deployment has."""
    broker = Broker({"st1": "silent", "st2": "draining"}, {"st1": "ready", "st2": "silent"})
    assert asked(broker, "st2") == []
    assert broker.forgot == ["/v1/nodes/st2"]


def test_what_an_apply_that_was_cut_off_left_is_forgotten_by_the_next() -> None:
    """It does not know any more that the node was leaving. A node of somebody else that is there stays."""
    broker = Broker({"st2": "silent", "guest": "ready"})
    assert asked(broker) == []
    assert broker.forgot == ["/v1/nodes/st2"]


def test_a_node_on_which_sessions_count_is_asked_for_again() -> None:
    """They are moved when it has been silent for a while."""
    broker = Broker({"st2": "silent"}, refuses=(3, 409))
    assert asked(broker, "st2") == []
    assert asked(Broker({"st2": "silent"}, refuses=(99, 409)), "st2") == ["st2"]
    assert asked(Broker({"st2": "ready"}), "st2") == ["st2"]


def test_another_refusal_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And the apply has done its work all the same."""
    with pytest.raises(CallRefused):
        asked(Broker({"st2": "silent"}, refuses=(1, 503)))
    monkeypatch.setattr(forget.client, "find", lambda _: (_ for _ in ()).throw(CallRefused(0, "away")))
    forget.forget("fair", [])
    assert capsys.readouterr().out == ""
    forget.forget("fair", ["st2"])
    assert "st2 went; not taken from the broker's map: away" in capsys.readouterr().out
