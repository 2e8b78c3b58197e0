"""Participants' keys of attach-class decisions, written after the answer, many in one transaction.

Each is written on what it changes: where another replica was faster, both changes are merged and it is tried again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from broker.core.decisions import IntentChange
from broker.watch import MapKeeper
from rtcdn import log
from rtcdn.errors import StoreAway, StoreConflict
from rtcdn.store.port import MAX_KEYS, Commit, Compare, Store

_log = log.get("broker.batches")
GATHER_S = 0.02
RETRY_S = 0.5


class BatchWriter:
    """Writes what the keeper of the map has ahead of the store; while the store is away it waits and tries on."""

    def __init__(self, store: Store, keeper: MapKeeper) -> None:
        self._store, self._keeper = store, keeper
        self._waiting: dict[str, int] = {}  # key -> number of the latest that was added
        self._added = 0
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
                self._added += 1
                self._waiting[change.key] = self._added
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
        """Write up to a transaction's worth; whether the store took it, or had something newer."""
        with self._writing:
            with self._news:
                batch = dict(islice(self._waiting.items(), MAX_KEYS))
            unwritten = self._keeper.unwritten(batch)
            try:
                revision = self._commit(unwritten) if unwritten else 0
            except StoreConflict:
                return self._look(change.key for change, _ in unwritten)
            except StoreAway as error:
                _log.debug("batch-waits", keys=len(batch), reason=error)
                return False
            changed = {change.key for change, _ in self._keeper.unwritten(batch)}
            with self._news:
                self._revision = max(self._revision, revision)
                for key, number in batch.items():
                    if key not in changed and self._waiting.get(key) == number:
                        del self._waiting[key]
                self._news.notify_all()
        return True

    def _commit(self, unwritten: Sequence[tuple[IntentChange, str | None]]) -> int:
        compare = tuple(Compare.holds(change.key, text) for change, text in unwritten)
        puts = {change.key: change.record.to_json() for change, _ in unwritten if change.record}
        deletes = tuple(change.key for change, _ in unwritten if change.record is None)
        revision = self._store.commit(Commit(compare, puts, deletes))
        self._keeper.settled((change for change, _ in unwritten), revision)
        return revision

    def _look(self, keys: Iterable[str]) -> bool:
        """Read what stands there now, so that ours is merged with it; whether the store answered."""
        try:
            for key in keys:
                snapshot = self._store.read(key)
                self._keeper.found(key, snapshot.values.get(key), snapshot.revision)
        except StoreAway as error:
            _log.debug("batch-waits", reason=error)
            return False
        return True
