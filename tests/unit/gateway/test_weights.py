"""Layers that follow the weight of the egress node which serves a viewer."""

from __future__ import annotations

from dataclasses import replace

from gateway.client import effects as fx
from gateway.client.stage import read_weights
from rtcdn.model import Leg
from tests.unit.gateway.talk import OPENED, RECEIVE, SLOTS, Talk

LOW = (fx.Shown("v1", send=True, layer=1), fx.Shown("v2", send=True, layer=0))


def test_the_weight_of_his_node_alone_counts() -> None:
    """Others' do not; a laden node sends less, and as before when it is not laden any more."""
    talk = Talk()
    talk.join()
    leg = talk.member.connections.all["r1"].leg
    talk.member.connections.all["r1"].leg = replace(leg, node="st1")
    talk.member.view.weights({"st2": 100.0}, talk.now_s)
    assert talk.take(fx.Shape) == []
    talk.member.view.weights({"st1": 100.0, "st2": 10.0}, talk.now_s)
    assert talk.done(fx.Shape).media == LOW
    quality = talk.event("quality")
    assert quality
    assert [each["reason"] for each in quality["videos"]] == ["load", "load"]
    talk.later(5)
    talk.member.view.weights({}, talk.now_s)
    assert talk.take(fx.Shape) == []
    talk.member.view.weights({"st1": 50.0}, talk.now_s)
    assert [each.layer for each in talk.done(fx.Shape).media] == [2, 2]


def test_a_move_to_a_laden_node_is_shaped_before_it_is_answered() -> None:
    """The weights of all nodes of the session are known already."""
    talk = Talk()
    talk.join()
    talk.member.view.weights({"st2": 100.0}, talk.now_s)
    talk.member.connections.moved([Leg("view", node="st2", generation=5, slots=SLOTS)], 5, talk.now_s)
    number = talk.hear("offer", connection="r5", purpose="receive", sdp=RECEIVE)
    talk.done(fx.Open, OPENED["receive"])
    assert talk.done(fx.Shape).media == LOW
    assert talk.answer(number)["ok"]


def test_weights_are_read_with_care() -> None:
    """Whatever is no number is left out."""
    assert read_weights({"weights": {"st1": 90, "st2": "x", "st3": None}}) == {"st1": 90.0}
    assert read_weights({"weights": [1]}) == read_weights({}) == {}
