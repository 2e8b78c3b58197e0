"""One participant's effects, performed: the broker, his legs in Janus, the other gateways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway import metrics, protocol, sdp
from gateway.client import effects as fx
from gateway.client.events import Data
from gateway.client.member import Member
from gateway.figures import FiguresOf
from gateway.held import Held, media_of
from gateway.legs import LiveLeg
from gateway.protocol import Problem
from rtcdn import log
from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.janus.plugins import streaming
from rtcdn.janus.protocol import Json
from rtcdn.model import AttachGrant, Leg

if TYPE_CHECKING:
    from gateway.members import Members

OVER = ("hangup", "detached", "lost", "timeout")
NODE_GONE_S = 75.0  # Janus forgets a janus_session a minute after it last heard of it
_log = log.get("gateway.host")


class Host:
    """Performs what one member wants done."""

    def __init__(self, house: Members, member: Member, address: str) -> None:
        self.house, self.member, self.address = house, member, address
        self.held: dict[str, Held] = {}
        self.figures = FiguresOf()
        self._running = False
        self._acts = self._acts_of()

    @property
    def key(self) -> tuple[str, str]:
        """Session and participant."""
        return (self.member.who.session, self.member.who.participant)

    def run(self) -> None:
        """Perform all that is wanted now."""
        if self._running:
            return
        self._running = True
        try:
            while wanted := list(self.member.todo.take()):
                for effect in wanted:
                    self._perform(effect)
        finally:
            self._running = False

    def _perform(self, effect: Any) -> None:
        act = self._acts.get(type(effect))
        if act:
            act(effect)
        else:
            self.house.spawn(self._answer(effect, self._asked(effect)))

    def _acts_of(self) -> dict[type, Callable[[Any], None]]:
        """What is done at once, or in the background without an outcome."""
        house, (session, participant) = self.house, self.key
        return {
            fx.Register: lambda _: house.register(self),
            fx.Put: lambda e: house.mesh.put(session, e.person),
            fx.Talk: lambda e: house.mesh.talk(session, e.participant or participant, e.on),
            fx.CatchUp: lambda e: house.catch_up(self, e.last),
            fx.Figures: lambda e: self.figures.take(e.connections, self.member.connections.all),
            fx.BecameLive: lambda e: metrics.LIVE.observe(e.seconds),
            fx.Gone: lambda e: house.gone(self, e.why, over=e.over),
            fx.End: self._end,
            fx.Report: self._report,
            fx.Trickle: lambda e: self._quietly(self._trickle(e)),
            fx.SetMuted: lambda e: self._quietly(self._mute(e)),
        }

    def _asked(self, effect: Any) -> Awaitable[Any]:
        own: dict[type, Callable[[Any], Awaitable[Any]]] = {
            fx.Attach: self._attach,
            fx.Open: self._open,
            fx.Renegotiate: self._renegotiate,
        }
        own |= {fx.Speak: self._speak, fx.Shape: self._shape}
        act = own.get(type(effect))
        return act(effect) if act else self._asked_others(effect)

    def _asked_others(self, effect: Any) -> Awaitable[Any]:
        session, participant = self.key
        house = self.house
        match effect:
            case fx.SetRole():
                return house.broker.set_role(session, effect.participant, effect.role, participant)
            case fx.Remove():
                return house.broker.remove(session, effect.participant, participant, effect.reason)
            case fx.Tell():
                return house.mesh.tell(session, effect.to, effect.what)
            case fx.SayData():
                name = self.member.who.name
                data = Data(n=0, sender=participant, name=name, to=effect.to, topic=effect.topic, data=effect.data)
                return house.mesh.say(session, data)
            case fx.PageOf():
                return house.mesh.page(session, effect.after, effect.limit, effect.search)
        raise AssertionError(f"nobody performs {type(effect).__name__}")

    async def _answer(self, effect: Any, work: Awaitable[Any]) -> None:
        """Await an outcome and hand it on; whatever goes wrong becomes a problem."""
        try:
            outcome = await work
        except Problem as raised:
            outcome = fx.told(raised)
        except NodeAway:
            outcome = fx.problem(503, "node-away", "the media node did not answer", "try again", retry_after_s=1)
        except NodeRefused as refused:
            _log.warning("node-refused", participant=self.key, what=type(effect).__name__, reason=refused)
            outcome = fx.problem(503, "node-refused", "the media node did not take this", "try again", retry_after_s=1)
        except TimeoutError:
            outcome = fx.problem(503, "gateway-busy", "no answer in time", "try again", retry_after_s=1)
        except Exception:  # noqa: BLE001  (whatever happens, the client gets an answer)
            _log.exception("effect-failed", participant=self.key, what=type(effect).__name__)
            outcome = fx.problem(500, "internal", "something went wrong here", "tell the operator")
        self.member.todo.done(effect.op, outcome, time.monotonic())
        self.run()

    def _quietly(self, work: Awaitable[None]) -> None:
        async def go() -> None:
            try:
                await work
            except (NodeAway, NodeRefused) as error:
                _log.info("node-did-not", participant=self.key, reason=error)

        self.house.spawn(go())

    # ---- broker

    async def _attach(self, effect: fx.Attach) -> AttachGrant:
        who = self.member.who
        if effect.first:
            self.house.admit(self)
        body: dict[str, Any] = {"want": list(effect.want), "role": who.role, "rights": list(who.rights)}
        body |= {"name": who.name, "client_address": self.address, "shared": who.shared, "codecs": effect.codecs}
        body |= {"measured_rtt": who.measured_rtt, "resume": who.key_hash}
        if "view" in effect.want:
            body["ready"] = self.member.ready
        if effect.sources:
            body["sources"] = list(effect.sources)
        async with self.house.joining:
            return await self.house.broker.attach(who.session, who.participant, body)

    def _report(self, effect: fx.Report) -> None:
        held = self.held.get(effect.connection)

        async def told() -> None:
            if held is None or self.held.get(effect.connection) is not held:
                return  # ended, or let go to another gateway, before the broker heard
            await self.house.broker.media_up(
                *self.key,
                leg=effect.leg,
                generation=effect.generation,
                janus_session=held.live.session.id,
                handle=held.live.handle.id,
                streams=effect.streams,
                hold=True,
            )

        self.house.tell_broker(self.key, effect.leg, told, partial(self._reported, effect.op))

    def _reported(self, op: int, problem: Problem | None) -> None:
        """The broker has heard what was reported of a leg, or has something against it."""
        self.member.todo.done(op, fx.told(problem) if problem else True, time.monotonic())
        self.run()

    def _end(self, effect: fx.End) -> None:
        held = self.held.pop(effect.connection, None)
        if effect.tell:
            told = partial(self.house.broker.leave, *self.key, effect.leg, effect.generation)
            self.house.tell_broker(self.key, effect.leg, told)
        if held:
            metrics.HELD.labels(effect.leg).dec()
            metrics.ENDED.labels(effect.leg, effect.why).inc()
            if held.attending and held.attending is not asyncio.current_task():
                held.attending.cancel()
            self.house.spawn(held.live.end())

    # ---- Janus

    async def _open(self, effect: fx.Open) -> fx.Opened:
        nodes, leg = self.house.nodes, effect.leg
        participant = self.key[1]
        opaque_id = "/".join((*self.key, leg.leg))
        opening: dict[str, Callable[[], Awaitable[LiveLeg]]] = {
            "view": lambda: nodes.view(leg, opaque_id, effect.sdp),
            "talk": lambda: nodes.talk(leg, participant, opaque_id, effect.sdp),
            "publish": lambda: nodes.publish(leg, participant, opaque_id, effect.sdp),
        }
        live = await opening[leg.leg]()
        try:
            answer = sdp.parse(live.answer)
            protocol.check_answer(sdp.parse(effect.sdp), answer, effect.codec)
        except (sdp.BadSdpError, ValueError) as error:
            await live.end()
            raise Problem(502, "bad-answer", f"the media node's answer cannot be used: {error}") from None
        except Problem:
            await live.end()
            raise
        self.keep(effect.connection, leg, live)
        return fx.Opened(live.answer, media_of(answer), live.streams)

    def keep(self, connection: str, leg: Leg, live: LiveLeg) -> None:
        """A leg is held from now on."""
        held = self.held[connection] = Held(leg, live)
        metrics.HELD.labels(leg.leg).inc()
        held.attending = self.house.spawn(self._attend(connection, held))

    async def _renegotiate(self, effect: fx.Renegotiate) -> fx.Opened:
        live = self._live(effect.connection)
        text = await live.restart(sdp.for_janus(effect.sdp))
        return fx.Opened(text, media_of(sdp.parse(text)), live.streams)

    async def _trickle(self, effect: fx.Trickle) -> None:
        held = self.held.get(effect.connection)
        if held:
            candidates = tuple(
                sdp.Candidate(each.candidate, each.mid, each.line) for each in effect.candidates if each.candidate
            )
            await held.live.trickle(sdp.Fragment("", "", candidates, effect.complete))

    async def _mute(self, effect: fx.SetMuted) -> None:
        held = self.held.get(effect.connection)
        if held:
            await held.live.mute(effect.on)

    async def _speak(self, effect: fx.Speak) -> bool:
        held = self.held.get(effect.connection)
        if held is None:
            raise NodeRefused(0, "the leg is gone")
        await held.live.speak(held.leg.context, self.key[1], effect.on)
        return True

    async def _shape(self, effect: fx.Shape) -> bool:
        streams: list[Json] = [
            streaming.stream(each.mid, send=each.send, substream=each.layer if each.layer >= 0 else None)
            for each in effect.media
        ]
        await self._live(effect.connection).shape(streams)
        return True

    def _live(self, connection: str) -> LiveLeg:
        held = self.held.get(connection)
        if held is None:
            raise Problem(409, "given-up", "this connection is not there any more")
        return held.live

    async def _attend(self, connection: str, held: Held) -> None:
        """Read what Janus says about a leg until it is over."""
        started_s = time.monotonic()
        while self.held.get(connection) is held:
            event = await held.live.handle.events.get()
            if event.kind == "webrtcup":
                metrics.CONNECTED.labels(held.leg.leg).observe(time.monotonic() - started_s)
                self.member.connections.came_up(connection, time.monotonic())
            elif event.kind in OVER:
                self.member.connections.lost(connection, time.monotonic())
            elif held.leg.leg == "talk":
                kind = event.data.get("audiobridge")
                if kind in ("talking", "stopped-talking"):
                    self.member.talks(str(event.data.get("id", "")), kind == "talking")
            self.run()

    def check(self, now_s: float) -> None:
        """Legs whose node was not heard for long are lost."""
        for connection, held in tuple(self.held.items()):
            if held.live.session.socket.connected:
                held.heard_s = now_s
            elif now_s - held.heard_s > NODE_GONE_S:
                self.member.connections.lost(connection, now_s)

    def generations(self) -> set[int]:
        """Of the legs held."""
        return {connection.generation for connection in self.member.connections.all.values()}

    def forget(self) -> None:
        """Let go of every leg without ending it: another gateway claims them, or has them."""
        for connection in tuple(self.held):
            held = self.held.pop(connection)
            metrics.HELD.labels(held.leg.leg).dec()
            if held.attending:
                held.attending.cancel()
            held.live.session.socket.forget(held.live.session.id)
