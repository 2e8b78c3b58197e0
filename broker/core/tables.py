"""A persistent mapping: a changed copy shares all but the path that it touches.

A hash trie with 32 branches; leaves are plain dicts of at most 32 entries, so small tables are as fast as a
dict and a table of a million changes in a few microseconds. Order of iteration is not defined (text hashes
differ between processes): sort wherever order can reach a decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

V = TypeVar("V")

LEAF = 32  # most entries of a leaf before it splits
BITS = 5
BRANCHES = 1 << BITS
DEEPEST = 60  # bits of hash used; beyond them a leaf grows

_Node = Any  # dict[str, V] or tuple of 32 nodes
_EMPTY: dict[str, Any] = {}


def _split(leaf: dict[str, Any], shift: int) -> _Node:
    """The leaf as a branch, if it is too large."""
    if len(leaf) <= LEAF or shift >= DEEPEST:
        return leaf
    children: list[dict[str, Any]] = [{} for _ in range(BRANCHES)]
    for key, value in leaf.items():
        children[(hash(key) >> shift) & (BRANCHES - 1)][key] = value
    return tuple(_split(child, shift + BITS) for child in children)


def _set(node: _Node, shift: int, code: int, key: str, value: Any) -> _Node:
    if type(node) is dict:
        leaf = node.copy()
        leaf[key] = value
        return leaf if len(leaf) <= LEAF else _split(leaf, shift)
    branch = list(node)
    at = (code >> shift) & (BRANCHES - 1)
    branch[at] = _set(branch[at], shift + BITS, code, key, value)
    return tuple(branch)


def _drop(node: _Node, shift: int, code: int, key: str) -> _Node:
    if type(node) is dict:
        leaf = node.copy()
        del leaf[key]
        return leaf
    branch = list(node)
    at = (code >> shift) & (BRANCHES - 1)
    branch[at] = _drop(branch[at], shift + BITS, code, key)
    return tuple(branch)


def _differing(one: _Node, two: _Node) -> Iterator[str]:
    """Keys whose values are not the same object in two tries; what they share is passed over."""
    if one is two:
        return
    if type(one) is tuple and type(two) is tuple:
        for pair in zip(one, two, strict=True):
            yield from _differing(*pair)
        return
    left, right = ({key: value for leaf in _walk(node) for key, value in leaf.items()} for node in (one, two))
    for key in left.keys() | right.keys():
        if left.get(key) is not right.get(key):
            yield key


def _walk(node: _Node) -> Iterator[dict[str, Any]]:
    if type(node) is dict:
        yield node
    else:
        for child in node:
            yield from _walk(child)


class Table(Mapping[str, V], Generic[V]):
    """An immutable mapping from text; ``set`` and ``drop`` give changed copies."""

    __slots__ = ("_root", "_size")

    def __init__(self, entries: Mapping[str, V] | None = None) -> None:
        self._root: _Node = _split(dict(entries), 0) if entries else _EMPTY
        self._size = len(entries) if entries else 0

    @classmethod
    def _of(cls, root: _Node, size: int) -> Table[V]:
        table = cls.__new__(cls)
        table._root = root if size else _EMPTY
        table._size = size
        return table

    def set(self, key: str, value: V) -> Table[V]:
        """A copy in which ``key`` has ``value``."""
        size = self._size + (key not in self)
        return self._of(_set(self._root, 0, hash(key), key, value), size)

    def drop(self, key: str) -> Table[V]:
        """A copy without ``key``; itself when it is not there."""
        if key not in self:
            return self
        return self._of(_drop(self._root, 0, hash(key), key), self._size - 1)

    def differing(self, other: Table[V]) -> Iterator[str]:
        """Keys of either whose values are not the same object, found in the time that the difference takes."""
        return _differing(self._root, other._root)

    def _leaf(self, key: str) -> dict[str, V]:
        node = self._root
        code = hash(key)
        while type(node) is not dict:
            node = node[code & (BRANCHES - 1)]
            code >>= BITS
        return node

    def get(self, key: str, default: Any = None) -> Any:
        """The value of ``key``, or ``default``."""
        return self._leaf(key).get(key, default)

    def __getitem__(self, key: str) -> V:
        return self._leaf(key)[key]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key in self._leaf(key)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        for leaf in _walk(self._root):
            yield from leaf

    def pairs(self) -> Iterator[tuple[str, V]]:
        """Every key with its value, in no order; much faster than ``items``."""
        for leaf in _walk(self._root):
            yield from leaf.items()

    def __repr__(self) -> str:
        return f"Table({dict(self)!r})"
