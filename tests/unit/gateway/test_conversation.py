"""Transcripts of the WebSocket API: what is said, and what must follow."""

from __future__ import annotations

import pytest

from gateway.client import effects as fx
from gateway.client.effects import problem
from gateway.client.events import Data, RaisedHand
from rtcdn.model import Leg, Role
from tests.unit.gateway.talk import BOTH, CAMERA, OPENED, RECEIVE, VOICE, Talk


def test_join_with_an_offer() -> None:
    """One answer with everything, state events after it."""
    talk = Talk()
    joined = talk.join()
    assert joined["ok"]
    assert joined["receive"]["media"] == [{"mid": "0"}, {"mid": "1", "slot": "v1"}, {"mid": "2", "slot": "v2"}]
    assert (joined["slots"], joined["codec"], joined["role"]) == (["v1", "v2", "s1"], "vp8", "viewer")
    assert joined["resume"]["key"] == "k" * 32 + ".vp8"
    assert [each["event"] for each in talk.said if "event" in each][0] == "quality"
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


def test_a_candidate_is_promoted_and_demoted() -> None:
    """Voice first, then the mix stops; at the end the voice stops first."""
    talk = Talk("candidate", ready=True)
    talk.join("view", "talk")
    talk.voice()
    assert talk.take(fx.Speak) == []
    talk.member.ordered_role("speaker", "chair", talk.now_s)
    talk.now_s += 0.1
    assert talk.done(fx.Speak).on is True
    assert talk.event("role")["live"] is False
    assert talk.done(fx.Shape).media == (fx.Shown("a", send=False),)
    assert talk.event("role") == {"event": "role", "role": "speaker", "live": True, "by": "", "reason": ""}
    assert [round(each.seconds, 3) for each in talk.take(fx.BecameLive)] == [0.1]
    talk.camera()
    assert [stream.source for stream in talk.take(fx.Report)[-1].streams] == ["camera"]
    talk.member.ordered_role("viewer", "chair", talk.now_s)
    talk.member.ordered_role("viewer", "chair", talk.now_s)
    assert talk.done(fx.Speak).on is False
    assert talk.done(fx.Shape).media == (fx.Shown("a", send=True),)
    assert [each.leg for each in talk.take(fx.End)] == ["publish"]
    assert talk.member.connections.of("voice")
    assert talk.event("role")["role"] == "viewer"


def test_promoted_before_the_voice_is_up() -> None:
    """He goes live when it is."""
    talk = Talk("candidate", ready=True)
    talk.join("view")
    talk.member.ordered_role("speaker", "", talk.now_s)
    talk.done(fx.Attach, talk.grant("talk"))
    assert talk.take(fx.Speak) == []
    talk.voice()
    assert talk.done(fx.Speak).on is True


def test_who_is_not_ready_goes_live_when_he_publishes() -> None:
    """Promotion alone opens no microphone."""
    talk = Talk("candidate")
    talk.join("view", "talk")
    talk.voice()
    talk.member.ordered_role("speaker", "", talk.now_s)
    assert talk.take(fx.Speak) == []
    assert talk.ask("publish")["role"] == "speaker"
    assert talk.done(fx.Speak).on is True


def test_demoted_while_he_goes_live() -> None:
    """Whatever was wanted last is what comes of it."""
    talk = Talk("candidate", ready=True)
    talk.join("view", "talk")
    talk.voice()
    talk.member.ordered_role("speaker", "", talk.now_s)
    talk.member.ordered_role("viewer", "", talk.now_s)
    assert talk.done(fx.Speak).on is True
    talk.done(fx.Shape)
    assert talk.done(fx.Speak).on is False
    assert talk.done(fx.Shape).media == (fx.Shown("a", send=True),)
    assert not talk.member.voice.on


def test_a_viewer_goes_on_stage_by_himself_and_leaves_it() -> None:
    """The broker changes the role; unpublish gives it back."""
    talk = Talk("free")
    talk.join("view")
    number = talk.hear("publish")
    assert talk.done(fx.SetRole).role == "speaker"
    assert talk.answer(number)["role"] == "speaker"
    number = talk.hear("unpublish")
    assert talk.done(fx.SetRole).role == "viewer"
    assert talk.answer(number)["role"] == "viewer"


def test_a_view_that_is_moved_while_live_never_carries_the_mix() -> None:
    """It is shaped before its client hears the answer."""
    talk = Talk("speaker")
    talk.join("view", "talk")
    talk.voice()
    talk.ask("publish")
    talk.done(fx.Speak)
    talk.done(fx.Shape)
    talk.member.ordered_move([Leg("view", generation=9, slots=("v1", "v2"))], 9, talk.now_s)
    talk.member.ordered_move([Leg("view", generation=9, slots=("v1", "v2"))], 9, talk.now_s)
    asked = talk.event("connect")
    assert (asked["connection"], asked["replaces"], asked["reason"]) == ("r9", "r1", "moved")
    assert len([each for each in talk.said if each.get("connection") == "r9" and each.get("event")]) == 1
    number = talk.hear("offer", connection="r9", purpose="receive", sdp=RECEIVE)
    talk.done(fx.Open, OPENED["receive"])
    assert not [each for each in talk.said if each.get("re") == number]
    assert fx.Shown("a", send=False) in talk.done(fx.Shape).media
    assert talk.answer(number)["ok"]
    assert talk.take(fx.End) == []
    talk.ask("flowing", connection="r9")
    assert [each.connection for each in talk.take(fx.End)] == ["r1"]


