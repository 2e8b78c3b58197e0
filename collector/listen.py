"""Where Janus' event handler (wsevh) delivers: a WebSocket server that takes arrays of events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from rtcdn.log import EventLog
from rtcdn.settings import Address

MAX_BATCH_BYTES = 8 << 20
log = EventLog("collector")


@asynccontextmanager
async def event_stream(
    address: Address, hear: Callable[[list[Any]], None], broke: Callable[[], None]
) -> AsyncIterator[None]:
    """Listen on ``address``; ``hear`` gets each batch, ``broke`` is called when Janus' connection ends."""

    async def take(connection: ServerConnection) -> None:
        log.info("events-connected", path=connection.request.path if connection.request else "")
        try:
            async for text in connection:
                hear(read_batch(text))
        finally:
            log.info("events-gone")
            broke()

    async with serve(take, address.host, address.port, max_size=MAX_BATCH_BYTES, ping_interval=5, ping_timeout=5):
        yield


def read_batch(text: str | bytes) -> list[Any]:
    """Events of one message: an array, or one alone. Text that cannot be read is an empty batch."""
    try:
        events = json.loads(text)
    except ValueError:
        return []
    return events if isinstance(events, list) else [events]
