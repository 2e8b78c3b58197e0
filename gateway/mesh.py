"""Gateways among themselves: each session's home numbers and fans out; this gateway is a member, a home, or both.

Rules are in ``gateway.client.home`` and ``membership``. A home of our own is reached by the same messages without a
socket. Nothing waits for ever: what is asked of a home fails after ``ASK_S``.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from gateway.client.between import Message, rendezvous
from gateway.client.events import Data, Person
from gateway.client.home import Out
from gateway.client.membership import IDLE_S, Membership, State
from gateway.client.people import PeoplePage
from gateway.homes import Homes
from gateway.mesh_asks import Asks, InOrder
from gateway.mesh_links import Doors, Links
from gateway.mesh_listener import Listener
from gateway.protocol import Problem
from gateway.registry import Registry
from rtcdn import log

ASK_S = 5.0
TICK_S = 0.05  # news are told in bundles of so long at least
AGAIN_S = 0.2  # one that does not know yet that it is the home is told again after this
_log = log.get("gateway.mesh")


class Mesh:
    """This gateway among the others. ``listener`` is set before ``run``."""

    listener: Listener

    def __init__(
        self,
        http: aiohttp.ClientSession,
        registry: Registry,
        gateway_id: str,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._id, self._now_s = registry, gateway_id, now_s
        self._members: dict[str, Membership] = {}
        self._links = Links(http, gateway_id, registry.address, self._from_home, self._opened)
        self._homes = Homes(gateway_id, now_s)
        self._doors = Doors(self._from_member, lambda gateway: self._send(self._homes.lost(gateway)))
        self._asks = Asks(gateway_id)
        self._ready: dict[str, asyncio.Event] = {}
        self._outgoing = InOrder(self._deliver)
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Future[Any]] = set()

    # ---- for the application

    async def run(self) -> None:
        """For ever: follow the gateways there are, and tell what is due."""
        self._registry.listen(self._gateways_changed)
        self._gateways_changed()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._registry.follow())
                group.create_task(self._tick())
        finally:
            await self.close()

    async def close(self) -> None:
        """End every socket."""
        await self._links.close()
        await self._doors.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The handler of ``/peer``: other gateways speak here."""
        return await self._doors.handle(request)

    # ---- for participants

    def put(self, session: str, person: Person) -> None:
        """One of ours is here, or has changed."""
        if membership := self._members.get(session):
            self._say_home(membership, membership.put(person, self._now_s()))
        else:
            self._membership(session, person)

    def drop(self, session: str, participant: str) -> None:
        """One of ours is gone."""
        if membership := self._members.get(session):
            self._say_home(membership, membership.drop(participant, self._now_s()))

    def talk(self, session: str, participant: str, on: bool) -> None:
        """One of ours talks, or stops."""
        if membership := self._members.get(session):
            self._say_home(membership, membership.talk(participant, on))

    async def say(self, session: str, data: Data) -> int:
        """Say to everybody (or to one); answers the number. ``n`` of ``data`` is not looked at."""
        content = msgspec.to_builtins(data)
        fields = {name: content[name] for name in ("sender", "name", "to", "topic", "data")}
        return int(await self._ask(session, {"type": "say", **fields}))

    async def tell(self, session: str, to: str, what: Message) -> bool:
        """Have ``what`` told to the gateway of a participant; False when nobody has him or no home answers."""
        try:
            return bool(await self._ask(session, {"type": "tell", "to": to, "what": what}))
        except Problem:
            return False

    async def page(self, session: str, after: str = "", limit: int = 50, search: str = "") -> PeoplePage:
        """Some of those who are here, by id."""
        asked = self._ask(session, {"type": "page", "after": after, "limit": limit, "search": search})
        return msgspec.convert(await asked, PeoplePage)

    def there(self, gateway_id: str) -> bool:
        """Is there such a gateway now?"""
        return gateway_id in self._registry.gateways

    async def release(self, gateway_id: str, session: str, participant: str) -> bool:
        """Ask another gateway to let go of a participant; False when it does not, or is gone."""
        if gateway_id == self._id:
            return await self.listener.let_go(session, participant)
        if not self.there(gateway_id):
            return False
        link = self._links.to(gateway_id)
        with self._asks.new() as (key, answer):
            try:
                async with asyncio.timeout(ASK_S):
                    await link.wait()
                    link.send({"type": "release", "session": session, "participant": participant, "k": key})
                    return bool(await answer)
            except TimeoutError:
                return False

    def since(self, session: str, n: int) -> list[Data]:
        """Data newer than ``n``, as far as known here; await ``ready`` before, in a session that is new here."""
        return [each.to_data() for each in found.log.since(n)] if (found := self._members.get(session)) else []

    def state(self, session: str) -> State:
        """Roster, hands and talking as told last."""
        return found.state if (found := self._members.get(session)) else State()

    async def ready(self, session: str) -> bool:
        """Wait until the home has told its data, 5 s at most; whether it has."""
        if self._membership(session).ready:
            return True
        try:
            async with asyncio.timeout(ASK_S):
                await self._ready.setdefault(session, asyncio.Event()).wait()
        except TimeoutError:
            return False
        return True

    # ---- to and from homes

    def _membership(self, session: str, first: Person | None = None) -> Membership:
        membership = self._members.get(session)
        if membership is None:
            membership = self._members[session] = Membership(session, self._now_s())
            if first:
                membership.put(first, self._now_s())
            self._settle_at(membership, self._home_of(session))
        return membership

    def _home_of(self, session: str) -> str:
        return rendezvous(session, self._registry.gateways) or self._id

    def _settle_at(self, membership: Membership, home: str) -> None:
        """Take a gateway as the session's home, and say everything."""
        membership.home, membership.ready = home, False
        self._introduce(membership)

    def _introduce(self, membership: Membership) -> None:
        if membership.home != self._id and not self._links.to(membership.home).open:
            return  # it is said when the link is open
        self._say_home(membership, membership.hello(self._now_s()))
        for message in list(membership.asked.values()):
            self._say_home(membership, message)

    def _say_home(self, membership: Membership, message: Message) -> None:
        if membership.home == self._id:
            self._from_member(self._id, message)
        else:
            self._links.to(membership.home).send(message)

    def _opened(self, gateway: str) -> None:
        for membership in list(self._members.values()):
            if membership.home == gateway:
                self._introduce(membership)

    def _from_home(self, gateway: str, message: Message) -> None:
        """What a home says to us as a member (or any gateway that answers)."""
        if message.get("type") == "answer":
            self._asks.answer(message.get("k"), message.get("answer"))
            return
        session = str(message.get("session", ""))
        membership = self._members.get(session)
        if membership is None or membership.home != gateway:
            return
        match message.get("type"):
            case "not-home":
                asyncio.get_running_loop().call_later(AGAIN_S, self._again, membership, gateway)
            case "since":
                self._say_home(membership, membership.logged(int(message.get("n", 0))))
            case "tell" if isinstance(message.get("what"), dict):
                self.listener.told(session, str(message.get("to", "")), message["what"])
            case _:
                for name, news in membership.hear(message):
                    if name == "said":
                        self._asks.answer(*news)
                    else:
                        getattr(self.listener, name)(session, *news)
                if membership.ready and session in self._ready:
                    self._ready.pop(session).set()

    def _again(self, membership: Membership, gateway: str) -> None:
        if self._members.get(membership.session) is membership and membership.home == gateway:
            self._introduce(membership)

    async def _ask(self, session: str, message: Message) -> Any:
        """Ask the home, whichever it is by then."""
        membership = self._membership(session)
        with self._asks.new() as (key, answer):
            membership.asked[key] = message | {"session": session, "k": key}
            self._say_home(membership, membership.asked[key])
            try:
                async with asyncio.timeout(ASK_S):
                    return await answer
            except TimeoutError:
                detail = "the session's home does not answer; what was asked may still be done"
                raise Problem(503, "home-away", detail, "try again in a moment", retry_after_s=1) from None
            finally:
                del membership.asked[key]

    # ---- to and from members

    def _from_member(self, gateway: str, message: Message) -> None:
        if message.get("type") == "release":
            task = asyncio.ensure_future(self._let_go(gateway, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        session = str(message.get("session", ""))
        if self._home_of(session) == self._id:
            log_here = self._members[session].log if session in self._members else None
            self._send(self._homes.hear(gateway, session, message, log_here))
        else:
            self._send([(gateway, {"type": "not-home", "session": session})])

    async def _let_go(self, gateway: str, message: Message) -> None:
        done = await self.listener.let_go(str(message.get("session", "")), str(message.get("participant", "")))
        self._send([(gateway, {"type": "answer", "k": message.get("k"), "answer": done})])

    def _send(self, out: list[Out]) -> None:
        self._news.set()
        self._outgoing.send(out)

    def _deliver(self, gateway: str, message: Message) -> None:
        if gateway == self._id:
            self._from_home(gateway, message)
        else:
            self._doors.send(gateway, message)

    # ---- changes and time

    def _gateways_changed(self) -> None:
        """Other gateways: other homes."""
        gateways = self._registry.gateways
        _log.info("gateways", ids=",".join(sorted(gateways)))
        self._links.keep(gateways)
        for home in self._homes.step_down(lambda session: self._home_of(session) == self._id):
            membership = self._members.setdefault(home.session, Membership(home.session, self._now_s()))
            membership.log.merge(home.log.since(0))
            membership.peers = home.gateways()
        self._send(self._homes.alive(gateways))
        for membership in list(self._members.values()):
            home_id = self._home_of(membership.session)
            if home_id != membership.home:
                self._settle_at(membership, home_id)

    async def _tick(self) -> None:
        while True:
            due_s = min(self._homes.due_s(), self._now_s() + IDLE_S / 2)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due_s - self._now_s())):
                    await self._news.wait()
            self._news.clear()
            self._send(self._homes.tick())
            self._leave_idle()
            await asyncio.sleep(TICK_S)

    def _leave_idle(self) -> None:
        for membership in [each for each in self._members.values() if each.idle(self._now_s())]:
            del self._members[membership.session]
            self._say_home(membership, {"type": "leave", "session": membership.session})
