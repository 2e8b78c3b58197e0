"""The Janus API over one WebSocket per node, with many janus_sessions on it. The only file that imports websockets.

The socket reconnects by itself and claims every janus_session again (Janus keeps them for a minute after their last
request, media goes on meanwhile). One that cannot be claimed is lost: its handles get an event of kind ``lost``.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Callable
from types import TracebackType

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.janus.protocol import NO_SUCH_HANDLE, NO_SUCH_SESSION, Answer, Conversation, Event, Jsep, Json
from rtcdn.log import EventLog
from rtcdn.secrets import TOKEN_LIFE_S, janus_token

KEEPALIVE_S = 15.0
TIMEOUT_S = 5.0
BACKOFF_S = (0.1, 2.0)
MAX_MESSAGE_BYTES = 4 << 20
log = EventLog("janus")


class TokenSource:
    """A signed token for one plugin of one node, made anew at half its life."""

    def __init__(self, token_secret: str, plugin: str, now_s: Callable[[], float] = time.time) -> None:
        """``plugin`` is the package, such as ``janus.plugin.streaming``."""
        self._secret, self._plugin, self._now_s = token_secret, plugin, now_s
        self._token, self._until_s = "", 0.0

    def __call__(self) -> str:
        """A token that is good for at least half an hour."""
        now_s = self._now_s()
        if now_s >= self._until_s:
            self._token = janus_token(self._secret, self._plugin, now_s)
            self._until_s = now_s + TOKEN_LIFE_S / 2
        return self._token


class Handle:
    """One handle of a janus_session on the node's plugin. ``events`` is what came unasked."""

    def __init__(self, session: JanusSession, handle: int) -> None:
        self.session, self.id = session, handle
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    async def request(self, body: Json) -> Json:
        """A synchronous plugin request."""
        return (await self._ask({"janus": "message", "body": body})).data

    async def call(self, body: Json, jsep: Jsep | None = None) -> tuple[Json, Jsep | None]:
        """An asynchronous plugin request: data and description of its event."""
        extra: Json = {"jsep": jsep.to_dict()} if jsep else {}
        answer = await self._ask({"janus": "message", "body": body, **extra}, asynchronous=True)
        return answer.data, answer.jsep

    async def trickle(self, candidates: list[Json]) -> None:
        """Candidates of the client, as ``{candidate, sdpMid, sdpMLineIndex}`` or ``{completed: true}``."""
        await self._ask({"janus": "trickle", "candidates": candidates})

    async def hangup(self) -> None:
        """Close the PeerConnection, keep the handle."""
        await self._ask({"janus": "hangup"})

    async def detach(self) -> None:
        """End the handle; one that is gone is fine."""
        self.session.handles.pop(self.id, None)
        with contextlib.suppress(NodeRefused):
            await self._ask({"janus": "detach"})

    async def _ask(self, message: Json, asynchronous: bool = False) -> Answer:
        return await self.session.ask({**message, "handle_id": self.id}, asynchronous)


class JanusSession:
    """A janus_session: one per participant and node. ``lost`` is set when Janus does not know it any more."""

    def __init__(self, socket: JanusSocket, janus_session: int) -> None:
        self.socket, self.id = socket, janus_session
        self.handles: dict[int, Handle] = {}
        self.lost = False

    async def attach(self, opaque_id: str) -> Handle:
        """A new handle; ``opaque_id`` is ``<session>/<participant>/<leg>`` and comes back in the node's events."""
        answer = await self.ask({"janus": "attach", "plugin": self.socket.plugin, "opaque_id": opaque_id})
        return self.adopt(int(answer.data["id"]))

    def adopt(self, handle: int) -> Handle:
        """A handle that exists already: after a claim its id is still good."""
        return self.handles.setdefault(handle, Handle(self, handle))

    async def destroy(self) -> None:
        """End the janus_session and its handles; one that is gone is fine."""
        self.socket.forget(self.id)
        with contextlib.suppress(NodeRefused):
            await self.ask({"janus": "destroy"})

    async def ask(self, message: Json, asynchronous: bool = False) -> Answer:
        """A request of this janus_session."""
        return await self.socket.ask({**message, "session_id": self.id}, asynchronous)

    def tell(self, event: Event) -> None:
        """Give an event to its handle, or to all when it concerns the janus_session."""
        found = [self.handles[event.handle]] if event.handle in self.handles else []
        for handle in found or (() if event.handle else tuple(self.handles.values())):
            handle.events.put_nowait(event)


