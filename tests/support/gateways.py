"""Gateways that have only their mesh: real sockets between them, a store in memory, and a listener that remembers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
from aiohttp import web

from gateway.client.between import rendezvous
from gateway.client.events import Data, Person, Presence, RaisedHand, Roster
from gateway.mesh import Mesh
from gateway.registry import Registry
from rtcdn.model import GatewayInfo
from rtcdn.store.memory import MemoryStore


class Heard:
    """A listener that remembers everything."""

    def __init__(self) -> None:
        self.rosters: list[Roster] = []
        self.presences: list[tuple[Presence, bool]] = []
        self.queue: list[RaisedHand] = []
        self.talkers: list[str] = []
        self.datas: list[Data] = []
        self.tells: list[tuple[str, dict[str, Any]]] = []
        self.letting_go: list[str] = []

    def roster(self, session: str, roster: Roster) -> None:
        self.rosters.append(roster)

    def presence(self, session: str, presence: Presence, large: bool) -> None:
        self.presences.append((presence, large))

    def hands(self, session: str, queue: list[RaisedHand]) -> None:
        self.queue = queue

    def talking(self, session: str, participants: list[str]) -> None:
        self.talkers = participants

    def data(self, session: str, data: Data) -> None:
        self.datas.append(data)

    def told(self, session: str, participant: str, what: dict[str, Any]) -> None:
        self.tells.append((participant, what))

    async def let_go(self, session: str, participant: str) -> bool:
        self.letting_go.append(participant)
        return True

    @property
    def total(self) -> int:
        """How many are here, as told last."""
        return self.rosters[-1].total if self.rosters else 0

    @property
    def numbers(self) -> list[int]:
        """Numbers of the data, in the order in which they came."""
        return [each.n for each in self.datas]

    @property
    def texts(self) -> list[str]:
        """What was said, likewise."""
        return [each.data for each in self.datas]


class Place:
    """One gateway."""

    def __init__(self, gateway: str, store: MemoryStore, http: aiohttp.ClientSession) -> None:
        self.id, self._store, self._http = gateway, store, http
        self.heard = Heard()
        self._lease = 0

    async def start(self) -> None:
        """Listen, appear in the store, and follow the others."""
        self.registry = Registry(self._store, self.id, GatewayInfo(), 60)
        self.mesh = Mesh(self._http, self.registry, self.id)
        self.mesh.listener = self.heard
        app = web.Application()
        app.router.add_get("/peer", self.mesh.handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        self._lease = self._store.grant(60)
        self._store.put(f"GW:{self.id}", GatewayInfo(address=f"127.0.0.1:{port}").to_json(), self._lease)
        self._task = asyncio.create_task(self.mesh.run())

    def vanish(self) -> None:
        """The lease ends: others hear that it is gone."""
        self._store.revoke(self._lease)

    async def kill(self) -> None:
        """Stop without a word; the lease goes on."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._runner.cleanup()

    async def sees(self, *gateways: str) -> None:
        """Wait until it knows exactly these gateways."""
        await until(lambda: set(self.registry.gateways) == set(gateways), "the gateways are known")


class Places:
    """Several gateways over one store."""

    def __init__(self, store: MemoryStore, http: aiohttp.ClientSession) -> None:
        self._store, self._http = store, http
        self.all: dict[str, Place] = {}

    def __getitem__(self, gateway: str) -> Place:
        return self.all[gateway]

    async def start(self, *gateways: str) -> None:
        """Start some; everybody sees everybody."""
        for gateway in gateways:
            self.all[gateway] = Place(gateway, self._store, self._http)
            await self.all[gateway].start()
        for place in self.all.values():
            await place.sees(*self.all)

    async def kill(self, gateway: str) -> None:
        """Kill one, and end its lease."""
        place = self.all.pop(gateway)
        await place.kill()
        place.vanish()

    def session_of(self, *homes: str) -> str:
        """A session whose home is the first of these, then the second when that one is gone, and so on."""
        for at in range(10_000):
            session, left = f"demo-{at}", list(self.all) + [each for each in homes if each not in self.all]
            for home in homes:
                if rendezvous(session, left) != home:
                    break
                left.remove(home)
            else:
                return session
        raise AssertionError(f"no session has its homes at {homes}")


@contextlib.asynccontextmanager
async def places() -> AsyncIterator[Places]:
    """No gateway yet; those that are started are ended."""
    store = MemoryStore()
    async with aiohttp.ClientSession() as http:
        all_of_them = Places(store, http)
        try:
            yield all_of_them
        finally:
            for place in all_of_them.all.values():
                await place.kill()
            store.close()


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 10) -> None:
    """Wait until something holds; fails saying what did not."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + timeout_s
    while not condition():
        assert loop.time() < end_s, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(0.01)


def person(participant: str, **more: Any) -> Person:
    """Somebody."""
    return Person(participant=participant, name=more.pop("name", participant.title()), **more)
