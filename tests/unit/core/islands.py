"""Big islands that stories share: an island of two regions, who talks, who hears whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from broker.core.actions import RepointLink, StartLink, Step, StopLink
from broker.core.decisions import Decision
from broker.core.policy.base import Policy
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, MediaUp, OpenSession
from broker.core.scenarios.bridges import has_cycle, heard
from broker.sim.node import FakeNode
from broker.sim.world import World
from rtcdn import keys
from rtcdn.model import PluginData, Role, SessionIntent
from tests.unit.core.worlds import node

SMALL = replace(BALANCED, limits=replace(BALANCED.limits, talkers_per_mix=3, cameras=6, candidates=4))


class Island(World):
    """A world whose fake nodes play no links among mixes and among VideoRooms; the map has them all the same."""

    def perform(self, steps: Iterable[Step]) -> None:
        """Perform what fake nodes can."""
        super().perform(step for step in steps if not _between(step))


def _between(step: Step) -> bool:
    link = step.after or step.before if isinstance(step, StartLink | StopLink | RepointLink) else None
    return link is not None and link.kind in ("bridge", "trunk", "remote")


def island(
    *, slots: int = 2, mixes: int = 3, regions: tuple[str, ...] = ("eu", "us"), policy: Policy = SMALL, **audience: int
) -> World:
    """An open island; so many AudioBridges in each region, two of the others."""
    nodes: list[FakeNode] = []
    for base, region in enumerate(regions):
        for offset, (kind, count) in enumerate((("vr", 2), ("ab", mixes), ("st", 2))):
            nodes += [
                node(f"{region}-{kind}{i}", kind.upper(), region, 60 * base + 20 * offset + i)
                for i in range(1, count + 1)
            ]
    world = Island(nodes, policy)
    world.gateway("gw", regions[0])
    answer = world.ask(OpenSession("demo", SessionIntent("big_island", slots=slots, audience=audience or {"eu": 10})))
    assert isinstance(answer, Decision), answer
    assert world.vmap.check() == []
    return world


def joins(world: World, name: str, region: str = "eu", role: Role = Role.SPEAKER, leg: str = "talk") -> str:
    """Somebody comes to talk (a viewer waits, suspended) and is connected; gives his node."""
    rights = ("view", "speak")
    answer = world.ask(Attach("demo", name, (leg,), role, rights, gateway="gw", regions=(region,)))
    assert isinstance(answer, Decision), answer
    assert answer.grant is not None
    world.ask(MediaUp("demo", name, leg, answer.grant.generation, 1, 2))
    assert world.vmap.check() == []
    return answer.grant.legs[0].node


def says(world: World, *who: str, at: str = "eu-ab1") -> None:
    """Who talk now in the mix of a node, by report; nobody else does there."""
    world.revision += 1
    known = world.vmap.nodes[at].plugin
    plugin = PluginData(known.contexts, talkers={f"demo/mix-{at}": who} if who else {})
    world.vmap = world.vmap.apply(
        [(keys.node_field("AB", at, "PLUGIN"), plugin.to_json(), world.revision)], world.now_s
    )


def all_hear_all(world: World) -> bool:
    """Whether everyone hears everyone once: over the links among mixes, and each stage one mix that hears all."""
    view = world.vmap.sessions["demo"]
    mixes = {name for name in view.duty("mix") if view.attached.get(name)}
    among = {name: link for name, link in view.links.items() if link.kind in ("bridge", "trunk")}
    times = heard(among, sorted(mixes))
    hears = {link.target: link.source for link in view.links.values() if link.kind == "mix"}
    ears = mixes | {hears[stage] for stage in view.duty("stage")}
    assert not has_cycle(among)
    return all(times[origin].get(ear) == 1 for origin in mixes for ear in ears)
