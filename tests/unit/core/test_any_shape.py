"""Whatever happens to a session of whatever scenario, everybody who is shown is shown on every stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.core.decide import decide
from broker.core.decisions import Decision
from broker.core.policy.registry import BALANCED
from broker.core.requests import (
    Attach,
    ChangeScenario,
    Drain,
    Leave,
    MediaDown,
    OpenSession,
    Reap,
    Request,
    SetRole,
    Talking,
    Undrain,
    Vacate,
)
from broker.core.scenarios.relays import copies
from broker.sim.node import FakeNode
from broker.sim.world import World
from rtcdn.errors import RtcdnError
from rtcdn.model import Capacity, Role, SessionIntent
from tests.unit.core.test_any_order import STREAMS, happen
from tests.unit.core.worlds import AUDIO, CAMERA

REGIONS = ("eu", "us", "jp")
PEOPLE = tuple(f"p{number}" for number in range(6))
FANOUT, MOST = 2, 5


def world_of_hosts() -> World:
    """Three regions, two hosts each, all kinds on each host, and egress nodes for eight viewers each."""
    nodes = []
    for at, region in enumerate(REGIONS):
        for number in (1, 2):
            machine = f"{region}{number}"
            address = f"192.0.2.{10 * at + number}"
            nodes += [FakeNode(f"{machine}-vr", "VR", region, address, Capacity(), machine=machine)]
            nodes += [FakeNode(f"{machine}-ab", "AB", region, address, Capacity(), machine=machine)]
            nodes += [FakeNode(f"{machine}-st{i}", "ST", region, address, Capacity(8), machine=machine) for i in (1, 2)]
    limits = replace(BALANCED.limits, fanout=FANOUT, atollo_most=MOST, portion=2)
    world = World(nodes, replace(BALANCED, limits=limits))
    world.gateway("gw", "eu")
    return world


NODES = st.sampled_from(tuple(world_of_hosts().nodes))
NAMES = st.sampled_from(PEOPLE)
SCENARIOS = st.sampled_from(("archipelago", "atollo", "big_island"))
NEAR = st.sampled_from((*((region,) for region in REGIONS), ("us", "eu"), ()))
S = st.just("demo")
AUDIENCES = st.dictionaries(st.sampled_from(REGIONS), st.sampled_from((0, 3, 10, 25)), max_size=3)
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(ChangeScenario, S, SCENARIOS),
    st.builds(OpenSession, S, st.builds(SessionIntent, SCENARIOS, audience=AUDIENCES)),
    st.builds(OpenSession, S, st.builds(SessionIntent, audience=AUDIENCES)),
    st.builds(Attach, S, NAMES, st.just(("talk",)), st.just(Role.SPEAKER), gateway=st.just("gw"), regions=NEAR),
    st.builds(SetRole, S, NAMES, st.sampled_from((Role.SPEAKER, Role.VIEWER))),
    st.builds(MediaDown, S, NAMES, st.just("publish"), st.integers(0, 4)),
    st.builds(Leave, S, NAMES, st.sampled_from(("", "publish", "view", "talk"))),
    st.builds(Talking, S, NAMES),
    st.builds(Drain, NODES, st.just("op"), st.sampled_from((0.0, 1_000_010.0))),
    st.builds(Undrain, NODES),
    st.builds(Vacate, S, NODES, st.booleans()),
    st.builds(Reap, S),
)
SPEAKS = st.tuples(st.just("comes"), NAMES, st.just("publish"), NEAR, st.just((AUDIO, CAMERA)))
OFTEN = [st.tuples(st.just("comes"), NAMES, st.sampled_from(("publish", "view")), NEAR, STREAMS), SPEAKS] * 4
EVENTS = st.one_of(
    REQUESTS,
    *OFTEN,
    st.tuples(st.just("up"), NAMES, STREAMS),
    st.tuples(st.sampled_from(("kill", "revive")), NODES),
    st.tuples(st.just("tick"), st.sampled_from((1.0, 10.0, 61.0))),
    st.tuples(st.just("housekeep")),
)


def let(world: World, event: Any) -> None:
    """Let one event happen; ``up`` reports whoever was led elsewhere."""
    if isinstance(event, tuple) and event[0] == "up":
        view = world.vmap.session("demo")
        participant = view.participants.get(event[1]) if view else None
        for leg in participant.legs if participant else ():
            happen(world, ("media", event[1], leg.leg, leg.generation, event[2]))
    else:
        happen(world, event)


def broken_paths(world: World) -> list[str]:
    """Slots of a stage that lead to no ingress of the speaker, or by more VideoRooms than a copy may pass."""
    view = world.vmap.session("demo")
    if view is None:
        return []
    made = {(link.participant, link.target): link.source for link in view.links.values() if link.kind == "remote"}
    found = []
    for name, link in view.links.items():
        if link.kind == "slot":
            origin = made.get((link.participant, link.source), link.source)
            if view.contexts[origin].duty != "ingress" or (link.participant, origin) in made:
                found.append(name)
            if view.contexts[link.source].duty == "relay" and origin == link.source:
                found.append(name)
    pictures = {(link.slot, link.participant) for link in view.links.values() if link.kind == "slot"}
    for stage in view.duty("stage"):
        here = {(link.slot, link.participant) for link in view.links.values() if link.target == stage}
        found += [f"{stage} lacks {slot}" for slot, who in pictures if (slot, who) not in here]
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCENARIOS, AUDIENCES, st.lists(EVENTS, max_size=25))
def test_no_sequence_breaks_a_path(scenario: str, audience: dict[str, int], events: list[Any]) -> None:
    """The map stays whole, every picture has its path to every stage, and housekeeping comes to rest."""
    world = world_of_hosts()
    world.ask(OpenSession("demo", SessionIntent(scenario, audience=audience)))
    for event in events:
        let(world, event)
        assert world.vmap.check() == [], event
        assert broken_paths(world) == [], event
    world.housekeep()
    assert world.vmap.check() == []
    assert broken_paths(world) == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCENARIOS, AUDIENCES, st.lists(EVENTS, max_size=12), REQUESTS)
def test_the_same_input_gives_the_same_decision(
    scenario: str, audience: dict[str, int], events: list[Any], request: Request
) -> None:
    """In every scenario; looking at every node chooses alike."""
    world = world_of_hosts()
    world.ask(OpenSession("demo", SessionIntent(scenario, audience=audience)))
    for event in events:
        let(world, event)
    try:
        first, second, full = (
            decide(world.vmap, request, world.policy, world.now_s, exhaustive=exhaustive)
            for exhaustive in (False, False, True)
        )
    except RtcdnError:
        return
    assert first == second
    if isinstance(first, Decision) and isinstance(full, Decision):
        assert (full.changes, full.grant, full.plan) == (first.changes, first.grant, first.plan)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(AUDIENCES, st.lists(st.tuples(st.just("comes"), NAMES, st.just("publish"), NEAR, STREAMS), max_size=6))
def test_copies_between_regions_are_as_few_as_the_fan_out_allows(audience: dict[str, int], events: list[Any]) -> None:
    """Of every stream, one per region and fan-out; where all is well, never one per stage."""
    world = world_of_hosts()
    world.ask(OpenSession("demo", SessionIntent(audience=audience)))
    for event in events:
        let(world, event)
    view = world.vmap.sessions["demo"]
    for (_who, _from, to), count in copies(view, world.vmap.nodes).items():
        assert count == -(-len(view.stages[to]) // FANOUT)
