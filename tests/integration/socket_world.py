"""What tests of the WebSocket API stand on: a node of each kind, a small broker, gateways, scripted clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rtcdn.model import Kind, Role
from rtcdn.store.memory import MemoryStore
from rtcdn.tokens import SigningKey
from tests.support.client_broker import ClientBroker
from tests.support.engine import Engine
from tests.support.gateway import Rig, client, serve, start_gateway, until
from tests.support.janus import JanusNode, start_janus
from tests.support.socket_client import SocketClient


@pytest.fixture(scope="module")
def trio() -> Iterator[dict[Kind, JanusNode]]:
    """A real node of each kind."""
    with Engine() as engine:
        network = engine.network()
        yield {kind: start_janus(engine, kind, f"ws-{kind.lower()}1", network=network) for kind in Kind if kind != "AI"}


@dataclass
class Hall:
    """Broker, gateways and clients."""

    broker: ClientBroker
    broker_at: str
    key: SigningKey
    http: aiohttp.ClientSession
    tmp: Path
    stack: contextlib.AsyncExitStack
    store: MemoryStore = field(default_factory=MemoryStore)
    gateways: dict[str, Rig] = field(default_factory=dict)

    async def gateway(self, gateway_id: str, **limits: Any) -> Rig:
        """One more gateway."""
        nodes = list(self.broker.nodes.values())
        rig = await start_gateway(self.tmp, self.broker_at, self.key, nodes, self.store, gateway_id, **limits)
        self.stack.push_async_callback(rig.kill)
        self.gateways[gateway_id] = rig
        await until(lambda: gateway_id in self.broker.streams, "the gateway said hello")
        await until(lambda: gateway_id in rig.gateway.registry.gateways, "the gateway is presented")
        return rig

    def client(
        self, participant: str, role: Role = Role.VIEWER, *rights: str, tone_hz: int = 0, at: str = "1"
    ) -> SocketClient:
        """A client with a token, not joined yet."""
        rig = self.gateways[at]
        made = SocketClient(self.http, rig.url, rig.token(participant, "demo", role, *rights), tone_hz=tone_hz)
        self.stack.push_async_callback(made.end)
        return made

    async def nothing_left(self) -> None:
        """Every handle is gone, the broker was told, and the gateways have nothing more to do."""

        def handles() -> int:
            admins = [client(node).admin for node in self.broker.nodes.values()]
            return sum(len(admin.ask("list_sessions")["sessions"]) for admin in admins)

        await until(lambda: asyncio.to_thread(lambda: handles() == 0), "no handle is left")
        await until(lambda: not self.broker.holders, "the broker holds nobody")
        await until(lambda: all(r.gateway.members.at_rest for r in self.gateways.values()), "gateways are at rest")


@pytest.fixture
async def hall(trio: dict[Kind, JanusNode], tmp_path: Path) -> AsyncIterator[Hall]:
    """A gateway ``1`` before the nodes, and an open session ``demo``."""
    async with contextlib.AsyncExitStack() as stack:
        broker = ClientBroker(trio)
        at = await serve(broker.application(), stack)
        await broker.open("demo")
        http = await stack.enter_async_context(aiohttp.ClientSession())
        made = Hall(broker, at, SigningKey.generate(), http, tmp_path, stack)
        await made.gateway("1")
        yield made
    for node in trio.values():
        for session in client(node).admin.ask("list_sessions")["sessions"]:
            client(node).admin.ask("destroy_session", f"/{session}")
        for context in client(node).contexts():
            client(node).drop_context(context)
