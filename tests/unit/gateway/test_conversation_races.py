"""Transcripts of the WebSocket API: what comes between a question and its answer."""

from __future__ import annotations

import pytest

from gateway.client import effects as fx
from gateway.client.effects import problem
from rtcdn.model import Leg
from tests.unit.gateway.talk import BOTH, Talk


def test_demoted_and_the_mix_does_not_answer() -> None:
    """Who shall not be heard is not: his voice leg ends, and another is made, suspended."""
    talk = Talk("candidate", ready=True)
    talk.join("view", "talk")
    talk.voice()
    talk.member.ordered_role("speaker", "", talk.now_s)
    talk.done(fx.Speak)
    talk.done(fx.Shape)
    talk.member.ordered_role("viewer", "", talk.now_s)
    talk.done(fx.Speak, problem(503, "node-away", "no answer"))
    assert [each.leg for each in talk.take(fx.End)] == ["talk"]
    assert talk.done(fx.Shape).media == (fx.Shown("a", send=True),)
    assert talk.member.voice.on == ""
    assert talk.take(fx.Attach)


def test_moved_and_the_old_mix_does_not_answer() -> None:
    """The old voice leg ends, he goes on at the new one."""
    talk = Talk("candidate", ready=True)
    talk.join("view", "talk")
    talk.voice()
    talk.member.ordered_role("speaker", "", talk.now_s)
    talk.done(fx.Speak)
    talk.done(fx.Shape)
    talk.member.connections.moved([Leg("talk", generation=5)], 5, talk.now_s)
    talk.voice()
    assert talk.done(fx.Speak, problem(503, "node-away", "no answer")).connection == "v1"
    assert [each.connection for each in talk.take(fx.End)] == ["v1"]
    again = talk.done(fx.Speak)
    assert (again.connection, again.on) == ("v5", True)


@pytest.mark.parametrize("when", ["meanwhile", "after"])
def test_demoted_when_it_is_not_known_whether_he_is_heard(when: str) -> None:
    """The mix was told to let him speak and did not answer: it may have done so."""
    talk = Talk("candidate", ready=True)
    talk.join("view", "talk")
    talk.voice()
    talk.member.ordered_role("speaker", "", talk.now_s)
    if when == "meanwhile":
        talk.member.ordered_role("viewer", "", talk.now_s)
    talk.done(fx.Speak, problem(503, "node-away", "no answer"))
    if when == "after":
        assert talk.take(fx.End) == []
        talk.member.ordered_role("viewer", "", talk.now_s)
    assert [each.leg for each in talk.take(fx.End)] == ["talk"]
    talk.later(2)
    assert talk.take(fx.Speak) == []


def test_demoted_before_his_own_way_on_stage_is_answered() -> None:
    """Orders and answers come by two ways: the last order is what he is, not an answer that comes after it."""
    talk = Talk("free")
    talk.join("view", "talk")
    talk.voice()
    number = talk.hear("publish")
    talk.member.ordered_role("speaker", "bob", talk.now_s)
    talk.member.ordered_role("viewer", "chair", talk.now_s)
    talk.take(fx.Speak)
    talk.done(fx.SetRole)
    assert talk.answer(number)["problem"]["type"] == "urn:rtcdn:problem:wrong-role"
    assert (talk.member.role, talk.member.voice.wanted) == ("viewer", False)


def test_promoted_before_his_way_off_stage_is_answered() -> None:
    """The same the other way."""
    talk = Talk("free")
    talk.join("view")
    talk.hear("publish")
    talk.done(fx.SetRole)
    number = talk.hear("unpublish")
    talk.member.ordered_role("viewer", "bob", talk.now_s)
    talk.member.ordered_role("speaker", "chair", talk.now_s)
    talk.done(fx.SetRole)
    assert talk.answer(number)["role"] == talk.member.role == "speaker"


def test_demoted_while_another_offer_is_answered() -> None:
    """The leg in Janus ends, too, though it could not be ended at once."""
    talk = Talk("speaker")
    talk.join()
    talk.camera()
    number = talk.hear("offer", connection="s2", purpose="send", sdp=BOTH, sources={"1": "screen"})
    talk.member.ordered_role("viewer", "chair", talk.now_s)
    talk.take(fx.End)
    talk.take(fx.Report)
    talk.done(fx.Renegotiate, fx.Opened("answer", (("video", "0"), ("video", "1"))))
    assert talk.answer(number)["problem"]["type"] == "urn:rtcdn:problem:given-up"
    assert [each.connection for each in talk.take(fx.End)] == ["s2"]
    assert talk.take(fx.Report) == []
