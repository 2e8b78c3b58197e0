"""One million joins over 1,000 egress nodes in one process: the shipped decision, put into the map, beside a bare heap.

Each join is an attach decided by ``decide`` on the map that the one before left, with reasons, checks and its grant
counted; nodes report their true weight every four seconds of virtual time. The peer is what a plain selector would do:
a heap of weights for each region, the lightest node popped and pushed, and a dict of who is where.
"""

from __future__ import annotations

import gc
import heapq
import time
from collections import Counter
from typing import Any

from bench.decide import BIG, _row
from broker.core.decide import decide
from broker.core.decisions import Decision
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, OpenSession
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import view_load
from broker.sim.node import FakeNode
from broker.sim.world import World
from broker.watch import spare_the_map
from rtcdn.model import SessionIntent

JOINS, NODES, REGIONS = 1_000_000, 1_000, 10
JOINS_PS = 5_000  # in virtual time
REPORT_S = 4.0
COST = view_load(1_500_000).cost(BIG)


def rss_bytes() -> int:
    """Memory of this process."""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def region_of(join: int) -> int:
    """Where a viewer comes from: regions of equal size, in an order that mixes them."""
    return join * 7919 % REGIONS


def heap_loop(joins: int, nodes: int) -> tuple[float, int, Counter[int]]:
    """The peer: seconds, bytes and viewers by node."""
    before = rss_bytes()
    heaps: list[list[tuple[float, int]]] = [[] for _ in range(REGIONS)]
    for node in range(nodes):
        heapq.heappush(heaps[node % REGIONS], (0.0, node))
    placed: dict[str, int] = {}
    started_s = time.process_time()
    for join in range(joins):
        heap = heaps[region_of(join)]
        weight, node = heap[0]
        heapq.heapreplace(heap, (weight + COST, node))
        placed[f"guest~{join}"] = node
    return time.process_time() - started_s, rss_bytes() - before, Counter(placed.values())


def world_of(nodes: int, joins: int) -> World:
    """A session with a stage on every node, opened by the core for its whole audience."""
    fakes = [FakeNode("vr", "VR", "r0", "192.0.2.1", BIG), FakeNode("ab", "AB", "r0", "192.0.2.2", BIG)]
    for number in range(nodes):
        host = f"198.18.{number // 250}.{number % 250}"
        fakes.append(FakeNode(f"st{number:04}", "ST", f"r{number % REGIONS}", host, BIG))
    world = World(fakes, BALANCED)
    room = int(BALANCED.limits.full_weight / COST) * nodes // REGIONS
    assert room * REGIONS >= joins, "the nodes must carry all who join"
    opened = world.ask(OpenSession("demo", SessionIntent(audience={f"r{at}": room for at in range(REGIONS)})))
    assert isinstance(opened, Decision)
    return world


class Joins:
    """Viewers one after the other, and reports in between."""

    def __init__(self, world: World) -> None:
        self.vmap: VirtualMap = world.vmap
        self.nodes = [node for name, node in world.nodes.items() if name.startswith("st")]
        self.got: Counter[str] = Counter()
        self._start_s = world.now_s
        self._each = max(1, int(JOINS_PS * REPORT_S / len(self.nodes)))  # joins between two reports
        self._orders = [tuple(f"r{(at + step) % REGIONS}" for step in range(REGIONS)) for at in range(REGIONS)]
        self.took_s: list[float] = []
        self.reports = 0
        self._by_name = {node.id: node for node in self.nodes}

    def run(self, joins: int) -> None:
        """Let them come; each chunk of a tenth is timed."""
        started_s = time.process_time()
        for join in range(joins):
            self._join(join)
            if join % self._each == 0:
                self._report(join)
            if (join + 1) % max(1, joins // 10) == 0:
                self.took_s.append(time.process_time() - started_s)
                started_s = time.process_time()

    def _join(self, join: int) -> None:
        now_s = self._start_s + join / JOINS_PS
        request = Attach("demo", f"guest~{join}", gateway="gw", regions=self._orders[region_of(join)])
        answer = decide(self.vmap, request, BALANCED, now_s)
        assert isinstance(answer, Decision)
        assert answer.grant
        self.vmap = self.vmap.with_changes(answer.changes, 0, now_s)
        node = answer.grant.legs[0].node
        self.got[node] += 1
        self._by_name[node].used += COST

    def _report(self, join: int) -> None:
        node = self.nodes[join // self._each % len(self.nodes)]
        self.reports += 1
        self.vmap = self.vmap.apply([(key, text, 0) for key, text in node.report()], self._start_s + join / JOINS_PS)


def run(joins: int = JOINS, nodes: int = NODES) -> list[dict[str, Any]]:
    """Rows of name, value, unit, peer, peer_value, ratio, budget, met."""
    heap_s, heap_bytes, heap_got = heap_loop(joins, nodes)
    gc.collect()
    thresholds = gc.get_threshold()
    spare_the_map()
    before = rss_bytes()
    made = Joins(world_of(nodes, joins))
    opened = rss_bytes()
    gc.freeze()
    made.run(joins)
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    used = rss_bytes() - opened
    total_s = sum(made.took_s)
    served = made.vmap.sessions["demo"].participants
    assert len(served) == joins
    misses = _misses(made.vmap)
    what = f"{joins:,} joins over {nodes:,} nodes"
    peer = "bare heap of weights"
    tenth = joins / 10
    return [
        _row(f"{what}, decided and put into the map", joins / total_s, "1/s", peer=peer, peer_value=joins / heap_s,
             ratio=heap_s / total_s),
        _row("the first tenth of them", tenth / made.took_s[0], "1/s"),
        _row("the last tenth of them", tenth / made.took_s[-1], "1/s", peer="the first tenth",
             peer_value=tenth / made.took_s[0], ratio=made.took_s[0] / made.took_s[-1]),
        _row("memory for each viewer", used / joins, "bytes", peer=peer, peer_value=heap_bytes / joins,
             ratio=used / max(1, heap_bytes)),
        _row("memory in all", used / 2**20, "MiB", peer=peer, peer_value=round(heap_bytes / 2**20, 1)),
        _row("memory of the map before them", (opened - before) / 2**20, "MiB"),
        _row("viewers on the fullest node", max(made.got.values()), "viewers", peer="perfectly level (the heap)",
             peer_value=max(heap_got.values()), ratio=max(made.got.values()) / max(heap_got.values())),
        _row("viewers on the emptiest node", min(made.got[node.id] for node in made.nodes), "viewers",
             peer="perfectly level (the heap)", peer_value=min(heap_got.values())),
        _row("viewers outside their nearest region", misses, "viewers", peer=peer, peer_value=0),
        _row("reports put into the map meanwhile", made.reports, "reports"),
    ]  # fmt: skip


def _misses(vmap: VirtualMap) -> int:
    """Viewers whose node is not in the first region they asked for."""
    people = vmap.sessions["demo"].participants.values()
    return sum(vmap.nodes[person.legs[0].node].region != person.region for person in people)


if __name__ == "__main__":
    for found in run():
        print(found)
