"""How a session tells what happens: to listeners, to whoever iterates over events, to whoever awaits a condition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Listener = Callable[[Any], None]
EVENTS = (
    "state", "stage", "roster", "presence", "hands", "role", "talking", "muted", "quality", "data", "closing", "closed",
    "connect", "disconnect", "problem",
)  # fmt: skip
FRAMES = ("frame", "sound")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: its name and the message that told it."""

    name: str
    body: Json


class Bus:
    """``state`` is connecting, live, reconnecting or closed."""

    def __init__(self) -> None:
        self.state = "connecting"
        self._listeners: dict[str, list[Listener]] = {}
        self._queues: list[asyncio.Queue[Event | None]] = []
        self._waiting: list[tuple[Callable[[Any], object], asyncio.Future[None]]] = []

    def on(self, event: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each message of that event; what is returned ends it.

        ``frame`` and ``sound`` are told as (slot, what came, monotonic time).
        """
        if event not in EVENTS + FRAMES:
            raise ValueError(f"no event is called {event}: take one of {', '.join(EVENTS + FRAMES)}")
        self._listeners.setdefault(event, []).append(listener)
        return lambda: self._listeners[event].remove(listener)

    async def events(self) -> AsyncIterator[Event]:
        """Every event from now on, until the session is over."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._queues.append(queue)
        try:
            while (self.state != "closed" or not queue.empty()) and (event := await queue.get()) is not None:
                yield event
        finally:
            self._queues.remove(queue)

    async def until(self, condition: Callable[[Any], object], timeout_s: float = 10.0) -> None:
        """Wait until something holds of what is known; looked at after each event."""
        if condition(self):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (condition, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        finally:
            self._waiting.remove(entry)

    def tell(self, name: str, body: Json) -> None:
        """Tell everybody of an event."""
        for listener in tuple(self._listeners.get(name, ())):
            listener(body)
        for queue in self._queues:
            queue.put_nowait(Event(name, body))
        self.look()

    def look(self) -> None:
        """Let whoever awaits something look again."""
        for condition, future in self._waiting:
            if not future.done() and condition(self):
                future.set_result(None)

    def _heard(self, name: str, what: tuple[str, Any], now_s: float) -> None:
        for listener in tuple(self._listeners.get(name, ())):
            listener((*what, now_s))
