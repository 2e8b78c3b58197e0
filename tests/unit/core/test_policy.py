"""Policies: what they prefer, and that the shortlist chooses as the full list would."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.core.choose import SHORTLIST, choose, choose_serving, total
from broker.core.decisions import Choice
from broker.core.policy.base import Need, Policy
from broker.core.policy.registry import BALANCED, BUILT_IN, LEAST_WEIGHT, NEAREST, PACK, Registry
from broker.core.policy.terms import MUST, NamedScore
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import Load
from rtcdn import keys
from rtcdn.errors import InvalidRequest
from rtcdn.model import Capacity, DrainIntent, Labels, Leg, ParticipantIntent
from tests.unit.core.worlds import node

NOW_S = 1_000_000.0
REGIONS = ("eu", "us", "ap")


def a_map(nodes: dict[str, tuple[str, float]], out: dict[str, str] | None = None) -> VirtualMap:
    """Egress nodes: name -> region and weight; ``out``: name -> silent or draining."""
    snapshot: dict[str, tuple[str, int]] = {}
    for number, (name, (region, weight)) in enumerate(nodes.items()):
        fake = node(name, "ST", region, number % 250)
        fake.used = weight
        snapshot |= {key: (text, 1) for key, text in fake.report()}
    for name, why in (out or {}).items():
        if why == "silent":
            del snapshot[keys.node(name)]
        else:
            snapshot[keys.drain(name)] = (DrainIntent("op").to_json(), 1)
    return VirtualMap.build(snapshot, NOW_S)


def need(*regions: str, **rest: object) -> Need:
    """A stage for a viewer."""
    return Need("stage", "ST", "demo", "vp8", Load(handles=1.0), regions, **rest)  # type: ignore[arg-type]


TWO = {"eu1": ("eu", 60.0), "eu2": ("eu", 20.0), "us1": ("us", 5.0)}


@pytest.mark.parametrize(
    ("policy", "chosen"), [(NEAREST, "eu2"), (LEAST_WEIGHT, "us1"), (PACK, "eu1"), (BALANCED, "eu2")]
)
def test_each_policy_has_its_own_mind(policy: Policy, chosen: str) -> None:
    """Near and light, light alone, or near and full."""
    assert choose(a_map(TWO), need("eu", "us"), policy).chosen == chosen


def test_a_far_idle_node_helps_when_the_near_ones_are_heavy() -> None:
    """balanced: one region farther is worth forty points of weight."""
    nodes = {"eu1": ("eu", 70.0), "us1": ("us", 5.0)}
    assert choose(a_map(nodes), need("eu", "us"), BALANCED).chosen == "us1"


def test_measured_distance_wins_over_the_order_of_regions() -> None:
    """12 ms beats 250 ms, whatever comes first."""
    found = choose(a_map(TWO), need("eu", "us", rtt_ms={"eu": 250.0, "us": 12.0}), NEAREST)
    assert found.chosen == "us1"


def test_reasons_of_those_who_may_not() -> None:
    """Full and unfit nodes are named; silent and draining ones counted."""
    nodes = {"a": ("eu", 99.0), "b": ("eu", 89.9), "c": ("eu", 10.0), "d": ("eu", 1.0), "e": ("eu", 1.0)}
    found = choose(a_map(nodes, {"d": "silent", "e": "draining"}), need("eu", avoid=frozenset("c")), BALANCED)
    assert found.chosen == ""
    assert {candidate.node: candidate.reason for candidate in found.candidates} == {"b": "full", "c": "avoided"}
    assert found.excluded == {"silent": 1, "draining": 1, "full": 1}


def test_a_node_without_the_codec_is_passed_over() -> None:
    """Labels say what a node carries."""
    vmap = a_map({"a": ("eu", 1.0), "b": ("eu", 50.0)})
    labels = Labels(codecs=("h264",)).to_json()
    found = choose(vmap.apply([("ST:a:LABELS", labels, 2)], NOW_S), need("eu"), BALANCED)
    assert (found.chosen, [c.reason for c in found.candidates if c.reason]) == ("b", ["codec"])


def test_a_burst_spreads_before_reports_come_and_is_served_all_the_same() -> None:
    """A cap per session, node and interval, given up when nobody is below it."""
    vmap = a_map({"a": ("eu", 1.0), "b": ("eu", 40.0)})
    big = Labels(capacity=Capacity(handles=1_000_000, egress_kbps=0, egress_packets_ps=0)).to_json()
    vmap = vmap.apply([("ST:a:LABELS", big, 2), ("ST:b:LABELS", big, 2)], NOW_S)

    def burst(vmap: VirtualMap, target: str) -> VirtualMap:
        leg = Leg("view", node=target, context=f"demo/stage-{target}", generation=1)
        text = ParticipantIntent(legs=(leg,), generation=1, joined_s=NOW_S).to_json()
        return vmap.apply([(f"PT:demo:{target}{i}", text, 3) for i in range(BALANCED.limits.burst_legs)], NOW_S)

    vmap = burst(vmap, "a")
    assert choose(vmap, need("eu"), BALANCED).chosen == "b"
    assert choose(burst(vmap, "b"), need("eu"), BALANCED).chosen == "a"


def test_the_registry_names_what_there_is() -> None:
    """The first is the default; policies from outside stand beside the built-in ones."""
    own = Policy("own", MUST, ((NamedScore("same", lambda *_: 1.0), 1.0),))
    registry = Registry((*BUILT_IN, own))
    assert (registry.find("").name, registry.find("own")) == ("balanced", own)
    with pytest.raises(InvalidRequest, match="choose one of balanced, nearest, least_weight, pack, cost, own"):
        registry.find("best")


# ---- the shortlist --------------------------------------------------------------------------------

WEIGHTS = st.one_of(st.sampled_from((0.0, 10.0, 89.6, 90.0, 120.0)), st.floats(0, 130))
NODES = st.dictionaries(
    st.integers(0, 999).map(lambda number: f"n{number}"),
    st.tuples(st.sampled_from(REGIONS), WEIGHTS, st.sampled_from(("", "", "", "silent", "draining"))),
    min_size=1,
    max_size=60,
)
ORDERS = st.permutations(REGIONS).flatmap(lambda names: st.integers(0, 3).map(lambda count: tuple(names[:count])))


def reproduces(choice: Choice) -> bool:
    """Whether the terms alone lead to the same choice."""
    scored = [candidate for candidate in choice.candidates if not candidate.reason]
    best = max((total(candidate.terms) for candidate in scored), default=None)
    return best is None if not choice.chosen else best == total(scored[0].terms) and scored[0].node == choice.chosen


@settings(max_examples=30, deadline=None)
@given(NODES, ORDERS, st.sampled_from(BUILT_IN), st.data())
def test_the_shortlist_chooses_as_the_full_list(
    nodes: dict[str, tuple[str, float, str]], regions: tuple[str, ...], policy: Policy, data: st.DataObject
) -> None:
    """And its terms reproduce the choice, and every node is accounted for."""
    vmap = a_map(
        {name: (region, weight) for name, (region, weight, _) in nodes.items()},
        {name: why for name, (_, _, why) in nodes.items() if why},
    )
    some = st.frozensets(st.sampled_from(sorted(nodes)), max_size=5)
    wish = need(*regions, serving=data.draw(some), avoid=data.draw(some))
    short, full = choose(vmap, wish, policy), choose(vmap, wish, policy, exhaustive=True)
    assert (short.chosen, reproduces(short), reproduces(full)) == (full.chosen, True, True)
    assert len(short.candidates) <= SHORTLIST
    assert len(short.candidates) + sum(short.excluded.values()) >= len(nodes)


@settings(max_examples=20, deadline=None)
@given(NODES, st.sampled_from(BUILT_IN), st.data())
def test_the_shortlist_of_serving_nodes_too(
    nodes: dict[str, tuple[str, float, str]], policy: Policy, data: st.DataObject
) -> None:
    """Whether few serve (looked at directly) or many (met along the shelf)."""
    vmap = a_map(
        {name: ("eu", weight) for name, (_, weight, _) in nodes.items()},
        {name: why for name, (_, _, why) in nodes.items() if why},
    )
    serving = data.draw(st.sets(st.sampled_from(sorted(nodes)), min_size=1))
    short = choose_serving(vmap, need("eu"), policy, "eu", serving)
    full = choose_serving(vmap, need("eu"), policy, "eu", serving, exhaustive=True)
    assert (short.chosen, reproduces(short)) == (full.chosen, True)
