"""A gateway and the page in front of real Janus nodes, with a small broker that also makes the links."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.orders import Orders
from gateway.participants import Participants
from gateway.registry import Registry
from gateway.wiring import Gateway, Limits, assemble
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.model import AttachGrant, Codec, GatewayInfo, Kind, Leg, ParticipantIntent, Role
from rtcdn.store.memory import MemoryStore
from rtcdn.tokens import Claims, SigningKey, Verifier
from tests.support.janus import JanusNode
from tests.support.page import add_page

SLOTS = ("v1", "v2", "v3", "v4", "s1")
FAR_S = 4_000_000_000.0


def client(node: JanusNode) -> NodeClient:
    """The node as the broker's actor uses it."""
    return NodeClient(node.kind, AdminClient(node.admin_url, node.secrets.admin_secret), node.secrets, node.media_ip)


@dataclass
class FakeBroker:
    """Grants one ingress and one stage; whoever publishes gets the first free slot, the first one the audio too."""

    ingress: JanusNode
    stage: JanusNode
    codecs: dict[str, Codec] = field(default_factory=dict)
    refuse: web.Response | None = None
    generation: int = 0
    holders: dict[tuple[str, str], ParticipantIntent] = field(default_factory=dict)
    slots: dict[tuple[str, str], str] = field(default_factory=dict)  # session, slot -> participant
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    hellos: list[dict[str, Any]] = field(default_factory=list)
    acks: list[int] = field(default_factory=list)
    streams: list[web.WebSocketResponse] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    linking: asyncio.Lock = field(default_factory=asyncio.Lock)  # one change at a time, as the broker

    async def open(self, session: str, codec: Codec = Codec.VP8) -> None:
        """Make the session's room and stage."""
        self.codecs[session] = codec
        room, stage = f"{session}/ingress-{self.ingress.id}", f"{session}/stage-{self.stage.id}"
        await asyncio.to_thread(client(self.ingress).ensure_room, room, codec, 10, 1_500_000)
        await asyncio.to_thread(client(self.stage).ensure_stage, stage, codec, SLOTS)

    async def seen(self, call: str, participant: str = "", timeout_s: float = 15.0) -> Any:
        """The body of the first call of that name (for a participant), awaited."""

        def found() -> list[Any]:
            return [body for name, who, body in self.calls if name == call and participant in ("", who)]

        async with self.changed, asyncio.timeout(timeout_s):
            await self.changed.wait_for(found)
        return found()[0]

    async def order(self, **order: Any) -> None:
        """Send an order and wait for its acknowledgement."""
        number = len(self.acks) + 100
        if order["order"] == "remove":
            self.holders.pop((order["session"], order["participant"]), None)  # it is decided before it is ordered
        await self.streams[-1].send_json({"n": number, **order})
        async with self.changed, asyncio.timeout(10):
            await self.changed.wait_for(lambda: number in self.acks)

    async def _note(self, call: str, participant: str, body: Any) -> None:
        async with self.changed:
            self.calls.append((call, participant, body))
            self.changed.notify_all()

    async def attach(self, request: web.Request) -> web.Response:
        """Grant."""
        session, participant, body = request.match_info["sid"], request.match_info["pid"], await request.json()
        await self._note("attach", participant, body)
        if self.refuse is not None:
            return web.Response(status=self.refuse.status, body=self.refuse.body, content_type=self.refuse.content_type)
        codec = self.codecs[session]
        if body["codecs"] is not None and codec.value not in body["codecs"]:
            problem = {"type": "urn:x:codec-not-carried", "detail": f"video of this session is {codec.value}"}
            return web.json_response(problem, status=406)
        self.generation += 1
        want = body["want"][0]
        node, kind, name = (
            (self.ingress, Kind.VR, f"ingress-{self.ingress.id}")
            if want == "publish"
            else (self.stage, Kind.ST, f"stage-{self.stage.id}")
        )
        leg = Leg(want, kind, node.id, node.address, f"{session}/{name}", generation=self.generation)
        grant = AttachGrant(
            session,
            participant,
            Role(body["role"]),
            self.codecs[session],
            self.generation,
            (leg,),
        )
        if want == "publish" and (session, participant) in self.holders:
            async with self.linking:
                await asyncio.to_thread(self._unlink, session, participant)
        intent = ParticipantIntent(gateway=body["gateway"], legs=(leg,), generation=self.generation)
        self.holders[session, participant] = intent
        return web.json_response(grant.to_dict())

    async def media(self, request: web.Request) -> web.Response:
        """A leg is up: note its ids; a publisher's video goes to a slot and his audio to ``a``."""
        session, participant, body = request.match_info["sid"], request.match_info["pid"], await request.json()
        async with self.linking:
            intent = self.holders.get((session, participant))
            if intent is None or body["generation"] != intent.generation:
                return web.json_response({"type": "urn:x:taken-over"}, status=409)
            await self._up(session, participant, intent, body)
        await self._note("media", participant, body)
        return web.Response(status=204)

    async def _up(self, session: str, participant: str, intent: ParticipantIntent, body: dict[str, Any]) -> None:
        legs = tuple(
            Leg.from_dict({**leg.to_dict(), "janus_session": body["janus_session"], "handle": body["handle"]})
            for leg in intent.legs
        )
        self.holders[session, participant] = ParticipantIntent.from_dict(
            {**intent.to_dict(), "legs": [leg.to_dict() for leg in legs if leg]}
        )  # type: ignore[assignment]
        if body["leg"] == "publish":
            await asyncio.to_thread(self._link, session, participant, body["streams"])

    def _unlink(self, session: str, participant: str) -> None:
        """The earlier connection's media go nowhere any more."""
        room, source = f"{session}/ingress-{self.ingress.id}", client(self.ingress)
        for each in source.forwarders(room):
            if each.publisher == participant:
                source.stop_forwarder(room, each)

    def _link(self, session: str, participant: str, streams: list[dict[str, Any]]) -> None:
        room, stage = f"{session}/ingress-{self.ingress.id}", f"{session}/stage-{self.stage.id}"
        media = {each.mid: each for each in client(self.stage).stage_media(stage)}
        slot = next(name for name in SLOTS if self.slots.get((session, name), participant) == participant)
        self.slots[session, slot] = participant
        source = client(self.ingress)
        for stream in streams:
            if stream["type"] == "video":
                simulcast, target = stream["simulcast"], media[slot]
                source.start_slot(
                    room, participant, stream["mid"], simulcast=simulcast, target_ip=self.stage.media_ip, target=target
                )
            elif slot == "v1":
                source.start_voice(room, participant, stream["mid"], self.stage.media_ip, media["a"].port)

    async def holder(self, request: web.Request) -> web.Response:
        """Who holds a participant."""
        intent = self.holders.get((request.match_info["sid"], request.match_info["pid"]))
        if intent is None:
            return web.json_response({"title": "Unknown participant", "status": 404}, status=404)
        return web.json_response(intent.to_dict())

    async def leave(self, request: web.Request) -> web.Response:
        """A leg is over."""
        session, participant = request.match_info["sid"], request.match_info["pid"]
        intent = self.holders.get((session, participant))
        if intent and int(request.query["generation"]) in (0, intent.generation):
            del self.holders[session, participant]
            self.slots = {key: who for key, who in self.slots.items() if (key[0], who) != (session, participant)}
        await self._note("leave", participant, dict(request.query))
        return web.Response(status=204)

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """Orders."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            heard = json.loads(message.data)
            async with self.changed:
                if "hello" in heard:
                    self.hellos.append(heard)
                    self.streams.append(socket)
                else:
                    self.acks.append(heard["ack"])
                self.changed.notify_all()
        return socket

    def application(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        base = "/v1/sessions/{sid}/participants/{pid}"
        app.router.add_post(f"{base}/attach", self.attach)
        app.router.add_get(f"{base}/attach", self.holder)
        app.router.add_delete(f"{base}/attach", self.leave)
        app.router.add_post(f"{base}/media", self.media)
        app.router.add_get("/stream", self.stream)
        return app


async def serve(app: web.Application, stack: contextlib.AsyncExitStack, host: str = "127.0.0.1") -> str:
    """Serve an application on a free port until the stack closes; its ``host:port``."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, 0)
    await site.start()
    return f"{host}:{runner.addresses[0][1]}"


