"""Big islands: where people talk, which mixes there are and how they hear each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.core.decide import decide
from broker.core.decisions import Decision, Refusal
from broker.core.requests import Attach, Drain, Leave, MediaUp, OpenSession, Reap, Request, SetRole, Vacate, Watched
from broker.core.scenarios.bridges import has_cycle
from broker.sim.world import World
from rtcdn.errors import InvalidRequest, RtcdnError
from rtcdn.model import Capacity, Role, SessionIntent
from tests.unit.core.islands import SMALL, all_hear_all, island, joins, says
from tests.unit.core.worlds import AUDIO, CAMERA, speaks, watches


def kinds(world: World) -> list[str]:
    """Kinds of the links among mixes."""
    links = world.vmap.sessions["demo"].links
    return sorted(link.kind for link in links.values() if link.kind in ("bridge", "trunk"))


def hears(world: World) -> dict[str, str]:
    """Which mix each stage hears."""
    links = world.vmap.sessions["demo"].links.values()
    return {link.target: link.source for link in links if link.kind == "mix"}


def mixes(world: World) -> list[str]:
    """The mixes there are."""
    return sorted(world.vmap.sessions["demo"].duty("mix"))


def test_each_region_talks_in_its_own_mix_and_hears_the_other() -> None:
    """A region's mix comes with the first who talks there; its stages follow."""
    world = island(eu=10, us=10)
    assert set(hears(world).values()) == {"mix-eu-ab1"}
    assert (joins(world, "ann", "eu"), joins(world, "bob", "us")) == ("eu-ab1", "us-ab1")
    assert kinds(world) == ["bridge", "bridge"]
    assert {stage[6:8]: mix[4:6] for stage, mix in hears(world).items()} == {"eu": "eu", "us": "us"}
    assert all_hear_all(world)


def test_a_full_mix_gets_another_beside_it_then_other_regions_help() -> None:
    """Three in each; the tenth of a region with three AudioBridges talks elsewhere."""
    world = island()
    nodes = [joins(world, f"p{number}") for number in range(10)]
    assert nodes[:9] == ["eu-ab1"] * 3 + ["eu-ab2"] * 3 + ["eu-ab3"] * 3
    assert nodes[9].startswith("us-")
    assert all_hear_all(world)
    for number in range(8):
        joins(world, f"q{number}", "us")
    answer = world.ask(Attach("demo", "late", ("talk",), Role.SPEAKER, gateway="gw", regions=("eu",)))
    assert isinstance(answer, Refusal)
    assert answer.code == "no-capacity"


def test_who_comes_again_has_not_taken_a_place_from_himself() -> None:
    """Full of three, one of whom reloads."""
    world = island()
    for name in ("ann", "bob", "cat", "bob"):
        assert joins(world, name) == "eu-ab1"


def test_a_node_that_carries_less_than_the_policy_says_is_not_overfilled() -> None:
    """Its capacity counts."""
    world = island(policy=replace(SMALL, limits=replace(SMALL.limits, talkers_per_mix=50)))
    for fake in world.nodes.values():
        fake.capacity = Capacity(participants=3)
    world.tick(1)
    assert [joins(world, f"p{number}") for number in range(4)] == ["eu-ab1", "eu-ab1", "eu-ab2", "eu-ab2"]


def test_those_who_wait_cost_little_and_make_no_more_mixes_than_one_in_a_region() -> None:
    """Four may wait in each mix; who waits elsewhere too is better off than nobody; the last only watches."""
    world = island()
    got = []
    for number in range(9):
        request = Attach(
            "demo", f"w{number}", ("view",), Role.VIEWER, ("speak",), gateway="gw", regions=("eu",), ready=True
        )
        answer = world.ask(request)
        assert isinstance(answer, Decision)
        assert answer.grant is not None
        got.append(answer.grant.legs[1].node if len(answer.grant.legs) > 1 else "")
    assert got == ["eu-ab1"] * 4 + ["us-ab1"] * 4 + [""]
    assert mixes(world) == ["mix-eu-ab1", "mix-us-ab1"]
    assert joins(world, "ann", "eu") == "eu-ab1"
    assert world.vmap.check() == []


def test_when_too_many_who_waited_are_promoted_some_are_led_to_another_mix() -> None:
    """The silent ones; whoever talks stays where he is."""
    world = island()
    for name in ("ann", "bob", "cat", "dan"):
        joins(world, name, role=Role.VIEWER)
        world.now_s += 1
    for name in ("ann", "bob", "cat", "dan"):
        world.ask(SetRole("demo", name, Role.SPEAKER))
    says(world, "dan")
    world.housekeep()
    view = world.vmap.sessions["demo"]
    assert dict(view.live) == {"mix-eu-ab1": 3, "mix-eu-ab2": 1}
    assert [(order.order, order.id) for order in world.orders if order.order == "move"] == [("move", "cat")]
    assert all_hear_all(world)


