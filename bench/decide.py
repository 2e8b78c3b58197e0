"""Decisions of the core: how many a second and how long the slowest take, from 10 to 10,000 nodes.

The peer is the plain way to choose a node: scan all of them, filter, sort, take the first. It knows four facts of a
node, keeps no reasons and grants nothing. A second peer does by scan and sort what our decision does: it asks the same
filters and scores of every node and keeps why each lost.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from broker.core.decide import decide
from broker.core.decisions import Candidate, Decision, Term
from broker.core.policy.base import Need
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach
from broker.core.tables import Table
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import view_load
from broker.sim.node import FakeNode
from rtcdn import keys
from rtcdn.model import (
    Capacity,
    ContextInfo,
    ContextIntent,
    Kind,
    Leg,
    LinkIntent,
    ParticipantIntent,
    Record,
    SessionIntent,
)

SIZES = (10, 100, 1_000, 10_000)
VIEWERS_PER_NODE = 1_000
FULL_TABLE = 1_000  # nodes at which every viewer has his record: 1,000,000 of them
REGIONS = 10
NOW_S = 1_000_000.0
SLOTS = ("v1", "v2", "v3", "v4", "s1")
BIG = Capacity(handles=4_000, egress_kbps=40_000_000, egress_packets_ps=4_000_000)


# ---- the peer -------------------------------------------------------------------------------------


@dataclass
class PlainNode:
    """What a plain selector knows of a node."""

    id: str
    kind: str
    region: str
    weight: float
    serving: bool


def scan_and_sort(nodes: list[PlainNode], kind: str, region: str, limit: float) -> PlainNode | None:
    """All nodes that serve, of the kind, with room; those of the region before others; the lightest first."""
    able = [node for node in nodes if node.serving and node.kind == kind and node.weight < limit]
    near = [node for node in able if node.region == region]
    ranked = sorted(near or able, key=lambda node: node.weight)
    return ranked[0] if ranked else None


def scan_and_sort_same_rules(vmap: VirtualMap, need: Need, stages: Collection[str]) -> tuple[str, list[Candidate]]:
    """The same filters and scores for every node there is, the reason or the terms of each, the best first."""
    found = []
    for wrapper in vmap.nodes.values():
        reason = "" if wrapper.id in stages else "no stage"
        for each in () if reason else BALANCED.filters + BALANCED.preferences:
            reason = each(wrapper, need, BALANCED.limits) or reason
        if reason:
            found.append(Candidate(wrapper.id, reason=reason))
            continue
        terms = tuple(Term(score.name, score(wrapper, need, BALANCED.limits), w) for score, w in BALANCED.scores)
        found.append(Candidate(wrapper.id, terms, sum(term.score * term.weight for term in terms)))
    found.sort(key=lambda candidate: (bool(candidate.reason), -candidate.total, candidate.node))
    return found[0].node, found


# ---- the map --------------------------------------------------------------------------------------


def _region(number: int) -> str:
    return f"r{number % REGIONS}"


def _fakes(size: int, random: Random) -> list[FakeNode]:
    fakes = [FakeNode("vr", "VR", "r0", "192.0.2.1"), FakeNode("ab", "AB", "r0", "192.0.2.2")]
    for number in range(size):
        fake = FakeNode(f"st{number:05}", "ST", _region(number), f"198.18.{number // 250}.{number % 250}", BIG)
        fake.used = random.uniform(20, 70)
        janus_id = f"demo/stage-{fake.id}"
        fake.contexts[janus_id] = ContextInfo(janus_id, viewers=VIEWERS_PER_NODE)
        fakes.append(fake)
    return fakes


def _intent(fakes: list[FakeNode]) -> dict[str, Record]:
    """One session with a stage on every egress node."""
    intent: dict[str, Record] = {
        keys.session("demo"): SessionIntent(audience={_region(number): 1_000 for number in range(REGIONS)}),
        keys.context("demo", "ingress-vr"): ContextIntent("vr", Kind.VR, "ingress"),
        keys.context("demo", "mix-ab"): ContextIntent("ab", Kind.AB, "mix"),
    }
    for fake in fakes[2:]:
        stage = f"stage-{fake.id}"
        intent[keys.context("demo", stage)] = ContextIntent(fake.id, Kind.ST, "stage", slots=SLOTS)
        intent[keys.link("demo", f"mix-{fake.id}")] = LinkIntent("mix", "mix-ab", stage, slot="a")
    return intent


def build(size: int) -> tuple[VirtualMap, list[FakeNode]]:
    """A map of ``size`` egress nodes with a thousand viewers each; at 1,000 nodes each viewer has his record."""
    fakes = _fakes(size, Random(1))
    snapshot = {key: (text, 1) for fake in fakes for key, text in fake.report()}
    snapshot |= {key: (record.to_json(), 1) for key, record in _intent(fakes).items()}
    vmap = VirtualMap.build(snapshot, NOW_S, 1)
    view = vmap.sessions["demo"]
    people: dict[str, ParticipantIntent] = {}
    if size == FULL_TABLE:
        for fake in fakes[2:]:
            leg = Leg("view", node=fake.id, context=f"demo/stage-{fake.id}", state="up", generation=1)
            person = ParticipantIntent(legs=(leg,), generation=1)
            people |= {f"guest~{fake.id}{number}": person for number in range(VIEWERS_PER_NODE)}
    counts = {f"stage-{fake.id}": VIEWERS_PER_NODE for fake in fakes[2:]}
    view = replace(view, participants=Table(people), attached=Table(counts))
    return replace(vmap, sessions=vmap.sessions.set("demo", view)), fakes


# ---- measuring ------------------------------------------------------------------------------------


def timed(
    call: Callable[[int], object], rounds: int, between: Callable[[int], object] = int
) -> tuple[float, float, float]:
    """Calls a second, median and 99th percentile in microseconds; CPU time, so that neighbours do not count."""
    took = []
    for number in range(rounds):
        start_ns = time.thread_time_ns()
        call(number)
        took.append(time.thread_time_ns() - start_ns)
        between(number)
    took.sort()
    return rounds / (sum(took) / 1e9), took[rounds // 2] / 1000, took[rounds * 99 // 100] / 1000


def _attach(number: int) -> Attach:
    region = number % REGIONS
    return Attach("demo", f"new~{number}", gateway="gw", regions=(_region(region), _region(region + 1)))


def _need(number: int) -> Need:
    return Need("stage", "ST", "demo", "vp8", view_load(1_500_000), _attach(number).regions)


class _Live:
    """A map that goes on with every decision, as a broker's does: 1,000 joins a second, all nodes report in four."""

    def __init__(self, vmap: VirtualMap, texts: list[list[tuple[str, str, int]]]) -> None:
        self.vmap, self._texts = vmap, texts
        self._each = max(1, 4_000 // len(texts))  # joins between two reports

    def decide(self, number: int) -> None:
        answer = decide(self.vmap, _attach(number), BALANCED, self._now_s(number))
        assert isinstance(answer, Decision)
        self.vmap = self.vmap.with_changes(answer.changes, 0, self._now_s(number))

    def report(self, number: int) -> None:
        if number % self._each == 0:
            text = self._texts[number // self._each % len(self._texts)]
            self.vmap = self.vmap.apply(text, self._now_s(number))

    @staticmethod
    def _now_s(number: int) -> float:
        return NOW_S + number / 1_000


def _row(name: str, value: float, unit: str, **rest: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "value": round(value, 1), "unit": unit}
    row |= {"peer": "", "peer_value": None, "ratio": None, "budget": "", "met": None}
    for key, given in rest.items():
        row[key] = round(given, 2) if isinstance(given, float) else given
    return row


def _rows(size: int, rounds: int) -> list[dict[str, Any]]:
    vmap, fakes = build(size)
    plain = [PlainNode(w.id, w.kind, w.region, w.weight, not w.silent) for w in vmap.nodes.values()]
    Random(2).shuffle(plain)
    gc.collect()
    gc.freeze()
    texts = [[(key, text, 2) for key, text in fake.report()] for fake in fakes[2:]]
    live = _Live(vmap, texts)
    stages = {node: name for nodes in vmap.sessions["demo"].stages.values() for node, name in nodes.items()}
    scans = max(50, rounds * 10 // size)
    arms: dict[str, list[tuple[float, float, float]]] = {"ours": [], "scan": [], "full": []}
    for _ in range(2):  # A B A B
        arms["ours"].append(timed(lambda n: decide(vmap, _attach(n), BALANCED, NOW_S), rounds))
        arms["scan"].append(timed(lambda n: scan_and_sort(plain, "ST", _region(n), 90.0), scans))
        arms["full"].append(timed(lambda n: scan_and_sort_same_rules(vmap, _need(n), stages), max(10, scans // 20)))
    both = timed(live.decide, rounds, live.report)
    event = timed(lambda n: vmap.apply(texts[n % len(texts)], NOW_S), max(200, rounds // 10))
    ours, scan, full = (max(arm) for arm in arms.values())  # the faster of both runs of each
    gc.unfreeze()
    people = len(vmap.sessions["demo"].participants)
    note = f" ({people:,} viewers' records)" if people else ""
    budget = {"budget": ">= 50x"} if size == FULL_TABLE else {}

    def against(peer: float) -> dict[str, Any]:
        return {"peer_value": peer, "ratio": ours[0] / peer, **budget, "met": ours[0] / peer >= 50 if budget else None}

    p99 = {"budget": "< 1000 us", "met": ours[2] < 1000} if size == FULL_TABLE else {}
    return [
        _row(f"decide, {size} nodes{note}", ours[0], "1/s", peer="bare scan and sort, no reasons", **against(scan[0])),
        _row(f"decide, {size} nodes{note}", ours[0], "1/s", peer="scan and sort by the same rules", **against(full[0])),
        _row(f"decide p99, {size} nodes", ours[2], "us", peer="scan and sort by the same rules", peer_value=full[2],
             ratio=ours[2] / full[2], **p99),
        _row(f"decide and put into the map p99, {size} nodes", both[2], "us"),
        _row(f"a node's report into the map, {size} nodes", event[1], "us p50"),
    ]  # fmt: skip


def run(sizes: tuple[int, ...] = SIZES, rounds: int = 4_000) -> list[dict[str, Any]]:
    """Rows of name, value, unit, peer, peer_value, ratio, budget, met."""
    rows = [row for size in sizes for row in _rows(size, rounds)]
    p99 = {size: row["value"] for size in sizes for row in rows if row["name"] == f"decide p99, {size} nodes"}
    if len(sizes) > 1:
        small, large = min(sizes), max(sizes)
        ratio = p99[large] / p99[small]
        rows.append(
            _row(f"decide p99, {large} nodes", p99[large], "us", peer=f"the same at {small} nodes",
                 peer_value=p99[small], ratio=ratio, budget="<= 4x", met=ratio <= 4)
        )  # fmt: skip
    return rows


if __name__ == "__main__":
    for found in run():
        print(found)
