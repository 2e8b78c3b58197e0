"""The participants held here: one ``Resource`` per WHIP or WHEP resource, from its POST until it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway import metrics, protocol, sdp
from gateway.broker_client import Broker
from gateway.legs import LiveLeg, Nodes, SocketKey, socket_key
from gateway.protocol import Problem, Way
from gateway.telling import Telling, spawn
from rtcdn import log
from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.janus.protocol import Event
from rtcdn.model import Codec, Leg, ParticipantIntent
from rtcdn.tokens import Claims

CONNECT_S = 20.0  # a resource whose media is not up by then is half open: it ends
NODE_GONE_S = 75.0  # Janus forgets a janus_session a minute after it last heard of it
SWEEP_S = 2.0
LEAVE_S = 2.0  # how long a refusal waits for the broker to know that the seat is free
OVER = ("hangup", "detached", "lost", "timeout")
_log = log.get("gateway.participants")

Key = tuple[str, str, str]  # session, participant, leg


@dataclass
class Resource:
    """One participant's leg. ``offer`` is his newest, empty after an adoption; ``up``: media can flow."""

    session: str
    participant: str
    way: Way
    generation: int
    leg: Leg
    live: LiveLeg
    offer: str = field(default="", repr=False)
    ufrag: str = ""
    restarts: int = 0
    up: bool = False
    since_s: float = field(default_factory=time.monotonic)
    heard_s: float = field(default_factory=time.monotonic)  # when its node was last connected
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    attending: asyncio.Task[None] | None = None  # reads what Janus says about it

    @property
    def key(self) -> Key:
        """Only one resource may have it; the later takes over."""
        return (self.session, self.participant, self.way.leg)

    @property
    def etag(self) -> str:
        """Tag of its ICE session."""
        return protocol.etag(self.generation, self.restarts)

    @property
    def path(self) -> str:
        """Path of its URL: names the participant, never a gateway."""
        return f"/{self.way.name}/{self.session}/{self.participant}/{self.generation}"


