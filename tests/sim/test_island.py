"""An island of 800 people in three regions, of whom 60 may speak, through joins, kills, a drain and leaves."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from broker.core.decisions import Decision
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, Drain, Leave, MediaUp, SetRole
from broker.sim.world import World
from rtcdn.model import Role
from tests.unit.core.islands import all_hear_all, island, says
from tests.unit.core.worlds import AUDIO, CAMERA

PEOPLE, ACTIVE, REGIONS = 800, 60, ("asia", "eu", "us")
POLICY = replace(BALANCED, limits=replace(BALANCED.limits, talkers_per_mix=25, candidates=150))


def arrive(world: World, random: Random) -> list[str]:
    """All come to watch and wait to speak; 60 are promoted, in no order; half of these show themselves too."""
    names = [f"p{number}" for number in range(PEOPLE)]
    for name in names:
        world.now_s += 0.05
        region = random.choice(REGIONS)
        request = Attach("demo", name, ("view",), Role.VIEWER, ("speak",), gateway="gw", regions=(region,), ready=True)
        answer = world.ask(request)
        assert isinstance(answer, Decision), answer
        assert answer.grant is not None
        for leg in answer.grant.legs:
            world.ask(MediaUp("demo", name, leg.leg, answer.grant.generation, 1, 2))
    active = random.sample(names, ACTIVE)
    for number, name in enumerate(active):
        world.ask(SetRole("demo", name, Role.SPEAKER))
        region = world.vmap.sessions["demo"].participants[name].region
        known = {leg.leg for leg in world.vmap.sessions["demo"].participants[name].legs}
        want = [leg for leg in ("talk", "publish") if leg not in known and (leg == "talk" or number % 2)]
        for leg in want:
            ask = Attach("demo", name, (leg,), Role.SPEAKER, ("speak",), gateway="gw", regions=(region,))
            answer = world.ask(ask)
            assert isinstance(answer, Decision), answer
            assert answer.grant is not None
            streams = (CAMERA,) if leg == "publish" else ()
            world.ask(MediaUp("demo", name, leg, answer.grant.generation, 1, 2, streams))
    return active


def sound(world: World) -> None:
    """Nothing is broken, each mix is within its limits, everyone hears everyone once."""
    limits, view = world.policy.limits, world.vmap.sessions["demo"]
    assert world.vmap.check() == []
    assert all(count <= limits.talkers_per_mix for count in view.live.values())
    assert all(view.attached.get(mix, 0) - view.live.get(mix, 0) <= limits.candidates for mix in view.duty("mix"))
    assert all(world.vmap.nodes[mix.node].weight <= 100 for mix in view.duty("mix").values())
    assert all_hear_all(world)


def settled(world: World) -> None:
    """Time passes; gateways lead their people where they are ordered to."""
    world.tick(31)
    world.housekeep()
    for order in world.orders:
        if order.order == "move":
            world.ask(MediaUp("demo", order.id, order.legs[0].leg, order.generation, 1, 2))
    world.orders.clear()
    world.housekeep()


@pytest.mark.parametrize(("talkers", "kind"), [(25, "bridge"), (5, "trunk")])
def test_an_island_of_800_stays_whole(talkers: int, kind: str) -> None:
    """One mix is lost with its node, one is drained; in the end three people are left."""
    policy = replace(POLICY, limits=replace(POLICY.limits, talkers_per_mix=talkers))
    world = island(slots=9, mixes=6, regions=REGIONS, policy=policy, eu=300, us=300, asia=200)
    active = arrive(world, Random(800))
    settled(world)
    sound(world)
    view = world.vmap.sessions["demo"]
    spread = Counter(world.vmap.nodes[view.contexts[mix].node].region for mix in view.live)
    assert set(spread) == set(REGIONS)
    assert {link.kind for link in view.links.values() if link.kind in ("bridge", "trunk")} == {kind}
    assert sum(view.live.values()) == ACTIVE
    assert len(set(shown(world))) == 9
    assert len(view.publishers) == ACTIVE // 2
    lost = view.contexts[max(view.live, key=lambda mix: (view.live[mix], mix))].node
    world.kill(lost)
    settled(world)
    sound(world)
    assert f"mix-{lost}" not in world.vmap.sessions["demo"].contexts
    drained = world.vmap.sessions["demo"].contexts[min(world.vmap.sessions["demo"].live)].node
    world.ask(Drain(drained, "op"))
    settled(world)
    sound(world)
    assert f"mix-{drained}" not in world.vmap.sessions["demo"].contexts
    assert sum(world.vmap.sessions["demo"].live.values()) == ACTIVE
    for name in [name for name in world.vmap.sessions["demo"].participants if name not in active[:3]]:
        world.ask(Leave("demo", name))
    settled(world)
    world.tick(61)
    world.housekeep()
    sound(world)
    assert len(world.vmap.sessions["demo"].duty("mix")) <= 3


def shown(world: World) -> list[str]:
    """Who is shown."""
    links = world.vmap.sessions["demo"].links.values()
    return [link.participant for link in links if link.kind == "slot" and link.target == "stage-eu-st1"]


def test_slots_follow_who_talks_in_any_region() -> None:
    """One who talks in another mix than the rest is shown within the time it takes to be heard."""
    world = island(slots=2, regions=REGIONS, policy=POLICY, eu=10, us=10, asia=10)
    for name, region in (("ann", "eu"), ("bob", "eu"), ("cat", "us")):
        for leg in ("talk", "publish"):
            answer = world.ask(Attach("demo", name, (leg,), Role.SPEAKER, gateway="gw", regions=(region,)))
            assert isinstance(answer, Decision)
            assert answer.grant is not None
            streams = (AUDIO, CAMERA) if leg == "publish" else ()
            world.ask(MediaUp("demo", name, leg, answer.grant.generation, 1, 2, streams[leg == "publish" :]))
    assert set(shown(world)) == {"ann", "bob"}
    node = next(leg.node for leg in world.vmap.sessions["demo"].participants["cat"].legs if leg.leg == "talk")
    says(world, "cat", at=node)
    world.now_s += 3
    world.housekeep()
    assert "cat" in shown(world)
    assert world.vmap.check() == []
