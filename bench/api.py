"""Our Janus client beside janode (Node) on the same node: requests a second, p99 and CPU per request.

Both ask a VideoRoom who is in an empty room, over one WebSocket with a token in each request: one after the other, and
32 in flight. Each measures itself in a process of its own, in turns; the better of its turns counts.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.testing import images
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import PACKAGES, videoroom
from rtcdn.janus.ws import Handle, JanusSocket, TokenSource
from rtcdn.model import Codec, Kind
from rtcdn.secrets import janus_token
from tests.support.engine import Engine, wait_for
from tests.support.janus import JanusNode, start_janus

JANODE = "janode@1.8.0"
UNIX_SOCKETS = "node_modules/unix-dgram/lib/unix_dgram.js"
ROOM = "bench/empty"
COUNTS = {1: 4_000, 32: 16_000}  # in flight -> requests of a turn
TURNS = 3
WARM = 300
SCRIPT = Path(__file__).parent / "peers" / "janode.mjs"
TRUST = "/etc/ssl/certs"  # the machine's own authorities, where its registry needs them


@dataclass(frozen=True)
class Turn:
    """What one turn found."""

    rate_ps: float
    p99_ms: float
    cpu_us: float


def run() -> list[dict[str, Any]]:
    """Rows: rate, p99 and CPU for each way of asking."""
    with Engine() as engine:
        node = start_janus(engine, Kind.VR, "bench-api", network=engine.network())
        admin = AdminClient(node.admin_url, node.secrets.admin_secret)
        NodeClient(Kind.VR, admin, node.secrets, node.media_ip).ensure_room(ROOM, Codec.VP8, 2, 0)
        peer = _start_peer(engine)
        rows = []
        for flight, count in COUNTS.items():
            ours, theirs = [], []
            for _ in range(TURNS):
                ours.append(_ours(node, count, flight))
                theirs.append(_theirs(peer, node, count, flight))
            rows += _rows(flight, ours, theirs)
        return rows


def _rows(flight: int, ours: list[Turn], theirs: list[Turn]) -> list[dict[str, Any]]:
    how = "one by one" if flight == 1 else f"{flight} in flight"
    figures = (
        ("requests", "1/s", max(t.rate_ps for t in ours), max(t.rate_ps for t in theirs)),
        ("p99", "ms", min(t.p99_ms for t in ours), min(t.p99_ms for t in theirs)),
        ("CPU of the client per request", "us", min(t.cpu_us for t in ours), min(t.cpu_us for t in theirs)),
    )
    return [
        {"name": f"Janus client, {how}: {name}", "value": round(value, 2), "unit": unit, "peer": JANODE,
         "peer_value": round(peer, 2), "ratio": round(value / peer, 2), "budget": None, "met": None}
        for name, unit, value, peer in figures
    ]  # fmt: skip


# ---- ours


def _ours(node: JanusNode, count: int, flight: int) -> Turn:
    """One turn in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: Turn = pool.apply(_measure, (node.ws_url, node.secrets.token_secret, count, flight))
        return found


def _measure(url: str, secret: str, count: int, flight: int) -> Turn:
    return asyncio.run(_ask_all(url, secret, count, flight))


async def _ask_all(url: str, secret: str, count: int, flight: int) -> Turn:
    package = PACKAGES[Kind.VR]
    async with JanusSocket(url, package, TokenSource(secret, package)) as socket:
        handle = await (await socket.create()).attach("bench/api/client")
        await _ask(handle, WARM)
        cpu_s, began_s = time.process_time(), time.perf_counter()
        took = await asyncio.gather(*(_ask(handle, count // flight) for _ in range(flight)))
        seconds, used_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    every = sorted(each for one in took for each in one)
    return Turn(len(every) / seconds, 1000 * every[len(every) * 99 // 100], 1e6 * used_s / len(every))


async def _ask(handle: Handle, times: int) -> list[float]:
    took = []
    for _ in range(times):
        began_s = time.perf_counter()
        if (await handle.request(videoroom.list_participants(ROOM)))["participants"]:
            raise RuntimeError("the room is not empty")
        took.append(time.perf_counter() - began_s)
    return took


# ---- the peer


def _start_peer(engine: Engine) -> Any:
    """A container with Node and janode, fetched by npm as this machine is set up to.

    janode can also speak over Unix sockets, by a native module that wants a compiler; over WebSockets it is not used.
    """
    install = f"npm install --omit=dev --no-fund --no-audit --ignore-scripts {JANODE}"
    without = f"echo 'exports.createSocket = null;' > {UNIX_SOCKETS}"
    container = engine.run(
        images.ensure("test-janode"),
        ["sh", "-c", f"{install} && {without} && echo ready && sleep infinity"],
        name="bench-janode",
        files={"janode.mjs": SCRIPT.read_text(encoding="utf-8")},
        folder="/bench",
        volumes={TRUST: {"bind": TRUST, "mode": "ro"}},
        environment={"NODE_EXTRA_CA_CERTS": f"{TRUST}/ca-certificates.crt"},
    )

    def ready() -> bool:
        container.reload()
        if container.status == "exited":
            raise RuntimeError(f"npm could not fetch {JANODE}:\n{container.logs().decode(errors='replace')[-2000:]}")
        return b"ready" in container.logs()

    wait_for(ready, f"npm fetches {JANODE}", 120)
    return container


def _theirs(container: Any, node: JanusNode, count: int, flight: int) -> Turn:
    token = janus_token(node.secrets.token_secret, PACKAGES[Kind.VR], time.time())
    command = ["node", "janode.mjs", node.ws_url, token, ROOM, str(count), str(flight)]
    code, output = container.exec_run(command, workdir="/bench")
    if code:
        raise RuntimeError(f"janode: {output.decode(errors='replace')[-2000:]}")
    return Turn(**json.loads(output.splitlines()[-1]))
