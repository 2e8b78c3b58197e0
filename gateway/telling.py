"""What the broker is told in the background, again and again while nobody hears it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any

from gateway.protocol import Problem
from rtcdn import log

TELL_S = 60.0  # how long it is told again what it did not hear; then collectors correct it
PAUSE_S = (0.2, 3.0)
_log = log.get("gateway.telling")

Told = Callable[[], Awaitable[None]]
Heard = Callable[[Problem | None], None]


class Telling:
    """Tells; what has the same ``order`` is told one after the other."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._latest: dict[Hashable, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        """How much is under way."""
        return len(self._tasks)

    def tell(self, what: Told, order: Hashable = None, heard: Heard | None = None) -> asyncio.Task[None]:
        """Tell something; ``heard`` is called at the end, with what the broker has against it or None."""
        before = self._latest.get(order) if order is not None else None
        task = spawn(self._tasks, self._again(what, before, heard))
        if order is not None:
            self._latest[order] = task
            task.add_done_callback(lambda done: self._forget(order, done))
        return task

    def _forget(self, order: Hashable, done: asyncio.Task[None]) -> None:
        if self._latest.get(order) is done:
            del self._latest[order]

    async def _again(self, what: Told, before: asyncio.Task[None] | None, heard: Heard | None) -> None:
        if before:
            await asyncio.wait([before])
        problem = await self._until_heard(what)
        if heard:
            heard(problem)

    @staticmethod
    async def _until_heard(what: Told) -> Problem | None:
        until_s, pause_s = time.monotonic() + TELL_S, PAUSE_S[0]
        while True:
            try:
                await what()
            except Problem as problem:
                if problem.status < 500 or time.monotonic() > until_s:
                    _log.warning("broker-not-told", reason=problem)
                    return problem
            else:
                return None
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_S[1])

    async def close(self, patience_s: float) -> None:
        """Stop; what is under way still gets its chance."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_s)
        for task in tuple(self._tasks):
            task.cancel()


def spawn(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that is kept in ``tasks`` while it runs."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task
