"""Idle sockets: what 2,000 clients cost one gateway process, and how many joins it answers a second.

The peer is a bare ``websockets`` server that echoes, with the same clients saying the same words: it verifies no token,
asks no broker, knows nobody. Both are processes of their own. Clients join without an offer (no media), in sessions of
a hundred; the broker is a stub that grants at once. All offer compression, as browsers do, and ping every ten seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.crowd import Crowd, Greeting, many_descriptors
from bench.proc import usage
from bench.stand import REGION, Stand, standing
from rtcdn.model import AttachGrant, Codec, Kind, Leg, Role
from rtcdn.tls import server_context
from rtcdn.tokens import Claims, SigningKey
from tests.support.engine import free_port, listening, wait_for
from tests.support.processes import GatewayProcess

CLIENTS = 2_000
EACH_SESSION = 100
SETTLE_S = 3.0
WINDOW_S = 10.0
PROTOCOL = "rtcdn.v1"


@dataclass(frozen=True)
class Found:
    """Of one server."""

    joins_ps: float
    p99_ms: float
    kb_per_socket: float
    cpu_pct: float


def run() -> list[dict[str, Any]]:
    """Rows: memory and CPU of idle sockets, join rate."""
    many_descriptors()
    bare, ours = _bare(), _ours()
    peer = "bare websockets echo server"
    idle = f"{CLIENTS:,} idle clients"
    return [
        _row(f"{idle}: memory of each", "kB", ours.kb_per_socket, bare.kb_per_socket, peer),
        _row(f"{idle}: CPU of the gateway", "% of a core", ours.cpu_pct, bare.cpu_pct, peer),
        _row("joins answered", "1/s", ours.joins_ps, bare.joins_ps, f"{peer}, hello and echo"),
        _row("join, p99", "ms", ours.p99_ms, bare.p99_ms, f"{peer}, hello and echo"),
    ]


def _row(name: str, unit: str, value: float, peer_value: float, peer: str) -> dict[str, Any]:
    row = {"name": name, "value": round(value, 2), "unit": unit, "peer": peer, "peer_value": round(peer_value, 2)}
    return row | {"ratio": round(value / peer_value, 2) if peer_value else None, "budget": None, "met": None}


def _measure(pid: int, url: str, greetings: list[Greeting], protocol: str) -> Found:
    """Let everybody in, then look at the idle process for a while."""
    before = usage([pid])
    with Crowd(url, greetings, protocol) as crowd:
        joins_ps, took_ms = crowd.enter()
        time.sleep(SETTLE_S)
        idle, began_s = usage([pid]), time.monotonic()
        time.sleep(WINDOW_S)
        after, seconds = usage([pid]), time.monotonic() - began_s
        if (there := crowd.there()) != len(greetings):
            raise RuntimeError(f"only {there} of {len(greetings)} clients stayed: this measured something else")
    p99_ms = statistics.quantiles(took_ms, n=100)[98]
    kb = 1000 * (after.rss_mb - before.rss_mb) / len(greetings)
    return Found(joins_ps, p99_ms, kb, 100 * (after.cpu_s - idle.cpu_s) / seconds)


# ---- the peer


def _bare() -> Found:
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_echo_main, args=(port,), daemon=True)
    process.start()
    try:
        wait_for(lambda: listening("127.0.0.1", port), "the echo server listens")
        hello = json.dumps({"type": "join", "id": 1, "token": "x" * 300, "session": "bench", "name": "Viewer"})
        assert process.pid is not None
        return _measure(process.pid, f"ws://127.0.0.1:{port}/ws", [("", hello)] * CLIENTS, "")
    finally:
        process.terminate()
        process.join(10)


def _echo_main(port: int) -> None:
    many_descriptors()
    asyncio.run(_echo(port))


async def _echo(port: int) -> None:
    async def one(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in socket:
                await socket.send(message)

    async with serve(one, "127.0.0.1", port, ping_interval=None, backlog=1024) as server:
        await server.serve_forever()


# ---- ours


def _ours() -> Found:
    with standing() as stand, _stub_broker(stand) as address:
        gateway = GatewayProcess(
            "1", stand.folder, stand.etcd.tls("gateway-1"), REGION,
            ETCD=stand.etcd.address, SECRETS_DIR=str(stand.folder), ISSUERS=str(stand.folder / "issuers.json"),
            BROKERS=f"https://{address}", BROKER_STREAMS=f"wss://{address}", LOG_LEVEL="warning",
            JOIN_RATE="100000", JOIN_BURST="100000", MAX_PARTICIPANTS=str(2 * CLIENTS),
        )  # fmt: skip
        gateway.start()
        try:
            gateway.wait_ready()
            return _measure(gateway.pid, f"{gateway.url.replace('http', 'ws')}/ws?c=bench", _joins(stand), PROTOCOL)
        finally:
            gateway.kill()


def _joins(stand: Stand) -> list[Greeting]:
    key = SigningKey.from_pem(stand.folder / "token_key.pem")
    until_s = time.time() + 3600
    found = []
    for number in range(CLIENTS):
        session, who = f"bench-{number // EACH_SESSION}", f"viewer-{number}"
        token = key.sign(Claims(who, session, role=Role.VIEWER, rights=("view",), exp=until_s))
        hello = {"type": "join", "id": 1, "version": 1, "session": session, "token": token, "name": f"Viewer {number}"}
        found.append((f"192.0.{number // 250}.{number % 250}", json.dumps(hello)))
    return found


@contextmanager
def _stub_broker(stand: Stand) -> Iterator[str]:
    """What a gateway asks a broker, granted at once: a thread of this process."""
    address = f"127.0.0.1:{free_port()}"
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{way:.*}", _broker_answers)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        host, _, port = address.rpartition(":")
        await web.TCPSite(runner, host, int(port), ssl_context=server_context(stand.etcd.tls("broker"))).start()
        ready.set()
        return runner

    def work() -> None:
        runner = loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield address
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _broker_answers(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Upgrade", "").lower() == "websocket":
        stream = web.WebSocketResponse()
        await stream.prepare(request)
        async for _ in stream:  # nothing is ordered
            continue
        return stream
    parts = request.path.split("/")
    if request.method == "POST" and parts[-1] == "attach":
        session, participant = parts[3], parts[5]
        leg = Leg("view", Kind.ST, "st1", "127.0.0.1:9", f"{session}/stage-st1", generation=1)
        grant = AttachGrant(session, participant, Role.VIEWER, Codec.VP8, 1, (leg,))
        return web.json_response(text=grant.to_json())
    return web.Response(status=204)