@dataclass
class Rig:
    """One gateway, its parts and where it listens."""

    url: str
    participants: Participants
    orders: Orders
    key: SigningKey
    http: aiohttp.ClientSession
    stack: contextlib.AsyncExitStack
    gateway: Gateway

    def token(self, participant: str, session: str = "demo", role: Role = Role.VIEWER, *rights: str) -> str:
        """A client token."""
        return self.key.sign(Claims(participant, session, "", role, rights, FAR_S))

    async def kill(self) -> None:
        """End it without a word to anybody: no leave, janus_sessions stay."""
        await self.stack.aclose()


async def start_gateway(
    tmp: Path,
    broker_at: str,
    key: SigningKey,
    nodes: list[JanusNode],
    store: MemoryStore,
    gateway_id: str = "1",
    **limits: Any,
) -> Rig:
    """Start a gateway in this process, as ``gateway.__main__`` wires it, without TLS."""
    stack = contextlib.AsyncExitStack()
    (tmp / "jwks.json").write_text(json.dumps(key.jwks()))
    for node in nodes:
        (tmp / f"node_{node.id}.json").write_text(node.secrets.to_json())
    http = await stack.enter_async_context(aiohttp.ClientSession())
    registry = Registry(store, gateway_id, GatewayInfo(), 5)
    made = assemble(
        gateway_id,
        "local",
        http,
        http,
        brokers=(f"http://{broker_at}",),
        streams=(f"ws://{broker_at}/stream",),
        registry=registry,
        verifier=Verifier((str(tmp / "jwks.json"),)),
        secrets_dir=tmp,
        ice=limits.get("ice"),
        limits=Limits(
            limits.get("rate_ps", 100),
            limits.get("burst", 100),
            limits.get("max_participants", 100),
            20,
            limits.get("per_address", 100),
        ),
    )
    stack.push_async_callback(made.close, 0.0)
    await asyncio.to_thread(add_page, made.app)
    at = await serve(made.app, stack)
    registry._info = GatewayInfo("local", f"http://{at}", at)
    for work in made.work():
        task = asyncio.create_task(work)
        stack.callback(task.cancel)
    return Rig(f"http://{at}", made.participants, made.orders, key, http, stack, made)


async def until(condition: Any, what: str, timeout_s: float = 10.0) -> None:
    """Wait until ``condition()`` (maybe a coroutine function) is true."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + timeout_s
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return
        assert loop.time() < end_s, f"not within {timeout_s} s: {what}"
        await asyncio.sleep(0.05)
