"""The store in memory: for tests and the simulator. Same behaviour as etcd, one contract suite over both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rtcdn.errors import LeaseGone, StoreAway, StoreConflict
from rtcdn.store.port import Change, Commit, Compare, Snapshot, Update, Value


@dataclass(slots=True)
class _Lease:
    ttl_s: int
    ends_s: float
    keys: set[str] = field(default_factory=set)


class MemoryStore:
    """A store that several threads of one process share. ``now_s`` is the clock that leases run by."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._news = threading.Condition(threading.RLock())
        self._values: dict[str, Value] = {}
        self._history: list[tuple[int, tuple[Change, ...]]] = []
        self._compacted = 0
        self._leases: dict[int, _Lease] = {}
        self._last_lease = 0
        self._revision = 1
        self._away = ""
        self._closed = False

    # ---- what tests do to it

    def go_away(self, reason: str = "taken away") -> None:
        """Answer nothing until ``come_back``."""
        with self._news:
            self._away = reason
            self._news.notify_all()

    def come_back(self) -> None:
        """Answer again; watches go on where they were."""
        with self._news:
            self._away = ""
            self._news.notify_all()

    def compact(self) -> None:
        """Forget history: a watch that was away must begin anew."""
        with self._news:
            self._history, self._compacted = [], self._revision

    # ---- the face of a store

    def read(self, prefix: str = "") -> Snapshot:
        """Every key that begins with ``prefix``."""
        with self._news:
            self._check()
            return Snapshot({k: v for k, v in self._values.items() if k.startswith(prefix)}, self._revision)

    def watch(self, prefix: str = "") -> MemoryWatch:
        """A snapshot first, then every change after it."""
        return MemoryWatch(self, prefix)

    def put(self, key: str, text: str, lease: int = 0) -> int:
        """Write one key; answers the revision."""
        return self.commit(Commit(puts={key: text}, lease=lease))

    def commit(self, commit: Commit) -> int:
        """Perform a transaction; answers the revision."""
        with self._news:
            self._check()
            if commit.lease and commit.lease not in self._leases:
                raise LeaseGone(f"lease {commit.lease} has ended")
            for compare in commit.compare:
                if not self._holds(compare):
                    raise StoreConflict(f"changed meanwhile: {compare.key}")
            gone = [key for key in commit.deletes if key in self._values]
            if commit.puts or gone:
                self._write(dict(commit.puts), gone, commit.lease)
            return self._revision

    def grant(self, ttl_s: int) -> int:
        """A new lease of ``ttl_s``."""
        with self._news:
            self._check()
            self._last_lease += 1
            self._leases[self._last_lease] = _Lease(ttl_s, self._now_s() + ttl_s)
            self._news.notify_all()
            return self._last_lease

    def keep_alive(self, lease: int) -> int:
        """Refresh a lease; 0 when it has ended."""
        with self._news:
            self._check()
            held = self._leases.get(lease)
            if held is None:
                return 0
            held.ends_s = self._now_s() + held.ttl_s
            return held.ttl_s

    def revoke(self, lease: int) -> None:
        """End a lease and its keys now."""
        with self._news:
            self._check()
            self._end(lease)

    def close(self) -> None:
        """End watches."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    # ---- inside

    def _check(self) -> None:
        if self._away:
            raise StoreAway(self._away)
        self._expire()

    def _holds(self, compare: Compare) -> bool:
        value = self._values.get(compare.key)
        if compare.text is not None:
            return value is not None and value.text == compare.text
        if value is None:
            return compare.revision == 0
        return compare.revision == (value.create_revision if compare.creation else value.mod_revision)

    def _write(self, puts: dict[str, str], gone: list[str], lease: int) -> None:
        self._revision += 1
        changes = []
        for key in (*puts, *gone):
            for held in self._leases.values():
                held.keys.discard(key)
        for key, text in puts.items():
            before = self._values.get(key)
            value = Value(text, self._revision, before.create_revision if before else self._revision)
            self._values[key] = value
            changes.append(Change(key, value, self._revision))
            if lease:
                self._leases[lease].keys.add(key)
        for key in gone:
            del self._values[key]
            changes.append(Change(key, None, self._revision))
        self._history.append((self._revision, tuple(changes)))
        self._news.notify_all()

    def _expire(self) -> None:
        for lease in [lease for lease, held in self._leases.items() if held.ends_s <= self._now_s()]:
            self._end(lease)

    def _end(self, lease: int) -> None:
        held = self._leases.pop(lease, None)
        if held and held.keys:
            self._write({}, sorted(held.keys), 0)

    def next_update(self, watch: MemoryWatch) -> Update | None:
        """Wait for what ``watch`` has not seen; None when it or the store is closed."""
        with self._news:
            while not (self._closed or watch.closed):
                if self._away and not watch.away:
                    return Update(watch.revision, away=self._away)
                if not self._away:
                    self._expire()
                    if update := self._news_for(watch):
                        return update
                ends = [held.ends_s for held in self._leases.values()]
                self._news.wait(max(0.01, min(ends) - self._now_s()) if ends and not self._away else None)
            return None

    def _news_for(self, watch: MemoryWatch) -> Update | None:
        if watch.revision < self._compacted or not watch.revision:
            snapshot = self.read(watch.prefix)
            return Update(snapshot.revision, snapshot=snapshot)
        fresh = [each for each in self._history if each[0] > watch.revision]
        if fresh:
            revision, changes = fresh[0]
            return Update(revision, changes=tuple(each for each in changes if each.key.startswith(watch.prefix)))
        return Update(watch.revision) if watch.away else None

    def wake(self) -> None:
        """Make every watch look again."""
        with self._news:
            self._news.notify_all()


class MemoryWatch:
    """A watch on a ``MemoryStore``."""

    def __init__(self, store: MemoryStore, prefix: str) -> None:
        self._store, self.prefix = store, prefix
        self.revision = 0
        self.away = False
        self.closed = False

    def __iter__(self) -> Iterator[Update]:
        """Updates until closed."""
        while update := self._store.next_update(self):
            self.revision, self.away = update.revision, bool(update.away)
            yield update

    def close(self) -> None:
        """End the iteration, from any thread."""
        self.closed = True
        self._store.wake()
