"""What a module is made of: it registers as a node, takes taps over HTTP, hears RTP and speaks.

A module of yours is a function that makes an ``Ear`` for each tap; ``main`` does the rest::

    class Counter:
        def __init__(self, tap): self.tap, self.packets = tap, 0
        def heard(self, packet): self.packets += 1  # packet.payload is 20 ms of Opus; tap.say(...) is heard
        def close(self): print(self.tap.tap, self.packets)

    sys.exit(main(Counter))
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from rtcdn import log
from rtcdn.errors import ConfigError, StoreAway
from rtcdn.model import NodeSecrets
from rtcdn.secrets import load_node_secrets
from rtcdn.store.etcd import EtcdStore
from services.ai.api import ModuleApi
from services.ai.register import Registration, presentation
from services.ai.settings import ModuleSettings, load
from services.ai.taps import Ear, Tap, Taps

_log = log.get("module")


class Module:
    """One module."""

    def __init__(
        self, settings: ModuleSettings, secrets: NodeSecrets, registration: Registration, make: Callable[[Tap], Ear]
    ) -> None:
        self._settings, self._secrets, self._registration = settings, secrets, registration
        self.taps = Taps(settings.media_ip, settings.ports, settings.capacity.handles or sys.maxsize, make)
        self._wake = asyncio.Event()
        self.taps.changed = self._wake.set
        self._started_us = time.time_ns() // 1000
        self._away = False

    async def run(self) -> None:
        """Serve and report until cancelled; then its keys vanish."""
        try:
            async with self._served():
                while True:
                    await self._report()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._settings.report_s):
                            await self._wake.wait()
        finally:
            self.taps.close()
            await asyncio.to_thread(self._registration.close)

    async def _report(self) -> None:
        self._wake.clear()
        contexts = [tap.info() for tap in self.taps.all.values()]
        version, started = self._secrets.version, self._started_us
        texts = presentation(self._settings, contexts, secret_version=version, started_us=started)
        try:
            await asyncio.to_thread(self._registration.publish, texts)
        except StoreAway as error:
            if not self._away:
                _log.warning("store-away", why=error)
            self._away = True
        else:
            self._away = False

    @asynccontextmanager
    async def _served(self) -> AsyncIterator[None]:
        api = ModuleApi(self.taps, self._settings.media_ip, self._secrets.api_secret)
        runner = web.AppRunner(api.app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._settings.listen.host, self._settings.listen.port).start()
            yield
        finally:
            await runner.cleanup()


def wire(settings: ModuleSettings, make: Callable[[Tap], Ear]) -> Module:
    """A module on etcd; ``ConfigError`` when its node's secrets are missing."""
    found = settings.base
    secrets = load_node_secrets(found.secrets_dir).get(settings.node_id)
    if secrets is None or not secrets.api_secret:
        name = f"node_{settings.node_id}.json"
        raise ConfigError([f"RTCDN_SECRETS_DIR: no {name} with an api_secret in {found.secrets_dir}"])
    store = EtcdStore(found.etcd, found.tls, found.namespace)
    return Module(settings, secrets, Registration(store, settings.lease_s), make)


async def serve(settings: ModuleSettings, make: Callable[[Tap], Ear]) -> None:
    """Run until told to end."""
    module = wire(settings, make)
    running = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)  # type: ignore[union-attr]
    with contextlib.suppress(asyncio.CancelledError):
        await module.run()


def main(make: Callable[[Tap], Ear]) -> int:
    """Run a module with the settings of the environment; exit code 78 when they are wrong."""
    try:
        settings = load(os.environ)
        log.configure(settings.base.log_level)
        asyncio.run(serve(settings, make))
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return 78
    return 0
