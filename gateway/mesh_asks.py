"""Questions between gateways: each has a key, and waits for the answer that bears it. And messages kept in order."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gateway.client.between import Message


class Asks:
    """What is asked and not answered."""

    def __init__(self, gateway: str) -> None:
        self._prefix = f"{gateway}-{secrets.token_hex(4)}-"  # another at each start: keys of old messages are not ours
        self._asked = 0
        self._answers: dict[str, asyncio.Future[Any]] = {}

    @contextmanager
    def new(self) -> Iterator[tuple[str, asyncio.Future[Any]]]:
        """A key and what will be its answer; forgotten at the end of the block."""
        self._asked += 1
        key = f"{self._prefix}{self._asked}"
        self._answers[key] = asyncio.get_running_loop().create_future()
        try:
            yield key, self._answers[key]
        finally:
            del self._answers[key]

    def answer(self, key: Any, answer: Any) -> None:
        """An answer came; one that nobody waits for is passed over."""
        waiting = self._answers.get(key) if isinstance(key, str) else None
        if waiting and not waiting.done():
            waiting.set_result(answer)


class InOrder:
    """Delivers messages one after the other, also those that are sent while one is delivered."""

    def __init__(self, deliver: Callable[[str, Message], None]) -> None:
        self._deliver = deliver
        self._waiting: deque[tuple[str, Message]] = deque()
        self._busy = False

    def send(self, messages: Iterable[tuple[str, Message]]) -> None:
        """Deliver these after all that were sent before."""
        self._waiting.extend(messages)
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting:
                self._deliver(*self._waiting.popleft())
        finally:
            self._busy = False
