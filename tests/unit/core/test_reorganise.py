"""Reorganising: sparse stages come to fewer by safe steps, within a budget, from any interrupted middle."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.core.decide import decide
from broker.core.decisions import Decision, Refusal
from broker.core.policy.base import Thresholds
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, Drain, MediaUp, Reorganise, Undrain, Warmup
from broker.sim.world import World
from rtcdn.ids import janus_context
from rtcdn.model import Role
from tests.unit.core.worlds import continents, local, opened, speaks

KEY = "0" * 64
SWIFT = replace(BALANCED, limits=Thresholds(moves_per_minute=6000, settled_s=10.0, portion=4))


def comes(world: World, name: str, node: str = "", regions: tuple[str, ...] = (), resume: str = KEY) -> None:
    """A viewer comes; ``node``: the one he is led to, by keeping the others from new work for a moment."""
    others = [each for each in world.nodes if each != node and world.nodes[each].kind == "ST"] if node else []
    for other in others:
        world.ask(Drain(other))
    answer = world.ask(Attach("demo", name, ("view",), Role.VIEWER, gateway="gw", regions=regions, resume=resume))
    assert isinstance(answer, Decision), answer
    for other in others:
        world.ask(Undrain(other))


def arrive(world: World, seconds: float = 1.0) -> None:
    """Everybody's media comes up where he was led, and every node reports."""
    view = world.vmap.sessions["demo"]
    for name in sorted(view.pending):
        for leg in view.participants[name].legs:
            world.ask(MediaUp("demo", name, leg.leg, leg.generation, 1, 2))
    for name, context in world.vmap.sessions["demo"].duty("stage").items():
        here = world.nodes[context.node].contexts
        janus_id = janus_context("demo", name)
        if janus_id in here:
            here[janus_id] = replace(here[janus_id], viewers=world.vmap.sessions["demo"].attached.get(name, 0))
    world.tick(seconds)


def scattered(here: int = 3, there: int = 12, policy: object = SWIFT) -> World:
    """A session with few viewers on st1 and more on st2, all at rest."""
    world = local(stages=2, policy=policy)  # type: ignore[arg-type]
    opened(world, local=10)
    speaks(world, "alice")
    for number in range(here):
        comes(world, f"few-{number}", "st1")
    for number in range(there):
        comes(world, f"more-{number:02}", "st2")
    arrive(world)
    world.tick(40)
    return world


def counts(world: World) -> dict[str, int]:
    """Viewers per stage that is there."""
    view = world.vmap.sessions["demo"]
    return {name: view.attached.get(name, 0) for name in sorted(view.duty("stage"))}


def codes(answer: Decision | Refusal) -> list[str]:
    """The remarks of a decision, in short."""
    assert isinstance(answer, Decision), answer
    return [reason.code for reason in answer.reasons]


def to_the_end(world: World, rounds: int = 60) -> list[Decision]:
    """Ask until nothing comes for long; everybody arrives in between; whole after each."""
    made = []
    for _ in range(rounds):
        answer = world.ask(Reorganise("demo"))
        assert isinstance(answer, Decision)
        assert world.vmap.check() == []
        if answer.changes:
            made.append(answer)
        arrive(world)
    return made


def test_the_emptier_stage_is_left_in_portions_and_then_removed() -> None:
    """Make before break: the gateway is told to move, and the stage goes when nobody is reported there."""
    world = scattered(here=6)
    first = world.ask(Reorganise("demo"))
    assert codes(first) == ["moves"]
    assert counts(world) == {"stage-st1": 2, "stage-st2": 16}
    assert [order.order for order in world.orders[-4:]] == ["move"] * 4
    assert codes(world.ask(Reorganise("demo"))) == ["budget"]
    world.tick(1)
    assert codes(world.ask(Reorganise("demo"))) == ["moving"]
    arrive(world)
    assert codes(world.ask(Reorganise("demo"))) == ["moves"]
    world.tick(1)
    made = to_the_end(world, 4)
    assert codes(made[-1]) == ["frees"]
    assert counts(world) == {"stage-st2": 18}


def test_nobody_is_led_to_a_stage_that_is_being_left() -> None:
    """Though it is the lightest of the session."""
    world = scattered(here=6)
    world.ask(Reorganise("demo"))
    comes(world, "late")
    assert world.vmap.sessions["demo"].participants["late"].legs[0].node == "st2"


def test_housekeeping_does_it_by_itself() -> None:
    """Below the threshold, once the region has come to rest."""
    world = scattered()
    assert Reorganise("demo") in world.housekeep()
    for _ in range(10):
        arrive(world)
        world.housekeep()
    assert counts(world) == {"stage-st2": 15}
    assert world.housekeep() == []


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Thresholds(settled_s=1000.0), "settling"),
        (Thresholds(sparse=0.5), ""),
        (Thresholds(packed=3.0, settled_s=10.0), ""),
    ],
)
def test_what_does_not_call_for_it_is_left_alone(limits: Thresholds, why: str) -> None:
    """A session that changed lately, stages above the threshold, others without the room."""
    world = scattered(policy=replace(BALANCED, limits=limits))
    answer = world.ask(Reorganise("demo"))
    assert isinstance(answer, Decision)
    assert (answer.changes, codes(answer)) == ((), [why] if why else [])


