"""Sockets between gateways: one that we open to each gateway we need, and those that others open to us.

Each carries JSON messages, in order, through a bounded queue: nobody who sends is held up, and a gateway that does not
read is cut off; it comes again and says everything anew. The network between gateways must be private.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Collection
from typing import Any

import aiohttp
from aiohttp import web

from gateway.client.between import Message
from rtcdn import log

PAUSE_S = (0.1, 1.0)
CONNECT_S = 2.0
HEARTBEAT_S = 2.0  # a gateway whose host is gone is noticed in three seconds
QUEUE = 8192  # messages
LARGEST_BYTES = 64 * 1024 * 1024  # a log of 256 data messages at their largest, or a hello of everybody
_log = log.get("gateway.mesh")
Socket = aiohttp.ClientWebSocketResponse | web.WebSocketResponse
Hear = Callable[[str, Message], None]


class Pipe:
    """One open socket to another gateway."""

    def __init__(self, gateway: str, socket: Socket) -> None:
        self.gateway = gateway
        self._socket = socket
        self._queue: asyncio.Queue[Message] = asyncio.Queue(QUEUE)
        self._full = False

    def send(self, message: Message) -> None:
        """Send after what was sent before; never waits."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            if not self._full:
                _log.warning("peer-too-slow", gateway=self.gateway)
            self._full = True

    async def run(self, hear: Hear) -> None:
        """Until the socket is closed."""
        writer = asyncio.create_task(self._write())
        try:
            async for each in self._socket:
                message = _read(each)
                if message is not None:
                    hear(self.gateway, message)
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError, OSError):
                await writer
            await self._socket.close()

    async def _write(self) -> None:
        while not self._full:
            await self._socket.send_str(json.dumps(await self._queue.get(), ensure_ascii=True))
        await self._socket.close(code=4008)

    async def close(self) -> None:
        """End it."""
        await self._socket.close()


class Link:
    """Keeps a socket to one gateway open."""

    def __init__(self, gateway: str, us: str, opened: Callable[[str], None]) -> None:
        self._gateway, self._us, self._opened = gateway, us, opened
        self._pipe: Pipe | None = None
        self._is_open = asyncio.Event()

    @property
    def open(self) -> bool:
        """Is it open now?"""
        return self._is_open.is_set()

    async def wait(self) -> None:
        """Wait until it is open."""
        await self._is_open.wait()

    def send(self, message: Message) -> None:
        """Send if it is open; else ``opened`` is called when it is, and everything is said then."""
        if self._pipe:
            self._pipe.send(message)

    async def run(self, http: aiohttp.ClientSession, address: Callable[[str], str], hear: Hear) -> None:
        """For ever: connect, listen, and again."""
        pause_s = PAUSE_S[0]
        while True:
            try:
                async with asyncio.timeout(CONNECT_S):
                    url = f"http://{address(self._gateway)}/peer"
                    socket = await http.ws_connect(url, heartbeat=HEARTBEAT_S, max_msg_size=LARGEST_BYTES)
                self._pipe = Pipe(self._gateway, socket)
                self._pipe.send({"type": "hello", "gateway": self._us})
                self._is_open.set()
                pause_s = PAUSE_S[0]
                self._opened(self._gateway)
                await self._pipe.run(hear)
            except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
                _log.debug("peer-away", gateway=self._gateway, reason=str(error) or type(error).__name__)
            finally:
                self._pipe = None
                self._is_open.clear()
            await asyncio.sleep(pause_s * random.uniform(0.7, 1.3))  # noqa: S311  (jitter)
            pause_s = min(2 * pause_s, PAUSE_S[1])


class Links:
    """The links that we have, made when they are needed."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        us: str,
        address: Callable[[str], str],
        hear: Hear,
        opened: Callable[[str], None],
    ) -> None:
        self._http, self._us = http, us
        self._address, self._hear, self._opened = address, hear, opened
        self._all: dict[str, tuple[Link, asyncio.Task[None]]] = {}

    def to(self, gateway: str) -> Link:
        """The link to a gateway."""
        if gateway not in self._all:
            link = Link(gateway, self._us, self._opened)
            run = link.run(self._http, self._address, self._hear)
            self._all[gateway] = (link, asyncio.get_running_loop().create_task(run))
        return self._all[gateway][0]

    def keep(self, gateways: Collection[str]) -> None:
        """End the links to all others."""
        for gateway in [each for each in self._all if each not in gateways]:
            self._all.pop(gateway)[1].cancel()

    async def close(self) -> None:
        """End all."""
        tasks = [task for _, task in self._all.values()]
        self.keep(())
        await asyncio.gather(*tasks, return_exceptions=True)


class Doors:
    """The sockets that others open to us, one of each gateway: the newest."""

    def __init__(self, hear: Hear, lost: Callable[[str], None]) -> None:
        self._hear, self._lost = hear, lost
        self._pipes: dict[str, Pipe] = {}

    def send(self, gateway: str, message: Message) -> None:
        """Send to a gateway, if it is there."""
        if pipe := self._pipes.get(gateway):
            pipe.send(message)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """The handler of ``/peer``."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=LARGEST_BYTES)
        await socket.prepare(request)
        try:
            hello = _read(await socket.receive(timeout=CONNECT_S))
        except TimeoutError:
            hello = None
        gateway = hello.get("gateway") if hello and hello.get("type") == "hello" else None
        if not isinstance(gateway, str) or not gateway:
            await socket.close(code=4000)
            return socket
        pipe = Pipe(gateway, socket)
        before, self._pipes[gateway] = self._pipes.get(gateway), pipe
        if before:
            await before.close()
        try:
            await pipe.run(self._hear)
        finally:
            if self._pipes.get(gateway) is pipe:
                del self._pipes[gateway]
                self._lost(gateway)
        return socket

    async def close(self) -> None:
        """End all."""
        for pipe in list(self._pipes.values()):
            await pipe.close()


def _read(each: aiohttp.WSMessage) -> Message | None:
    """The message, or None for what is none."""
    if each.type != aiohttp.WSMsgType.TEXT:
        return None
    try:
        found: Any = json.loads(each.data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
