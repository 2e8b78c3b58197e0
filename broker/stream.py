"""The stream port: one WebSocket per gateway, orders one way and acknowledgements the other, in an asyncio thread."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from broker.core.actions import Order
from broker.core.on_stage import restaged
from broker.leader import Leadership
from broker.orders import Hello, Outbox, missing_orders
from broker.stages import Following, followed_in, most_watched, watched_in
from broker.watch import MapKeeper
from rtcdn import log
from rtcdn.settings import Address
from rtcdn.tls import TlsFiles, common_name, server_context

_log = log.get("broker.stream")
HELLO_S = 10.0
AGAIN_S = 2.0
CATCH_UP_S = 3.0
SETTLE_S = 5.0
MAX_MESSAGE_BYTES = 8 << 20
LEADER_CHANGED = 4001
NOT_YOURS = 4003
BAD_HELLO = 4400
TAKEN_OVER = 4409


@dataclass(slots=True)
class _Audience:
    """One gateway's connection as it watches stages; ``news``: there may be something to tell."""

    following: Following
    watched: dict[str, dict[str, int]]  # whom its people would like to see
    news: asyncio.Event = field(default_factory=asyncio.Event)


class GatewayStreams:
    """Takes orders from any thread and brings them to gateways.

    A gateway is connected to every replica; only the one that leads has anything to say.
    """

    def __init__(self, listen: Address, tls: TlsFiles, keeper: MapKeeper, leadership: Leadership) -> None:
        self._listen, self._tls, self._keeper, self._leadership = listen, tls, keeper, leadership
        self._loop = asyncio.new_event_loop()
        self._outboxes: dict[str, Outbox] = {}
        self._connections: dict[str, ServerConnection] = {}
        self._audience: dict[ServerConnection, _Audience] = {}
        self._looked = keeper.current  # the map up to which changes of stages are known
        self._look_due = False
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="stream", daemon=True)
        keeper.look_on(self._map_swapped)

    def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    def close(self) -> None:
        """Say goodbye to gateways and end the thread."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)

    def send(self, order: Order) -> None:
        """Bring an order to its gateway, now or when it comes back."""
        self._loop.call_soon_threadsafe(self._put, order)

    def led(self, leads: bool) -> None:
        """We were elected or deposed: gateways come again at once and present whom they hold now."""
        _log.info("leadership", leads=leads, gateways=len(self._connections))
        asyncio.run_coroutine_threadsafe(self._begin_anew(), self._loop)

    def _map_swapped(self) -> None:
        """Another map is there: look at it soon, once for all that come until then."""
        if self._audience and not self._look_due and self._leadership.leads:
            self._look_due = True
            self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._look_due = False
        before, self._looked = self._looked, self._keeper.current
        changed = restaged(before, self._looked)
        for each in self._audience.values() if changed else ():
            if each.following.changed(changed):
                each.news.set()

    @property
    def connected(self) -> tuple[str, ...]:
        """Gateways that are connected here."""
        return tuple(self._connections)

    @property
    def unacknowledged(self) -> int:
        """Orders on their way."""
        return sum(len(box.waiting) for box in tuple(self._outboxes.values()))

    @property
    def watched(self) -> dict[str, tuple[str, ...]]:
        """By session, whom people would like to see, the most wanted first."""
        return most_watched(each.watched for each in tuple(self._audience.values()))

    async def _open(self) -> None:
        context = server_context(self._tls)
        self._server = await serve(
            self._serve, self._listen.host, self._listen.port, ssl=context, max_size=MAX_MESSAGE_BYTES, ping_interval=5
        )

    async def _shut(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _begin_anew(self) -> None:
        self._outboxes.clear()
        for connection in tuple(self._connections.values()):
            await connection.close(LEADER_CHANGED, "the leader has changed: say hello again")

    def _put(self, order: Order) -> None:
        message = self._outboxes.setdefault(order.gateway, Outbox()).add(order, self._keeper.current.revision)
        _log.info("order", gateway=order.gateway, order=order.order, session=order.session, participant=order.id)
        connection = self._connections.get(order.gateway)
        if connection:
            self._loop.create_task(_tell(connection, message))

    async def _serve(self, connection: ServerConnection) -> None:
        name = common_name(connection.transport.get_extra_info("peercert"))
        try:
            text = await asyncio.wait_for(connection.recv(), HELLO_S)
        except (TimeoutError, ConnectionClosed):
            return
        hello = Hello.from_json(text if isinstance(text, str) else "")
        if hello is None:
            await connection.close(BAD_HELLO, 'say {"hello": id, "last": n, "participants": []} first')
        elif name != f"gateway-{hello.hello}":
            await connection.close(NOT_YOURS, f"the certificate is of {name}"[:100])
        else:
            await self._attend(hello, connection)

    async def _attend(self, hello: Hello, connection: ServerConnection) -> None:
        before = self._connections.get(hello.hello)
        self._connections[hello.hello] = connection
        if before:
            await before.close(TAKEN_OVER, "another connection of this gateway took over")
        _log.info("gateway-connected", gateway=hello.hello, participants=len(hello.participants), last=hello.last)
        box = self._outboxes.setdefault(hello.hello, Outbox())
        audience = self._audience[connection] = _Audience(Following(hello.follow), watched_in(hello.to_dict()))
        works = (self._again(box, connection), self._compare(hello), self._tell_stages(audience, connection))
        tasks = [asyncio.create_task(work) for work in works]
        try:
            for message in box.resumed(hello.last):
                await _tell(connection, message)
            async for text in connection:
                self._heard(box, audience, text)
        except ConnectionClosed:
            pass
        finally:
            for task in tasks:
                task.cancel()
            del self._audience[connection]
            if self._connections.get(hello.hello) is connection:
                del self._connections[hello.hello]
                _log.info("gateway-gone", gateway=hello.hello)

    async def _compare(self, hello: Hello) -> None:
        """Tell what may have been lost with a leader: once our map has seen our election, and again a while later."""
        if not self._leadership.leads:
            return
        await self._caught_up()
        for order in missing_orders(self._keeper.current, hello):
            self._put(order)
        await asyncio.sleep(SETTLE_S)
        if self._leadership.leads and not self._keeper.away:
            for order in missing_orders(self._keeper.current, hello, settled=True):
                self._put(order)

    async def _caught_up(self) -> bool:
        """Whether our map has seen our election, after a while at most: it holds all that leaders before us did."""
        revision = self._leadership.revision
        return await asyncio.to_thread(self._keeper.wait_for, lambda vmap: vmap.revision >= revision, CATCH_UP_S)

    async def _tell_stages(self, audience: _Audience, connection: ServerConnection) -> None:
        """Tell who is on stage as it is when the gateway takes it: a slow one is told less often, and no old news.

        A session that our map does not show yet is not told to be gone.
        """
        settled = False
        while True:
            if self._leadership.leads and not settled:
                settled = await self._caught_up()
                continue
            while self._leadership.leads and (stage := audience.following.next(self._keeper.current, time.monotonic())):
                await _tell(connection, stage.to_dict())
            with suppress(TimeoutError):  # we may lead again, with nothing new on the map
                await asyncio.wait_for(audience.news.wait(), AGAIN_S)
            audience.news.clear()

    def _heard(self, box: Outbox, audience: _Audience, text: str | bytes) -> None:
        try:
            message: Any = json.loads(text)
            followed = followed_in(message)
            if followed is not None:
                audience.following.follow(followed)
                audience.watched = watched_in(message)
                audience.news.set()
            else:
                box.acknowledged(int(message["ack"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            _log.warning("gateway-message-unreadable", size=len(text))

    async def _again(self, box: Outbox, connection: ServerConnection) -> None:
        """Send what was not acknowledged within a while; orders are idempotent."""
        while True:
            seen = set(box.waiting)
            await asyncio.sleep(AGAIN_S)
            for number in sorted(seen & set(box.waiting)):
                await _tell(connection, box.waiting[number])


async def _tell(connection: ServerConnection, message: dict[str, Any]) -> None:
    try:
        await connection.send(json.dumps(message, separators=(",", ":")))
    except ConnectionClosed:
        return