def test_an_old_connection_ends_ten_seconds_after_the_new_one_was_answered() -> None:
    """Where the client forgets to say that it flows."""
    talk = Talk()
    talk.join()
    talk.member.ordered_move([Leg("view", generation=5, slots=("v1",))], 5, talk.now_s)
    talk.hear("offer", connection="r5", purpose="receive", sdp=RECEIVE)
    talk.done(fx.Open, OPENED["receive"])
    talk.up("r")
    talk.later(9)
    assert talk.take(fx.End) == []
    talk.later(2)
    assert [each.connection for each in talk.take(fx.End)] == ["r1"]


def test_a_lost_leg_is_attached_again() -> None:
    """With pauses while that does not work."""
    talk = Talk()
    talk.join()
    talk.member.connections.lost("r1", talk.now_s)
    assert talk.event("disconnect")["reason"] == "lost"
    talk.done(fx.Attach, problem(503, "no-capacity", "full"))
    assert talk.take(fx.Attach) == []
    talk.later(0.6)
    talk.done(fx.Attach, talk.grant("view"))
    assert talk.event("connect")["reason"] == "lost"


def test_candidates_before_the_offer_are_kept() -> None:
    """Up to 64; they follow the offer."""
    talk = Talk("speaker")
    talk.join("view", "talk")
    one = [{"candidate": "candidate:1", "mid": "0"}]
    for _ in range(64):
        talk.later(0.05)
        assert talk.ask("candidates", connection="v1", candidates=one)["ok"]
    talk.hear("candidates", connection="v1", candidates=one)
    assert talk.problem() == "too-many-candidates"
    talk.hear("offer", connection="v1", purpose="voice", sdp=VOICE)
    talk.done(fx.Open, OPENED["voice"])
    assert [len(each.candidates) for each in talk.take(fx.Trickle)] == [64]
    talk.hear("candidates", connection="nobody", candidates=one)
    assert talk.problem() == "unknown-connection"


def test_offers_out_of_order() -> None:
    """Unknown, twice while it is answered, twice after."""
    talk = Talk("speaker")
    talk.join("view", "talk")
    talk.hear("offer", connection="c9", purpose="voice", sdp=VOICE)
    assert talk.problem() == "unknown-connection"
    first = talk.hear("offer", connection="v1", purpose="voice", sdp=VOICE)
    talk.hear("offer", connection="v1", purpose="voice", sdp=VOICE)
    assert talk.problem() == "busy"
    talk.done(fx.Open, OPENED["voice"])
    assert talk.answer(first)["ok"]
    talk.hear("offer", connection="v1", purpose="voice", sdp=VOICE)
    assert talk.problem() == "already-offered"


def test_a_screen_joins_the_camera() -> None:
    """By another offer of the same connection; the broker hears both sources."""
    talk = Talk("speaker")
    talk.join()
    talk.camera()
    streams = tuple(fx.StreamInfo(mid=mid, codec="vp8") for mid in "01")
    number = talk.hear("offer", connection="s2", purpose="send", sdp=BOTH, sources={"1": "screen"})
    talk.done(fx.Renegotiate, fx.Opened("answer", (("video", "0"), ("video", "1")), streams))
    assert talk.answer(number)["ok"]
    assert [stream.source for stream in talk.take(fx.Report)[-1].streams] == ["camera", "screen"]
    assert talk.ask("sources", connection="s2", sources={"0": "off"})["ok"]
    assert [stream.source for stream in talk.take(fx.Report)[-1].streams] == ["screen"]


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


def test_muted_by_a_moderator_and_by_oneself() -> None:
    """He may unmute himself."""
    talk = Talk("speaker")
    talk.join("view", "talk")
    talk.voice()
    talk.member.told({"mute": True, "by": "chair"}, talk.now_s)
    assert talk.event("muted") == {"event": "muted", "on": True, "by": "chair"}
    assert talk.take(fx.SetMuted)[-1].on is True
    assert talk.ask("mute", on=False)["ok"]
    assert talk.take(fx.SetMuted)[-1].on is False


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


def test_orders_to_remove() -> None:
    """Of a later attach it is not; of all it is the end, and the broker knows already."""
    talk = Talk()
    talk.join()
    talk.member.ordered_remove("", 0, "removed", "chair", talk.now_s)
    assert talk.finished is None
    talk.member.ordered_remove("", 1, "removed", "chair", talk.now_s)
    assert talk.event("closed") == {"event": "closed", "reason": "removed", "by": "chair", "detail": ""}
    assert [each.tell for each in talk.take(fx.End)] == [False]


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


def test_whom_data_are_for() -> None:
    """Everybody, or him, or his own."""
    talk = Talk()
    talk.join()
    heard = [
        talk.member.hears(Data(n=1, sender=s, to=to)) for s, to in (("a", ""), ("a", "bob"), ("bob", "c"), ("a", "c"))
    ]
    assert heard == [True, True, True, False]


def test_talking_is_told_of_the_live_only() -> None:
    """By himself, and of publishers whose voice comes by a link."""
    talk = Talk("speaker")
    talk.join("view", "talk")
    talk.voice()
    talk.member.talks("bob", on=True)
    assert talk.take(fx.Talk) == []
    talk.ask("publish")
    talk.done(fx.Speak)
    talk.done(fx.Shape)
    for ident in ("bob", "link~voice-whip", "other"):
        talk.member.talks(ident, on=True)
    assert talk.take(fx.Talk) == [fx.Talk(True), fx.Talk(True, "whip")]


def test_role_of_the_broker_wins() -> None:
    """A token's moderator whom the broker holds for a viewer may not act as one."""
    talk = Talk("moderator")
    talk.hear("join", session="demo", token="moderator")
    talk.done(fx.Attach, talk.grant("view", role=Role.VIEWER))
    talk.hear("promote", participant="eve")
    assert talk.problem() == "wrong-role"
