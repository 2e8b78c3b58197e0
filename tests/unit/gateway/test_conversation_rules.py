"""Transcripts of the WebSocket API: who may do what, and how often."""

from __future__ import annotations

import pytest

from gateway.client import effects as fx
from gateway.client.effects import problem
from gateway.client.events import Data, RaisedHand
from rtcdn.model import Role
from tests.unit.gateway.talk import CAMERA, VOICE, Talk

REFUSED = [
    ("viewer", "publish", {}, "may-not-publish"),
    ("candidate", "publish", {}, "may-not-publish"),
    ("speaker", "promote", {"participant": "eve"}, "wrong-role"),
    ("speaker", "demote", {"participant": "eve"}, "wrong-role"),
    ("speaker", "remove", {"participant": "eve"}, "wrong-role"),
    ("speaker", "mute", {"participant": "eve"}, "wrong-role"),
    ("speaker", "hand", {"participant": "eve", "up": False}, "wrong-role"),
    ("moderator", "hand", {"participant": "eve", "up": True}, "not-yours"),
    ("moderator", "mute", {"participant": "eve", "on": False}, "may-not-unmute"),
    ("moderator", "remove", {"participant": "bob"}, "bad-request"),
    ("viewer", "hand", {}, "may-not-speak"),
    ("viewer", "offer", {"purpose": "send", "sdp": CAMERA}, "not-on-stage"),
    ("viewer", "offer", {"purpose": "voice", "sdp": VOICE}, "may-not-speak"),
    ("viewer", "join", {"session": "demo", "token": "viewer"}, "joined-already"),
]


@pytest.mark.parametrize(("token", "kind", "fields", "why"), REFUSED)
def test_what_is_not_allowed(token: str, kind: str, fields: dict[str, str], why: str) -> None:
    """Nothing is done, and the reason is told."""
    talk = Talk(token)
    talk.join()
    talk.effects.clear()
    talk.hear(kind, **fields)
    assert talk.problem() == why
    assert talk.effects == []


def test_a_moderator_acts() -> None:
    """Promotion and removal are the broker's, muting goes to his gateway."""
    talk = Talk("moderator")
    talk.join()
    number = talk.hear("promote", participant="eve")
    assert (talk.done(fx.SetRole).participant, talk.answer(number)["ok"]) == ("eve", True)
    talk.hear("promote", participant="eve")
    talk.done(fx.SetRole, problem(403, "may-not-speak", "no right"))
    assert talk.problem() == "may-not-speak"
    talk.hear("mute", participant="eve")
    assert talk.done(fx.Tell, False).what == {"mute": True, "by": "bob"}
    assert talk.problem() == "unknown-participant"


def test_the_hand_queue() -> None:
    """One's own place for most, the whole for a moderator."""
    queue = [RaisedHand("eve", "Eve", 3), RaisedHand("bob", "Bob", 1)]
    talk = Talk("candidate")
    talk.join()
    assert talk.ask("hand", ready=False)["ok"]
    assert talk.member.hands(queue).place == 2
    assert talk.member.hands(queue) is None
    assert talk.member.hands([]).place == 0
    chair = Talk("moderator")
    chair.join()
    assert chair.member.hands(queue).queue == queue


def test_a_hand_beyond_the_cap_gets_its_voice() -> None:
    """Attached when it goes up; demotion of a hand ends nothing."""
    talk = Talk("candidate")
    talk.join("view")
    talk.ask("hand")
    assert talk.done(fx.Attach, talk.grant("talk")).want == ("talk",)
    assert talk.event("connect")["reason"] == "ready"


def test_too_many_messages() -> None:
    """429 with the wait; three seconds of it and the socket is closed."""
    talk = Talk()
    talk.join()
    for _ in range(59):
        assert talk.ask("ping")["ok"]
    refused = talk.ask("ping")
    assert refused["problem"]["status"] == 429
    assert refused["problem"]["retry_after_s"] == 1
    for _ in range(200):
        talk.now_s += 0.0151
        talk.hear("ping")
    assert talk.finished
    assert talk.finished.code == 4429


