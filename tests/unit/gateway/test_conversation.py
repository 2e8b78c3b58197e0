"""Transcripts of the WebSocket API: to come, to come back, to go."""

from __future__ import annotations

import pytest

from gateway.client import effects as fx
from gateway.client.effects import problem
from tests.unit.gateway.talk import CAMERA, OPENED, RECEIVE, Talk


def test_join_with_an_offer() -> None:
    """One answer with everything, state events after it."""
    talk = Talk()
    joined = talk.join()
    assert joined["ok"]
    assert joined["receive"]["media"] == [{"mid": "0"}, {"mid": "1", "slot": "v1"}, {"mid": "2", "slot": "v2"}]
    assert (joined["slots"], joined["codec"], joined["role"]) == (["v1", "v2", "s1"], "vp8", "viewer")
    assert joined["resume"]["key"] == "k" * 32 + ".vp8"
    assert "re" in talk.said[0]
    assert talk.event("role") == {"event": "role", "role": "viewer", "live": False, "by": "", "reason": ""}
    assert talk.take(fx.CatchUp) == [fx.CatchUp(-1)]
    assert [each.leg for each in talk.take(fx.Report)] == ["view"]


def test_join_without_an_offer_is_asked_for_one() -> None:
    """By the event connect, which the client answers with an offer."""
    talk = Talk()
    joined = talk.join(offer="")
    assert joined["receive"] is None
    asked = talk.event("connect")
    assert asked
    assert (asked["connection"], asked["purpose"]) == ("r1", "receive")
    number = talk.hear("offer", connection="r1", purpose="receive", sdp=RECEIVE)
    talk.done(fx.Open, OPENED["receive"])
    assert talk.answer(number)["connection"] == "r1"


@pytest.mark.parametrize(
    ("first", "why", "code"),
    [
        ({"kind": "ping"}, "join-first", 4001),
        ({"kind": "join", "session": "demo", "token": "forged"}, "bad-token", 4401),
        ({"kind": "join", "session": "DEMO", "token": "viewer"}, "bad-id", None),
        ({"kind": "join", "session": "demo", "token": "viewer", "version": 0}, "unknown-version", None),
        ({"kind": "join", "session": "demo", "token": "viewer", "offer": "v=0"}, "bad-offer", None),
        ({"kind": "join", "session": "demo", "token": "viewer", "offer": CAMERA}, "wrong-direction", None),
        (
            {"kind": "resume", "session": "demo", "token": "viewer", "participant": "eve", "key": "k" * 16},
            "not-yours",
            4401,
        ),
    ],
)
def test_first_messages_that_are_refused(first: dict[str, str], why: str, code: int | None) -> None:
    """With a reason; the socket is closed where trying again would not help."""
    talk = Talk()
    talk.hear(**first)
    assert talk.problem() == why
    assert (talk.finished.code if talk.finished else None) == code
    assert talk.take(fx.Attach) == []


def test_a_refused_join_may_be_tried_again() -> None:
    """Five times on one socket."""
    talk = Talk()
    for _ in range(5):
        assert talk.finished is None
        talk.hear("join", session="demo", token="viewer")
        talk.done(fx.Attach, problem(503, "no-capacity", "full"))
        assert talk.problem() == "no-capacity"
    assert talk.finished
    assert talk.finished.code == 4001


def test_a_join_whose_leg_fails_leaves_nothing() -> None:
    """The grant is given back, the join refused."""
    talk = Talk()
    talk.hear("join", session="demo", token="viewer", offer=RECEIVE)
    talk.done(fx.Attach, talk.grant("view"))
    member = talk.member
    talk.done(fx.Open, problem(503, "node-away", "silent"))
    talk.effects += member.todo.take()
    assert talk.problem() == "node-away"
    assert [(each.leg, each.generation, each.tell) for each in talk.take(fx.End)] == [("view", 1, True)]
    assert talk.take(fx.Gone)
    assert talk.finished is None


