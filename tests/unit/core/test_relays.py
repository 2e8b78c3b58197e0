"""The relay tree: one copy of a stream per region, passed on there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.core.decide import decide
from broker.core.decisions import Decision
from broker.core.policy.registry import BALANCED
from broker.core.requests import Drain, MediaUp, OpenSession, Reap, Vacate
from broker.core.scenarios.relays import copies
from broker.core.scenarios.stage import Lineup
from broker.sim.world import World
from rtcdn.model import LinkIntent, SessionIntent
from tests.unit.core.worlds import AUDIO, CAMERA, SCREEN, node, opened, shown, speaks, steps, watches


def wide(us_stages: int = 5, us_rooms: int = 2, fanout: int = 50, depth: int = 2) -> World:
    """Speakers' nodes in eu and us, and many egress nodes in us, each for 100 viewers of one speaker."""
    nodes = [node("eu-vr1", "VR", "eu", 1), node("eu-vr2", "VR", "eu", 2), node("eu-ab1", "AB", "eu", 3)]
    nodes += [node(f"eu-st{i}", "ST", "eu", 10 + i) for i in (1, 2)]
    nodes += [node(f"us-vr{i}", "VR", "us", 20 + i) for i in range(1, us_rooms + 1)]
    nodes += [node(f"us-st{i}", "ST", "us", 30 + i, handles=100) for i in range(1, us_stages + 1)]
    limits = replace(BALANCED.limits, fanout=fanout, depth=depth)
    world = World(nodes, replace(BALANCED, limits=limits))
    world.gateway("gw", "eu")
    return world


def links(world: World, kind: str) -> dict[str, LinkIntent]:
    """Links of a kind, by id."""
    return {name: link for name, link in world.vmap.sessions["demo"].links.items() if link.kind == kind}


def crossing(world: World) -> dict[tuple[str, str, str], int]:
    """Copies between regions."""
    return copies(world.vmap.sessions["demo"], world.vmap.nodes)


def fed_by(world: World, region: str) -> set[str]:
    """VideoRooms that feed the stages of a region."""
    return {link.source for link in links(world, "slot").values() if link.target.startswith(f"stage-{region}-")}


def paths(world: World) -> set[tuple[str, str, str]]:
    """Every picture with its stage and the ingress it comes from, through whatever is in between."""
    made = {(link.participant, link.target): link.source for link in links(world, "remote").values()}
    slots = links(world, "slot").values()
    return {(s.participant, s.target, made.get((s.participant, s.source), s.source)) for s in slots}


def test_one_copy_of_each_stream_crosses_to_a_region() -> None:
    """The relay has each speaker once and passes him on to all stages there."""
    world = wide()
    opened(world, eu=10, us=300)
    assert len(world.vmap.sessions["demo"].stages["us"]) == 4
    speaks(world, "alice", (AUDIO, CAMERA, SCREEN), regions=("eu",))
    speaks(world, "bob", regions=("eu",))
    assert crossing(world) == {("alice", "eu", "us"): 1, ("bob", "eu", "us"): 1}
    assert fed_by(world, "us") == {"relay-us-vr1"}
    assert sorted(links(world, "remote")) == ["remote-alice-us-vr1", "remote-bob-us-vr1"]
    assert {(who, "ingress-eu-vr1") for who in ("alice", "bob")} == {(who, source) for who, _, source in paths(world)}
    assert world.vmap.check() == []


def test_without_relays_each_stage_costs_a_copy() -> None:
    """What the tree saves: a policy that allows no depth sends to every stage."""
    world = wide(depth=1)
    opened(world, eu=10, us=300)
    speaks(world, "alice", regions=("eu",))
    assert crossing(world) == {("alice", "eu", "us"): 4}
    assert not links(world, "remote")


def test_a_single_stage_needs_no_relay() -> None:
    """It is fed by the ingress itself; the second stage makes the relay, the last but one takes it away."""
    world = wide()
    opened(world, eu=10, us=10)
    speaks(world, "alice", regions=("eu",))
    assert fed_by(world, "us") == {"ingress-eu-vr1"}
    more = world.ask(OpenSession("demo", SessionIntent(audience={"eu": 10, "us": 100})))
    assert steps(more)[:2] == ["create_context stage-us-st2", "create_context relay-us-vr1"]
    assert fed_by(world, "us") == {"relay-us-vr1"}
    less = world.ask(OpenSession("demo", SessionIntent(audience={"eu": 10, "us": 10})))
    assert isinstance(less, Decision)
    for _ in range(5):
        world.tick(61)
        world.housekeep()
    assert len(world.vmap.sessions["demo"].stages["us"]) == 1
    assert fed_by(world, "us") == {"ingress-eu-vr1"}
    assert not world.vmap.sessions["demo"].duty("relay")
    assert world.vmap.check() == []


