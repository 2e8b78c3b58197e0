"""Decisions of the core in each scenario, from 30 to 9,999 nodes: opening an atollo, a seat on an island, a view.

The peer asks every node by the same rules, keeps why each lost, and sorts: as often as the decision places something.
What a view of an archipelago costs at a million viewers is in ``bench.decide``.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from random import Random
from typing import Any

from bench.decide import NOW_S, scan_and_sort_same_rules, timed
from broker.core.decide import decide
from broker.core.decisions import Decision
from broker.core.policy.base import Need
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, OpenSession, Request
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import view_load
from broker.sim.node import FakeNode
from broker.sim.world import World
from rtcdn.model import Capacity, Role, SessionIntent

SIZES = (30, 300, 3_000, 9_999)
REGIONS = 10
SPEAKERS = 200  # on the island before it is measured
KINDS = ("VR", "AB", "ST")
BIG = Capacity(handles=4_000, egress_kbps=40_000_000, egress_packets_ps=4_000_000, participants=60)


def _region(number: int) -> str:
    return f"r{number % REGIONS}"


def build(size: int) -> World:
    """Hosts with a node of each kind, over ten regions, laden differently; an island and an archipelago run."""
    random, fakes = Random(1), []
    for number in range(size):
        host = number // len(KINDS)
        kind = KINDS[number % len(KINDS)]
        fake = FakeNode(f"h{host:04}-{kind.lower()}", kind, _region(host), f"198.18.{host // 250}.{host % 250}", BIG)
        fake.used, fake.machine = random.uniform(5, 60), f"h{host:04}"
        fakes.append(fake)
    world = World(fakes, now_s=NOW_S)
    world.gateway("gw", "r0")
    audience = {_region(number): 1_000 for number in range(REGIONS)}
    for name, scenario in (("isle", "big_island"), ("stage", "archipelago")):
        assert isinstance(world.ask(OpenSession(name, SessionIntent(scenario=scenario, audience=audience))), Decision)
    for number in range(SPEAKERS):
        assert isinstance(world.ask(_speaker(number, "old")), Decision)
    world.tick(60)
    return world


def _speaker(number: int, prefix: str = "new") -> Attach:
    """One who may speak comes to the island: a place in a mix, and a view."""
    regions = (_region(number), _region(number + 1))
    return Attach(
        "isle", f"{prefix}-{number}", ("talk", "view"), Role.SPEAKER, rights=("speak",), gateway="gw", regions=regions
    )


def _viewer(number: int) -> Attach:
    return Attach("stage", f"new-{number}", ("view",), gateway="gw", regions=(_region(number), _region(number + 1)))


def _atollo(number: int) -> OpenSession:
    return OpenSession(f"small-{number}", SessionIntent(scenario="atollo", audience={_region(number): 6}))


def scan(vmap: VirtualMap, kinds: tuple[str, ...], number: int) -> None:
    """A place for each of ``kinds`` by asking every node by the same rules and sorting."""
    for kind in kinds:
        need = Need("stage", kind, "isle", "", view_load(1_500_000), (_region(number), _region(number + 1)))
        scan_and_sort_same_rules(vmap, need, vmap.nodes)


ARMS: tuple[tuple[str, Callable[[int], Request], tuple[str, ...]], ...] = (
    ("atollo: open", _atollo, KINDS),
    ("big_island: a speaker comes", _speaker, ("AB", "ST")),
    ("archipelago: a viewer comes", _viewer, ("ST",)),
)


def _rows(size: int, rounds: int) -> list[dict[str, Any]]:
    world = build(size)
    gc.collect()
    gc.freeze()
    rows = []
    for name, make, kinds in ARMS:

        def ours(number: int, make: Callable[[int], Request] = make) -> None:
            assert isinstance(decide(world.vmap, make(number), BALANCED, world.now_s), Decision)

        def peer(number: int, kinds: tuple[str, ...] = kinds) -> None:
            scan(world.vmap, kinds, number)

        scans = max(5, rounds * 10 // size)
        arms = [(timed(ours, rounds), timed(peer, scans)) for _ in range(2)]  # A B A B
        best, scanned = max(arm[0] for arm in arms), max(arm[1] for arm in arms)
        about = {"peer": "scan and sort by the same rules", "budget": "", "met": None}
        for what, place, unit in (("", 0, "1/s"), (" p50", 1, "us"), (" p99", 2, "us")):
            value, other = best[place], scanned[place]
            ratio = round(value / other, 2)
            row = {"name": f"{name}{what}, {size} nodes", "value": round(value, 1), "unit": unit}
            rows.append({**row, **about, "peer_value": round(other, 1), "ratio": ratio})
    gc.unfreeze()
    return rows


def run(sizes: tuple[int, ...] = SIZES, rounds: int = 1_000) -> list[dict[str, Any]]:
    """Rows of name, value, unit, peer, peer_value, ratio, budget, met."""
    return [row for size in sizes for row in _rows(size, rounds)]