def test_a_socket_that_goes_while_the_join_is_asked_leaves_nothing() -> None:
    """All that was granted is given back."""
    talk = Talk("candidate", ready=True)
    talk.hear("join", session="demo", token="candidate", offer=RECEIVE, ready=True)
    talk.conversation.closed(talk.now_s)
    talk.done(fx.Attach, talk.grant("view", "talk"))
    assert [(each.leg, each.generation, each.tell) for each in talk.take(fx.End)] == [
        ("view", 1, True),
        ("talk", 1, True),
    ]
    assert talk.take(fx.Gone)
    assert talk.take(fx.Open) == []


def test_resume_on_a_new_socket() -> None:
    """The old socket is closed, nothing is ended, what is asked of him is asked again."""
    talk = Talk("candidate", ready=True)
    joined = talk.join("view", "talk")
    member, old = talk.member, talk.conversation
    new = talk.conversation = talk.socket()
    fields = {"session": "demo", "token": "candidate", "participant": "bob", "key": joined["resume"]["key"]}
    number = talk.hear("resume", **fields, last=3)
    talk.said.clear()
    talk.done(fx.Restore, member)
    assert talk.answer(number)["resumed"] is True
    assert talk.finished
    assert talk.finished.code == 4409
    assert talk.event("connect")["connection"] == "v1"
    assert fx.CatchUp(3) in talk.take(fx.CatchUp)
    assert talk.take(fx.End) == []
    old.closed(talk.now_s)
    assert member.here
    new.closed(talk.now_s)
    assert not member.here


@pytest.mark.parametrize(
    ("token", "before", "said", "after"),
    [
        ("candidate", True, False, False),
        ("candidate", False, True, True),
        ("viewer", False, True, False),
    ],
)
def test_a_resume_says_whether_the_hand_is_up(token: str, before: bool, said: bool, after: bool) -> None:
    """He may have lowered it while the socket was broken; who may not speak raises none."""
    talk = Talk(token)
    joined = talk.join()
    member = talk.member
    talk.hear("hand", up=before, ready=False)
    talk.conversation = talk.socket()
    fields = {"session": "demo", "token": token, "participant": "bob", "key": joined["resume"]["key"]}
    talk.hear("resume", **fields, hand=said)
    talk.done(fx.Restore, member)
    assert member.hand is after
    assert member.person().hand is after


def test_without_a_socket_he_stays_for_45_seconds() -> None:
    """Then he has left."""
    talk = Talk()
    talk.join()
    talk.conversation.closed(talk.now_s)
    talk.later(44)
    assert talk.take(fx.Gone) == []
    talk.later(2)
    assert talk.take(fx.Gone) == [fx.Gone("expired")]
    assert [(each.leg, each.tell) for each in talk.take(fx.End)] == [("view", True)]


@pytest.mark.parametrize(("status", "code"), [(410, 4410), (403, 4401), (503, None)])
def test_a_resume_that_fails(status: int, code: int | None) -> None:
    """Too late, the wrong key, or not now."""
    talk = Talk()
    talk.hear("resume", session="demo", token="viewer", participant="bob", key="k" * 16)
    talk.done(fx.Restore, problem(status, "x", "x"))
    assert not talk.answer()["ok"]
    assert (talk.finished.code if talk.finished else None) == code


def test_a_resume_that_fails_may_be_tried_five_times() -> None:
    """As a join, then the socket is closed."""
    talk = Talk()
    for _ in range(5):
        assert talk.finished is None
        talk.hear("resume", session="demo", token="viewer", participant="bob", key="k" * 16)
        talk.done(fx.Restore, problem(429, "too-many-joins", "x"))
    assert talk.finished
    assert talk.finished.code == 4001


def test_shared_links() -> None:
    """Everybody who comes by one is another; his rights do not show the link."""
    talk = Talk("hall")
    assert talk.join()["participant"] == "hall~7"
    assert talk.answer()["rights"] == ["view"]


def test_names() -> None:
    """Any script; what only steers the display is left out."""
    talk = Talk()
    talk.hear(
        "join", session="demo", token="viewer", name=" \u202eevil\u202c \u05d0\u05d1 \u0000 \U0001f468\u200d\U0001f469 "
    )
    talk.done(fx.Attach, talk.grant("view"))
    assert talk.answer()["name"] == "evil \u05d0\u05d1 \U0001f468\u200d\U0001f469"
