"""What a warm session costs while nobody is there: its contexts and links, beside 200 AudioBridge rooms made ahead.

Janus nodes as the product deploys them, each measured empty first: what is told is the difference. A warm session has
one mix, one ingress and a stage per egress node, all linked; stages stand for some 320 viewers each. The rooms do
nothing; a second peer are rooms as ready as a mix of ours is, forwarding to a stage: a few of them, times the rest.
"""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

from bench.proc import Usage, pids_of, usage
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.rest import RestClient
from rtcdn.model import Codec, Kind
from tests.support.engine import Engine, Network
from tests.support.janus import JanusNode, start_janus

ROOMS = 200  # pre-made, the other way
READY = 10  # of them measured as they forward, and counted for all
STAGES = 8  # of the warm session, on one node here
SLOTS = ("v1", "v2", "v3", "v4", "s1")
WINDOW_S = 5.0
ROUNDS = 3
BUDGET = 0.05  # of the rooms' cost
WARM = ("mix", "ingress", "stages")


def run() -> list[dict[str, Any]]:
    """Rows: CPU, threads, memory."""
    with Engine() as engine:
        network = engine.network()
        kinds = {"rooms": Kind.AB, "ready": Kind.AB, "mix": Kind.AB, "ingress": Kind.VR, "stages": Kind.ST}
        nodes = {name: _node(engine, network, name, kind) for name, kind in kinds.items()}
        before = _costs(nodes)
        rooms = _client(nodes["rooms"])
        began_s = time.monotonic()
        for number in range(ROOMS):
            rooms.ensure_mix(f"bench-{number}/mix")
        rooms_s = time.monotonic() - began_s
        _ready_rooms(_client(nodes["ready"]), nodes["stages"].media_ip)
        began_s = time.monotonic()
        _warm({name: _client(nodes[name]) for name in WARM})
        warm_s = time.monotonic() - began_s
        return _rows(before, _costs(nodes), rooms_s, warm_s)


def _warm(clients: dict[str, NodeClient]) -> None:
    """Contexts and links as the actor makes them."""
    clients["ingress"].ensure_room("bench/ingress", Codec.VP8, 12, 1_500_000)
    clients["mix"].ensure_mix("bench/mix")
    for number in range(STAGES):
        media = clients["stages"].ensure_stage(f"bench/stage-{number}", Codec.VP8, SLOTS)
        port = next(each.port for each in media if each.mid == "a")
        clients["mix"].start_mix("bench/mix", clients["stages"].media_ip, port)


def _ready_rooms(client: NodeClient, ip: str) -> None:
    """Rooms that forward already, to ports where nobody listens."""
    for number in range(READY):
        client.ensure_mix(f"bench-ready-{number}/mix")
        client.start_mix(f"bench-ready-{number}/mix", ip, 9)


def _rows(
    before: dict[str, tuple[float, Usage]], after: dict[str, tuple[float, Usage]], rooms_s: float, warm_s: float
) -> list[dict[str, Any]]:
    cpu = {name: max(0.0, after[name][0] - before[name][0]) for name in after}
    threads = {name: after[name][1].threads - before[name][1].threads for name in after}
    memory = {name: after[name][1].rss_mb - before[name][1].rss_mb for name in after}
    warm = f"a warm session with {STAGES} stages, idle"
    rooms = f"{ROOMS} AudioBridge rooms, idle"
    ready = f"{ROOMS} that forward, counted from {READY}"
    found = []
    for what, unit, cost, budget in (
        ("CPU", "% of a core", cpu, BUDGET),
        ("threads", "", threads, None),
        ("memory", "MB", memory, None),
    ):
        own = sum(cost[name] for name in WARM)
        found.append(_row(f"{warm}: {what}", own, unit, (rooms, cost["rooms"]), budget))
        found.append(_row(f"{warm}: {what}", own, unit, (ready, cost["ready"] * ROOMS / READY)))
    found += [
        _row(f"{warm}: CPU of the {name} node", cpu[name], "% of a core", ("it, empty", before[name][0]))
        for name in WARM
    ]
    return [*found, _row(f"{warm}: made, one call after another", warm_s, "s", (rooms, rooms_s))]


def _row(name: str, value: float, unit: str, beside: tuple[str, float], budget: float | None = None) -> dict[str, Any]:
    peer, peer_value = beside
    ratio = round(value / peer_value, 3) if peer_value else None
    row: dict[str, Any] = {"name": name, "value": round(value, 3), "unit": unit, "peer": peer}
    row |= {"peer_value": round(peer_value, 3), "ratio": ratio, "budget": None, "met": None}
    if budget is not None:
        row |= {"budget": f"<= {budget:g} x the peer", "met": value <= budget * peer_value}
    return row


def _costs(nodes: dict[str, JanusNode]) -> dict[str, tuple[float, Usage]]:
    """CPU in percent of a core and what is held; the median of windows over all of them at once."""
    pids = {name: pids_of(node.container) for name, node in nodes.items()}
    used: dict[str, list[float]] = {name: [] for name in nodes}
    for _ in range(ROUNDS):
        before = {name: usage(pids[name]).cpu_s for name in nodes}
        began_s = time.monotonic()
        time.sleep(WINDOW_S)
        for name in nodes:
            used[name].append(100 * (usage(pids[name]).cpu_s - before[name]) / (time.monotonic() - began_s))
    return {name: (statistics.median(used[name]), usage(pids[name])) for name in nodes}


def _node(engine: Engine, network: Network, name: str, kind: Kind) -> JanusNode:
    return start_janus(engine, kind, f"bench-{name}", network=network, event_loops=os.cpu_count() or 1)


def _client(node: JanusNode) -> NodeClient:
    admin = AdminClient(node.admin_url, node.settings["admin_secret"], timeout_s=10)
    return NodeClient(
        node.kind, admin, node.secrets, node.media_ip, rest=RestClient(node.rest_url, node.secrets.api_secret)
    )
