"""Big islands: where people talk, which mixes there are and how they hear each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.core.decide import decide
from broker.core.decisions import Decision, Refusal
from broker.core.requests import Attach, Drain, Leave, OpenSession, Reap, Request, SetRole, Vacate
from broker.core.scenarios.bridges import has_cycle
from broker.core.wrappers import view_load
from broker.sim.world import World
from rtcdn.errors import InvalidRequest
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


def test_a_viewer_is_counted_with_those_who_are_shown() -> None:
    """However many publish: his grant, and the room of a stage."""
    world = island(slots=2)
    for number in range(5):
        speaks(world, f"p{number}")
    world.tick(10)
    stage = watches(world, "eve")
    wrapper = world.vmap.nodes[stage]
    assert wrapper.own_cost == view_load(1_500_000, 2).cost(wrapper.labels.capacity)


def test_slots_of_an_island_are_checked_as_everywhere() -> None:
    """One to sixteen."""
    with pytest.raises(InvalidRequest, match="slots"):
        island().ask(OpenSession("other", SessionIntent("big_island", slots=17)))


def tree_wanted() -> tuple[World, Request]:
    """Six mixes, and the request that brings the seventh."""
    world = island(mixes=4)
    for number in range(18):
        joins(world, f"p{number}", "eu" if number % 2 else "us")
    return world, Attach("demo", "more", ("talk",), Role.SPEAKER, gateway="gw", regions=("eu",))


def mesh_wanted() -> tuple[World, Request]:
    """Seven mixes, and the request that leaves five."""
    world, request = tree_wanted()
    world.ask(request)
    for mix in ("mix-eu-ab1", "mix-us-ab2"):
        people = world.vmap.sessions["demo"].participants
        for name in [name for name in people if people[name].legs[0].context == f"demo/{mix}"]:
            world.ask(Leave("demo", name))
    world.housekeep()
    world.now_s += 61
    return world, Reap("demo")


@pytest.mark.parametrize("begin", [tree_wanted, mesh_wanted])
@pytest.mark.parametrize("cut", range(1, 46, 3))
def test_a_commit_cut_off_in_a_change_of_shape_makes_no_circle(
    begin: Callable[[], tuple[World, Request]], cut: int
) -> None:
    """Deletions come first; housekeeping makes the rest."""
    world, request = begin()
    answer = decide(world.vmap, request, world.policy, world.now_s)
    assert isinstance(answer, Decision)
    among = {change.key.split(":")[2].partition("-")[0] for change in answer.changes if change.key.startswith("LK:")}
    assert {"bridge", "trunk"} <= among
    world.commit(answer.changes[:cut])
    assert not has_cycle(world.vmap.sessions["demo"].links)
    world.housekeep()
    assert world.vmap.check() == []
    assert all_hear_all(world)