def test_a_mix_left_empty_goes_and_the_links_follow() -> None:
    """After the idle time; the last mix stays."""
    world = island(eu=10, us=10)
    joins(world, "ann", "eu")
    joins(world, "bob", "us")
    world.ask(Leave("demo", "bob"))
    world.housekeep()
    assert mixes(world) == ["mix-eu-ab1", "mix-us-ab1"]
    world.tick(61)
    world.housekeep()
    assert (mixes(world), kinds(world), set(hears(world).values())) == (["mix-eu-ab1"], [], {"mix-eu-ab1"})
    world.ask(Leave("demo", "ann"))
    world.tick(61)
    world.housekeep()
    assert mixes(world) == ["mix-eu-ab1"]
    assert world.vmap.check() == []


def test_the_seventh_mix_turns_the_mesh_into_a_tree_and_back_at_five() -> None:
    """Links among mixes stop before others start; everyone hears everyone before and after."""
    world = island(mixes=4)
    for number in range(18):
        joins(world, f"p{number}", "eu" if number % 2 else "us")
    assert kinds(world) == ["bridge"] * 30
    answer = world.ask(Attach("demo", "more", ("talk",), Role.SPEAKER, gateway="gw", regions=("eu",)))
    assert isinstance(answer, Decision)
    plan = [(type(step).__name__, step.after or step.before) for step in answer.plan if "Link" in type(step).__name__]
    among = [name for name, link in plan if getattr(link, "kind", "") in ("bridge", "trunk")]
    assert among == ["StopLink"] * 30 + ["StartLink"] * 6
    assert kinds(world) == ["trunk"] * 6
    assert all_hear_all(world)
    for number in range(18):
        world.ask(Leave("demo", f"p{number}"))
    world.housekeep()
    world.tick(61)
    world.housekeep()
    assert (mixes(world), kinds(world)) == (["mix-eu-ab4"], [])


@pytest.mark.parametrize("lost", [False, True])
def test_a_mix_whose_node_is_left_moves_with_everyone_in_it(lost: bool) -> None:
    """To mixes with room, in portions; nobody is unheard when it is done."""
    world = island(eu=10, us=10, policy=replace(SMALL, limits=replace(SMALL.limits, portion=2)))
    for name, region in (("ann", "eu"), ("bob", "eu"), ("cat", "eu"), ("dan", "us")):
        joins(world, name, region)
    if lost:
        world.kill("eu-ab1")
        world.tick(16)
    else:
        world.ask(Drain("eu-ab1", "op"))
    asked = world.housekeep()
    assert asked.count(Vacate("demo", "eu-ab1", lost)) >= 2
    assert mixes(world) == ["mix-eu-ab2", "mix-us-ab1"]
    assert dict(world.vmap.sessions["demo"].live) == {"mix-eu-ab2": 3, "mix-us-ab1": 1}
    assert sorted(order.id for order in world.orders if order.order == "move") == ["ann", "bob", "cat"]
    assert all_hear_all(world)
    assert world.vmap.check() == []


def test_a_publishers_voice_enters_the_mix_of_his_ingress_region() -> None:
    """It stays there when another mix comes beside it, and counts as one who talks."""
    world = island(eu=10, us=10)
    joins(world, "ann", "eu")
    joins(world, "bob", "us")
    speaks(world, "whip", (AUDIO, CAMERA), regions=("us",))
    assert world.vmap.sessions["demo"].links["voice-whip"].target == "mix-us-ab1"
    assert [joins(world, f"p{number}", "us") for number in range(2)] == ["us-ab1", "us-ab2"]
    assert world.vmap.sessions["demo"].links["voice-whip"].target == "mix-us-ab1"
    assert all_hear_all(world)


def test_a_stage_without_a_mix_in_its_region_hears_the_nearest() -> None:
    """As its own host measured."""
    world = island(regions=("eu", "us", "asia"), eu=12, us=11, asia=10)
    joins(world, "ann", "eu")
    joins(world, "bob", "us")
    stage = next(name for name in hears(world) if "asia" in name)
    assert hears(world)[stage] == "mix-eu-ab1"
    near = replace(world.vmap.nodes[stage.removeprefix("stage-")].labels, rtt_ms={"us": 100.0, "eu": 200.0})
    key = f"ST:{stage.removeprefix('stage-')}:LABELS"
    world.vmap = world.vmap.apply([(key, near.to_json(), world.revision + 1)], world.now_s)
    world.housekeep()
    assert hears(world)[stage] == "mix-us-ab1"


