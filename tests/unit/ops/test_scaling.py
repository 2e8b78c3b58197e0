"""Scaling: limits are kept, what runs stays, noise moves nothing, and silence is not idleness."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.scaling import START, STOP, Act, Memory, Rules, Spare, Verdict, World, decide

RULES = Rules(up_after_s=20, down_after_s=600, pause_s=60)
EU = (Spare("eu-s1", "eu", 1.0), Spare("eu-s2", "eu", 0.5), Spare("us-s1", "us", 0.2))


def row(region: str = "eu", kind: str = "ST", **told: Any) -> dict[str, Any]:
    made = {
        "nodes": 2,
        "wanted": 2,
        "runs": 1,
        "spare": [],
        "inhibit": [],
        "reasons": [{"code": "use", "detail": "why"}],
    }
    return {"region": region, "kind": kind, **made, **told}


def lasting(rows: list[dict[str, Any]], world: World, for_s: float = 1000, memory: Memory | None = None) -> Verdict:
    """The decision after the wish has lasted."""
    first = decide(rows, world, memory or Memory(), 0, RULES)
    assert first.acts == ()
    return decide(rows, world, first.memory, for_s, RULES)


def test_a_lasting_wish_starts_a_node_on_the_cheapest_spare_host_of_the_region() -> None:
    """With the broker's own reasons."""
    verdict = lasting([row(wanted=3)], World(EU), for_s=20)
    assert verdict.acts == (Act(START, "eu", "ST", "eu-s2", "", "eu/ST: 3 wanted, 2 there; why"),)


def test_a_wish_that_has_just_come_waits() -> None:
    """And is told with the time that has to pass."""
    verdict = decide([row(wanted=3)], World(EU), Memory(), 5, RULES)
    assert verdict.acts == ()
    assert verdict.held == ("eu/ST: 3 wanted, 2 there: for 0 s, followed after 20 s",)


@pytest.mark.parametrize(
    ("world", "why"),
    [
        (World(EU, hosts=4, most_hosts=4), "limits.hosts is 4, and so many are in use"),
        (
            World(EU, cost_per_hour=9.8, most_cost_per_hour=10),
            "with eu-s1 it would cost 10.80 an hour, the ceiling is 10.00",
        ),
        (World(()), "no spare host of eu has room"),
        (World(EU, nodes=(("a", "ST", "eu-s1"), ("b", "ST", "eu-s2"))), "no spare host of eu has room"),
    ],
)
def test_what_cannot_be_started_is_told_with_the_limit(world: World, why: str) -> None:
    """Nothing is started beyond hosts, cost and room."""
    verdict = lasting([row(wanted=3)], world)
    assert verdict.acts == ()
    assert verdict.held == (f"eu/ST: 3 wanted, 2 there: {why}",)


def test_a_host_in_use_is_filled_before_a_fresh_one_is_taken() -> None:
    """It costs nothing more."""
    verdict = lasting([row(wanted=3)], World(EU, nodes=(("a", "VR", "eu-s1"),), hosts=3, most_hosts=4))
    assert [act.host for act in verdict.acts] == ["eu-s1"]


def test_a_host_where_a_start_failed_is_left_alone_for_a_while() -> None:
    """And tried again later."""
    memory = Memory(above={"eu/ST": 0}, avoid={"eu-s2": 900, "eu-s1": 900})
    assert decide([row(wanted=3)], World(EU), memory, 1000, RULES).held[0].endswith("room (eu-s1, eu-s2 failed)")
    assert decide([row(wanted=3)], World(EU), memory, 1900, RULES).acts[0].host == "eu-s2"


def test_only_an_idle_node_that_was_started_here_is_stopped() -> None:
    """The event's own nodes stay, whatever the broker could spare."""
    world = World(EU, nodes=(("eu-s1-st1", "ST", "eu-s1"),))
    spare = [row(nodes=3, wanted=1, spare=["eu-1-st1", "eu-s1-st1"])]
    assert [(act.verb, act.node, act.host) for act in lasting(spare, world).acts] == [(STOP, "eu-s1-st1", "eu-s1")]
    assert lasting([row(nodes=3, wanted=1, spare=["eu-1-st1"])], world).acts == ()
    assert lasting(spare, World(EU)).acts == ()


@pytest.mark.parametrize("told", [{"runs": 3}, {"wanted": 3}, {"inhibit": [{"code": "silent", "detail": "x"}]}])
def test_nothing_is_stopped_below_what_runs_or_while_something_inhibits(told: dict[str, Any]) -> None:
    """Not for a moment: the wish does not even begin to last."""
    world = World(EU, nodes=(("eu-s1-st1", "ST", "eu-s1"),))
    verdict = lasting([row(nodes=3, spare=["eu-s1-st1"], **{"wanted": 1, **told})], world)
    assert (verdict.acts, verdict.memory.below) == ((), {})


