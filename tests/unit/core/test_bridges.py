"""Links among mixes: everyone hears everyone once, over few hops, and no sound goes round."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.core.actions import StartLink, StopLink
from broker.core.decisions import IntentChange
from broker.core.invariants import check
from broker.core.plan import plan_changes
from broker.core.scenarios.bridges import Mix, bridges, has_cycle, heard, hops
from broker.core.virtual_map import VirtualMap
from rtcdn import keys
from rtcdn.model import ContextIntent, Kind, LinkIntent, SessionIntent

MOST = 6
REGIONS = ("eu", "us", "asia", "")
MIX = st.builds(Mix, st.just(""), st.sampled_from(REGIONS), st.integers(0, 60), st.booleans())


def named(mixes: list[Mix]) -> dict[str, Mix]:
    """Mixes by context, each on a node of its own."""
    return {f"mix-ab{i:02}": Mix(f"ab{i:02}", m.region, m.people, m.leaving) for i, m in enumerate(mixes)}


def of(**people: int) -> dict[str, Mix]:
    """Mixes named by region and number, such as ``eu1``, with so many people."""
    return {f"mix-{name}": Mix(name, name.rstrip("0123456789"), count) for name, count in people.items()}


def kinds(links: Mapping[str, LinkIntent]) -> set[str]:
    """Kinds of the links there are."""
    return {link.kind for link in links.values()}


def whole(mixes: Mapping[str, Mix], links: Mapping[str, LinkIntent]) -> bool:
    """Whether everyone hears everyone exactly once."""
    return heard(links, mixes) == {origin: dict.fromkeys(mixes, 1) for origin in mixes}


@settings(deadline=None)
@given(st.lists(MIX, max_size=14))
def test_everyone_hears_everyone_once_and_no_sound_goes_round(found: list[Mix]) -> None:
    """One hop in a mesh; in a tree two to the middle and two from there."""
    mixes = named(found)
    links = bridges(mixes, {}, MOST)
    assert whole(mixes, links)
    assert not has_cycle(links)
    assert hops(links, mixes) <= (1 if len(mixes) <= MOST else 4)
    assert kinds(links) <= ({"bridge"} if len(mixes) <= MOST else {"trunk"})
    assert all(name == f"{li.kind}-{mixes[li.source].node}-{mixes[li.target].node}" for name, li in links.items())


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, 11), MIX, max_size=12), min_size=1, max_size=6))
def test_no_moment_of_any_change_has_a_circle(changes: list[dict[int, Mix]]) -> None:
    """Mixes come, go, move and fill in any order: each prefix of each plan and of each commit is without one."""
    links: dict[str, LinkIntent] = {}
    for numbers in changes:
        mixes = {f"mix-ab{i:02}": Mix(f"ab{i:02}", m.region, m.people, m.leaving) for i, m in numbers.items()}
        wanted = bridges(mixes, links, MOST)
        assert whole(mixes, wanted)
        vmap, altered = on_map(links, wanted)
        prefixes = accumulate(plan_changes(vmap, altered), after_step, initial=dict(links))
        assert not any(map(has_cycle, prefixes))
        assert plan_changes(vmap, altered) or links == wanted
        links = wanted


def on_map(known: Mapping[str, LinkIntent], wanted: Mapping[str, LinkIntent]) -> tuple[VirtualMap, list[IntentChange]]:
    """A map with mixes and links, and the changes to other links."""
    nodes = [f"ab{i:02}" for i in range(12)]
    text = {keys.node(node): "AB" for node in nodes} | {keys.node_field("AB", n, "ADDRESS"): "a:1" for n in nodes}
    text |= {keys.session("s"): SessionIntent().to_json()}
    text |= {keys.context("s", f"mix-{node}"): ContextIntent(node, Kind.AB, "mix").to_json() for node in nodes}
    text |= {keys.link("s", name): link.to_json() for name, link in known.items()}
    changes = [IntentChange(keys.link("s", name), wanted.get(name)) for name in sorted({*known, *wanted})]
    changes = [each for each in changes if known.get(each.key.split(":")[2]) != each.record]
    return VirtualMap.build({key: (value, 1) for key, value in text.items()}, 1.0), changes


def after_step(links: dict[str, LinkIntent], step: object) -> dict[str, LinkIntent]:
    """The links after one step of a plan."""
    if isinstance(step, StopLink):
        return {name: link for name, link in links.items() if name != step.id}
    assert isinstance(step, StartLink)
    return {**links, step.id: step.after}


def test_the_seventh_mix_makes_a_tree_and_it_stays_until_two_are_gone() -> None:
    """No to and fro when one mix comes and goes."""
    seven = of(eu1=9, eu2=8, eu3=1, us1=5, us2=4, us3=3, asia1=2)
    six, five = (dict(list(seven.items())[:count]) for count in (6, 5))
    assert kinds(bridges(six, {}, MOST)) == {"bridge"}
    tree = bridges(seven, bridges(six, {}, MOST), MOST)
    assert kinds(tree) == {"trunk"}
    smaller = bridges(six, tree, MOST)
    assert kinds(smaller) == {"trunk"}
    assert kinds(bridges(five, smaller, MOST)) == {"bridge"}


def test_the_tree_has_its_root_where_most_people_are_and_a_hub_in_each_region() -> None:
    """Leaves hang under the hub of their region, those of the root's region under the root."""
    links = bridges(of(eu1=5, eu2=8, eu3=1, us1=5, us2=6, us3=0, asia1=2), {}, MOST)
    assert {(link.source, link.target) for link in links.values()} == {
        ("mix-eu2", "mix-us2"),
        ("mix-eu2", "mix-asia1"),
        ("mix-eu2", "mix-eu1"),
        ("mix-eu2", "mix-eu3"),
        ("mix-us2", "mix-us1"),
        ("mix-us2", "mix-us3"),
    }


