"""Events as captured from 1.4.1 in tests/data/janus/events.json, and what the view makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from collector.view import View
from rtcdn.model import Kind, StreamInfo

EVENTS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "data" / "janus" / "events.json").read_text()
)


def heard(kind: Kind, until: str | None = None) -> View:
    """A view that heard the captured events, up to and with the plugin event ``until``."""
    view = View(kind)
    for event in EVENTS[kind.value.lower()]:
        view.hear(event)
        data = event["event"].get("data", {})
        if until and until in (data.get("event"), data.get("videoroom"), data.get("status")):
            return view
    assert until is None, f"{until} was not captured"
    return view


def test_a_publisher_s_streams_and_voice_are_remembered_while_he_is_there() -> None:
    """From published to unpublished, from talking until he leaves."""
    view = heard(Kind.VR, "talking")
    assert view.streams["s/ingress-a", "ann"] == (StreamInfo("audio", "0", "opus"), StreamInfo("video", "1", "vp8"))
    assert view.talking == {"s/ingress-a": {"ann"}}
    assert (view.handles, view.peerconnections) == (1, 1)
    view = heard(Kind.VR, "leaving")
    assert view.streams == {}
    assert view.talking == {}


@pytest.mark.parametrize(
    ("kind", "event", "context"),
    [
        (Kind.VR, "joined", "s/ingress-a"),
        (Kind.VR, "rtp_forward", "s/ingress-a"),
        (Kind.AB, "joined", "s/mix-b"),
        (Kind.ST, "created", "s/stage-c"),
    ],
)
def test_an_event_of_a_context_makes_it_be_read_again(kind: Kind, event: str, context: str) -> None:
    """Once: taking forgets it."""
    view = heard(kind, event)
    _, dirty = view.take()
    assert context in dirty
    assert view.take() == (False, set())


def test_a_viewer_who_vanishes_makes_his_mountpoint_be_read_again() -> None:
    """Streaming says nothing; the hangup of his handle does."""
    view = View(Kind.ST)
    for event in EVENTS["st"]:
        hangup = event["event"].get("connection") == "hangup"
        if hangup:
            assert set(view.watching.values()) == {"s/stage-c"}
            view.take()
        view.hear(event)
        if hangup:
            break
    assert view.take() == (False, {"s/stage-c"})
    assert view.watching == {}


def test_a_viewer_from_before_the_collector_makes_everything_be_read_again() -> None:
    """Nobody knows which mountpoint he watched; on other kinds the plugin tells."""
    hangup = {"type": 16, "subtype": 6, "handle_id": 5, "event": {"connection": "hangup"}}
    for kind, everything in ((Kind.ST, True), (Kind.VR, False)):
        view = View(kind)
        view.take()
        view.hear(hangup)
        assert view.take() == (everything, set())


def test_a_restart_forgets_all_but_its_time() -> None:
    """The captured VR was killed and started at the end."""
    starts = [event["timestamp"] for event in EVENTS["vr"] if event["event"].get("status") == "started"]
    assert len(starts) == 2
    view = heard(Kind.VR)
    assert view.started_us == starts[-1]
    assert (view.handles, view.peerconnections, view.streams, view.talking) == (0, 0, {}, {})
    assert view.all_dirty


def test_the_totals_of_janus_correct_what_was_counted() -> None:
    """Type 256 updates are the truth."""
    view = View(Kind.ST, handles=40, peerconnections=40)
    view.hear(
        {"type": 256, "timestamp": 1, "event": {"status": "update", "info": {"handles": 3, "peerconnections": 2}}}
    )
    assert (view.handles, view.peerconnections) == (3, 2)


@pytest.mark.parametrize(
    "event",
    [
        None,
        3,
        [],
        {},
        {"event": 1},
        {"type": 64, "event": {}},
        {"type": 64, "event": {"data": {"room": 0, "event": "subscribed"}}},
        {"type": 256, "event": {"status": "started"}},
        {"type": 256, "event": {"status": "update", "info": {"handles": "many"}}},
        {"type": 2, "event": {"name": "detached"}},
        {"type": 16, "subtype": 6, "event": {"connection": "hangup"}},
    ],
)
def test_events_that_do_not_fit_harm_nobody(event: Any) -> None:
    """Room 0 comes from VideoRoom's own bug with string ids; the rest is garbage."""
    view = View(Kind.VR)
    view.take()
    view.hear(event)
    assert view.take() == (False, set())
    assert (view.handles, view.peerconnections) == (0, 0)


def test_contexts_that_are_gone_are_forgotten() -> None:
    """Their talkers and streams go with them."""
    view = heard(Kind.VR, "talking")
    view.keep_only(("other/room",))
    assert (view.talking, view.streams) == ({}, {})


def test_everybody_who_talks_is_known_until_he_is_silent_muted_or_suspended() -> None:
    """Janus does not say that one stopped talking whom it hears no more."""
    view = View(Kind.AB)

    def hear(**data: object) -> None:
        view.hear({"type": 64, "handle_id": 1, "event": {"data": {"room": "s/mix", **data}}})

    for who in ("ann", "bob", "cat"):
        hear(audiobridge="talking", id=who)
    assert view.talking == {"s/mix": {"ann", "bob", "cat"}}
    hear(audiobridge="stopped-talking", id="bob")
    hear(event="suspended", id="cat")
    assert view.talking == {"s/mix": {"ann"}}
    hear(event="configured", id="ann", muted=True)
    assert view.talking == {}
    assert "s/mix" in view.dirty
