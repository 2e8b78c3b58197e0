"""A small broker for tests of the WebSocket API: view, talk and publish legs, roles, removals, who is on stage."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from rtcdn.model import AttachGrant, Codec, Kind, Leg, ParticipantIntent, Role, StreamInfo
from tests.support.gateway import SLOTS, client
from tests.support.janus import JanusNode

WANTED = {"publish": Kind.VR, "talk": Kind.AB, "view": Kind.ST}
DUTY = {Kind.VR: "ingress", Kind.AB: "mix", Kind.ST: "stage"}


@dataclass
class ClientBroker:
    """Decides little: everything is on the one node of its kind; cameras get the first free slot."""

    nodes: dict[Kind, JanusNode]
    generation: int = 0
    holders: dict[tuple[str, str], ParticipantIntent] = field(default_factory=dict)
    seats: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)  # session -> slot -> seat
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    streams: dict[str, web.WebSocketResponse] = field(default_factory=dict)  # by gateway
    follows: dict[str, list[str]] = field(default_factory=dict)
    watched: dict[str, Any] = field(default_factory=dict)  # what a gateway told last
    acks: set[int] = field(default_factory=set)
    number: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    acting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def context(self, session: str, kind: Kind) -> str:
        """Id of a context."""
        return f"{session}/{DUTY[kind]}-{self.nodes[kind].id}"

    async def open(self, session: str) -> None:
        """Make room, mix and stage of a session, and send the mix to the stage."""
        await asyncio.to_thread(self._open, session)

    def _open(self, session: str) -> None:
        room, mix, stage = (self.context(session, kind) for kind in (Kind.VR, Kind.AB, Kind.ST))
        client(self.nodes[Kind.VR]).ensure_room(room, Codec.VP8, 10, 1_500_000)
        client(self.nodes[Kind.AB]).ensure_mix(mix)
        media = client(self.nodes[Kind.ST]).ensure_stage(stage, Codec.VP8, SLOTS)
        port = next(each.port for each in media if each.mid == "a")
        client(self.nodes[Kind.AB]).start_mix(mix, self.nodes[Kind.ST].media_ip, port)
        self.seats[session] = {}

    async def seen(self, call: str, participant: str = "", count: int = 1, timeout_s: float = 15.0) -> Any:
        """The body of the ``count``th call of that name (for a participant), awaited."""

        def found() -> list[Any]:
            return [body for name, who, body in self.calls if name == call and participant in ("", who)]

        async with self.changed, asyncio.timeout(timeout_s):
            await self.changed.wait_for(lambda: len(found()) >= count)
        return found()[count - 1]

    async def order(self, gateway: str, **order: Any) -> None:
        """Send an order and wait for its acknowledgement. Who is to be adopted is the heir's before he is told."""
        key = (order["session"], order["participant"])
        if order["order"] == "adopt" and key in self.holders:
            intent = self.holders[key]
            legs = tuple(replace(leg, gateway=gateway) for leg in intent.legs)
            self.holders[key] = replace(intent, gateway=gateway, legs=legs)
        self.number += 1
        number = self.number
        await self.streams[gateway].send_json({"n": number, **order})
        async with self.changed, asyncio.timeout(10):
            await self.changed.wait_for(lambda: number in self.acks)

    async def _note(self, call: str, participant: str, body: Any) -> None:
        async with self.changed:
            self.calls.append((call, participant, body))
            self.changed.notify_all()

    # ---- calls of gateways

    async def attach(self, request: web.Request) -> web.Response:
        """Grant what is wanted."""
        session, participant, body = request.match_info["sid"], request.match_info["pid"], await request.json()
        await self._note("attach", participant, body)
        known = self.holders.get((session, participant), ParticipantIntent())
        self.generation += 1
        want = list(body["want"]) + (["talk"] if body.get("ready") and "speak" in body["rights"] else [])
        legs = tuple(self.leg(session, leg, body["gateway"]) for leg in want)
        role = max(known.role, Role(body["role"]), key=["viewer", "speaker", "moderator"].index)
        kept = tuple(each for each in known.legs if each.leg not in want)
        self.holders[session, participant] = replace(
            known,
            role=role,
            token_role=Role(body["role"]),
            rights=tuple(body["rights"]),
            name=body["name"],
            gateway=body["gateway"],
            legs=kept + legs,
            generation=self.generation,
            resume=body.get("resume") or known.resume,
        )
        grant = AttachGrant(session, participant, role, Codec.VP8, self.generation, legs)
        return web.json_response(grant.to_dict())

    def leg(self, session: str, leg: str, gateway: str) -> Leg:
        """A leg on the one node of its kind."""
        kind = WANTED[leg]
        node = self.nodes[kind]
        slots = SLOTS if leg == "view" else ()
        context = self.context(session, kind)
        return Leg(leg, kind, node.id, node.address, context, slots=slots, generation=self.generation, gateway=gateway)

    async def holder(self, request: web.Request) -> web.Response:
        """Who holds a participant."""
        intent = self.holders.get((request.match_info["sid"], request.match_info["pid"]))
        if intent is None:
            return web.json_response({"title": "Unknown participant", "status": 404}, status=404)
        return web.json_response(intent.to_dict())

    async def media(self, request: web.Request) -> web.Response:
        """A leg is up: note its ids; a publisher's videos go to slots."""
        session, participant, body = request.match_info["sid"], request.match_info["pid"], await request.json()
        async with self.acting:
            intent = self.holders.get((session, participant), ParticipantIntent())
            found = next((leg for leg in intent.legs if leg.leg == body["leg"]), None)
            if found is None or found.generation != body["generation"]:
                return web.json_response({"type": "urn:x:taken-over"}, status=409)
            streams = tuple(s for s in map(StreamInfo.from_dict, body["streams"]) if s)
            ids = {"janus_session": body["janus_session"], "handle": body["handle"]}
            up = replace(found, state="up", streams=streams, gateway=body["gateway"] or found.gateway, **ids)
            legs = tuple(up if leg is found else leg for leg in intent.legs)
            self.holders[session, participant] = replace(intent, legs=legs)
            if body["leg"] == "publish":
                await asyncio.to_thread(self._link, session, participant, streams)
                await self.tell_stage(session)
        await self._note("media", participant, body)
        return web.Response(status=204)

    def _link(self, session: str, participant: str, streams: tuple[StreamInfo, ...]) -> None:
        room, stage = self.context(session, Kind.VR), self.context(session, Kind.ST)
        media = {each.mid: each for each in client(self.nodes[Kind.ST]).stage_media(stage)}
        seats = self.seats[session]
        sources = {stream.source for stream in streams}
        for slot in [s for s, seat in seats.items() if seat["participant"] == participant]:
            if seats[slot]["source"] not in sources:
                del seats[slot]
        for stream in streams:
            seat = {"participant": participant, "source": stream.source}
            free = ("s1",) if stream.source == "screen" else tuple(s for s in SLOTS if s[0] == "v")
            slot = next((s for s, held in seats.items() if held == seat), "") or next(s for s in free if s not in seats)
            seats[slot] = seat
            client(self.nodes[Kind.VR]).start_slot(
                room,
                participant,
                stream.mid,
                simulcast=stream.simulcast,
                target_ip=self.nodes[Kind.ST].media_ip,
                target=media[slot],
            )

    async def leave(self, request: web.Request) -> web.Response:
        """A leg is over."""
        session, participant = request.match_info["sid"], request.match_info["pid"]
        intent = self.holders.get((session, participant))
        leg, generation = request.query["leg"], int(request.query["generation"])
        if intent:
            legs = tuple(e for e in intent.legs if (e.leg, e.generation) != (leg, generation))
            if leg == "publish" and len(legs) < len(intent.legs):
                seats = self.seats[session]
                self.seats[session] = {s: seat for s, seat in seats.items() if seat["participant"] != participant}
                await self.tell_stage(session)
            if legs:
                self.holders[session, participant] = replace(intent, legs=legs)
            else:
                del self.holders[session, participant]
        await self._note("leave", participant, dict(request.query))
        return web.Response(status=204)

    async def role(self, request: web.Request) -> web.Response:
        """Promote or demote: moderators anybody, others themselves with the right."""
        session, participant, body = request.match_info["sid"], request.match_info["pid"], await request.json()
        await self._note("role", participant, body)
        asker = self.holders[session, body["by"]]
        own = body["by"] == participant and ("publish" in asker.rights or body["role"] == "viewer")
        if asker.role is not Role.MODERATOR and not own:
            return web.json_response({"type": "urn:x:wrong-role", "detail": "no"}, status=403)
        await self.set_role(session, participant, body["role"], body["by"])
        return web.Response(status=204)

    async def set_role(self, session: str, participant: str, role: str, by: str = "") -> None:
        """Change a role, and order it."""
        intent = self.holders[session, participant]
        self.holders[session, participant] = replace(intent, role=Role(role))
        self.number += 1
        order = {"n": self.number, "order": "role", "session": session, "participant": participant, "role": role}
        await self.streams[intent.gateway].send_json(order | {"by": by, "generation": intent.generation})

    async def remove(self, request: web.Request) -> web.Response:
        """Put out."""
        session, participant, body = request.match_info["sid"], request.match_info["pid"], await request.json()
        if self.holders[session, body["by"]].role is not Role.MODERATOR:
            return web.json_response({"type": "urn:x:wrong-role", "detail": "no"}, status=403)
        intent = self.holders.pop((session, participant))
        self.number += 1
        order = {"n": self.number, "order": "remove", "session": session, "participant": participant}
        order |= {"reason": "moderator", "by": body["by"], "detail": body["reason"], "generation": intent.generation}
        await self.streams[intent.gateway].send_json(order)
        return web.Response(status=204)

    # ---- the stream port

    async def tell_stage(self, session: str) -> None:
        """Tell gateways that follow a session who is on stage."""
        names = {who: intent.name for (sid, who), intent in self.holders.items() if sid == session}
        message = {"stage": session, "open": True, "seats": self.seats[session], "talking": [], "names": names}
        for gateway, sessions in self.follows.items():
            if session in sessions:
                with contextlib.suppress(ConnectionError):
                    await self.streams[gateway].send_json(message)

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        """Orders, and who follows what."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        gateway = ""
        async for message in socket:
            heard = json.loads(message.data)
            async with self.changed:
                if "hello" in heard:
                    gateway = heard["hello"]
                    self.streams[gateway] = socket
                if "ack" in heard:
                    self.acks.add(heard["ack"])
                self.changed.notify_all()
            if "follow" in heard:
                self.follows[gateway], self.watched = heard["follow"], heard["watched"]
                for session in heard["follow"]:
                    await self.tell_stage(session)
        if self.streams.get(gateway) is socket:
            self.follows.pop(gateway, None)
        return socket

    def application(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        base = "/v1/sessions/{sid}/participants/{pid}"
        app.router.add_post(f"{base}/attach", self.attach)
        app.router.add_get(f"{base}/attach", self.holder)
        app.router.add_delete(f"{base}/attach", self.leave)
        app.router.add_post(f"{base}/media", self.media)
        app.router.add_post(f"{base}/role", self.role)
        app.router.add_post(f"{base}/remove", self.remove)
        app.router.add_get("/stream", self.stream)
        return app
