"""Transcripts of the WebSocket API: the stage, connections and moves."""

from __future__ import annotations

import pytest

from gateway.client import effects as fx
from gateway.client.effects import problem
from rtcdn.model import Leg, StreamInfo
from tests.unit.gateway.talk import BOTH, CAMERA, OPENED, RECEIVE, VOICE, Talk


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
    talk.member.connections.moved([Leg("view", generation=9, slots=("v1", "v2"))], 9, talk.now_s)
    talk.member.connections.moved([Leg("view", generation=9, slots=("v1", "v2"))], 9, talk.now_s)
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


def moved_camera() -> Talk:
    """A speaker whose camera was led to another node: his new connection is up, and the report of it on its way."""
    talk = Talk("speaker")
    talk.join()
    talk.camera()
    talk.reported()
    talk.member.connections.moved([Leg("publish", generation=9)], 9, talk.now_s)
    talk.hear("offer", connection="s9", purpose="send", sdp=CAMERA, sources={"0": "camera"})
    talk.done(fx.Open, fx.Opened("answer", (("video", "0"),), (StreamInfo(mid="0", codec="vp8"),)))
    talk.up("s")
    return talk


@pytest.mark.parametrize("outcome", [True, problem(409, "stage-full", "no slot is free")])
def test_a_camera_that_is_moved_goes_on_until_it_is_seen_from_the_new_place(outcome: object) -> None:
    """Or until the broker shows it no more; that its client sends there is not enough."""
    talk = moved_camera()
    talk.ask("flowing", connection="s9")
    assert talk.take(fx.End) == []
    talk.reported(outcome)
    assert talk.take(fx.End)[0].connection == "s2"


def test_a_camera_that_is_moved_ends_at_the_old_place_when_its_client_sends_there() -> None:
    """The broker may be quicker; one that never answers is not waited for."""
    talk = moved_camera()
    talk.reported()
    assert talk.take(fx.End) == []
    talk.ask("flowing", connection="s9")
    assert [each.connection for each in talk.take(fx.End)] == ["s2"]
    talk = moved_camera()
    talk.ask("flowing", connection="s9")
    talk.later(11)
    assert [each.connection for each in talk.take(fx.End)] == ["s2"]


def test_an_old_connection_ends_ten_seconds_after_the_new_one_was_answered() -> None:
    """Where the client forgets to say that it flows."""
    talk = Talk()
    talk.join()
    talk.member.connections.moved([Leg("view", generation=5, slots=("v1",))], 5, talk.now_s)
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


def test_a_screen_that_comes_too_late_is_off() -> None:
    """Another was faster: the camera goes on, the client is told; what was switched off meanwhile is no matter."""
    talk = Talk("speaker")
    talk.join()
    talk.camera()
    streams = tuple(fx.StreamInfo(mid=mid, codec="vp8") for mid in "01")
    talk.hear("offer", connection="s2", purpose="send", sdp=BOTH, sources={"1": "screen"})
    talk.done(fx.Renegotiate, fx.Opened("answer", (("video", "0"), ("video", "1")), streams))
    talk.reported(problem(409, "screen-taken", "another shows one"))
    notice = {"event": "disconnect", "connection": "s2", "reason": "screen-taken", "source": "screen"}
    assert talk.event("disconnect") == notice
    assert [[stream.source for stream in each.streams] for each in talk.take(fx.Report)] == [["camera"]]
    talk.said.clear()
    for kind in ("screen-taken", "taken-over"):
        talk.member.connections.report(talk.member.connections.all["s2"])
        talk.reported(problem(409, kind, "no"))
    assert (talk.said, talk.take(fx.End), talk.take(fx.Report)) == ([], [], [])


def test_a_camera_for_which_there_is_no_place_ends_its_connection() -> None:
    """It is not made again, and the client knows why."""
    talk = Talk("speaker")
    talk.join()
    talk.camera()
    talk.reported(problem(409, "stage-full", "no slot is free"))
    notice = {"event": "disconnect", "connection": "s2", "reason": "stage-full", "source": ""}
    assert talk.event("disconnect") == notice
    assert [(each.leg, each.tell) for each in talk.take(fx.End)] == [("publish", True)]
    talk.later(10)
    assert talk.take(fx.Attach) == []


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
    assert talk.take(fx.Talk) == [fx.Talk(True, "bob"), fx.Talk(True, "whip")]
