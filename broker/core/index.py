"""Indexes of the map: nodes by kind and region, lightest first.

A shelf holds the nodes of one kind and region that may take work, in 101 buckets by whole points of weight,
each bucket sorted: an event copies one or two buckets. Nodes that are silent or draining are only counted.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from broker.core.wrappers import NodeWrapper

Entry = tuple[float, int, int, str]  # weight; tie-breaks: handles in use, sessions hosted, node
BUCKETS = 101


def entry(wrapper: NodeWrapper) -> Entry:
    """The place of a node on its shelf."""
    return (wrapper.weight, wrapper.in_use, len(wrapper.hosting), wrapper.id)


def bucket(weight: float) -> int:
    """The bucket of a weight; 100 and more share the last."""
    return max(0, min(int(weight), BUCKETS - 1))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The nodes of one kind and region."""

    buckets: tuple[tuple[Entry, ...], ...] = ((),) * BUCKETS
    size: int = 0  # nodes that may take work
    out: dict[str, int] = field(default_factory=dict)  # reason -> nodes left out

    def lightest(self, limit: float) -> Iterator[Entry]:
        """Entries by rising weight, those in buckets above ``limit`` left out."""
        for entries in self.buckets[: bucket(limit) + 1]:
            yield from entries

    def heaviest(self, limit: float) -> Iterator[Entry]:
        """Entries by falling weight, those in buckets above ``limit`` left out."""
        for entries in reversed(self.buckets[: bucket(limit) + 1]):
            yield from sorted(entries, key=lambda found: (-found[0], *found[1:]))

    def above(self, limit: float) -> int:
        """How many nodes stand in buckets above ``limit``."""
        return sum(len(entries) for entries in self.buckets[bucket(limit) + 1 :])

    def with_node(self, wrapper: NodeWrapper) -> Shelf:
        """The shelf with a node added."""
        if wrapper.out:
            return Shelf(self.buckets, self.size, {**self.out, wrapper.out: self.out.get(wrapper.out, 0) + 1})
        place = entry(wrapper)
        at = bucket(place[0])
        entries = self.buckets[at]
        where = bisect_left(entries, place)
        return Shelf(self._replaced(at, (*entries[:where], place, *entries[where:])), self.size + 1, self.out)

    @property
    def empty(self) -> bool:
        """Whether no node is on it, nor left out of it."""
        return not self.size and not any(self.out.values())

    def without_node(self, wrapper: NodeWrapper) -> Shelf:
        """The shelf with a node (as it was added) taken away."""
        if wrapper.out:
            return Shelf(self.buckets, self.size, {**self.out, wrapper.out: self.out[wrapper.out] - 1})
        place = entry(wrapper)
        at = bucket(place[0])
        entries = self.buckets[at]
        where = bisect_left(entries, place)
        return Shelf(self._replaced(at, entries[:where] + entries[where + 1 :]), self.size - 1, self.out)

    def with_moved(self, before: NodeWrapper, after: NodeWrapper) -> Shelf:
        """The shelf after the weight of a node changed; most changes stay within a bucket."""
        gone, place = entry(before), entry(after)
        at = bucket(place[0])
        if before.out or after.out or bucket(gone[0]) != at:
            return self.without_node(before).with_node(after)
        entries = list(self.buckets[at])
        del entries[bisect_left(entries, gone)]
        insort(entries, place)
        return Shelf(self._replaced(at, tuple(entries)), self.size, self.out)

    def _replaced(self, at: int, entries: tuple[Entry, ...]) -> tuple[tuple[Entry, ...], ...]:
        buckets = list(self.buckets)
        buckets[at] = entries
        return tuple(buckets)


Shelves = dict[tuple[str, str], Shelf]  # (kind, region) -> shelf


def shelf_of(wrapper: NodeWrapper) -> tuple[str, str]:
    """Which shelf a node stands on."""
    return (wrapper.kind, wrapper.region)


def build_shelves(wrappers: Iterable[NodeWrapper]) -> Shelves:
    """All shelves at once, as adding one node after another would give."""
    groups: dict[tuple[str, str], list[NodeWrapper]] = {}
    for wrapper in wrappers:
        groups.setdefault(shelf_of(wrapper), []).append(wrapper)
    shelves: Shelves = {}
    for key, members in groups.items():
        buckets: list[list[Entry]] = [[] for _ in range(BUCKETS)]
        out: dict[str, int] = {}
        for wrapper in members:
            if wrapper.out:
                out[wrapper.out] = out.get(wrapper.out, 0) + 1
            else:
                buckets[bucket(wrapper.weight)].append(entry(wrapper))
        size = len(members) - sum(out.values())
        shelves[key] = Shelf(tuple(tuple(sorted(entries)) for entries in buckets), size, out)
    return shelves


def reshelved(shelves: Shelves, before: NodeWrapper | None, after: NodeWrapper | None) -> Shelves:
    """The shelves after a node changed, came (``before`` None) or went (``after`` None)."""
    if before and after and shelf_of(before) == shelf_of(after):
        if before.out == after.out and (before.out or entry(before) == entry(after)):
            return shelves
        key = shelf_of(after)
        return {**shelves, key: shelves[key].with_moved(before, after)}
    changed = dict(shelves)
    if before:
        changed[shelf_of(before)] = changed[shelf_of(before)].without_node(before)
        if changed[shelf_of(before)].empty:
            del changed[shelf_of(before)]
    if after:
        changed[shelf_of(after)] = changed.get(shelf_of(after), Shelf()).with_node(after)
    return changed
