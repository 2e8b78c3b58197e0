"""The decision log: what was asked, chosen and why, as JSON lines on standard output; the latest stay in memory."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from broker.core.decisions import Decision, IntentChange, Refusal
from broker.core.requests import Request
from broker.core.virtual_map import VirtualMap
from broker.watch import Batch
from rtcdn import log
from rtcdn.record import compact

_log = log.get("broker.decision_log")
KEPT = 50_000
SNAPSHOT_PERIOD_S = 3600.0
BACKLOG = 10_000
GATHER_S = 0.05  # a thread woken for every line would take the interpreter from a request each time


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision was made on: the map's number, the time, the policy. By it a replay makes the same again."""

    number: int = 0
    now_s: float = 0.0
    policy: str = ""


NO_BASIS = Basis()


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision as it was made, until its line is written."""

    at_s: float
    request: Request
    outcome: Decision | Refusal
    map_revision: int
    map_age_s: float
    basis: Basis = NO_BASIS

    def shown(self) -> dict[str, Any]:
        """As it is logged; records are still whole in it."""
        return {
            "at": round(self.at_s, 3),
            "kind": "decision",
            "request": {**self.request.to_dict(), "type": type(self.request).__name__},
            "map_revision": self.map_revision,
            "map_age_s": round(self.map_age_s, 3),
            "number": self.basis.number,
            "now_s": self.basis.now_s,
            "policy": self.basis.policy,
            **self.outcome.shown(),
        }


class DecisionLog:
    """Writes from a thread of its own, so that no request waits for standard output; never read at start."""

    def __init__(self, stream: TextIO | None = None, kept: int = KEPT, now_s: Callable[[], float] = time.time) -> None:
        self._stream, self._most, self._now_s = stream or sys.stdout, kept, now_s
        self._kept: OrderedDict[str, Entry | str] = OrderedDict()  # the line, once it is written
        self._lock = threading.Lock()
        self._lines: deque[Entry | dict[str, Any]] = deque()
        self._news, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._write, name="decision-log", daemon=True)
        self._next_snapshot_s = 0.0
        self.lost = 0  # lines that found the backlog full

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left."""
        self._closed.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def decided(
        self,
        request: Request,
        outcome: Decision | Refusal,
        map_revision: int,
        map_age_s: float,
        basis: Basis = NO_BASIS,
    ) -> None:
        """Note a decision or a refusal."""
        entry = Entry(self._now_s(), request, outcome, map_revision, map_age_s, basis)
        with self._lock:
            self._kept[outcome.id] = entry
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        self._line(entry)

    def find(self, decision_id: str) -> dict[str, Any] | None:
        """A past decision, if it is still kept here."""
        with self._lock:
            found = self._kept.get(decision_id)
        if found is None:
            return None
        shown: dict[str, Any] = json.loads(found if isinstance(found, str) else compact(found.shown()))
        return shown

    def swapped(self, kind: str, batch: Batch, revision: int, vmap: VirtualMap, now_s: float) -> None:
        """Note how the map changed: a snapshot or changes that the watch brought, or what we put in ourselves.

        Each change is a key with its text and revision, or with its record where we put it in.
        """
        changes = [[each.key, each.record] if isinstance(each, IntentChange) else each for each in batch]
        line = {"at": round(now_s, 3), "kind": kind, "number": vmap.number, "now_s": now_s, "revision": revision}
        self._line({**line, "changes": changes})

    def remember(self, vmap: VirtualMap) -> None:
        """Note the whole map, once an hour: whoever replays begins there."""
        now_s = self._now_s()
        if now_s >= self._next_snapshot_s:
            self._next_snapshot_s = now_s + SNAPSHOT_PERIOD_S
            self._line({"at": round(now_s, 3), "kind": "map", **vmap.to_dict()})

    def _line(self, entry: Entry | dict[str, Any]) -> None:
        if len(self._lines) >= BACKLOG:
            self.lost += 1
            return
        self._lines.append(entry)
        if not self._news.is_set():
            self._news.set()

    def _write(self) -> None:
        closing = False
        while not closing:
            self._news.wait()
            self._news.clear()  # before the lines are taken: one that comes later sets it again
            closing = self._closed.wait(GATHER_S)
            while self._lines:
                self._put(self._lines.popleft())
            self._stream.flush()

    def _put(self, entry: Entry | dict[str, Any]) -> None:
        try:
            self._stream.write(self._text(entry) + "\n")
        except (TypeError, ValueError) as error:  # text that is no Unicode, say: the log itself goes on
            self.lost += 1
            _log.error("decision-not-logged", reason=error)

    def _text(self, entry: Entry | dict[str, Any]) -> str:
        """The line. A decision is kept as text from now on: 50,000 of them as objects make the garbage collector stop
        everything for a third of a second."""
        if not isinstance(entry, Entry):
            return compact(entry)
        text = compact(entry.shown())
        with self._lock:
            if self._kept.get(entry.outcome.id) is entry:
                self._kept[entry.outcome.id] = text
        return text
