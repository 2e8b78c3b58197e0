"""The gateway on real Janus nodes, with a small broker that grants and links."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from rtcdn.model import Kind, Role
from rtcdn.store.memory import MemoryStore
from rtcdn.tokens import SigningKey
from tests.support.clients import Viewer, speaker
from tests.support.engine import Engine
from tests.support.gateway import FakeBroker, Rig, client, serve, start_gateway, until
from tests.support.janus import JanusNode, start_janus

pytestmark = pytest.mark.real


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

    async def another_gateway(self, gateway_id: str) -> Rig:
        """One more gateway."""
        return await _gateway(self, gateway_id)

    def handles(self) -> int:
        """Janus handles on both nodes."""
        total = 0
        for node in (self.nodes.ingress, self.nodes.stage):
            admin = client(node).admin
            for session in admin.ask("list_sessions")["sessions"]:
                total += len(admin.ask("list_handles", f"/{session}")["handles"])
        return total

    async def nothing_left(self) -> None:
        """Every handle is gone, and the broker was told."""
        await until(lambda: asyncio.to_thread(lambda: self.handles() == 0), "no handle is left")
        await until(lambda: not self.broker.holders, "the broker holds nobody")


async def _gateway(world: World, gateway_id: str, **limits: float) -> Rig:
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
        await broker.open("demo")
        http = await stack.enter_async_context(aiohttp.ClientSession())
        made = World(broker, at, None, MemoryStore(), http, nodes, tmp_path, stack)  # type: ignore[arg-type]
        made.gateway = await _gateway(made, "1")
        yield made
    for node in (nodes.ingress, nodes.stage):
        for context in client(node).contexts():
            client(node).drop_context(context)


async def test_speaker_is_seen_and_heard_by_a_viewer(world: World) -> None:
    """WHIP in, WHEP out; the broker hears the streams; DELETE leaves nothing."""
    gateway = world.gateway
    alice = await speaker(world.http, f"{gateway.url}/whip/demo", gateway.token("alice", role=Role.SPEAKER))
    told = await world.broker.seen("media", "alice")
    assert {("audio", "opus"), ("video", "vp8")} == {(s["type"], s["codec"]) for s in told["streams"]}
    viewer = await Viewer.join(world.http, f"{gateway.url}/whep/demo", gateway.token("bob"))
    await viewer.sees(10)
    await viewer.hears(440)
    assert "a=setup:passive" in alice.answer
    assert "a=setup:passive" in viewer.resource.answer
    assert await viewer.leave() == 200
    assert await alice.delete() == 200
    assert await world.broker.seen("leave", "alice") == {"leg": "publish", "generation": "1"}
    await world.nothing_left()
