"""What tests of the gateway stand on: two real nodes, a small broker, gateways, an HTTP client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rtcdn.errors import NodeRefused
from rtcdn.model import Codec, Kind, Role
from rtcdn.store.memory import MemoryStore
from rtcdn.tokens import SigningKey
from tests.support.clients import captured
from tests.support.engine import Engine
from tests.support.gateway import FakeBroker, Rig, client, serve, start_gateway, until
from tests.support.janus import JanusNode, start_janus


@dataclass
class Nodes:
    """One of each kind that WHIP and WHEP lead to."""

    ingress: JanusNode
    stage: JanusNode


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Two real nodes."""
    with Engine() as engine:
        network = engine.network()
        ingress = start_janus(engine, Kind.VR, "gw-vr1", network=network)
        yield Nodes(ingress, start_janus(engine, Kind.ST, "gw-st1", network=network))


@dataclass
class World:
    """Broker, gateways and an HTTP client."""

    broker: FakeBroker
    broker_at: str
    gateway: Rig
    store: MemoryStore
    http: aiohttp.ClientSession
    nodes: Nodes
    tmp: Path
    stack: contextlib.AsyncExitStack

    async def another_gateway(self, gateway_id: str, **limits: Any) -> Rig:
        """One more gateway."""
        return await _gateway(self, gateway_id, **limits)

    async def post(self, way: str, participant: str, offer: str, session: str = "demo") -> aiohttp.ClientResponse:
        """POST a captured offer, as a speaker or a viewer; the answer, read."""
        token = self.gateway.token(participant, session, Role.SPEAKER if way == "whip" else Role.VIEWER)
        return await self.ask("POST", f"/{way}/{session}", token, captured(offer), "application/sdp")

    async def ask(
        self, method: str, path: str, token: str = "", body: str = "", content_type: str = "", **headers: str
    ) -> aiohttp.ClientResponse:
        """One request to the first gateway; the answer, read."""
        return await self.ask_at(self.gateway, method, path, token, body, content_type, **headers)

    async def ask_at(
        self, rig: Rig, method: str, path: str, token: str = "", body: str = "", content_type: str = "", **headers: str
    ) -> aiohttp.ClientResponse:
        """One request to a gateway; the answer, read."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Authorization": f"Bearer {token}"} if token else {}
        sent |= {"Content-Type": content_type} if content_type else {}
        async with self.http.request(method, rig.url + path, data=body.encode() or None, headers=sent) as response:
            await response.read()
            return response

    def handles(self) -> int:
        """Janus handles on both nodes."""
        total = 0
        for node in (self.nodes.ingress, self.nodes.stage):
            admin = client(node).admin
            for session in admin.ask("list_sessions")["sessions"]:
                with contextlib.suppress(NodeRefused):  # ended meanwhile
                    total += len(admin.ask("list_handles", f"/{session}")["handles"])
        return total

    async def nothing_left(self) -> None:
        """Every handle is gone, the broker was told, and the gateway has nothing more to do."""
        await until(lambda: asyncio.to_thread(lambda: self.handles() == 0), "no handle is left")
        await until(lambda: not self.broker.holders, "the broker holds nobody")
        await until(lambda: self.gateway.participants.at_rest, "the gateway is at rest")


async def _gateway(world: World, gateway_id: str, **limits: Any) -> Rig:
    nodes = [world.nodes.ingress, world.nodes.stage]
    rig = await start_gateway(
        world.tmp,
        world.broker_at,
        world.gateway.key if world.gateway else SigningKey.generate(),
        nodes,
        world.store,
        gateway_id,
        **limits,
    )
    world.stack.push_async_callback(rig.kill)
    return rig


@pytest.fixture
async def world(nodes: Nodes, tmp_path: Path) -> AsyncIterator[World]:
    """A gateway ``1`` before the nodes, and an open session ``demo`` of VP8."""
    async with contextlib.AsyncExitStack() as stack:
        broker = FakeBroker(nodes.ingress, nodes.stage)
        at = await serve(broker.application(), stack)
        await broker.open("h264", Codec.H264)
        await broker.open("demo")
        http = await stack.enter_async_context(aiohttp.ClientSession())
        made = World(broker, at, None, MemoryStore(), http, nodes, tmp_path, stack)  # type: ignore[arg-type]
        made.gateway = await _gateway(made, "1")
        yield made
    for node in (nodes.ingress, nodes.stage):
        for session in client(node).admin.ask("list_sessions")["sessions"]:
            client(node).admin.ask("destroy_session", f"/{session}")
        for context in client(node).contexts():
            client(node).drop_context(context)