class Participants:
    """Makes, finds and ends resources, and keeps the broker informed."""

    def __init__(self, broker: Broker, nodes: Nodes, max_participants: int) -> None:
        self._broker = broker
        self._nodes = nodes
        self._max = max_participants
        self._held: dict[Key, Resource] = {}
        self._attending: set[asyncio.Task[None]] = set()
        self._telling = Telling()
        self.also_used: Callable[[], set[SocketKey]] = set  # nodes that others of this gateway use

    def __len__(self) -> int:
        """How many resources are held."""
        return len(self._held)

    @property
    def at_rest(self) -> bool:
        """Nothing is held, nothing is under way."""
        return not (self._held or self._attending or len(self._telling))

    def held(self) -> list[Resource]:
        """All resources."""
        return list(self._held.values())

    def get(self, key: Key, generation: int) -> Resource | None:
        """A resource held here, of that generation."""
        found = self._held.get(key)
        return found if found and found.generation == generation else None

    async def open(self, way: Way, claims: Claims, participant: str, offer: sdp.Description, address: str) -> Resource:
        """Attach a participant by his offer: ask the broker where, go there, answer."""
        if len(self._held) >= self._max:
            raise Problem(503, "gateway-full", f"this gateway holds {self._max} participants", "", retry_after_s=5)
        want = "publish" if way.sends else "view"
        key = (claims.sid, participant, want)
        body: dict[str, Any] = {"want": [want], "role": str(claims.role), "rights": list(claims.rights), "name": ""}
        body |= {"client_address": address, "measured_rtt": {}, "shared": claims.shared}
        body["codecs"] = protocol.offered_codecs(offer)
        grant = await self._broker.attach(claims.sid, participant, body)
        leg = next((each for each in grant.legs if each.leg == want), None)
        if leg is None:
            raise Problem(502, "bad-grant", f"the broker granted no leg to {want}", "tell the operator")
        try:
            await self._end_older(key)
            live = await self._go(key, way, leg, offer, grant.codec)
        except Problem:
            # Before the answer: who tries again at once must not find his own seat taken.
            telling = self._tell_left(claims.sid, participant, want, grant.generation)
            await asyncio.wait([telling], timeout=LEAVE_S)
            raise
        except BaseException:
            self._tell_left(claims.sid, participant, want, grant.generation)
            raise
        resource = Resource(claims.sid, participant, way, grant.generation, leg, live, offer.text, offer.ufrag)
        self._keep(resource)
        return resource

    async def _go(self, key: Key, way: Way, leg: Leg, offer: sdp.Description, codec: Codec) -> LiveLeg:
        """Make the leg in Janus and check its answer; what Janus says no to becomes a ``Problem``."""
        opaque_id = "/".join(key)
        try:
            if way.sends:
                live = await self._nodes.publish(leg, key[1], opaque_id, offer.text)
            else:
                live = await self._nodes.view(leg, opaque_id, offer.text)
        except NodeAway as error:
            _log.warning("node-away", node=leg.node, reason=error)
            raise Problem(503, "node-away", "the media node did not answer", "try again", retry_after_s=1) from None
        except NodeRefused as error:
            _log.warning("node-refused", node=leg.node, context=leg.context, reason=error)
            raise Problem(
                503, "node-refused", "the media node took no connection", "try again", retry_after_s=1
            ) from None
        try:
            protocol.check_answer(offer, sdp.parse(live.answer), codec)
        except sdp.BadSdpError as error:
            await live.end()
            raise Problem(502, "bad-answer", f"the media node's answer cannot be used: {error}") from None
        except Problem:
            await live.end()
            raise
        return live

    async def restart(self, resource: Resource, fragment: sdp.Fragment) -> str:
        """ICE restart of a publisher: the fragment to answer. The resource's entity tag changes."""
        if not resource.way.sends or not resource.offer:
            cure = "DELETE this resource and POST a new offer"
            raise Problem(422, "no-ice-restart", "this resource cannot restart ICE", cure)
        async with resource.lock:
            candidates = tuple(each.text.removeprefix("candidate:") for each in fragment.candidates)
            offer = sdp.with_ice(resource.offer, fragment.ufrag, fragment.pwd, candidates)
            text = await resource.live.restart(sdp.for_janus(offer))
            resource.offer, resource.ufrag = offer, fragment.ufrag
            resource.restarts += 1
        return sdp.fragment_of(sdp.parse(text))

    async def end(self, resource: Resource, why: str, *, tell: bool = True) -> None:
        """End a resource: its janus_session goes, and the broker is told unless the end was its own order."""
        if self._held.get(resource.key) is not resource:
            return
        del self._held[resource.key]
        metrics.HELD.labels(resource.way.leg).dec()
        metrics.ENDED.labels(resource.way.leg, why).inc()
        _log.info("resource-ended", session=resource.session, participant=resource.participant, why=why)
        if tell:
            self._tell_left(*resource.key, resource.generation)
        await resource.live.end()
        if resource.attending and resource.attending is not asyncio.current_task():
            resource.attending.cancel()

    async def end_participant(self, session: str, participant: str, leg: str, why: str, *, tell: bool) -> None:
        """End one leg of a participant, or all with an empty ``leg``."""
        wanted = [each for each in self.held() if (each.session, each.participant) == (session, participant)]
        await asyncio.gather(*(self.end(each, why, tell=tell) for each in wanted if leg in ("", each.way.leg)))

    async def adopt(self, session: str, participant: str, intent: ParticipantIntent) -> int:
        """Claim the legs of a participant whose gateway is gone; how many could be claimed."""
        count = 0
        for leg in intent.legs:
            way = next((each for each in protocol.WAYS.values() if each.leg == leg.leg), None)
            generation = leg.generation or intent.generation
            if way is None or not leg.janus_session or self.get((session, participant, leg.leg), generation):
                continue
            try:
                live = await self._nodes.claim(leg)
            except (NodeAway, NodeRefused) as error:
                _log.warning("claim-failed", session=session, participant=participant, reason=error)
                self._tell_left(session, participant, leg.leg, generation)
                continue
            resource = Resource(session, participant, way, generation, leg, live, up=True)
            self._keep(resource)
            self._tell(partial(self._report, resource))
            metrics.ADOPTED.inc()
            count += 1
        return count

    def _keep(self, resource: Resource) -> None:
        self._held[resource.key] = resource
        metrics.HELD.labels(resource.way.leg).inc()
        resource.attending = spawn(self._attending, self._attend(resource))

    async def _end_older(self, key: Key) -> None:
        older = self._held.get(key)
        if older:
            await self.end(older, "taken-over", tell=False)  # the new attach replaced it at the broker already

    async def _attend(self, resource: Resource) -> None:
        """Read what Janus says about a resource until it is over."""
        while self._held.get(resource.key) is resource:
            event: Event = await resource.live.handle.events.get()
            if event.kind == "webrtcup" and not resource.up:
                resource.up = True
                metrics.CONNECTED.labels(resource.way.leg).observe(time.monotonic() - resource.since_s)
                self._tell(partial(self._report, resource))
            elif event.kind in OVER:
                await self.end(resource, event.kind)

    async def _report(self, resource: Resource) -> None:
        if self._held.get(resource.key) is resource:
            await self._broker.media_up(
                resource.session,
                resource.participant,
                leg=resource.way.leg,
                generation=resource.generation,
                janus_session=resource.live.session.id,
                handle=resource.live.handle.id,
                streams=resource.live.streams,
            )

    def _tell_left(self, session: str, participant: str, leg: str, generation: int) -> asyncio.Task[None]:
        return self._tell(partial(self._broker.leave, session, participant, leg, generation))

    def _tell(self, what: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        return self._telling.tell(what)

    async def sweep(self) -> None:
        """For ever: end what never came up, close sockets nobody uses."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now_s = time.monotonic()
            for resource in self.held():
                if resource.live.session.socket.connected:
                    resource.heard_s = now_s
                if not resource.up and now_s - resource.since_s > CONNECT_S:
                    await self.end(resource, "half-open")
                elif now_s - resource.heard_s > NODE_GONE_S:
                    await self.end(resource, "node-away")
            await self._nodes.close_idle({socket_key(each.leg) for each in self.held()} | self.also_used())

    async def close(self, patience_s: float = 2.0) -> None:
        """Stop, leaving what is held to be adopted by another gateway; news under way still gets its chance."""
        self._held.clear()
        await self._telling.close(patience_s)
        for task in tuple(self._attending):
            task.cancel()
        await self._nodes.close()
