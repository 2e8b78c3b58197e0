"""Orders of the broker: one WebSocket to every replica's stream port, of which the leader's speaks.

We say first who we are and whom we hold; an order is acknowledged when it is done, and is sent again until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Any

import aiohttp

from gateway import metrics
from gateway.broker_client import Broker
from gateway.host import Host
from gateway.members import Members
from gateway.participants import Participants
from gateway.protocol import Problem
from gateway.telling import spawn
from gateway.watching import Watched, watched
from rtcdn import log
from rtcdn.model import Leg

PAUSE_S = (0.2, 1.0)
HEARTBEAT_S = 5.0
WATCHED_S = 1.0  # wishes are told this often at most
_log = log.get("gateway.orders")


class Orders:
    """Keeps the streams open and performs what is ordered."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        streams: tuple[str, ...],
        gateway_id: str,
        broker: Broker,
        *,
        held: Participants,
        members: Members,
    ) -> None:
        self._http = http
        self._streams = streams
        self._gateway_id = gateway_id
        self._broker = broker
        self._held = held
        self._members = members
        self._sockets: set[aiohttp.ClientWebSocketResponse] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self.connected: set[str] = set()
        self._watched: Watched = {}  # as told last
        members.changed = self.follow

    def follow(self) -> None:
        """Tell every replica whose stage we want to hear of."""
        for socket in self._sockets:
            spawn(self._telling, self._send(socket, self._wanted()))

    def _wanted(self) -> dict[str, Any]:
        return {"follow": self._members.sessions(), "watched": self._watched}

    async def _send(self, socket: aiohttp.ClientWebSocketResponse, message: dict[str, Any]) -> None:
        """Send; a connection that broke says it all again in its hello."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            await socket.send_json(message)

    async def run(self) -> None:
        """For ever: a connection to each stream."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            for url in self._streams:
                group.create_task(self._follow(url))

    async def _watch(self) -> None:
        """Tell whom people would like to see, when that changes."""
        while True:
            await asyncio.sleep(WATCHED_S)
            now = watched(self._members.all())
            if now != self._watched:
                self._watched = now
                self.follow()

    async def _follow(self, url: str) -> None:
        """One stream: connect, listen, and again."""
        pause_s = PAUSE_S[0]
        while True:
            try:
                async with self._http.ws_connect(url, heartbeat=HEARTBEAT_S) as socket:
                    await socket.send_json(self._hello())
                    self.connected.add(url)
                    self._sockets.add(socket)
                    pause_s = PAUSE_S[0]
                    try:
                        async for message in socket:
                            if message.type == aiohttp.WSMsgType.TEXT:
                                await self._hear(socket, message.json())
                    finally:
                        self._sockets.discard(socket)
            except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
                _log.debug("stream-away", url=url, reason=str(error) or type(error).__name__)
            self.connected.discard(url)
            await asyncio.sleep(pause_s * random.uniform(0.7, 1.3))  # noqa: S311  (jitter)
            pause_s = min(2 * pause_s, PAUSE_S[1])

    def _hello(self) -> dict[str, Any]:
        """Who we are and whom we hold; ``last`` 0: whatever was not acknowledged may come again."""
        by_participant: dict[tuple[str, str], dict[str, Any]] = {}
        for each in self._held.held():
            entry = by_participant.setdefault((each.session, each.participant), {"generation": 0, "legs": []})
            entry["generation"] = max(entry["generation"], each.generation)
            entry["legs"].append(each.way.leg)
        for member in self._members.hello():
            entry = by_participant.setdefault((member["session"], member["participant"]), {"generation": 0, "legs": []})
            entry["generation"] = max(entry["generation"], member["generation"])
            entry["legs"] += member["legs"]
            entry["role"] = member["role"]
        participants = [{"session": s, "participant": p, **entry} for (s, p), entry in by_participant.items()]
        return {"hello": self._gateway_id, "last": 0, "participants": participants, **self._wanted()}

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse, message: Any) -> None:
        """Perform one order and acknowledge it; one that could not be done comes again."""
        if not isinstance(message, dict):
            return
        if isinstance(message.get("stage"), str):
            self._members.stage(message["stage"], message)
            return
        if not isinstance(message.get("n"), int):
            return
        if isinstance(message.get("revision"), int):
            self._broker.told(message["revision"])
        try:
            await self.perform(message)
        except Problem as problem:
            _log.warning("order-failed", order=message.get("order"), reason=problem)
        else:
            await socket.send_json({"ack": message["n"]})

    async def perform(self, order: dict[str, Any]) -> None:
        """Do what one order says; doing it twice is the same as once."""
        kind = str(order.get("order", ""))
        session, participant = str(order.get("session", "")), str(order.get("participant", ""))
        leg = str(order.get("leg") or "")
        _log.info("order", order=kind, session=session, participant=participant, leg=leg)
        metrics.ORDERS.labels(kind if kind in ("remove", "move", "role", "adopt") else "unknown").inc()
        host = self._members.find(session, participant)
        if host:
            order_member(host, order)
        if kind == "remove":
            await self._remove(order, session, participant, leg)
        elif kind == "move":
            # Neither plugin lets us re-offer a WHIP or WHEP client: its resource ends and it comes again.
            await self._held.end_participant(session, participant, leg, "moved", tell=True)
        elif kind == "role" and order.get("role") == "viewer":
            await self._held.end_participant(session, participant, "publish", "demoted", tell=True)
        elif kind == "adopt":
            await self._adopt(session, participant)

    async def _adopt(self, session: str, participant: str) -> None:
        """Take over one whose gateway is gone: of the WebSocket API where he has a key to resume."""
        intent = await self._broker.holder(session, participant)
        if intent and intent.resume:
            await self._members.adopt(session, participant, intent)
        elif intent:
            await self._held.adopt(session, participant, intent)

    async def _remove(self, order: dict[str, Any], session: str, participant: str, leg: str) -> None:
        """End what is held up to the order's generation: a later attach is not meant."""
        generation = order.get("generation")
        for each in self._held.held():
            mine = (each.session, each.participant) == (session, participant) and leg in ("", each.way.leg)
            if mine and (not isinstance(generation, int) or each.generation <= generation):
                await self._held.end(each, "removed", tell=False)


def order_member(host: Host, order: dict[str, Any]) -> None:
    """An order for a participant of the WebSocket API."""
    kind, now_s, member = order.get("order"), time.monotonic(), host.member
    generation = order.get("generation")
    by, reason = str(order.get("by") or ""), str(order.get("reason") or "")
    rows = order.get("legs")
    legs = [leg for leg in (Leg.from_dict(row) for row in rows) if leg] if isinstance(rows, list) else []
    if kind == "move":
        member.connections.moved(legs, generation if isinstance(generation, int) else 0, now_s)
    elif kind == "role" and order.get("role") in ("viewer", "speaker", "moderator"):
        member.ordered_role(order["role"], by, now_s)
    elif kind == "remove":
        elsewhere = any(leg.gateway not in ("", host.house.gateway_id) for leg in legs)
        if elsewhere and reason == "taken-over" and all(leg.generation in host.generations() for leg in legs):
            member.let_go()  # the same legs, claimed by another gateway
        else:
            number = generation if isinstance(generation, int) else None
            leg, detail = str(order.get("leg") or ""), str(order.get("detail") or "")
            member.ordered_remove(leg, number, reason, by, now_s, detail=detail)
    host.run()