def test_slots_of_an_island_are_checked_as_everywhere() -> None:
    """One to sixteen."""
    with pytest.raises(InvalidRequest, match="slots"):
        island().ask(OpenSession("other", SessionIntent("big_island", slots=17)))


NAMES = st.sampled_from(tuple("abcdefghij"))
NODES = st.sampled_from(
    tuple(f"{region}-{kind}{i}" for region in ("eu", "us") for kind in ("vr", "ab", "st") for i in (1, 2))
)
REGIONS = st.sampled_from((("eu",), ("us",), ()))
S = st.just("demo")
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(Attach, S, NAMES, st.just(("talk",)), st.sampled_from(Role), st.just(("speak",)), regions=REGIONS),
    st.builds(
        Attach,
        S,
        NAMES,
        st.just(("view",)),
        st.just(Role.VIEWER),
        st.just(("speak",)),
        ready=st.just(True),
        regions=REGIONS,
    ),
    st.builds(SetRole, S, NAMES, st.sampled_from(Role)),
    st.builds(
        MediaUp,
        S,
        NAMES,
        st.sampled_from(("talk", "publish")),
        st.integers(1, 4),
        st.just(1),
        st.just(1),
        st.just((AUDIO, CAMERA)),
    ),
    st.builds(Leave, S, NAMES),
    st.builds(Drain, NODES, st.just("op"), st.sampled_from((0.0, 1_000_010.0))),
    st.builds(Vacate, S, NODES, st.booleans()),
    st.builds(Watched, S, st.lists(NAMES, max_size=3).map(tuple)),
    st.builds(Reap, S),
)
EVENTS = st.one_of(
    REQUESTS,
    REQUESTS,
    st.tuples(st.just("publish"), NAMES, REGIONS),
    st.tuples(st.just("talk"), NAMES, REGIONS),
    st.tuples(st.just("says"), NAMES),
    st.tuples(st.sampled_from(("kill", "revive")), NODES),
    st.tuples(st.just("tick"), st.sampled_from((1.0, 10.0, 61.0))),
    st.tuples(st.just("housekeep")),
)


def happen(world: World, event: Any) -> None:
    """Let one event happen."""
    match event:
        case ("publish" | "talk" as leg, name, regions):
            answer = world.ask(Attach("demo", name, (leg,), Role.SPEAKER, gateway="gw", regions=regions))
            if isinstance(answer, Decision) and answer.grant:
                world.ask(MediaUp("demo", name, leg, answer.grant.generation, 1, 2, (AUDIO, CAMERA)))
        case ("says", name):
            says(world, name)
        case ("tick", seconds):
            world.tick(seconds)
        case ("housekeep",):
            world.housekeep()
        case ("kill" | "revive" as what, node):
            if (node in world.down) == (what == "revive"):
                (world.kill if what == "kill" else world.revive)(node)
        case _:
            try:
                world.ask(event)
            except RtcdnError:
                return


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=25))
def test_no_sequence_of_requests_breaks_an_island(events: list[Any]) -> None:
    """``check`` is empty after every step; decisions are repeatable; in the end everyone hears everyone once."""
    world = island(eu=10, us=10)
    watches(world, "eve", regions=("us",))
    for event in events:
        if not isinstance(event, tuple):
            answers = [repr(_decided(world, event)) for _ in range(2)]
            assert answers[0] == answers[1]
        happen(world, event)
        assert world.vmap.check() == [], event
    world.housekeep()
    assert world.vmap.check() == []
    assert all_hear_all(world)


def _decided(world: World, request: Request) -> Any:
    try:
        return decide(world.vmap, request, world.policy, world.now_s)
    except RtcdnError as error:
        return type(error)


@pytest.mark.parametrize("cut", range(1, 46, 4))
def test_a_commit_cut_off_in_the_change_to_a_tree_makes_no_circle(cut: int) -> None:
    """Deletions come first; housekeeping makes the rest."""
    world = island(mixes=4)
    for number in range(18):
        joins(world, f"p{number}", "eu" if number % 2 else "us")
    request = Attach("demo", "more", ("talk",), Role.SPEAKER, gateway="gw", regions=("eu",))
    answer = decide(world.vmap, request, world.policy, world.now_s)
    assert isinstance(answer, Decision)
    world.commit(answer.changes[:cut])
    assert not has_cycle(world.vmap.sessions["demo"].links)
    world.housekeep()
    assert world.vmap.check() == []
    assert all_hear_all(world)
