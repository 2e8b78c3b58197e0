"""The participants of the WebSocket API who are held here: found, told what is new, restored, adopted, let go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from hmac import compare_digest
from typing import Any
from weakref import WeakValueDictionary

from gateway import metrics
from gateway.broker_client import Broker
from gateway.client.conversation import House
from gateway.client.events import Data, Event, Hands, Presence, RaisedHand, Roster, Stage, Talking
from gateway.client.identity import codec_of, hash_of
from gateway.client.member import Member
from gateway.client.stage import read_stage, read_weights
from gateway.host import Host
from gateway.legs import Nodes, SocketKey, socket_key
from gateway.limits import Gate
from gateway.mesh import Mesh
from gateway.presented import presented, shown
from gateway.protocol import Problem
from gateway.restoring import claim, not_elsewhere
from gateway.telling import Heard, Telling, Told, spawn
from rtcdn import log
from rtcdn.model import ParticipantIntent

SWEEP_S = 0.5
_log = log.get("gateway.members")

Key = tuple[str, str]  # session, participant


class Members:
    """All of them, and what they share. ``changed`` is called when sessions come or go."""

    def __init__(self, gateway_id: str, broker: Broker, nodes: Nodes, mesh: Mesh, *, house: House, gate: Gate) -> None:
        self.mesh = mesh
        self.gateway_id, self.broker, self.nodes, self.house = gateway_id, broker, nodes, house
        self.joining = gate.joining
        self.changed: Callable[[], None] = lambda: None
        self._gate = gate
        self._hosts: dict[str, dict[str, Host]] = {}  # session -> participant -> host
        self._stages: dict[str, Stage] = {}
        self._weights: dict[str, dict[str, float]] = {}
        self._restoring: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()
        self._adopting: set[Key] = set()
        self._catching_up: set[Host] = set()  # they are told data in order: what comes now with what came before
        self._tasks: set[asyncio.Task[None]] = set()
        self._telling = Telling()

    def __len__(self) -> int:
        """How many are held."""
        return sum(len(hosts) for hosts in self._hosts.values())

    @property
    def at_rest(self) -> bool:
        """Nobody is held, nothing is under way."""
        return not (self._hosts or self._tasks or len(self._telling))

    def find(self, session: str, participant: str) -> Host | None:
        """One who is held here."""
        return self._hosts.get(session, {}).get(participant)

    def all(self) -> Iterator[Host]:
        """Everybody."""
        for hosts in tuple(self._hosts.values()):
            yield from tuple(hosts.values())

    def sessions(self) -> list[str]:
        """Sessions with somebody here."""
        return list(self._hosts)

    # ---- for hosts

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background."""
        return spawn(self._tasks, work)

    def tell_broker(self, key: Key, leg: str, what: Told, heard: Heard | None = None) -> None:
        """Tell the broker something about a leg: in order, again and again until it is ``heard``."""
        self._telling.tell(what, (*key, leg), heard)

    def admit(self, host: Host) -> None:
        """May another one join now? Raises ``Problem``."""
        self._gate.admit(host.address, len(self), time.monotonic())

    def register(self, host: Host) -> None:
        """He is here; an earlier one of the same id is taken over."""
        session, participant = host.key
        older = self.find(session, participant)
        if older and older is not host:
            older.member.end("taken-over")
            older.run()
        new = session not in self._hosts
        self._hosts.setdefault(session, {})[participant] = host
        metrics.MEMBERS.inc()
        if new:
            self.changed()

    def gone(self, host: Host, why: str, *, over: bool) -> None:
        """He is not here any more."""
        session, participant = host.key
        if not over:
            host.forget()
        if self.find(session, participant) is not host:
            return
        del self._hosts[session][participant]
        metrics.MEMBERS.dec()
        _log.info("member-gone", session=session, participant=participant, why=why)
        self.mesh.drop(session, participant)
        if not self._hosts[session]:
            del self._hosts[session]
            self._stages.pop(session, None)
            self._weights.pop(session, None)
            self.changed()

    def catch_up(self, host: Host, last: int) -> None:
        """Say all that is known of the session now; data after ``last``, where it is one."""
        session, _ = host.key
        member = host.member
        stage = self._stages.get(session)
        if stage:
            member.stage(stage)
        member.view.weights(self._weights.get(session, {}), time.monotonic())
        known = self.mesh.state(session)
        if known.roster:
            member.say(known.roster)
        member.say(Talking(participants=list(known.talking)))
        hands = member.hands(known.hands)
        if hands:
            member.say(hands)
        if last >= 0:
            self._catching_up.add(host)
            self.spawn(self._missed(host, last))

    async def _missed(self, host: Host, last: int) -> None:
        """Say data after ``last``, once they are known here."""
        member = host.member
        try:
            await self.mesh.ready(member.who.session)
        finally:
            self._catching_up.discard(host)
        for data in self.mesh.since(member.who.session, last):
            if member.hears(data):
                member.say(data)

    # ---- news (``gateway.mesh.Listener``, and the broker's stage)

    def stage(self, session: str, message: dict[str, Any]) -> None:
        """The broker tells who is on stage; or that the session is over."""
        if message.get("open") is False:
            for host in tuple(self._hosts.get(session, {}).values()):
                host.member.end("closed", tell=False)
                host.run()
            return
        stage, weights, now_s = read_stage(message), read_weights(message), time.monotonic()
        changed = stage != self._stages.get(session), weights != self._weights.get(session)
        if session not in self._hosts or not any(changed):
            return
        self._stages[session], self._weights[session] = stage, weights
        for host in tuple(self._hosts[session].values()):
            if changed[0]:
                host.member.stage(stage)
            if changed[1]:
                host.member.view.weights(weights, now_s)
                host.run()

    def _spread(self, session: str, make: Callable[[Member], Event | None]) -> None:
        for host in tuple(self._hosts.get(session, {}).values()):
            event = make(host.member)
            if event is not None:
                host.member.say(event)

    def roster(self, session: str, roster: Roster) -> None:
        """How many are here."""
        self._spread(session, lambda _: roster)

    def presence(self, session: str, presence: Presence, large: bool) -> None:
        """Who came and went: in large sessions for moderators alone."""
        self._spread(session, lambda m: presence if not large or m.role == "moderator" else None)

    def hands(self, session: str, queue: list[RaisedHand]) -> None:
        """The hand queue."""

        def told(member: Member) -> Hands | None:
            return member.hands(queue)

        self._spread(session, told)

    def talking(self, session: str, participants: list[str]) -> None:
        """Who talks."""
        event = Talking(participants=list(participants))
        self._spread(session, lambda _: event)

    def data(self, session: str, data: Data) -> None:
        """An application's message."""
        late = {host.member for host in self._catching_up}
        self._spread(session, lambda m: data if m.hears(data) and m not in late else None)

    def told(self, session: str, participant: str, what: dict[str, Any]) -> None:
        """A moderator wants something of one who is here."""
        host = self.find(session, participant)
        if host:
            host.member.told(what, time.monotonic())
            host.run()

    async def let_go(self, session: str, participant: str) -> bool:
        """Another gateway goes on with him: forget him, end nothing. Where he is being adopted, that is awaited."""
        if (session, participant) in self._adopting:
            async with self._alone(session, participant):
                pass
        host = self.find(session, participant)
        if host:
            host.member.let_go()
            host.run()
        return host is not None

    # ---- resume and adoption

    async def restore(self, session: str, participant: str, key: str, address: str) -> Member:
        """The participant of a resume: held here, or taken over from where he is. Raises ``Problem``."""
        self._gate.readmit(address, time.monotonic())
        async with self._alone(session, participant):
            found = self.find(session, participant) or await self._fetch(session, participant, key)
        if not compare_digest(found.member.who.key_hash, hash_of(key)):
            raise Problem(403, "wrong-key", "the resume key is not his", "join anew")
        found.member.who.key = key.partition(".")[0]
        found.member.connections.codec = codec_of(key)
        return found.member

    async def _fetch(self, session: str, participant: str, key: str) -> Host:
        late = Problem(410, "resume-too-late", "he is not in the session any more", "join anew")
        intent = await self.broker.holder(session, participant)
        if intent is None or not intent.legs:
            raise late
        if not compare_digest(intent.resume, hash_of(key)):
            raise Problem(403, "wrong-key", "the resume key is not his", "join anew")
        owners = {leg.gateway or intent.gateway for leg in intent.legs} - {"", self.gateway_id}
        for owner in owners:
            released = await self.mesh.release(owner, session, participant)
            _log.info("released", session=session, participant=participant, owner=owner, alive=released)
        host = await claim(self, session, participant, intent)
        if host is None:
            raise late
        return host

    async def adopt(self, session: str, participant: str, intent: ParticipantIntent) -> None:
        """Take over one whose gateway is gone; he is kept for a while without a socket."""
        async with self._alone(session, participant):
            if self.find(session, participant) is None:
                self._adopting.add((session, participant))
                try:
                    await claim(self, session, participant, not_elsewhere(intent, self.gateway_id, self.mesh.there))
                finally:
                    self._adopting.discard((session, participant))

    def _alone(self, session: str, participant: str) -> asyncio.Lock:
        """He is taken over once at a time: a second claim would end the legs of the first."""
        lock = self._restoring.get((session, participant)) or asyncio.Lock()
        self._restoring[session, participant] = lock
        return lock

    # ---- life

    async def sweep(self) -> None:
        """For ever: what time brings to everybody."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now_s = time.monotonic()
            for host in self.all():
                try:
                    host.member.tick(now_s)
                    host.check(now_s)
                    host.run()
                except Exception:  # noqa: BLE001  (one participant's trouble is not the others')
                    _log.exception("sweep-failed", participant=host.key)

    async def close(self, patience_s: float = 2.0) -> None:
        """Stop, leaving legs to be claimed by another gateway."""
        for host in self.all():
            host.forget()
        await self._telling.close(patience_s)
        for task in tuple(self._tasks):
            task.cancel()
        self._hosts.clear()

    def hello(self) -> list[dict[str, Any]]:
        """Everybody held, as the broker is told."""
        return [presented(host) for host in self.all()]

    def used(self) -> set[SocketKey]:
        """What the legs held are reached by."""
        return {socket_key(held.leg) for host in self.all() for held in host.held.values()}

    def shown(self) -> list[dict[str, Any]]:
        """For operators inside: who, which connections, the latest figures."""
        return [shown(host) for host in self.all()]
