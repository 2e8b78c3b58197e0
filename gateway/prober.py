"""The prober: a viewer of stages that are not in use yet. Run it with ``python3 -m gateway.prober``, one per region.

The broker asks ``POST /probe`` over mutual TLS; the answer comes when a frame was decoded, or with the reason why none
was. It is the only part of the product that has a WebRTC receiver (``rtcdn.client``): where it runs, aiortc must be.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from aiohttp import web

from gateway.legs import LiveLeg, Nodes
from rtcdn import log, tls
from rtcdn.client.connections import RECEIVE, Connection
from rtcdn.client.feed import Feed
from rtcdn.client.received import AUDIO, Received
from rtcdn.errors import ConfigError
from rtcdn.janus.plugins import VIDEO_PT
from rtcdn.model import NETWORK, Kind
from rtcdn.probe import PATH, ProbeAnswer, ProbeAsk
from rtcdn.settings import Address, BaseSettings, Reader, base

_log = log.get("gateway.prober")
OPAQUE_ID = "probe"  # of its handles: no participant's
BROKER = "broker"
AT_ONCE = 6  # probes; each decodes
IDLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a prober is told."""

    base: BaseSettings
    listen: Address
    network: str = NETWORK


def read(environ: Mapping[str, str]) -> Settings:
    """Read all; raises ``ConfigError`` that names every problem."""
    reader = Reader(environ)
    settings = Settings(base(reader), reader.address("RTCDN_PROBER_LISTEN"), reader.id("RTCDN_NETWORK", NETWORK))
    reader.done()
    return settings


class Prober:
    """Views stages; several at once."""

    def __init__(self, nodes: Nodes, network: str = NETWORK) -> None:
        self._nodes, self._network = nodes, network
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def probe(self, ask: ProbeAsk) -> ProbeAnswer:
        """View the stage until a frame of the slot is decoded; never raises."""
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(ask.within_s), self._turns, _feeding(ask, self._network):
                answer = await self._view(ask, began_s)
        except TimeoutError:
            answer = ProbeAnswer(reason=f"no frame of slot {ask.slot} was decoded within {ask.within_s:g} s")
        except Exception as error:  # noqa: BLE001  (whatever WebRTC, node or socket say is the reason that is told)
            answer = ProbeAnswer(reason=f"{type(error).__name__}: {error}")
        took = {"ms": round(answer.took_ms), "reason": answer.reason}
        _log.info("probed", context=ask.leg.context, node=ask.leg.node, fed=bool(ask.feed_ports), **took)
        return answer

    async def _view(self, ask: ProbeAsk, began_s: float) -> ProbeAnswer:
        received = Received()
        connection = Connection(RECEIVE, received, videos=len(ask.leg.slots))
        live: LiveLeg | None = None
        try:
            live = await self._nodes.view(ask.leg, OPAQUE_ID, await connection.offer())
            mids = [str(transceiver.mid) for transceiver in connection.peer.getTransceivers()]
            media = [{"mid": mid, "slot": slot} for mid, slot in zip(mids, (AUDIO, *ask.leg.slots), strict=True)]
            await connection.answer({"connection": OPAQUE_ID, "sdp": live.answer, "media": media})
            await received.sees(ask.slot, frames=1, timeout_s=ask.within_s)
            seen = received.slot(ask.slot)
            took_ms = round(1000 * (seen.first_s - began_s), 1)
            return ProbeAnswer(decoded=True, took_ms=took_ms, width=seen.width, height=seen.height)
        finally:
            await asyncio.shield(_end(connection, live))

    async def keep(self) -> None:
        """For ever: close sockets that nobody needs any more."""
        while True:
            await asyncio.sleep(IDLE_S)
            await self._nodes.close_idle(set())


async def _end(connection: Connection, live: LiveLeg | None) -> None:
    await connection.close()
    if live is not None:
        await live.end()


@asynccontextmanager
async def _feeding(ask: ProbeAsk, network: str) -> AsyncIterator[None]:
    """Send the clip meanwhile, if nobody is shown."""
    if not ask.feed_ports:
        yield
        return
    ip = ask.feed_ip if ask.leg.network == network else ask.leg.public.rpartition(":")[0] or ask.feed_ip
    feeding = asyncio.create_task(Feed(ask.codec.value, ip, ask.feed_ports, VIDEO_PT, key=ask.feed_key).run())
    try:
        yield
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding


def application(prober: Prober) -> web.Application:
    """Its HTTP face; only a broker may ask."""

    async def probe(request: web.Request) -> web.Response:
        peer = request.transport.get_extra_info("peercert") if request.transport else None
        if tls.common_name(peer) != BROKER:
            return web.json_response({"detail": "only a broker may ask this"}, status=403)
        ask = ProbeAsk.from_json((await request.read()).decode(errors="replace"))
        if ask is None or ask.leg.kind is not Kind.ST or ask.slot not in ask.leg.slots or ask.within_s <= 0:
            return web.json_response({"detail": "the body is no ProbeAsk of a stage and one of its slots"}, status=400)
        answer = await prober.probe(replace(ask, within_s=min(ask.within_s, IDLE_S)))
        return web.Response(text=answer.to_json(), content_type="application/json")

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.add_routes([web.post(PATH, probe), web.get("/healthz", healthz)])
    return app


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until ``stop``."""
    nodes = Nodes(settings.base.secrets_dir, settings.network)
    prober = Prober(nodes, settings.network)
    runner = web.AppRunner(application(prober), access_log=None, shutdown_timeout=3)
    await runner.setup()
    context: ssl.SSLContext = tls.server_context(settings.base.tls)
    await web.TCPSite(runner, settings.listen.host, settings.listen.port, ssl_context=context).start()
    _log.info("serving", listen=settings.listen)
    keeping = asyncio.create_task(prober.keep())
    await stop.wait()
    keeping.cancel()
    await runner.cleanup()
    await nodes.close()


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, stop)


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    try:
        settings = read(os.environ)
    except ConfigError as error:
        for problem in error.problems:
            print(f"prober: {problem}", file=sys.stderr)
        return 2
    log.configure(settings.base.log_level)
    asyncio.run(_run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
