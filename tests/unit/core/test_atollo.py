"""Atollo: everything of a small session on one host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.core.decisions import Decision, Refusal
from broker.core.policy.base import Policy
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, Drain, Leave, MediaUp, OpenSession, Undrain, Vacate
from broker.sim.node import FakeNode
from broker.sim.world import World
from rtcdn.model import Capacity, Role, SessionIntent
from tests.unit.core.worlds import AUDIO, CAMERA, attach, shown, speaks, steps, voices, watches

KINDS = ("VR", "AB", "ST")


def host(name: str, region: str, number: int, kinds: tuple[str, ...] = KINDS) -> list[FakeNode]:
    """The nodes of a host, all of one address."""
    return [FakeNode(f"{name}-{k.lower()}", k, region, f"192.0.2.{number}", Capacity(), machine=name) for k in kinds]


def hosts(policy: Policy = BALANCED) -> World:
    """Two hosts in eu, one in us."""
    world = World([*host("eu1", "eu", 1), *host("eu2", "eu", 2), *host("us1", "us", 3)], policy)
    world.gateway("gw", "eu")
    return world


def small(world: World, session: str = "demo", slots: int = 4, **audience: int) -> Decision:
    """Open an atollo; it must be granted."""
    answer = world.ask(OpenSession(session, SessionIntent("atollo", slots=slots, audience=audience)))
    assert isinstance(answer, Decision), answer
    return answer


def places(world: World, session: str = "demo") -> dict[str, str]:
    """Context -> host."""
    contexts = world.vmap.sessions[session].contexts
    return {name: world.nodes[contexts[name].node].machine for name in sorted(contexts)}


def test_an_atollo_stands_on_one_host_near_its_audience() -> None:
    """No mix yet; it comes with the first voice, in the same decision that links it."""
    world = hosts()
    small(world, us=5)
    assert places(world) == {"ingress-us1-vr": "us1", "stage-us1-st": "us1"}
    assert world.vmap.check() == []
    answer = attach(world, "ann", "publish", regions=("eu",))
    assert isinstance(answer, Decision)
    assert answer.grant
    up = world.ask(MediaUp("demo", "ann", "publish", answer.grant.generation, 1, 2, (AUDIO, CAMERA)))
    assert steps(up) == [
        "create_context mix-us1-ab",
        "start_link mix-us1-st",
        "start_link v1-us1-st",
        "start_link voice-ann",
    ]
    assert (shown(world), voices(world), world.vmap.check()) == ({"v1": "ann"}, {"ann"}, [])


def test_without_an_audience_the_first_participant_says_where() -> None:
    """Opening makes nothing; he who comes first makes it near himself, and a talk leg the mix too."""
    world = hosts()
    assert steps(small(world)) == []
    assert world.housekeep() == []
    assert watches(world, "eve", regions=("us", "eu")) == "us1-st"
    assert places(world) == {"ingress-us1-vr": "us1", "stage-us1-st": "us1"}
    answer = world.ask(Attach("demo", "bob", ("talk",), Role.SPEAKER, gateway="gw", regions=("eu",)))
    assert isinstance(answer, Decision)
    assert sorted(places(world)) == ["ingress-us1-vr", "mix-us1-ab", "stage-us1-st"]
    assert world.vmap.sessions["demo"].links["mix-us1-st"].source == "mix-us1-ab"
    assert world.vmap.check() == []


def test_a_voice_is_missing_not_the_picture_while_there_is_no_mix() -> None:
    """And upkeep makes up for it."""
    world = hosts()
    small(world, us=5)
    for name in ("eu1-ab", "eu2-ab", "us1-ab"):
        world.ask(Drain(name, "op"))
    speaks(world, "ann")
    assert (shown(world), voices(world)) == ({"v1": "ann"}, set())
    world.ask(Undrain("us1-ab"))
    world.housekeep()
    assert (voices(world), places(world)["mix-us1-ab"]) == ({"ann"}, "us1")
    assert world.vmap.check() == []


def test_hosts_are_filled_one_after_another_up_to_the_margin() -> None:
    """Sessions with people pack; beyond the margin the next host is taken, and then the lighter, never one abroad."""
    world = hosts(replace(BALANCED, limits=replace(BALANCED.limits, full_weight=30.0, pack_margin=15.0)))
    taken = []
    for number in range(24):
        name = f"s{number}"
        small(world, name)
        for guest in range(6):
            assert isinstance(attach(world, f"guest~{guest}", session=name, regions=("eu",)), Decision)
        speaks(world, "ann", session=name, regions=("eu",))
        assert len(set(places(world, name).values())) == 1
        taken.append(places(world, name)[next(iter(places(world, name)))])
    first = taken[0]
    assert {"eu1", "eu2"} == set(taken)
    filled = next(number for number, name in enumerate(taken) if name != first)
    assert filled > 5
    assert first not in taken[filled : 2 * filled]


def test_a_host_that_lacks_a_kind_is_helped_by_the_nearest_and_says_so() -> None:
    """Only when no host has all kinds."""
    world = World([*host("eu1", "eu", 1, ("VR", "ST")), *host("us1", "us", 2, ("AB",)), *host("eu2", "eu", 3, ("AB",))])
    world.gateway("gw", "eu")
    small(world, eu=5)
    answer = world.ask(Attach("demo", "bob", ("talk",), Role.SPEAKER, gateway="gw", regions=("eu",)))
    assert isinstance(answer, Decision)
    assert [(reason.code, reason.detail) for reason in answer.reasons] == [
        ("host-lacks", "eu1 has no node that may take the mix; eu2-ab takes it")
    ]
    whole = World([*host("eu1", "eu", 1, ("VR", "ST")), *host("eu2", "eu", 3)])
    small(whole, eu=5)
    assert set(places(whole).values()) == {"eu2"}


def test_one_more_than_the_limit_is_refused_with_the_cure() -> None:
    """Who is here may ask again; who leaves makes room."""
    world = hosts(replace(BALANCED, limits=replace(BALANCED.limits, atollo_most=3)))
    small(world, eu=3)
    for name in ("ann", "bob", "carol"):
        watches(world, name)
    answer = attach(world, "dave")
    assert isinstance(answer, Refusal)
    assert (answer.code, "change the scenario to archipelago" in answer.detail) == ("session-full", True)
    assert isinstance(attach(world, "ann"), Decision)
    world.ask(Leave("demo", "bob"))
    assert isinstance(attach(world, "dave"), Decision)


def test_every_camera_of_sixteen_holds_a_slot() -> None:
    """All speak and see each other."""
    world = hosts()
    small(world, slots=16, eu=16)
    for number in range(16):
        speaks(world, f"p{number}")
    assert sorted(shown(world).values()) == sorted(f"p{number}" for number in range(16))
    assert len(places(world)) == 3


def everything(world: World) -> None:
    """A session with two speakers, a viewer and one who talks."""
    small(world, eu=5)
    speaks(world, "ann")
    speaks(world, "bob")
    watches(world, "eve")
    world.ask(Attach("demo", "tom", ("talk",), Role.SPEAKER, gateway="gw"))
    world.ask(MediaUp("demo", "tom", "talk", 1, 7, 8))


def up_again(world: World, *names: str) -> None:
    """Speakers are up where they were led."""
    for name in names:
        participant = world.vmap.sessions["demo"].participants[name]
        leg = next(leg for leg in participant.legs if leg.leg == "publish")
        for node in world.nodes.values():
            for context in tuple(node.contexts):
                node.unpublish(context, name)
        world.nodes[leg.node].publish(leg.context, name)
        world.ask(MediaUp("demo", name, "publish", participant.generation, 5, 6, (AUDIO, CAMERA)))


@pytest.mark.parametrize("node", ["vr", "ab", "st"])
@pytest.mark.parametrize("portion", [1, 50])
def test_a_session_leaves_a_draining_host_as_a_whole(node: str, portion: int) -> None:
    """Whichever of its nodes drains; speakers are shown from the old one until they are up at the new one."""
    world = hosts(replace(BALANCED, limits=replace(BALANCED.limits, portion=portion)))
    everything(world)
    old = next(iter(places(world).values()))
    new = {"eu1": "eu2", "eu2": "eu1"}[old]
    world.ask(Drain(f"{old}-{node}", "op"))
    first = world.ask(Vacate("demo", f"{old}-{node}"))
    assert [step for step in steps(first) if step.startswith("create")] == [
        f"create_context stage-{new}-st",
        f"create_context mix-{new}-ab",
        f"create_context ingress-{new}-vr",
    ]
    world.housekeep()
    assert shown(world) == {"v1": "ann", "v2": "bob"}
    legs = [leg for each in world.vmap.sessions["demo"].participants.values() for leg in each.legs]
    assert {world.nodes[leg.node].machine for leg in legs} == {new}
    up_again(world, "ann", "bob")
    world.housekeep()
    world.tick(61)
    world.housekeep()
    world.tick(61)
    world.housekeep()
    assert set(places(world).values()) == {new}
    assert (len(places(world)), shown(world), voices(world)) == (3, {"v1": "ann", "v2": "bob"}, {"ann", "bob"})
    assert world.vmap.check() == []


@pytest.mark.parametrize("deadline_s", [0, 60])
def test_who_stays_in_the_old_mix_is_heard_until_the_deadline(deadline_s: int) -> None:
    """He was led away and does not go. The mix's own node is not drained: the host is left as a whole."""
    world = hosts()
    everything(world)
    old = next(iter(places(world).values()))
    mix = world.nodes[f"{old}-ab"].contexts
    mix[f"demo/mix-{old}-ab"] = replace(mix[f"demo/mix-{old}-ab"], participants=1)
    world.tick(1)
    world.ask(Drain(f"{old}-st", "op", world.now_s + deadline_s if deadline_s else 0.0))
    world.housekeep()
    up_again(world, "ann", "bob")
    world.housekeep()
    assert {f"mix-{old}-ab", f"stage-{old}-st"} & set(places(world)) == {f"mix-{old}-ab", f"stage-{old}-st"}
    world.tick(61)
    world.housekeep()
    left = set() if deadline_s else {f"mix-{old}-ab", f"stage-{old}-st"}
    assert {f"mix-{old}-ab", f"stage-{old}-st"} & set(places(world)) == left
    assert world.vmap.check() == []


