"""The decision log: what was asked, chosen and why, as JSON lines on standard output; the latest stay in memory."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TextIO

from broker.core.decisions import Decision, Refusal
from broker.core.requests import Request
from rtcdn.store.port import Update

KEPT = 50_000
SNAPSHOT_PERIOD_S = 3600.0
BACKLOG = 10_000


class DecisionLog:
    """Writes from a thread of its own, so that no request waits for standard output; never read at start."""

    def __init__(self, stream: TextIO | None = None, kept: int = KEPT, now_s: Callable[[], float] = time.time) -> None:
        self._stream, self._kept, self._now_s = stream or sys.stdout, kept, now_s
        self._entries: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue(BACKLOG)
        self._thread = threading.Thread(target=self._write, name="decision-log", daemon=True)
        self._next_snapshot_s = 0.0
        self.lost = 0  # lines that found the backlog full

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        self._lines.put(None)
        if self._thread.is_alive():
            self._thread.join(5)

    def decided(self, request: Request, outcome: Decision | Refusal, map_revision: int, map_age_s: float) -> None:
        """Note a decision or a refusal."""
        entry = {
            "at": round(self._now_s(), 3),
            "kind": "decision",
            "request": {**request.to_dict(), "type": type(request).__name__},
            "map_revision": map_revision,
            "map_age_s": round(map_age_s, 3),
            **outcome.to_dict(),
        }
        with self._lock:
            self._entries[outcome.id] = entry
            while len(self._entries) > self._kept:
                self._entries.popitem(last=False)
        self._line(entry)

    def find(self, decision_id: str) -> dict[str, Any] | None:
        """A past decision, if it is still kept here."""
        with self._lock:
            return self._entries.get(decision_id)

    def heard(self, update: Update) -> None:
        """Note what the watch brought: a snapshot whole, changes as they are."""
        at = round(self._now_s(), 3)
        if update.snapshot:
            values = {key: value.text for key, value in update.snapshot.values.items()}
            self._line({"at": at, "kind": "snapshot", "revision": update.revision, "values": values})
        elif update.changes:
            changes = {change.key: change.value.text if change.value else None for change in update.changes}
            self._line({"at": at, "kind": "changes", "revision": update.revision, "changes": changes})

    def due_snapshot(self) -> bool:
        """Once an hour: is it time for another snapshot?"""
        now_s = self._now_s()
        due = now_s >= self._next_snapshot_s
        if due:
            self._next_snapshot_s = now_s + SNAPSHOT_PERIOD_S
        return due

    def _line(self, entry: dict[str, Any]) -> None:
        try:
            self._lines.put_nowait(entry)
        except queue.Full:
            self.lost += 1

    def _write(self) -> None:
        while (entry := self._lines.get()) is not None:
            self._stream.write(json.dumps(entry, separators=(",", ":")) + "\n")
            if self._lines.empty():
                self._stream.flush()