def test_too_much_data() -> None:
    """A rate of its own; large ones are refused."""
    talk = Talk()
    talk.join()
    for _ in range(20):
        talk.hear("send", data="x")
    assert talk.ask("send", data="x")["problem"]["status"] == 429
    assert len(talk.take(fx.SayData)) == 20
    talk.later(5)
    assert talk.ask("send", data="\u20ac" * 6000)["problem"]["status"] == 413


def test_too_many_requests_in_flight() -> None:
    """Thirty-two wait at most."""
    talk = Talk("moderator")
    talk.join()
    for _ in range(32):
        talk.hear("participants")
    talk.hear("participants")
    assert talk.problem() == "too-many-requests"
    assert len(talk.take(fx.PageOf)) == 32


def test_leave() -> None:
    """Everything ends; requests after it are not heard."""
    talk = Talk("speaker")
    talk.join("view", "talk")
    talk.voice()
    talk.camera()
    assert talk.ask("leave")["ok"]
    assert talk.event("closed")["reason"] == "left"
    assert sorted(each.leg for each in talk.take(fx.End)) == ["publish", "talk", "view"]
    assert talk.take(fx.Gone) == [fx.Gone("left")]
    assert talk.finished
    assert talk.finished.code == 4000
    said = len(talk.said)
    talk.hear("ping")
    assert len(talk.said) == said


def test_orders_to_remove() -> None:
    """Of a later attach it is not; of all it is the end, and the broker knows already."""
    talk = Talk()
    talk.join()
    talk.member.ordered_remove("", 0, "removed", "chair", talk.now_s)
    assert talk.finished is None
    talk.member.ordered_remove("", 1, "removed", "chair", talk.now_s)
    assert talk.event("closed") == {"event": "closed", "reason": "removed", "by": "chair", "detail": ""}
    assert [each.tell for each in talk.take(fx.End)] == [False]


def test_whom_data_are_for() -> None:
    """Everybody, or him, or his own."""
    talk = Talk()
    talk.join()
    heard = [
        talk.member.hears(Data(n=1, sender=s, to=to)) for s, to in (("a", ""), ("a", "bob"), ("bob", "c"), ("a", "c"))
    ]
    assert heard == [True, True, True, False]


def test_role_of_the_broker_wins() -> None:
    """A token's moderator whom the broker holds for a viewer may not act as one."""
    talk = Talk("moderator")
    talk.hear("join", session="demo", token="moderator")
    talk.done(fx.Attach, talk.grant("view", role=Role.VIEWER))
    talk.hear("promote", participant="eve")
    assert talk.problem() == "wrong-role"


@pytest.mark.parametrize(
    ("leg", "reason", "told", "code"),
    [
        ("view", "moderator", "removed", 4000),
        ("talk", "application", "removed", 4000),
        ("view", "closed", "closed", 4000),
        ("view", "taken-over", "taken-over", 4409),
        ("talk", "taken-over", "", None),
        ("publish", "demoted", "", None),
        ("view", "unknown", "", None),
    ],
)
def test_orders_to_remove_one_leg(leg: str, reason: str, told: str, code: int | None) -> None:
    """The broker orders leg by leg: some reasons mean all of him, the others that leg alone."""
    talk = Talk("speaker")
    talk.join("view", "talk")
    talk.member.ordered_remove(leg, 1, reason, "", talk.now_s)
    assert (talk.event("closed") or {"reason": ""})["reason"] == told
    assert (talk.finished.code if talk.finished else None) == code


def test_a_view_that_the_broker_took_away_is_asked_for_again() -> None:
    """The client is told, and offers anew."""
    talk = Talk()
    talk.join()
    talk.member.ordered_remove("view", 1, "removed", "", talk.now_s)
    assert talk.event("disconnect")
    assert [each.tell for each in talk.take(fx.End)] == [False]
    talk.done(fx.Attach, talk.grant("view"))
    assert talk.event("connect")["connection"] == "r2"