def test_a_lost_node_takes_the_session_to_another_host() -> None:
    """People of the nodes that are left are led there too."""
    world = hosts()
    everything(world)
    old = next(iter(places(world).values()))
    world.kill(f"{old}-vr")
    world.tick(16)
    world.housekeep()
    assert (shown(world), set(places(world).values()) - {old}) == ({}, {"eu2" if old == "eu1" else "eu1"})
    up_again(world, "ann", "bob")
    world.housekeep()
    assert old not in places(world).values()
    assert shown(world) == {"v1": "ann", "v2": "bob"}
    assert world.vmap.check() == []


def test_a_move_that_was_given_up_halfway_comes_together_again() -> None:
    """The host works again while people stand on two: they are gathered, and one context of each duty is left."""
    world = hosts(replace(BALANCED, limits=replace(BALANCED.limits, portion=1)))
    everything(world)
    old = next(iter(places(world).values()))
    world.ask(Drain(f"{old}-st", "op"))
    world.ask(Vacate("demo", f"{old}-st"))
    world.ask(Undrain(f"{old}-st"))
    for _ in range(4):
        world.housekeep()
        up_again(world, "ann", "bob")
        assert world.vmap.check() == []
        world.tick(61)
    assert (len(places(world)), len(set(places(world).values()))) == (3, 1)
    assert shown(world) == {"v1": "ann", "v2": "bob"}