class JanusSocket:
    """The WebSocket to one node. Use as an async context manager, or ``start`` and ``close``."""

    def __init__(self, url: str, plugin: str, token: Callable[[], str], *, timeout_s: float = TIMEOUT_S) -> None:
        """``plugin`` is the package of the node's plugin, ``token`` a ``TokenSource`` for it."""
        self.url, self.plugin = url, plugin
        self._token, self._timeout_s = token, timeout_s
        self._sessions: dict[int, JanusSession] = {}
        self._talk = Conversation(lambda: secrets.token_hex(8))
        self._futures: dict[str, asyncio.Future[Answer]] = {}
        self._connection: ClientConnection | None = None
        self._up = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> JanusSocket:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        """Is the WebSocket up?"""
        return self._up.is_set()

    def start(self) -> None:
        """Begin to connect, and stay connected until ``close``."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._keep_alive())]

    async def close(self) -> None:
        """Leave; janus_sessions live on in Janus until their time is over or somebody claims them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def create(self) -> JanusSession:
        """A new janus_session."""
        answer = await self.ask({"janus": "create"})
        return self._own(int(answer.data["id"]))

    async def claim(self, janus_session: int) -> JanusSession:
        """Take over a janus_session of another connection; ``NodeRefused`` 458 when it is gone."""
        await self.ask({"janus": "claim", "session_id": janus_session})
        return self._own(janus_session)

    def forget(self, janus_session: int) -> None:
        """Stop caring for a janus_session: no keepalives, no claims, no events."""
        self._sessions.pop(janus_session, None)

    async def ask(self, message: Json, asynchronous: bool = False) -> Answer:
        """Send one request and wait for its answer; ``NodeAway`` without one in time, ``NodeRefused`` for an error."""
        deadline_s = asyncio.get_running_loop().time() + self._timeout_s
        try:
            async with asyncio.timeout_at(deadline_s):
                await self._up.wait()
                return await self._exchange(message, asynchronous)
        except TimeoutError:
            raise NodeAway(f"{self.url}: no answer to {message.get('janus')!r} within {self._timeout_s} s") from None

    async def _exchange(self, message: Json, asynchronous: bool) -> Answer:
        if self._connection is None:
            raise NodeAway(f"{self.url}: not connected")
        transaction, text = self._talk.ask({**message, "token": self._token()}, asynchronous)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._futures[transaction] = future
        try:
            await self._connection.send(text)
            answer = await future
        except WebSocketException as error:
            raise NodeAway(f"{self.url}: {error}") from error
        finally:
            self._futures.pop(transaction, None)
            self._talk.forget(transaction)
        if answer.error:
            raise answer.error
        return answer

    def _own(self, janus_session: int) -> JanusSession:
        return self._sessions.setdefault(janus_session, JanusSession(self, janus_session))

    async def _run(self) -> None:
        backoff_s = BACKOFF_S[0]
        while True:
            try:
                async with connect(
                    self.url,
                    subprotocols=[Subprotocol("janus-protocol")],
                    max_size=MAX_MESSAGE_BYTES,
                    ping_interval=10,
                    ping_timeout=5,
                    open_timeout=self._timeout_s,
                    proxy=None,
                ) as connection:
                    backoff_s = BACKOFF_S[0]
                    await self._serve(connection)
            except (OSError, TimeoutError, WebSocketException) as error:
                log.debug("janus-unreachable", url=self.url, error=error)
            await asyncio.sleep(backoff_s * random.uniform(0.5, 1.5))  # noqa: S311  (jitter)
            backoff_s = min(backoff_s * 2, BACKOFF_S[1])

    async def _serve(self, connection: ClientConnection) -> None:
        """Read one connection until it ends; requests wait until every janus_session is claimed."""
        self._connection = connection
        claims = asyncio.create_task(self._reclaim(connection))
        try:
            async for text in connection:
                self._hear(text)
        finally:
            claims.cancel()
            self._up.clear()
            self._connection = None
            for transaction in self._talk.lose():
                self._fail(transaction, NodeAway(f"{self.url}: the connection broke"))

    async def _reclaim(self, connection: ClientConnection) -> None:
        """Claim every janus_session, then let requests through; a node that does not answer is dialled again."""
        try:
            async with asyncio.timeout(self._timeout_s):
                for janus_session in tuple(self._sessions):
                    await self._claim_or_lose(janus_session)
        except (TimeoutError, NodeAway):
            await connection.close()
        else:
            self._up.set()

    async def _claim_or_lose(self, janus_session: int) -> None:
        try:
            await self._exchange({"janus": "claim", "session_id": janus_session}, asynchronous=False)
        except NodeRefused as refused:
            self._lose(janus_session, refused)

    def _lose(self, janus_session: int, why: NodeRefused) -> None:
        session = self._sessions.pop(janus_session, None)
        if session:
            log.info("janus-session-lost", url=self.url, janus_session=janus_session, why=why)
            session.lost = True
            session.tell(Event("lost", janus_session, 0, {"reason": str(why)}))

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEPALIVE_S)
            await asyncio.gather(*(self._keep(janus_session) for janus_session in tuple(self._sessions)))

    async def _keep(self, janus_session: int) -> None:
        try:
            await self.ask({"janus": "keepalive", "session_id": janus_session})
        except NodeAway:
            return
        except NodeRefused as refused:
            if refused.code in (NO_SUCH_SESSION, NO_SUCH_HANDLE):
                self._lose(janus_session, refused)

    def _hear(self, text: str | bytes) -> None:
        heard = self._talk.hear(text)
        if isinstance(heard, Answer):
            future = self._futures.get(heard.transaction)
            if future and not future.done():
                future.set_result(heard)
        elif heard and heard.kind == "timeout":
            self._lose(heard.janus_session, NodeRefused(NO_SUCH_SESSION, "timed out"))
        elif heard and heard.janus_session in self._sessions:
            self._sessions[heard.janus_session].tell(heard)

    def _fail(self, transaction: str, error: Exception) -> None:
        future = self._futures.get(transaction)
        if future and not future.done():
            future.set_exception(error)