def test_root_and_hubs_stay_whoever_talks_until_their_nodes_are_left() -> None:
    """People who come and go elsewhere cut nobody off."""
    before = of(eu1=9, eu2=8, eu3=7, us1=6, us2=5, us3=4, asia1=3)
    tree = bridges(before, {}, MOST)
    assert bridges(of(eu1=1, eu2=1, eu3=1, us1=1, us2=50, us3=60, asia1=90), tree, MOST) == tree
    left = {**before, "mix-eu1": Mix("eu1", "eu", 9, leaving=True)}
    moved = bridges(left, tree, MOST)
    assert {link.source for link in moved.values() if link.target == "mix-eu1"} == {"mix-eu2"}
    assert not has_cycle(moved)


@pytest.mark.parametrize(
    ("links", "round_and_round", "twice"),
    [
        ("trunk a b, trunk b c", False, False),
        ("trunk a b, trunk b c, trunk a c", True, True),
        ("bridge a b, bridge b a", False, False),
        ("bridge a b, trunk a b", True, True),
        ("trunk a b, bridge a c, bridge c b", False, True),
        ("trunk a b, bridge a c", False, False),
        ("trunk a b, bridge a c, trunk c b", True, True),
    ],
)
def test_circles_and_double_ways_are_seen(links: str, round_and_round: bool, twice: bool) -> None:
    """What a bridge takes on is group ``local``: people, and trunks at their source."""
    found = {}
    for text in links.split(", "):
        kind, source, target = text.split()
        found[text.replace(" ", "-")] = LinkIntent(kind, f"mix-{source}", f"mix-{target}")
    assert has_cycle(found) == round_and_round
    counts = heard(found, ("mix-a", "mix-b", "mix-c")).values()
    assert any(count > 1 for times in counts for count in times.values()) == twice


def test_the_map_names_a_circle_and_who_is_heard_twice() -> None:
    """Both are broken invariants."""
    trunks = {
        f"trunk-{a}-{b}": LinkIntent("trunk", f"mix-{a}", f"mix-{b}") for a, b in (("ab00", "ab01"), ("ab01", "ab02"))
    }
    well, _ = on_map(trunks, {})
    assert check(well) == []
    ill, _ = on_map({**trunks, "trunk-ab02-ab00": LinkIntent("trunk", "mix-ab02", "mix-ab00")}, {})
    assert "session s: sound goes round in a circle among the mixes" in check(ill)
    ways = {f"bridge-ab00-{end}": LinkIntent("bridge", "mix-ab00", f"mix-{end}") for end in ("ab01", "ab02")}
    ill, _ = on_map({**ways, "trunk-ab01-ab02": LinkIntent("trunk", "mix-ab01", "mix-ab02")}, {})
    assert "session s: people of mix-ab00 are heard 2 times in mix-ab02" in check(ill)
