"""Nodes wanted: use, forecast, headroom, inhibit, ceiling; and what is said of an audience that cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.core.capacity import Wanted, capacity
from broker.core.decisions import Decision, Refusal
from broker.core.policy.registry import BALANCED
from broker.core.requests import Drain, OpenSession, Warmup
from broker.core.wrappers import view_load
from broker.sim.world import World
from rtcdn.model import SessionIntent
from tests.unit.core.worlds import continents, local, opened, watches


def asked(world: World, region: str = "local", kind: str = "ST", later_s: float = 120, **query: float) -> Wanted:
    """What is wanted there, long after the last change."""
    found = capacity(world.vmap, BALANCED, world.now_s + later_s, **query)  # type: ignore[arg-type]
    return next(each for each in found if (each.region, each.kind) == (region, kind))


def each_costs(world: World) -> float:
    """Points of a viewer on an egress node."""
    return view_load(1_500_000).cost(world.vmap.nodes["st1"].labels.capacity)


def codes(wanted: Wanted) -> list[str]:
    return [reason.code for reason in wanted.reasons]


def test_nothing_runs_and_nothing_is_wanted() -> None:
    """All idle nodes may go, the dearest first."""
    world = local(stages=2)
    labels = replace(world.vmap.nodes["st2"].labels, price_hour=2.0)
    world.vmap = world.vmap.apply([("ST:st2:LABELS", labels.to_json(), 2)], world.now_s)
    found = asked(world)
    assert (found.nodes, found.wanted, found.spare, codes(found)) == (2, 0, ("st2", "st1"), [])


def test_the_forecast_asks_for_nodes_that_are_not_there() -> None:
    """900 viewers at 326 a node: 2.8 nodes, and a fifth beside it."""
    world = local(stages=1)
    world.ask(OpenSession("demo", SessionIntent(audience={"local": 900})))
    found = asked(world)
    assert found.forecast == pytest.approx(900 * each_costs(world), abs=0.01)
    assert (found.nodes, found.wanted, codes(found)) == (1, 4, ["use", "forecast", "headroom"])
    assert "1 sessions (demo) expect 900 viewers more" in found.reasons[1].detail
    assert asked(world, headroom=0.0).wanted == 3


def test_who_came_is_not_foreseen_any_more_and_warm_ups_are() -> None:
    """The forecast is what is missing of the larger one, audience or warm-up."""
    world = local(stages=1)
    opened(world, local=10)
    for number in range(4):
        watches(world, f"guest~{number}")
    assert asked(world).forecast == pytest.approx(6 * each_costs(world), abs=0.01)
    world.ask(Warmup("demo", {"local": 20}))
    assert asked(world).forecast == pytest.approx(16 * each_costs(world), abs=0.01)


def test_a_region_without_nodes_is_asked_for() -> None:
    """Where sessions expect somebody and nothing stands."""
    world = local()
    opened(world, mars=800)
    found = asked(world, "mars")
    assert (found.nodes, found.wanted) == (0, 3)


def test_not_below_what_runs_and_not_above_the_ceiling() -> None:
    """Two stages hold contexts, whatever the ceiling; what is missing is told."""
    world = local(stages=3)
    opened(world, local=500)
    found = asked(world, most=1)
    assert (found.runs, found.wanted, codes(found)) == (2, 2, ["use", "forecast", "headroom", "ceiling", "runs"])


@pytest.mark.parametrize("why", ["draining", "just-grown", "silent"])
def test_nothing_goes_while_something_moves(why: str) -> None:
    """A drain, a change a moment ago, a node that is silent: all that is there stays wanted."""
    world = local(stages=4)
    opened(world, local=10)
    busy = next(context.node for context in world.vmap.sessions["demo"].duty("stage").values())
    assert len(asked(world).spare) == 3
    if why == "draining":
        world.ask(Drain(busy))
    if why == "silent":
        world.kill(busy)
    found = asked(world, later_s=0.0 if why == "just-grown" else 120)
    assert [reason.code for reason in found.inhibit] == [why]
    assert (found.wanted, found.spare) == (found.nodes, ())


def test_a_kind_that_is_nowhere_is_missing() -> None:
    """Sessions are open and the only mixer is silent: one is wanted."""
    world = local()
    opened(world, local=10)
    world.kill("ab1")
    assert asked(world, kind="AB").wanted >= 1
    assert "missing" in codes(asked(world, kind="AB"))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(["eu", "us"]), st.integers(0, 2000)), st.integers(0, 3), st.floats(0, 2))
def test_never_below_what_runs_and_spare_ones_are_idle(audience: dict[str, int], most: int, headroom: float) -> None:
    """Whatever the audience, ceiling and headroom."""
    world = continents()
    opened(world, **audience)
    for found in capacity(world.vmap, BALANCED, world.now_s + 120, headroom, most):
        assert found.wanted >= found.runs
        assert len(found.spare) <= max(0, found.nodes - found.wanted)
        assert not any(world.vmap.nodes[name].hosting for name in found.spare)


# ---- an audience that cannot be ---------------------------------------------------------------------


def open_for(world: World, strict: bool = False, **audience: int) -> Decision | Refusal:
    return world.ask(OpenSession("demo", SessionIntent(audience=audience, features={"strict": strict})))


def test_an_unknown_region_is_remarked_and_the_session_opens() -> None:
    """It names the region and those that are known."""
    answer = open_for(local(), atlantis=5)
    assert isinstance(answer, Decision)
    remarks = {reason.code: reason.detail for reason in answer.reasons}
    assert "audience.atlantis: no node or gateway is in atlantis, known are local" in remarks["unknown-region"]


def test_a_region_with_only_a_gateway_is_known() -> None:
    """Its viewers are served from elsewhere, as they should."""
    world = local()
    world.gateway("far", "atlantis")
    answer = open_for(world, atlantis=5)
    assert isinstance(answer, Decision)
    assert answer.reasons == ()


def test_an_impossible_audience_says_what_is_missing() -> None:
    """326 a node: for 5,000 there are 14 more to find."""
    answer = open_for(local(stages=2), local=5000)
    assert isinstance(answer, Decision)
    remarks = {reason.code: reason.detail for reason in answer.reasons}
    assert "2 egress nodes together carry 652 viewers when empty, 5000 are expected" in remarks["impossible-audience"]
    assert "14 more such nodes are needed" in remarks["impossible-audience"]


@pytest.mark.parametrize("audience", [{"atlantis": 5}, {"local": 5000}])
def test_strictly_it_is_refused_and_nothing_is_done(audience: dict[str, int]) -> None:
    """no-capacity, with the same words."""
    world = local(stages=2)
    before = world.vmap
    answer = open_for(world, strict=True, **audience)
    assert isinstance(answer, Refusal)
    assert (answer.code, world.vmap is before) == ("no-capacity", True)
    assert isinstance(open_for(world, strict=True, local=300), Decision)