def test_who_comes_while_the_host_drains_is_led_to_the_next_one() -> None:
    """The others follow; a node that works is not left, whoever asks."""
    world = hosts()
    everything(world)
    answer = world.ask(Vacate("demo", "eu1-st", lost=True))
    assert isinstance(answer, Decision)
    assert (answer.changes, set(places(world).values())) == ((), {"eu1"})
    world.ask(Drain("eu1-st", "op"))
    assert watches(world, "dave") == "eu2-st"
    world.housekeep()
    assert world.vmap.sessions["demo"].participants["eve"].legs[0].node == "eu2-st"


def test_on_a_full_or_silent_host_nobody_is_let_in() -> None:
    """No second stage is made; who asks is told why, by node."""
    world = hosts()
    everything(world)
    world.nodes["eu1-st"].used = 95.0
    world.tick(1)
    answer = attach(world, "dave")
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.choices[-1].candidates[0].reason) == ("no-capacity", "full")
    world.kill("eu1-vr")
    silent = attach(world, "dave", "publish")
    assert isinstance(silent, Refusal)
    assert (silent.code, "does not answer" in silent.detail) == ("no-capacity", True)
    assert len(places(world)) == 3


def test_without_another_host_a_drain_waits() -> None:
    """Nothing is torn down."""
    world = World(host("eu1", "eu", 1))
    world.gateway("gw", "eu")
    everything(world)
    before = places(world)
    world.ask(Drain("eu1-st", "op"))
    assert world.housekeep() == [Vacate("demo", "eu1-st")]
    assert places(world) == before
