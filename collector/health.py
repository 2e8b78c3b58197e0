"""``/healthz`` and ``/metrics`` of the collector, plain HTTP on loopback."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from collector.collect import Health
from rtcdn.settings import Address

HELP = {
    "janus_up": "1 while Janus answers",
    "store_up": "1 while the store takes reports",
    "weight": "weight of the node, 0-100",
    "handles": "handles of the node",
    "contexts": "contexts of the node",
    "viewers": "viewers of the node's mountpoints",
    "reports": "reports written",
    "events": "events heard from Janus",
}
COUNTERS = ("reports", "events")


def metrics(health: Health) -> str:
    """The Prometheus text form."""
    lines = []
    for name, told in HELP.items():
        counter = name in COUNTERS
        full = f"rtcdn_collector_{name}{'_total' if counter else ''}"
        lines += [f"# HELP {full} {told}", f"# TYPE {full} {'counter' if counter else 'gauge'}"]
        lines.append(f"{full} {int(getattr(health, name))}")
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def health_server(address: Address, health: Health, stale_s: float) -> AsyncIterator[None]:
    """Serve; ``/healthz`` is 503 when no round ended within ``stale_s`` (Janus or store away is told, not ill)."""

    async def healthz(_: web.Request) -> web.Response:
        alive = time.monotonic() - health.round_at_s < stale_s
        return web.json_response(dataclasses.asdict(health) | {"alive": alive}, status=200 if alive else 503)

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=metrics(health), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", show)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address.host, address.port).start()
    try:
        yield
    finally:
        await runner.cleanup()
