"""Viewers of an archipelago, roles, and the end of it."""

from __future__ import annotations

import pytest

from broker.core.actions import Order
from broker.core.decisions import Decision, Refusal
from broker.core.requests import Attach, CloseSession, Leave, Remove, SetRole
from rtcdn.errors import InvalidRequest, UnknownParticipant, UnknownSession
from rtcdn.model import Role, StreamInfo
from tests.unit.core.worlds import (
    AUDIO,
    attach,
    continents,
    local,
    opened,
    shown,
    speaks,
    steps,
    watches,
)


def test_a_viewer_is_led_to_the_lightest_stage_of_his_region() -> None:
    """With all slots named; nothing is planned and no leader asked."""
    world = continents()
    opened(world, eu=500, us=10)
    world.nodes["eu-st1"].used = 30.0
    world.tick(1)
    answer = attach(world, "eve", regions=("eu", "us"))
    assert isinstance(answer, Decision)
    assert answer.grant is not None
    assert (answer.needs_leader, answer.plan) == (False, ())
    leg = answer.grant.legs[0]
    assert (leg.node, leg.context) == ("eu-st2", "demo/stage-eu-st2")
    assert leg.slots == ("v1", "v2", "v3", "v4", "s1")


def test_full_stages_open_another_with_everything_on_it() -> None:
    """Mix and slots reach the new stage before the viewer does."""
    world = local(stages=2, handles=20)
    opened(world, local=1)
    speaks(world, "alice")
    world.nodes["st1"].used = 90.0
    world.tick(1)
    answer = attach(world, "eve")
    assert steps(answer) == ["create_context stage-st2", "start_link mix-st2", "start_link v1-st2"]
    assert world.vmap.check() == []


def test_a_full_region_sends_its_viewers_to_the_next() -> None:
    """Far is better than nowhere."""
    world = continents()
    opened(world, eu=10, us=10)
    world.nodes["eu-st1"].used = world.nodes["eu-st2"].used = 95.0
    world.tick(1)
    assert watches(world, "eve", regions=("eu", "us")) == "us-st1"


def test_when_every_egress_is_full_the_viewer_is_refused_with_reasons() -> None:
    """Per node, and counts for those an index left out."""
    world = local(stages=2)
    opened(world, local=1)
    world.nodes["st1"].used = 95.0
    world.kill("st2")
    world.tick(1)
    answer = attach(world, "eve", regions=("local",))
    assert isinstance(answer, Refusal)
    assert answer.code == "no-capacity"
    assert [(c.node, c.reason) for c in answer.choices[0].candidates] == [("st1", "full")]
    assert answer.choices[1].excluded == {"silent": 1, "full": 1, "kind": 2}


def test_viewers_by_one_link_are_counted_and_gone_when_they_leave() -> None:
    """Their keys go with their last leg; who was admitted stays."""
    world = local()
    opened(world)
    for number in range(3):
        watches(world, f"guest~{number}")
    assert world.vmap.sessions["demo"].attached["stage-st1"] == 3
    for number in range(3):
        world.ask(Leave("demo", f"guest~{number}", "view", 1))
    assert dict(world.vmap.sessions["demo"].participants) == {}
    assert world.vmap.check() == []


def test_a_wrong_wish_is_named() -> None:
    """Twice the same, or something that is no leg."""
    world = local()
    opened(world)
    for want in ((), ("view", "view"), ("listen",)):
        with pytest.raises(InvalidRequest, match="want"):
            world.ask(Attach("demo", "eve", want))


def test_unknown_sessions_and_participants_are_errors() -> None:
    """They are no question of capacity."""
    world = local()
    with pytest.raises(UnknownSession):
        attach(world, "eve")
    opened(world)
    with pytest.raises(UnknownParticipant):
        world.ask(SetRole("demo", "nobody", Role.SPEAKER))


def test_a_viewer_is_promoted_and_may_publish_with_his_old_token() -> None:
    """The application's word wins over the token's role."""
    world = local()
    opened(world)
    watches(world, "eve")
    assert steps(world.ask(SetRole("demo", "eve", Role.SPEAKER))) == ["order role eve"]
    assert isinstance(world.ask(Attach("demo", "eve", ("publish",), Role.VIEWER, gateway="gw")), Decision)


def test_a_demoted_speaker_leaves_the_stage_and_may_not_come_back_by_himself() -> None:
    """His gateway is told; a speaker's token does not help him."""
    world = local()
    opened(world)
    speaks(world, "alice")
    answer = world.ask(SetRole("demo", "alice", Role.VIEWER))
    assert steps(answer) == ["stop_link v1-st1", "stop_link voice-alice", "order role alice"]
    again = attach(world, "alice", "publish")
    assert isinstance(again, Refusal)
    assert again.code == "wrong-role"


def test_a_removed_participant_is_gone_everywhere() -> None:
    """Links, legs, and an order to each gateway that holds one of them; only that he was removed is kept."""
    world = local()
    opened(world)
    speaks(world, "alice")
    world.ask(Attach("demo", "alice", ("view",), Role.SPEAKER, gateway="other"))
    world.ask(Remove("demo", "alice"))
    assert [(order.gateway, order.order, order.legs[0].leg) for order in world.orders] == [
        ("gw", "remove", "publish"),
        ("other", "remove", "view"),
    ]
    kept = world.vmap.sessions["demo"].participants["alice"]
    assert (kept.removed, kept.legs, shown(world)) == (True, (), {})


def test_closing_takes_everything_down_in_order() -> None:
    """Links, then orders, then contexts; the session's own key last."""
    world = local()
    opened(world)
    speaks(world, "alice", (AUDIO, StreamInfo("video", "1")))
    answer = world.ask(CloseSession("demo"))
    assert isinstance(answer, Decision)
    assert steps(answer) == [
        "stop_link mix-st1",
        "stop_link v1-st1",
        "stop_link voice-alice",
        "order remove alice",
        "destroy_context ingress-vr1",
        "destroy_context mix-ab1",
        "destroy_context stage-st1",
    ]
    assert answer.changes[-1].key == "SS:demo"
    assert dict(world.vmap.sessions) == {}
    assert all(isinstance(step, Order) or step.session == "demo" for step in answer.plan)
