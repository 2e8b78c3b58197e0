"""Reorganising where a relay feeds the stages: what is being left is fed as before until nobody is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.core.decisions import Decision
from broker.core.policy.base import Thresholds
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, Reap, Reorganise
from broker.core.views import LEAVING
from broker.sim.world import World
from rtcdn.model import Role
from tests.unit.core.test_relays import crossing, fed_by, links
from tests.unit.core.test_reorganise import KEY, arrive, comes, counts
from tests.unit.core.worlds import node, opened, speaks

SWIFT = replace(BALANCED, limits=Thresholds(moves_per_minute=6000, settled_s=10.0, portion=4))


@pytest.fixture
def world() -> World:
    """A speaker in eu, a relay and two stages in us, one of which has few viewers and is being left."""
    nodes = [node("eu-vr1", "VR", "eu", 1), node("eu-ab1", "AB", "eu", 2), node("us-vr1", "VR", "us", 3)]
    nodes += [node(f"us-st{number}", "ST", "us", 10 + number) for number in (1, 2)]
    made = World(nodes, SWIFT)
    made.gateway("gw", "eu")
    opened(made, us=10)
    speaks(made, "ann", regions=("eu",))
    for number in range(12):
        comes(made, f"more-{number:02}", "us-st2", ("us",))
    for number in range(6):
        comes(made, f"few-{number}", "us-st1", ("us",))
    arrive(made)
    made.tick(40)
    assert fed_by(made, "us") == {"relay-us-vr1"}
    answer = made.ask(Reorganise("demo"))
    assert isinstance(answer, Decision)
    assert counts(made) == {"stage-us-st1": 2, "stage-us-st2": 16}
    return made


def test_a_stage_that_is_being_left_keeps_its_way(world: World) -> None:
    """It was fed from abroad at the next look, and the other one too: two more copies, and a gap for everybody."""
    before = links(world, "slot")
    made = world.ask(Reap("demo"))
    assert isinstance(made, Decision)
    assert links(world, "slot") == before
    assert crossing(world) == {("ann", "eu", "us"): 1}
    assert world.vmap.check() == []


def test_one_who_comes_again_is_not_kept_on_a_stage_that_is_being_left(world: World) -> None:
    """He is led to where the others go."""
    view = world.vmap.sessions["demo"]
    assert LEAVING in view.contexts["stage-us-st1"].options
    who = next(name for name, each in view.participants.items() if any(leg.node == "us-st1" for leg in each.legs))
    answer = world.ask(Attach("demo", who, ("view",), Role.VIEWER, gateway="gw", regions=("us",), resume=KEY))
    assert isinstance(answer, Decision)
    assert answer.grant
    assert [leg.node for leg in answer.grant.legs] == ["us-st2"]
