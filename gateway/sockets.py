"""Client sockets at ``/ws``: one reader each, a bounded outbox, and one sweep for all of them.

A socket that is idle costs its reader and nothing else: no writer task, no timer. Whoever writes never waits: an
outbox is written by a task that lives while there is something in it, and a client that does not read is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Coroutine
from typing import Any

from aiohttp import WSMsgType, web
from msgspec import Struct

from gateway import metrics
from gateway.client import events as ev
from gateway.client.conversation import BAD, SLOW, Conversation
from gateway.client.effects import Finish, Restore, problem, told
from gateway.client.requests import MAX_MESSAGE_BYTES, PROTOCOL, Request
from gateway.client.wire import Unreadable, read, write
from gateway.host import Host
from gateway.members import Members
from gateway.protocol import Problem
from gateway.telling import spawn
from rtcdn import log
from rtcdn.errors import RtcdnError

STATES = (ev.Hands, ev.Muted, ev.QualityEvent, ev.RoleEvent, ev.Roster, ev.Stage, ev.Talking)  # the newest counts
OUTBOX = 512  # other messages that may wait for one client
SWEEP_S = 1.0
IDLE_S = 20.0  # without a word from him: ping
DEAD_S = 45.0  # the socket is closed
STUCK_S = 10.0  # a message that cannot be written for so long: he does not read
CLOSE_S = 3.0  # how long the closing handshake may take
TURN = 32  # messages of one client that are heard before others have their turn
_log = log.get("gateway.sockets")


class Client:
    """One socket, its conversation and its outbox."""

    def __init__(self, sockets: Sockets, socket: web.WebSocketResponse, request: web.Request, address: str) -> None:
        now_s = time.monotonic()
        self._sockets, self._socket, self._request = sockets, socket, request
        self.address = address
        self.conversation = Conversation(sockets.members.house, self.send, self.close, now_s)
        self.heard_s = now_s
        self._pinged_s = now_s
        self._host: Host | None = None
        self._kinds: dict[int, str] = {}  # requests not answered: their types
        self._outbox: deque[tuple[type[Struct] | None, str]] = deque()
        self._states: dict[type[Struct], str] = {}  # newest of each state that waits
        self._others = 0  # messages in the outbox that are not states
        self._writing: asyncio.Task[None] | None = None
        self._stuck_s: float | None = None  # since when a message is being written
        self._finish: Finish | None = None

    # ---- out

    def send(self, message: Struct) -> None:
        """Put a message into the outbox."""
        if isinstance(message, ev.Answer):
            kind = self._kinds.pop(message.re, "unreadable")
            why = message.problem.type.rpartition(":")[2] if isinstance(message, ev.Refused) else "ok"
            metrics.REQUESTS.labels(kind, why).inc()
        state = type(message) if isinstance(message, STATES) else None
        text = self._sockets.text_of(message)
        if state is None:
            self._others += 1
        elif state in self._states:
            self._states[state] = text
            return
        else:
            self._states[state] = text
        self._outbox.append((state, text))
        if self._others > OUTBOX:
            self.slow()
        elif self._writing is None:
            self._writing = self._sockets.spawn(self._write())

    def close(self, finish: Finish) -> None:
        """Close after what was sent."""
        if self._finish is None:
            self._finish = finish
            metrics.CLOSED.labels(finish.code).inc()
            if self._writing is None:
                self._writing = self._sockets.spawn(self._write())

    @property
    def finishing(self) -> int:
        """The code with which it is being closed, 0 while it is not."""
        return self._finish.code if self._finish else 0

    def slow(self) -> None:
        """He does not read: what waits for him is dropped, and he is closed; he may resume."""
        if self._finish is None or self._stuck_s is not None:
            self._outbox.clear()
            self._states.clear()
            self._finish = Finish(SLOW, "too slow")
            metrics.CLOSED.labels(SLOW).inc()
            if self._writing:
                self._writing.cancel()
            self._stuck_s = None
            self._writing = self._sockets.spawn(self._shut(self._finish))

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while self._outbox:
                state, text = self._outbox.popleft()
                if state is None:
                    self._others -= 1
                else:
                    text = self._states.pop(state)
                self._stuck_s = time.monotonic()
                await self._socket.send_str(text)
                self._stuck_s = None
        self._stuck_s = None
        self._writing = None
        if self._finish:
            await self._shut(self._finish)

    async def _shut(self, finish: Finish) -> None:
        """The closing handshake; who does not take part in it is cut off."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(code=finish.code, message=finish.reason.encode()[:120])
        except (TimeoutError, ConnectionError, RuntimeError):
            self.abort()

    def abort(self) -> None:
        """Cut the connection."""
        transport = self._request.transport
        if transport:
            transport.abort()

    # ---- in

    async def listen(self) -> None:
        """Read until the socket ends."""
        turn = 0
        async for message in self._socket:
            self.heard_s = time.monotonic()
            if message.type is WSMsgType.TEXT:
                self._hear(message.data)
            elif message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.BINARY:
                self.conversation.finish(Finish(BAD, "not text"))
            turn += 1
            if turn % TURN == 0:
                await asyncio.sleep(0)

    def _hear(self, text: str) -> None:
        if len(text) > MAX_MESSAGE_BYTES:
            self.conversation.finish(Finish(BAD, "too large"))
            return
        found: Request | Unreadable = read(text)
        if isinstance(found, Request):
            self._kinds[found.id] = str(found.__struct_config__.tag)
        self.conversation.hear(found, self.heard_s)
        self.settle()

    def settle(self) -> None:
        """Perform what the conversation and its participant want."""
        for effect in self.conversation.todo.take():
            if isinstance(effect, Restore):
                self._sockets.spawn(self._restore(effect))
        member = self.conversation.acting
        if member is None:
            return
        if self._host is None or self._host.member is not member:
            who = member.who
            known = self._sockets.members.find(who.session, who.participant)
            self._host = known if known and known.member is member else Host(self._sockets.members, member, "")
            self._host.address = self.address
        self._host.run()

    async def _restore(self, effect: Restore) -> None:
        outcome: Any
        try:
            members = self._sockets.members
            outcome = await members.restore(effect.session, effect.participant, effect.key, self.address)
        except Problem as raised:
            outcome = told(raised)
        except (RtcdnError, TimeoutError) as error:
            _log.warning("resume-failed", participant=effect.participant, reason=error)
            outcome = problem(503, "busy", "this cannot be done now", "try again", retry_after_s=1)
        self.conversation.todo.done(effect.op, outcome, time.monotonic())
        self.settle()

    def ended(self) -> None:
        """The socket is gone."""
        self.conversation.closed(time.monotonic())
        if self._host:
            self._host.run()

    def sweep(self, now_s: float) -> Coroutine[Any, Any, None] | None:
        """What time brings; maybe a ping to send."""
        self.conversation.tick(now_s)
        if self._stuck_s is not None and now_s - self._stuck_s > STUCK_S:
            self.slow()
        elif now_s - self.heard_s > DEAD_S:
            self.abort()
        elif now_s - max(self.heard_s, self._pinged_s) > IDLE_S and self._finish is None:
            self._pinged_s = now_s
            return self._ping()
        return None

    async def _ping(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self._socket.ping()


class Sockets:
    """All client sockets of this gateway."""

    def __init__(self, members: Members, most: int, per_address: int) -> None:
        self.members = members
        self._most, self._per_address = most, per_address
        self._clients: set[Client] = set()
        self._addresses: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._last: tuple[Struct | None, str] = (None, "")

    def __len__(self) -> int:
        """How many are open."""
        return len(self._clients)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background."""
        return spawn(self._tasks, work)

    def text_of(self, message: Struct) -> str:
        """A message as text; one for many clients is written once."""
        if self._last[0] is not message:
            self._last = (message, write(message))
        return self._last[1]

    async def serve(self, request: web.Request, address: str) -> web.WebSocketResponse:
        """One client, from his upgrade to his end."""
        if PROTOCOL not in request.headers.get("Sec-WebSocket-Protocol", "").replace(" ", "").split(","):
            cure = f"open a WebSocket with the subprotocol {PROTOCOL}"
            raise Problem(400, "wrong-subprotocol", "this is no WebSocket of our API", cure)
        if self._closing or len(self._clients) >= self._most:
            detail = f"this gateway holds {len(self._clients)} clients"
            raise Problem(503, "gateway-full", detail, "try again in a few seconds", retry_after_s=5)
        if self._addresses[address] >= self._per_address:
            detail = f"{self._per_address} sockets of this address are open"
            raise Problem(429, "too-many-sockets", detail, "close one", retry_after_s=5)
        self._addresses[address] += 1
        client: Client | None = None
        try:
            socket = web.WebSocketResponse(
                protocols=(PROTOCOL,),
                autoping=False,
                timeout=CLOSE_S,
                max_msg_size=4 * MAX_MESSAGE_BYTES,
                compress=False,
            )
            await socket.prepare(request)
            client = Client(self, socket, request, address)
            self._clients.add(client)
            metrics.SOCKETS.inc()
            await client.listen()
            return socket
        finally:
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
            if client:
                self._clients.discard(client)
                metrics.SOCKETS.dec()
                client.ended()

    async def sweep(self) -> None:
        """For ever: one timer for all."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now_s = time.monotonic()
            for client in tuple(self._clients):
                ping = client.sweep(now_s)
                if ping:
                    self.spawn(ping)

    async def close(self, patience_s: float = CLOSE_S) -> None:
        """Tell everybody to resume elsewhere, and close."""
        self._closing = True
        for client in tuple(self._clients):
            client.conversation.close_down()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_s)
        for client in tuple(self._clients):
            client.abort()
