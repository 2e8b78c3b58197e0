"""What a streaming call of the store answers, read in a thread of its own so that nobody waits for it for good.

A call of grpcio 1.85.1 that is begun while members go or come may never end: it has no answer, and neither ``cancel``
nor its deadline wakes who reads it, while other calls of its channel work. Such a call is left to its thread.
"""

from __future__ import annotations

import queue
import threading
from typing import Any

from rtcdn.errors import StoreAway

_END = object()


class Answers:
    """``call`` is iterated and can be cancelled."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="store-answers", daemon=True).start()

    def get(self, timeout_s: float | None) -> Any:
        """The next answer, None at the end. Raises what the call raised, ``StoreAway`` after ``timeout_s``."""
        try:
            found = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            raise StoreAway(f"no answer within {timeout_s:g} s") from None
        if isinstance(found, Exception):
            raise found
        return None if found is _END else found

    def close(self) -> None:
        """End the call, from any thread; who waits gets None."""
        self._call.cancel()
        self._queue.put(_END)

    def _read(self) -> None:
        try:
            for answer in self._call:
                self._queue.put(answer)
            self._queue.put(_END)
        except Exception as error:  # noqa: BLE001  (it is raised where it is waited for)
            self._queue.put(error)