def test_without_an_answer_nothing_is_done_and_wishes_begin_anew() -> None:
    """A broker that comes back must not find that ten silent minutes counted as idle ones."""
    world = World(EU, nodes=(("eu-s1-st1", "ST", "eu-s1"),))
    rows = [row(nodes=3, wanted=1, spare=["eu-s1-st1"])]
    seen = decide(rows, world, Memory(), 0, RULES)
    silent = decide(None, world, seen.memory, 700, RULES)
    assert (silent.acts, silent.blind) == ((), True)
    assert decide(rows, world, silent.memory, 701, RULES).acts == ()


rows_of = st.builds(
    lambda region, kind, nodes, wanted, runs, spare, inhibit: row(
        region, kind, nodes=nodes, wanted=max(wanted, runs), runs=runs, spare=spare, inhibit=inhibit
    ),
    st.sampled_from(["eu", "us"]),
    st.sampled_from(["VR", "AB", "ST", "AI"]),
    st.integers(0, 4),
    st.integers(0, 8),
    st.integers(0, 4),
    st.lists(st.sampled_from(["a", "b", "c", "own"]), unique=True),
    st.sampled_from([[], [{"code": "draining", "detail": "x"}]]),
)
worlds = st.builds(
    lambda nodes, hosts, cost, most, ceiling: World(EU, tuple(nodes), hosts, cost, most, ceiling),
    st.lists(
        st.sampled_from([("a", "ST", "eu-s1"), ("b", "VR", "eu-s2"), ("c", "ST", "us-s1")]), unique=True, max_size=3
    ),
    st.integers(0, 5),
    st.floats(0, 5),
    st.none() | st.integers(0, 8),
    st.none() | st.floats(0, 8),
)


@given(st.lists(rows_of, max_size=8, unique_by=lambda each: (each["region"], each["kind"])), worlds)
def test_limits_are_kept_and_what_runs_stays(rows: list[dict[str, Any]], world: World) -> None:
    """Whatever is wanted: hosts, cost, one act per region and kind, never below what runs."""
    acts = lasting(rows, world, for_s=5000).acts
    assert len({act.key for act in acts}) == len(acts)
    prices = {each.name: each.price_hour for each in EU}
    before = world.used()
    fresh = {act.host for act in acts if act.verb == START} - before
    if fresh and world.most_hosts is not None:
        assert world.hosts + len(before | fresh) <= world.most_hosts
    if fresh and world.most_cost_per_hour is not None:
        assert world.cost_per_hour + sum(prices[host] for host in before | fresh) <= world.most_cost_per_hour
    by_key = {f"{each['region']}/{each['kind']}": each for each in rows}
    for act in acts:
        there = by_key[act.key]
        if act.verb == STOP:
            assert act.node in there["spare"]
            assert there["nodes"] - 1 >= max(there["runs"], there["wanted"])
            assert not there["inhibit"]
        else:
            assert there["wanted"] > there["nodes"]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 70)), max_size=10))
def test_noise_makes_nothing_flap(stretches: list[tuple[bool, int]]) -> None:
    """Looks each ten seconds: a start follows 20 s of wanting more throughout, a stop ten minutes of fewer."""
    wishes = [more for more, looks in stretches for _ in range(looks)]
    nodes: list[tuple[str, str, str]] = []
    memory, acts = Memory(), []
    for at, more in enumerate(wishes):
        now_s = 10.0 * at
        there = row(nodes=1 + len(nodes), wanted=2 if more else 1, spare=[name for name, _, _ in nodes])
        verdict = decide([there], World(EU, tuple(nodes)), memory, now_s, RULES)
        memory = verdict.memory.after(verdict.acts, now_s)
        for act in verdict.acts:
            acts.append((act.verb, now_s))
            nodes = [("new", "ST", act.host)] if act.verb == START else []
    stops = [at_s for verb, at_s in acts if verb == STOP]
    assert len(nodes) <= 1
    assert all(later - earlier >= RULES.down_after_s for earlier, later in pairwise(stops))
    for verb, at_s in acts:
        quiet = wishes[max(0, int(at_s / 10) - 2) : int(at_s / 10) + 1]
        assert all(quiet) if verb == START else not any(wishes[int(at_s / 10) - 60 : int(at_s / 10) + 1])


def test_a_pause_follows_each_act() -> None:
    """The broker's next figures must have seen the last node first."""
    memory = replace(Memory(), above={"eu/ST": 0}, acted={"eu/ST": 970})
    assert decide([row(wanted=4)], World(EU), memory, 1000, RULES).held[0].endswith("a pause of 60 s")
    assert decide([row(wanted=4)], World(EU), memory, 1030, RULES).acts
