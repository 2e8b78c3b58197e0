"""100 sessions opened by one call and closed by one, beside the same rooms asked directly of the same nodes.

The peer asks Janus what the broker's plan asks for each session (VideoRoom, AudioBridge room, mountpoint, forward of
the mix), pipelined over one WebSocket a node; it decides, writes and fences nothing. Cold: the first call to a broker
that just started. Warm: those after it. In turns; the medians are compared.

Not 200: an empty mix that is forwarded (``always_on``, so it encodes silence) takes 0.9 % of a core, 200 of them all
of a machine of two cores, on which nodes fall silent then.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from rtcdn.janus.operations import fresh_ssrc
from rtcdn.janus.plugins import PACKAGES, audiobridge, streaming, videoroom
from rtcdn.janus.ws import Handle, JanusSocket, TokenSource
from rtcdn.model import Codec
from tests.support.cdn import REGION, Cdn, running_cdn
from tests.support.engine import wait_for

SESSIONS = 100
TURNS = 3  # warm ones
SLOTS = 2
BITRATE_BPS = 1_500_000
PUBLISHERS = SLOTS + 8  # as an ingress has
VIDEO_SLOTS = (*(f"v{number + 1}" for number in range(SLOTS)), "s1")
BODY = {"slots": SLOTS, "audience": {REGION: 4}, "bitrate_bps": BITRATE_BPS}
IN_FLIGHT = 32
GONE_S = 90.0
BUDGETS = {"cold": 4.0, "warm": 2.0}
NODES = ("vr1", "ab1", "st1")
PEER = "direct pipelined Janus calls"


def run() -> list[dict[str, Any]]:
    """Rows: opening cold and warm, closing, and what is left behind."""
    with tempfile.TemporaryDirectory() as folder, running_cdn(Path(folder), brokers=1, gateways=1) as cdn:
        return asyncio.run(_measure(cdn))


async def _measure(cdn: Cdn) -> list[dict[str, Any]]:
    opened, closed, direct, undone = [], [], [], []
    async with AsyncExitStack() as stack:
        peer = _Direct(cdn, stack)
        await peer.start()
        for _ in range(TURNS + 1):
            took_s, ended_s = await asyncio.to_thread(_ours, cdn)
            opened.append(1000 * took_s)
            closed.append(1000 * ended_s)
            direct.append(1000 * await peer.open())
            undone.append(1000 * await peer.close())
    left = sum(len(cdn.client(name).contexts()) for name in (*NODES, "st2"))
    left += sum(len(cdn.keys(prefix)) for prefix in ("SS:", "CX:", "LK:", "PL:"))
    peer_ms = statistics.median(direct[1:])
    return [
        _row("opened, cold", opened[0], direct[0], "cold"),
        _row("opened, warm", statistics.median(opened[1:]), peer_ms, "warm"),
        _row("closed", statistics.median(closed[1:]), statistics.median(undone[1:]), ""),
        {"name": "contexts and keys left behind", "value": left, "unit": "", "peer": "", "peer_value": None,
         "ratio": None, "budget": "0", "met": left == 0},
    ]  # fmt: skip


def _row(name: str, value_ms: float, peer_ms: float, budget: str) -> dict[str, Any]:
    ratio, most = value_ms / peer_ms, BUDGETS.get(budget)
    row: dict[str, Any] = {"name": f"{SESSIONS} sessions {name}", "value": round(value_ms, 1), "unit": "ms"}
    row |= {"peer": PEER, "peer_value": round(peer_ms, 1), "ratio": round(ratio, 2)}
    return row | {"budget": f"<= {most:g}x" if most else None, "met": ratio <= most if most else None}


def _ours(cdn: Cdn) -> tuple[float, float]:
    """Seconds to open all and to close all; raises when one was refused."""
    url = f"{cdn.leader().url}/v1/sessions"
    names = [f"s{number:03}" for number in range(SESSIONS)]
    with cdn.api() as http:
        http.timeout = GONE_S
        http.get(url).raise_for_status()  # TLS is up
        began_s = time.perf_counter()
        _all_well(http.post(url, json={"sessions": dict.fromkeys(names, BODY)}))
        opened_s = time.perf_counter()
        _all_well(http.post(f"{url}/close", json={"sessions": names}))
        ended_s = time.perf_counter()
        wait_for(lambda: not any(cdn.client(name).contexts() for name in (*NODES, "st2")), "nothing is left", GONE_S)
    return opened_s - began_s, ended_s - opened_s


def _all_well(answer: httpx.Response) -> None:
    answer.raise_for_status()
    answers = answer.json()["answers"]
    bad = [each for each in answers.values() if "problem" in each]
    if bad or len(answers) != SESSIONS:
        raise RuntimeError(f"{len(bad)} of {len(answers)} failed, such as {bad[:1]}")


class _Direct:
    """The peer: a socket, a janus_session and a handle on each of three nodes."""

    def __init__(self, cdn: Cdn, stack: AsyncExitStack) -> None:
        self._cdn, self._stack = cdn, stack
        self._handles: dict[str, Handle] = {}
        self._gate = asyncio.Semaphore(IN_FLIGHT)
        self._nodes = {name: cdn.client(name) for name in NODES}

    async def start(self) -> None:
        """Connect."""
        for name in NODES:
            node = self._cdn.nodes[name]
            package = PACKAGES[node.kind]
            socket = JanusSocket(node.ws_url, package, TokenSource(node.secrets.token_secret, package))
            session = await (await self._stack.enter_async_context(socket)).create()
            self._handles[name] = await session.attach("bench/sessions/peer")

    async def open(self) -> float:
        """Seconds to make every room, mountpoint and forward."""
        return await self._each(self._make)

    async def close(self) -> float:
        """Seconds to destroy them."""
        return await self._each(self._drop)

    async def _each(self, work: Any) -> float:
        began_s = time.perf_counter()
        await asyncio.gather(*(self._gated(work, f"peer-s{number:03}") for number in range(SESSIONS)))
        return time.perf_counter() - began_s

    async def _gated(self, work: Any, room: str) -> None:
        async with self._gate:
            await work(room)

    async def _make(self, room: str) -> None:
        keys = {name: self._nodes[name].keys(room) for name in NODES}
        media_ip = self._cdn.nodes["st1"].media_ip
        bodies = {
            "vr1": videoroom.create(room, keys["vr1"], Codec.VP8, PUBLISHERS, BITRATE_BPS),
            "ab1": audiobridge.create(room, keys["ab1"]),
            "st1": streaming.create_stage(room, keys["st1"], Codec.VP8, VIDEO_SLOTS, iface=media_ip),
        }
        *_, stage = await self._ask(bodies)
        port = next(each.port for each in streaming.read_created(stage) if each.mid == "a")
        forward = audiobridge.rtp_forward(room, keys["ab1"], media_ip, port, ssrc=fresh_ssrc())
        await self._handles["ab1"].request(forward)

    async def _drop(self, room: str) -> None:
        builders = {"vr1": videoroom.destroy, "ab1": audiobridge.destroy, "st1": streaming.destroy}
        await self._ask({name: build(room, self._nodes[name].keys(room)) for name, build in builders.items()})

    async def _ask(self, bodies: dict[str, Any]) -> Iterable[Any]:
        return await asyncio.gather(*(self._handles[name].request(body) for name, body in bodies.items()))
