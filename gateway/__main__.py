"""Run a gateway: ``python3 -m gateway``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web

from gateway.registry import Registry
from gateway.settings import Settings, read
from gateway.wiring import Limits, assemble
from rtcdn import log, tls
from rtcdn.errors import ConfigError
from rtcdn.model import GatewayInfo
from rtcdn.store.etcd import EtcdStore
from rtcdn.tokens import Verifier

_log = log.get("gateway")


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Wire the parts and serve until ``stop``; then leave what is held to be adopted."""
    async with AsyncExitStack() as stack:
        context = tls.client_context(settings.base.tls)
        inside = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)))
        between = await stack.enter_async_context(aiohttp.ClientSession())
        store = EtcdStore(settings.base.etcd, settings.base.tls, settings.base.namespace)
        stack.callback(store.close)
        verifier = Verifier(settings.issuers, settings.base.namespace, context)
        stack.callback(verifier.close)
        info = GatewayInfo(settings.region, settings.public_url, str(settings.peer_address))
        registry = Registry(store, settings.gateway_id, info, settings.lease_s)
        gateway = assemble(
            settings.gateway_id,
            settings.region,
            inside,
            between,
            brokers=settings.brokers,
            streams=settings.broker_streams,
            registry=registry,
            verifier=verifier,
            secrets_dir=settings.base.secrets_dir,
            network=settings.network,
            limits=Limits(
                settings.join_rate_ps,
                settings.join_burst,
                settings.max_participants,
                settings.max_joins,
                settings.sockets_per_address,
            ),
            proxies=settings.proxies,
            ice=settings.turn,
        )
        runner = web.AppRunner(gateway.app, access_log=None, shutdown_timeout=3)
        await runner.setup()
        await web.TCPSite(runner, settings.listen.host, settings.listen.port, backlog=1024).start()
        _log.info("serving", gateway=settings.gateway_id, listen=settings.listen)
        tasks = [asyncio.create_task(work) for work in gateway.work()]
        await _until(stop, tasks)
        await registry.leave()
        await gateway.sockets.close()
        await runner.cleanup()
        for task in tasks:
            task.cancel()
        await gateway.close()


async def _until(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Return when told to stop; raise what a task raised, since none of them should end."""
    stopping = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    stopping.cancel()


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
            print(f"gateway: {problem}", file=sys.stderr)
        return 2
    log.configure(settings.base.log_level)
    asyncio.run(_run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
