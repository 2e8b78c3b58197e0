"""The way to a gateway over all its sockets: connects, greets, and when a socket breaks resumes on another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from rtcdn.client.wire import Broken, Refused, Wire, client_id
from rtcdn.errors import RtcdnError

Json = dict[str, Any]
log = logging.getLogger("rtcdn.client")
AWAY_S = 4.0  # so long a gateway or nginx may be replaced: then the entry is away, and the next is tried


@dataclass(frozen=True, slots=True)
class Reconnect:
    """When a broken connection is tried again: at once, then after growing pauses, until ``give_up_s``."""

    first_s: float = 0.25
    most_s: float = 8.0
    factor: float = 2.0
    jitter: float = 0.3
    give_up_s: float = 120.0

    def pause_s(self, attempt: int, chance: float) -> float:
        """The pause before try ``attempt`` (0 is the first); ``chance`` is in [0, 1)."""
        if attempt == 0:
            return 0.0
        whole = min(self.first_s * self.factor ** (attempt - 1), self.most_s)
        return whole * (1 - self.jitter * chance)


class Link:
    """``greet`` says join or resume on a new wire; ``event`` hears every event that follows; ``changed`` the state."""

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext,
        policy: Reconnect,
        *,
        greet: Callable[[Wire], Awaitable[float]],
        event: Callable[[Json], None],
        changed: Callable[[str], None],
    ) -> None:
        self._urls, self._at = [url], 0
        self._tls, self._policy, self._greet, self._changed = tls, policy, greet, changed
        self._event = event
        self._client = client_id()
        self._wire: Wire | None = None
        self._up = asyncio.Event()
        self._stopped = False
        self._early: list[Json] | None = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """The first connection; raises what stands against it."""
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(first))
        await first

    async def request(self, kind: str, *, timeout_s: float = 10.0, **fields: Any) -> Json:
        """Ask; while there is no connection it is waited for. Raises ``Refused``, or ``Broken`` when it is unknown
        whether it was done.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._up.wait()
        except TimeoutError:
            raise Broken(f"{kind}: no connection to a gateway within {timeout_s:g} s") from None
        if self._wire is None:
            raise Broken(f"{kind}: the session is over")
        return await self._wire.request(kind, timeout_s=timeout_s, **fields)

    def learn(self, urls: list[str]) -> None:
        """Other entries of the deployment, for when the one that is used is away."""
        self._urls += [url for url in dict.fromkeys(urls) if url not in self._urls]

    async def regions(self, token: str) -> Json:
        """Regions, and with them the ICE servers of a token's holder; empty when nobody answers."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as http,
                http.get(
                    f"{self._urls[self._at]}/regions", headers={"Authorization": f"Bearer {token}"}, ssl=self._tls
                ) as answer,
            ):
                return dict(await answer.json())
        return {}

    def cut(self) -> None:
        """Break the socket, as a failing network does."""
        if self._wire is not None:
            self._wire.cut()

    async def stop(self) -> None:
        """End it."""
        self._stopped = True
        if self._wire is not None:
            await self._wire.close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def over(self) -> None:
        """The session has ended: connect no more."""
        self._stopped = True

    async def _keep(self, first: asyncio.Future[None]) -> None:
        attempt, since_s = 0, time.monotonic()
        async with aiohttp.ClientSession() as http:
            while not self._stopped:
                wait_s = self._policy.pause_s(attempt, random.random())  # noqa: S311  (jitter)
                try:
                    await asyncio.sleep(wait_s)
                    if time.monotonic() - since_s > AWAY_S and attempt:
                        self._at = (self._at + 1) % len(self._urls)
                    await self._serve(http, first)
                    attempt, since_s = 0, time.monotonic()
                    continue
                except RtcdnError as error:
                    passing = isinstance(error, Broken) or (isinstance(error, Refused) and error.passing)
                    if not passing or time.monotonic() - since_s > self._policy.give_up_s:
                        self._finish(first, error)
                        return
                    attempt += 1
                    if isinstance(error, Refused):
                        await asyncio.sleep(error.retry_after_s)
        self._finish(first, Broken("the session is over"))

    async def _serve(self, http: aiohttp.ClientSession, first: asyncio.Future[None]) -> None:
        """One connection, from its greeting to its end."""
        wire = await Wire.open(http, self._urls[self._at], self._client, self._tls, self._hear)
        self._early = []
        reading = asyncio.create_task(wire.run())
        try:
            ping_s = await self._greet(wire)
            self._wire = wire
            self._up.set()
            self._changed("live")
            if not first.done():
                first.set_result(None)
            early, self._early = self._early, None
            for event in early:
                self._event(event)
            pinging = asyncio.create_task(self._ping(wire, ping_s))
            await asyncio.wait([reading])
            pinging.cancel()
        finally:
            self._wire, self._early = None, []
            self._up.clear()
            await wire.close()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if not self._stopped:
            self._changed("reconnecting")

    def _hear(self, event: Json) -> None:
        """Events of a connection that is not greeted yet wait until it is."""
        if self._early is None:
            self._event(event)
        else:
            self._early.append(event)

    @staticmethod
    async def _ping(wire: Wire, ping_s: float) -> None:
        while True:
            await asyncio.sleep(ping_s)
            try:
                await wire.request("ping", timeout_s=ping_s)
            except (Broken, Refused) as error:
                log.info("ping failed: %s", error)
                wire.cut()
                return

    def _finish(self, first: asyncio.Future[None], error: RtcdnError) -> None:
        self._stopped = True
        self._up.set()  # whoever waits hears that it is over
        if not first.done():
            first.set_exception(error)
        self._changed("closed")