def test_an_ingress_in_the_region_is_the_relay() -> None:
    """No second VideoRoom is made there."""
    world = wide()
    opened(world, eu=10, us=300)
    assert speaks(world, "bob", regions=("us",)) == "us-vr1"
    speaks(world, "alice", regions=("eu",))
    assert links(world, "remote")["remote-alice-us-vr1"].target == "ingress-us-vr1"
    assert not world.vmap.sessions["demo"].duty("relay")
    assert crossing(world) == {("alice", "eu", "us"): 1, ("bob", "us", "eu"): 1}
    assert Lineup(world.vmap.sessions["demo"].links).seats["v2"].source == "ingress-eu-vr1"


def test_more_stages_than_the_fan_out_take_more_relays() -> None:
    """No VideoRoom sends a publisher more often than the policy allows, in his own region neither."""
    world = wide(us_stages=8, us_rooms=4, fanout=3)
    opened(world, eu=10, us=600)
    count = len(world.vmap.sessions["demo"].stages["us"])
    assert count == 7
    speaks(world, "alice", regions=("eu",))
    assert len(fed_by(world, "us")) == 3
    assert crossing(world) == {("alice", "eu", "us"): 3}
    speaks(world, "bob", regions=("us",))
    out: dict[tuple[str, str], int] = {}
    for link in [*links(world, "slot").values(), *links(world, "remote").values()]:
        out[link.source, link.participant] = out.get((link.source, link.participant), 0) + 1
    assert max(out.values()) <= 4  # bob: three relays in his region, one stage abroad
    assert max(n for (source, _), n in out.items() if source.startswith("relay")) == 3
    assert world.vmap.check() == []


def test_a_drained_relay_is_replaced_before_it_goes() -> None:
    """The copy is there before stages are fed from it; the old one ends last."""
    world = wide()
    opened(world, eu=10, us=300)
    speaks(world, "alice", regions=("eu",))
    world.ask(Drain("us-vr1", "op"))
    asked = [request for request in world.housekeep() if not isinstance(request, Reap)]
    assert asked
    view = world.vmap.sessions["demo"]
    assert sorted(view.duty("relay")) == ["relay-us-vr2"]
    assert (fed_by(world, "us"), crossing(world)) == ({"relay-us-vr2"}, {("alice", "eu", "us"): 1})
    assert world.vmap.check() == []


def test_the_plan_of_a_replaced_relay_is_make_before_break() -> None:
    """Room, copy, stages, then the old copy and the old room."""
    world = wide()
    opened(world, eu=10, us=150)
    speaks(world, "alice", regions=("eu",))
    world.ask(Drain("us-vr1", "op"))
    assert steps(world.ask(Vacate("demo", "us-vr1"))) == [
        "create_context relay-us-vr2",
        "start_link remote-alice-us-vr2",
        "repoint_link v1-us-st1",
        "repoint_link v1-us-st2",
        "stop_link remote-alice-us-vr1",
        "destroy_context relay-us-vr1",
    ]


def test_a_lost_relay_is_replaced_and_without_a_node_paths_are_direct() -> None:
    """Every stage shows the same all the while."""
    world = wide()
    opened(world, eu=10, us=300)
    speaks(world, "alice", regions=("eu",))
    world.kill("us-vr1")
    world.tick(16)
    world.housekeep()
    assert fed_by(world, "us") == {"relay-us-vr2"}
    world.kill("us-vr2")
    world.tick(16)
    world.housekeep()
    assert (fed_by(world, "us"), shown(world)) == ({"ingress-eu-vr1"}, {"v1": "alice"})
    assert not world.vmap.sessions["demo"].duty("relay")
    assert world.vmap.check() == []
    world.revive("us-vr1")
    world.housekeep()
    assert fed_by(world, "us") == {"relay-us-vr1"}


