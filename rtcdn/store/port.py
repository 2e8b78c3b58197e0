"""What a store is: records, and the face that memory and etcd share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

MAX_KEYS = 100  # of one transaction; etcd's own limit is 128


@dataclass(frozen=True, slots=True)
class Value:
    """Text of a key, and the revisions of its last write and of its creation."""

    text: str
    mod_revision: int
    create_revision: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every key under a prefix as it was at ``revision``."""

    values: Mapping[str, Value]
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """One key written at ``revision``, or gone when ``value`` is None."""

    key: str
    value: Value | None
    revision: int


@dataclass(frozen=True, slots=True)
class Update:
    """One piece of news of a watch.

    ``snapshot``: begin anew from this (at the start, and after a compaction). ``changes``: what happened since, whole
    transactions only. ``away``: the store cannot be heard, says why; the next update without it means it is back.
    """

    revision: int
    snapshot: Snapshot | None = None
    changes: tuple[Change, ...] = ()
    away: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition of a commit: the key's last write (or its creation) has this revision; 0: there is no such key.

    With ``text``: it holds this text.
    """

    key: str
    revision: int = 0
    creation: bool = False
    text: str | None = None

    @classmethod
    def unchanged(cls, key: str, mod_revision: int) -> Compare:
        """Nobody wrote ``key`` since ``mod_revision`` (0: it still does not exist)."""
        return cls(key, mod_revision)

    @classmethod
    def held(cls, key: str, create_revision: int) -> Compare:
        """``key`` is still the one created at ``create_revision``, however often written since."""
        return cls(key, create_revision, creation=True)

    @classmethod
    def holds(cls, key: str, text: str | None) -> Compare:
        """``key`` holds ``text``; None: there is no such key."""
        return cls(key, text=text)

    @classmethod
    def absent(cls, key: str) -> Compare:
        """There is no such key."""
        return cls(key)


@dataclass(frozen=True, slots=True)
class Commit:
    """One transaction: all of it or nothing."""

    compare: tuple[Compare, ...] = ()
    puts: Mapping[str, str] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()
    lease: int = 0

    def __post_init__(self) -> None:
        """Refuse what etcd would refuse."""
        if len(self.puts) + len(self.deletes) > MAX_KEYS:
            raise ValueError(f"a commit carries at most {MAX_KEYS} keys: split it")


class Watch(Protocol):
    """A watch: iterate it in a thread of its own; it resumes by itself and ends only when closed."""

    def __iter__(self) -> Iterator[Update]:
        """Updates in the order of their revisions, nothing missed and nothing twice."""

    def close(self) -> None:
        """End the iteration, from any thread."""


class Store(Protocol):
    """A store of text under keys. Every method raises ``StoreAway`` when the store does not answer."""

    def read(self, prefix: str = "") -> Snapshot:
        """Every key that begins with ``prefix``."""

    def watch(self, prefix: str = "") -> Watch:
        """A snapshot first, then every change after it."""

    def put(self, key: str, text: str, lease: int = 0) -> int:
        """Write one key; answers the revision. ``LeaseGone`` when the lease has ended."""

    def commit(self, commit: Commit) -> int:
        """Perform a transaction; answers the revision. ``StoreConflict`` when a comparison fails."""

    def grant(self, ttl_s: int) -> int:
        """A new lease; its keys vanish ``ttl_s`` after the last ``keep_alive``."""

    def keep_alive(self, lease: int) -> int:
        """Refresh a lease; seconds it has now, 0 when it has ended (take a new one, write everything again)."""

    def revoke(self, lease: int) -> None:
        """End a lease and its keys now; nothing happens when it is gone already."""

    def close(self) -> None:
        """Let go of connections; watches end."""


def create(store: Store, key: str, text: str, lease: int = 0) -> int:
    """Write ``key`` only if there is none; answers its create revision, ``StoreConflict`` when somebody was first."""
    return store.commit(Commit(compare=(Compare.absent(key),), puts={key: text}, lease=lease))


def put_many(store: Store, puts: Mapping[str, str], deletes: Iterable[str] = ()) -> int:
    """Write any number of keys in transactions of at most ``MAX_KEYS``; answers the last revision."""
    revision = 0
    items: list[tuple[str, str | None]] = [*puts.items(), *((key, None) for key in deletes)]
    rest = iter(items)
    while chunk := list(islice(rest, MAX_KEYS)):
        written = {key: text for key, text in chunk if text is not None}
        revision = store.commit(Commit(puts=written, deletes=tuple(key for key, text in chunk if text is None)))
    return revision