def test_a_growing_region_is_left_alone() -> None:
    """And when it grows in the middle, the stage takes viewers again."""
    world = scattered(here=6)
    comes(world, "one")
    assert set(codes(world.ask(Reorganise("demo")))) == {"growing"}
    arrive(world, 20)
    assert codes(world.ask(Reorganise("demo"))) == ["moves"]
    world.tick(1)
    comes(world, "two")
    arrive(world)
    answer = world.ask(Reorganise("demo"))
    assert codes(answer) == ["growing", "stays"]
    assert world.vmap.sessions["demo"].stages["local"] == {"st1": "stage-st1", "st2": "stage-st2"}
    assert world.vmap.check() == []


def test_viewers_who_cannot_be_led_without_a_gap_stay() -> None:
    """A WHEP client has no key to resume; while one is there the stage is kept."""
    world = scattered()
    comes(world, "whep", "st1", resume="")
    arrive(world, 20)
    assert codes(world.ask(Reorganise("demo"))) == ["immovable", "moves"]
    assert counts(world)["stage-st1"] == 8


def test_what_a_warm_up_promised_stays() -> None:
    """Sparse as it may be."""
    world = scattered()
    world.ask(Warmup("demo", {"local": 500}))
    world.tick(40)
    for _ in range(5):
        answer = world.ask(Reorganise("demo"))
        assert isinstance(answer, Decision)
        assert answer.changes == ()
        world.tick(20)
    world.ask(Warmup("demo", {}))
    world.tick(40)
    assert codes(world.ask(Reorganise("demo"))) == ["moves"]


def test_regions_are_not_mixed() -> None:
    """One sparse stage in each of two regions: nobody is led across."""
    world = continents(policy=SWIFT)
    opened(world, eu=1, us=1)
    comes(world, "ann", regions=("eu",))
    comes(world, "bob", regions=("us",))
    arrive(world, 100)
    assert to_the_end(world, 3) == []


def test_the_budget_paces_the_steps() -> None:
    """Four in a step at twelve a minute: the next one comes twenty seconds later."""
    limits = Thresholds(moves_per_minute=12, settled_s=10.0, portion=4)
    world = scattered(here=9, policy=replace(BALANCED, limits=limits))
    taken = []
    for _ in range(70):
        answer = world.ask(Reorganise("demo"))
        taken += [world.now_s] if "moves" in codes(answer) else []
        arrive(world)
    assert len(taken) == 3
    assert min(after - before for before, after in pairwise(taken)) >= 20
    assert counts(world) == {"stage-st2": 21}


def test_from_every_interrupted_middle_it_goes_on_to_the_same_end() -> None:
    """Killed between commit and act at one step after the other: reconciling mends, the next leader goes on."""
    whole = scattered(here=9)
    steps = len(to_the_end(whole))
    assert steps == 4
    for cut in range(steps):
        world = scattered(here=9)
        for number in range(steps):
            world.act = number != cut
            answer = world.ask(Reorganise("demo"))
            world.act = True
            assert isinstance(answer, Decision)
            assert answer.changes
            assert world.vmap.check() == []
            arrive(world)
            world.tick(2)
            world.reconcile()
        to_the_end(world, 20)
        world.reconcile()
        assert counts(world) == counts(whole) == {"stage-st2": 21}
        assert list(world.nodes["st1"].contexts) == []


def test_a_node_lost_in_the_middle_is_left_to_vacate() -> None:
    """The other stage is lost while one is emptied: the mark goes, everybody is served."""
    world = scattered(here=6)
    world.ask(Reorganise("demo"))
    world.kill("st2")
    world.tick(20)
    for _ in range(12):
        world.housekeep()
        arrive(world)
    view = world.vmap.sessions["demo"]
    assert sum(view.attached.values()) == 19
    assert all(leg.node != "st2" for each in view.participants.values() for leg in each.legs)
    assert world.vmap.check() == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 12)), min_size=1, max_size=6),
    st.integers(0, 300),
    st.integers(20, 400),
    st.booleans(),
    st.data(),
)
def test_any_session_reorganised_to_the_end_loses_nobody_and_never_grows(
    crowds: list[tuple[int, int]], promised: int, handles: int, talks: bool, data: st.DataObject
) -> None:
    """Whoever stands where: whole after every step, everybody served, never a context more, at rest at the end."""
    world = local(stages=4, handles=handles, policy=SWIFT)
    opened(world, local=10)
    if talks:
        speaks(world, "alice")
    people = 0
    for node, size in crowds:
        for _ in range(min(size, handles // 8)):
            comes(world, f"v-{people}", f"st{node}", resume=data.draw(st.sampled_from((KEY, KEY, KEY, ""))))
            people += 1
    world.ask(Warmup("demo", {"local": promised}))
    arrive(world, 60)
    before = len(world.vmap.sessions["demo"].contexts)
    for _ in range(40):
        answer = decide(world.vmap, Reorganise("demo"), SWIFT, world.now_s)
        assert answer == decide(world.vmap, Reorganise("demo"), SWIFT, world.now_s)
        world.ask(Reorganise("demo"))
        view = world.vmap.sessions["demo"]
        assert world.vmap.check() == []
        assert len(view.contexts) <= before
        before = len(view.contexts)
        assert sum(len(each.legs) for each in view.participants.values()) == people + talks
        arrive(world)
    world.tick(60)
    last = world.ask(Reorganise("demo"))
    assert isinstance(last, Decision)
    assert last.changes == ()
