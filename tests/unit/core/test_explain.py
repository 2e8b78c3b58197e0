"""Explain: the terms of the candidates reproduce the choice, and the shortlist chooses as the full list."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.core.choose import choose, choose_serving, total
from broker.core.decide import decide
from broker.core.decisions import Choice, Decision
from broker.core.index import entry
from broker.core.policy.base import Need, Policy
from broker.core.policy.registry import BUILT_IN
from broker.core.requests import Attach, OpenSession
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import Load
from rtcdn.model import Role, SessionIntent
from tests.unit.core.test_policy import NOW_S, a_map
from tests.unit.core.worlds import continents, opened, watches

REGIONS = ("eu", "us", "ap")
STATES = st.sampled_from(["", "", "", "silent", "draining"])
FIGURES = st.tuples(st.sampled_from(REGIONS), st.floats(0, 100), st.floats(0, 3), st.floats(0, 0.2), STATES)
NEEDS = st.builds(
    lambda regions, rtt, held, serving, within: Need(
        "stage", "ST", "demo", "vp8", Load(handles=2.0), tuple(regions), rtt,
        serving=frozenset(serving), held=held, within=frozenset(within),
    ),
    st.permutations(REGIONS).flatmap(lambda order: st.integers(0, 3).map(lambda count: order[:count])),
    st.dictionaries(st.sampled_from(REGIONS), st.floats(0, 400)),
    st.sampled_from(["", "n0", "n3", "gone"]),
    st.sets(st.sampled_from(["n1", "n2", "n5"])),
    st.sets(st.sampled_from(REGIONS)),
)  # fmt: skip


def mapped(nodes: list[tuple[str, float, float, float, str]]) -> VirtualMap:
    """Nodes n0, n1, … with region, weight, prices, and why they are out."""
    named = {f"n{number}": figures for number, figures in enumerate(nodes)}
    vmap = a_map(
        {name: (region, weight) for name, (region, weight, *_) in named.items()},
        {name: out for name, (*_, out) in named.items() if out},
    )
    changes: list[tuple[str, str | None, int]] = []
    for name, (_, _, hour, gigabyte, _) in named.items():
        labels = replace(vmap.nodes[name].labels, price_hour=hour, price_gb=gigabyte)
        changes.append((f"ST:{name}:LABELS", labels.to_json(), 2))
    return vmap.apply(changes, NOW_S)


def reproduce(choice: Choice, vmap: VirtualMap) -> str:
    """Who must have been chosen, from what explain shows alone; ties as the docs say."""
    scored = [candidate for candidate in choice.candidates if candidate.terms]
    for candidate in scored:
        assert candidate.total == round(sum(term.score * term.weight for term in candidate.terms), 6)
        assert candidate.total == total(candidate.terms)
        assert all(0.0 <= term.score <= 100.0 for term in candidate.terms)
    scored.sort(key=lambda each: (-each.total, entry(vmap.nodes[each.node])))
    return scored[0].node if scored else ""


@pytest.mark.parametrize("policy", BUILT_IN, ids=lambda policy: policy.name)
@settings(max_examples=120, deadline=None)
@given(nodes=st.lists(FIGURES, min_size=1, max_size=30), need=NEEDS)
def test_terms_reproduce_the_choice_and_the_shortlist_chooses_alike(
    policy: Policy, nodes: list[tuple[str, float, float, float, str]], need: Need
) -> None:
    """For every built-in policy; one that is exhaustive looks at the full list anyway."""
    vmap = mapped(nodes)
    short, full = choose(vmap, need, policy), choose(vmap, need, policy, exhaustive=True)
    assert reproduce(short, vmap) == short.chosen
    assert reproduce(full, vmap) == full.chosen
    assert short.chosen == full.chosen


@pytest.mark.parametrize("policy", BUILT_IN, ids=lambda policy: policy.name)
@settings(max_examples=80, deadline=None)
@given(nodes=st.lists(FIGURES, min_size=1, max_size=40), need=NEEDS, among=st.sets(st.integers(0, 39)))
def test_among_those_who_serve_it_is_the_same(
    policy: Policy, nodes: list[tuple[str, float, float, float, str]], need: Need, among: set[int]
) -> None:
    """The stages of a region, walked or looked at one by one."""
    vmap = mapped(nodes)
    serving = [
        name for name in (f"n{number}" for number in sorted(among)) if (w := vmap.node(name)) and w.region == "eu"
    ]
    asked = replace(need, within=frozenset(), serving=frozenset())
    short, full = (choose_serving(vmap, asked, policy, "eu", serving, exhaustive=each) for each in (False, True))
    assert reproduce(short, vmap) == short.chosen == full.chosen


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(REGIONS[:2]), max_size=12), st.permutations(REGIONS[:2]))
def test_what_explain_says_is_what_is_done(before: list[str], regions: list[str]) -> None:
    """Every request that places: the full list leads to the same places as the decision itself."""
    world = continents()
    opened(world, eu=20, us=20)
    for number, region in enumerate(before):
        watches(world, f"guest~{number}", regions=(region,))
    view = Attach("demo", "vic", ("view",), gateway="gw", regions=tuple(regions))
    publish = Attach("demo", "ann", ("publish", "talk"), Role.SPEAKER, gateway="gw", regions=tuple(regions))
    other = OpenSession("other", SessionIntent(audience=dict.fromkeys(regions, 100)))
    for request in (view, publish, other):
        done, said = (decide(world.vmap, request, world.policy, world.now_s, exhaustive=each) for each in (False, True))
        assert isinstance(done, Decision)
        assert isinstance(said, Decision)
        assert [choice.chosen for choice in said.choices] == [choice.chosen for choice in done.choices]
        assert said.grant == done.grant
        assert all(reproduce(choice, world.vmap) == choice.chosen for choice in said.choices)