def test_a_speaker_of_another_ingress_is_copied_anew_with_all_that_hangs_on_it() -> None:
    """A copy that is made again takes its forwarders with it, so these are made again too."""
    world = wide()
    opened(world, eu=10, us=150)
    speaks(world, "alice", regions=("eu",))
    world.ask(Drain("eu-vr1", "op"))
    world.housekeep()
    before = links(world, "slot")
    assert {link.source for link in links(world, "remote").values()} == {"ingress-eu-vr1"}
    generation = world.vmap.sessions["demo"].participants["alice"].generation
    world.ask(MediaUp("demo", "alice", "publish", generation, 5, 6, (AUDIO, CAMERA)))
    assert {link.source for link in links(world, "remote").values()} == {"ingress-eu-vr2"}
    for name, link in links(world, "slot").items():
        assert link.generation > before[name].generation
    again = world.ask(MediaUp("demo", "alice", "publish", generation, 5, 6, (AUDIO, CAMERA, SCREEN)))
    assert "repoint_link remote-alice-us-vr1" in steps(again)
    assert world.vmap.check() == []


def test_no_copy_stands_where_the_speaker_himself_is_about_to_come() -> None:
    """One id is one publisher in a room: while he is led to the ingress that had his copy, paths are direct."""
    world = wide()
    opened(world, eu=10, us=150)
    speaks(world, "bob", regions=("us",))
    speaks(world, "alice", regions=("eu",))
    world.ask(Drain("eu-vr2", "op"))
    world.ask(Drain("eu-vr1", "op"))
    world.housekeep()
    participant = world.vmap.sessions["demo"].participants["alice"]
    assert participant.legs[0].node == "us-vr1"
    assert "remote-alice-us-vr1" not in links(world, "remote")
    assert ("alice", "stage-us-st1", "ingress-eu-vr1") in paths(world)
    world.ask(MediaUp("demo", "alice", "publish", participant.generation, 5, 6, (AUDIO, CAMERA)))
    assert ("alice", "stage-us-st1", "ingress-us-vr1") in paths(world)
    assert world.vmap.check() == []


def test_who_is_shown_by_a_relay_stays_his_ingress_publisher() -> None:
    """Another change of the stage reads the same lineup again, also where every stage is fed by relays."""
    world = wide()
    opened(world, us=300)
    speaks(world, "alice", regions=("eu",))
    before = links(world, "slot")
    speaks(world, "bob", regions=("eu",))
    assert {name: link for name, link in links(world, "slot").items() if link.participant == "alice"} == before
    assert Lineup(world.vmap.sessions["demo"].links).seats["v1"].source == "ingress-eu-vr1"


@pytest.mark.parametrize("cut", range(1, 10))
@pytest.mark.parametrize("lost", [False, True])
def test_a_replacement_that_was_cut_off_is_mended(cut: int, lost: bool) -> None:
    """Large decisions are committed in portions: after any prefix every stage shows the same again."""
    world = wide()
    opened(world, us=150)
    speaks(world, "alice", regions=("eu",))
    speaks(world, "bob", regions=("eu",))
    if lost:
        world.kill("us-vr1")
        world.tick(16)
    else:
        world.ask(Drain("us-vr1", "op"))
    answer = decide(world.vmap, Vacate("demo", "us-vr1", lost), world.policy, world.now_s)
    assert isinstance(answer, Decision)
    world.commit(answer.changes[:cut])
    world.housekeep()
    assert (shown(world), world.vmap.check()) == ({"v1": "alice", "v2": "bob"}, [])
    assert paths(world) == {(who, f"stage-us-st{i}", "ingress-eu-vr1") for who in ("alice", "bob") for i in (1, 2)}
    assert crossing(world) == {("alice", "eu", "us"): 1, ("bob", "eu", "us"): 1}


def test_a_viewer_who_opens_the_second_stage_gets_a_relay_with_it() -> None:
    """Stages come with the audience; so do relays."""
    world = wide()
    opened(world, eu=10, us=10)
    speaks(world, "alice", regions=("eu",))
    for number in range(95):
        watches(world, f"guest~{number}", regions=("us",))
    assert len(world.vmap.sessions["demo"].stages["us"]) == 2
    assert crossing(world) == {("alice", "eu", "us"): 1}
