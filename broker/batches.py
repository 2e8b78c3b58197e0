"""Participants' keys of attach-class decisions, written after the answer, many in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from broker.core.decisions import IntentChange
from broker.watch import MapKeeper
from rtcdn import log
from rtcdn.errors import StoreAway
from rtcdn.store.port import MAX_KEYS, Commit, Store

_log = log.get("broker.batches")
GATHER_S = 0.02
RETRY_S = 0.5


class BatchWriter:
    """Holds the latest value of each key until it is written; while the store is away it keeps them and tries on."""

    def __init__(self, store: Store, keeper: MapKeeper) -> None:
        self._store, self._keeper = store, keeper
        self._waiting: dict[str, IntentChange] = {}
        self._news = threading.Condition()
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self._revision = 0  # of the last transaction
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, once, and end."""
        self._closed.set()
        with self._news:
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join(5)

    def add(self, changes: Iterable[IntentChange]) -> None:
        """Write these soon; they are in the map already."""
        with self._news:
            for change in changes:
                self._waiting[change.key] = change
            self._news.notify_all()

    @contextmanager
    def instead(self, keys: Iterable[str]) -> Iterator[None]:
        """Inside, the caller writes these keys itself, on top of what waited here: ours are dropped if he succeeds."""
        with self._writing:
            yield
            with self._news:
                for key in keys:
                    self._waiting.pop(key, None)
                self._news.notify_all()

    def settle(self, prefix: str, timeout_s: float) -> int:
        """Wait until no key that begins with ``prefix`` waits; the revision at which what was written here stands."""
        with self._news:
            self._news.wait_for(lambda: not any(key.startswith(prefix) for key in self._waiting), timeout_s)
            return self._revision

    @property
    def waiting(self) -> int:
        """How many keys are not written yet."""
        return len(self._waiting)

    def _run(self) -> None:
        while not (self._closed.is_set() and not self._waiting):
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._closed.is_set())
            if len(self._waiting) < MAX_KEYS:
                self._closed.wait(GATHER_S)
            if not self._write_some() and self._closed.wait(RETRY_S):
                return

    def _write_some(self) -> bool:
        """Write up to a transaction's worth; whether the store took it."""
        with self._writing:
            with self._news:
                batch = list(self._waiting.values())[:MAX_KEYS]
            puts = {change.key: change.record.to_json() for change in batch if change.record}
            deletes = tuple(change.key for change in batch if change.record is None)
            try:
                revision = self._store.commit(Commit(puts=puts, deletes=deletes))
            except StoreAway as error:
                _log.debug("batch-waits", keys=len(batch), reason=error)
                return False
            with self._news:
                self._revision = revision
                for change in batch:
                    if self._waiting.get(change.key) is change:
                        del self._waiting[change.key]
                self._news.notify_all()
        self._keeper.settled(batch, revision)
        return True
