"""What waits for its turn: suspended participants of one AudioBridge, beside an empty node in the same run.

Candidates are attached from the start, so that who is promoted is heard at once. Each is a real PeerConnection (ICE,
DTLS, SRTP) whose other end is another Janus that sends nothing, as a client does whose encoder rests. One speaker
talks meanwhile; the same room with him alone is the second peer, so that what a candidate costs can be read off.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from aiortc import RTCSessionDescription

from bench.proc import Usage, pids_of, usage
from ops.media import whip
from rtcdn.client.tracks import ToneTrack
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import PACKAGES, audiobridge, streaming
from rtcdn.janus.protocol import Jsep
from rtcdn.janus.ws import JanusSocket, TokenSource
from rtcdn.model import Kind
from tests.support.engine import Engine, Network
from tests.support.janus import JanusNode, start_janus

CROWD = 200  # the policy's cap per session
AT_ONCE = 8  # joins in flight
WINDOW_S = 5.0
ROUNDS = 3
ROOM = "bench/mix"
SILENT = "silent"
BUDGET_PCT = 20.0  # of a core; the policy's cap was chosen by it


@dataclass(frozen=True)
class Cost:
    """Of one node: CPU in percent of a core, and what it holds."""

    cpu_pct: float
    held: Usage


def run() -> list[dict[str, Any]]:
    """Rows: CPU, threads, memory, descriptors."""
    with Engine() as engine:
        return asyncio.run(_measure(engine))


async def _measure(engine: Engine) -> list[dict[str, Any]]:
    network = engine.network()
    crowded, lonely, empty = (_bridge(engine, network, name) for name in ("crowd", "speaker", "empty"))
    others = start_janus(engine, Kind.ST, "bench-others", network=network, event_loops=os.cpu_count() or 1)
    body = {"request": "create", "admin_key": others.settings["admin_key"], "type": "rtp", "id": SILENT, "pin": SILENT}
    audio = {"type": "audio", "mid": "a", "port": 0, "pt": 111, "codec": "opus"}
    _admin(others).plugin(Kind.ST, {**body, "media": [audio]})
    async with AsyncExitStack() as stack:
        for node in (crowded, lonely):
            await _talk(node, stack)
        took_s = await _crowd(crowded, others, stack)
        cost = await _costs({"crowd": crowded, "speaker": lonely, "empty": empty})
        told = _admin(crowded).plugin(Kind.AB, audiobridge.list_participants(ROOM))["participants"]
        suspended = sum(bool(each.get("suspended")) for each in told)
        if suspended != CROWD:
            raise RuntimeError(f"{suspended} of {CROWD} are suspended: this measured something else")
    return _rows(cost, took_s)


def _bridge(engine: Engine, network: Network, name: str) -> JanusNode:
    """A node as the product deploys it; all but the empty one have a room."""
    node = start_janus(engine, Kind.AB, f"bench-{name}", network=network, event_loops=os.cpu_count() or 1)
    if name != "empty":
        NodeClient(Kind.AB, _admin(node), node.secrets, node.media_ip).ensure_mix(ROOM)
    return node


def _rows(cost: dict[str, Cost], took_s: float) -> list[dict[str, Any]]:
    crowd, alone, empty = cost["crowd"], cost["speaker"], cost["empty"]
    room = "the same room, its speaker alone"
    each_pct = (crowd.cpu_pct - alone.cpu_pct) / CROWD
    each_mb = (crowd.held.rss_mb - alone.held.rss_mb) / CROWD
    within = {"budget": f"<= {BUDGET_PCT:g} % of a core", "met": crowd.cpu_pct <= BUDGET_PCT}
    return [
        _row(f"{CROWD} suspended: CPU", crowd.cpu_pct, "% of a core", "an empty node", empty.cpu_pct, **within),
        _row(f"{CROWD} suspended: CPU", crowd.cpu_pct, "% of a core", room, alone.cpu_pct),
        _row(f"{CROWD} suspended: threads", crowd.held.threads, "", "an empty node", empty.held.threads),
        _row(f"{CROWD} suspended: memory", crowd.held.rss_mb, "MB", "an empty node", empty.held.rss_mb),
        _row(f"{CROWD} suspended: descriptors", crowd.held.descriptors, "", "an empty node", empty.held.descriptors),
        _row("one suspended participant: CPU", each_pct, "% of a core"),
        _row("one suspended participant: memory", each_mb, "MB"),
        _row(f"{CROWD} joins, suspended", took_s, "s"),
    ]


def _row(name: str, value: float, unit: str, peer: str = "", peer_value: float = 0.0, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "value": round(value, 3), "unit": unit, "peer": peer or None}
    row |= {"peer_value": round(peer_value, 3) if peer else None, "budget": None, "met": None, **more}
    return row | {"ratio": round(value / peer_value, 1) if peer_value else None}


# ---- who is there


async def _talk(node: JanusNode, stack: AsyncExitStack) -> None:
    """One speaker: a tone from this process."""
    connection = whip.new_connection()
    stack.push_async_callback(connection.close)
    connection.addTransceiver(ToneTrack(440), direction="sendrecv")
    await connection.setLocalDescription(await connection.createOffer())
    session = await (await stack.enter_async_context(_socket(node))).create()
    handle = await session.attach("bench/speaker/talk")
    _, answer = await handle.call(_join(node, "speaker", False), Jsep("offer", connection.localDescription.sdp))
    assert answer is not None
    await connection.setRemoteDescription(RTCSessionDescription(sdp=answer.sdp, type=answer.type))


async def _crowd(node: JanusNode, others: JanusNode, stack: AsyncExitStack) -> float:
    """All of the suspended; seconds until the last was connected."""
    here = await stack.enter_async_context(_socket(node))
    there = await stack.enter_async_context(_socket(others))
    bridge, clients = await here.create(), await there.create()
    ids: list[tuple[int, int]] = []
    gate = asyncio.Semaphore(AT_ONCE)

    async def join(number: int) -> None:
        async with gate:
            client = await clients.attach("bench/candidate/client")
            handle = await bridge.attach("bench/candidate/talk")
            _, offer = await client.call(streaming.watch(SILENT, SILENT))
            _, answer = await handle.call(_join(node, f"candidate-{number}", True), offer)
            await client.call(streaming.start(), answer)
            ids.append((bridge.id, handle.id))

    began_s = time.monotonic()
    await asyncio.gather(*(join(number) for number in range(CROWD)))
    await asyncio.to_thread(_wait_connected, node, ids)
    return time.monotonic() - began_s


def _wait_connected(node: JanusNode, waiting: list[tuple[int, int]]) -> None:
    admin, until_s = _admin(node), time.monotonic() + 30
    while waiting:
        waiting = [
            ids
            for ids in waiting
            if admin.ask("handle_info", "/{}/{}".format(*ids))["info"]["webrtc"]["dtls"]["dtls-state"] != "connected"
        ]
        if waiting and time.monotonic() > until_s:
            raise RuntimeError(f"{len(waiting)} of {CROWD} are not connected after 30 s")
        time.sleep(0.1)


def _join(node: JanusNode, participant: str, suspended: bool) -> dict[str, Any]:
    pin = NodeClient(Kind.AB, _admin(node), node.secrets, node.media_ip).keys(ROOM).pin
    return audiobridge.join(ROOM, participant, pin, suspended=suspended)


# ---- what it costs


async def _costs(nodes: dict[str, JanusNode]) -> dict[str, Cost]:
    """Windows over all of them at once, so that a busy moment meets them alike; the median counts."""
    pids = {name: pids_of(node.container) for name, node in nodes.items()}
    used: dict[str, list[float]] = {name: [] for name in nodes}
    for _ in range(ROUNDS):
        before = {name: usage(pids[name]).cpu_s for name in nodes}
        began_s = time.monotonic()
        await asyncio.sleep(WINDOW_S)
        for name in nodes:
            used[name].append(100 * (usage(pids[name]).cpu_s - before[name]) / (time.monotonic() - began_s))
    return {name: Cost(statistics.median(used[name]), usage(pids[name])) for name in nodes}


def _admin(node: JanusNode) -> AdminClient:
    return AdminClient(node.admin_url, node.settings["admin_secret"], timeout_s=10)


def _socket(node: JanusNode) -> JanusSocket:
    package = PACKAGES[node.kind]
    return JanusSocket(node.ws_url, package, TokenSource(node.secrets.token_secret, package), timeout_s=20)
