"""Frozen dataclasses as JSON objects, read without ever raising on what another machine wrote."""

from __future__ import annotations

import functools
import typing
from typing import Any, Self

import msgspec

UNREADABLE = (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError)


class Record:
    """Base of frozen dataclasses that travel as JSON objects; unknown fields are ignored."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The record as plain dicts and tuples."""
        return typing.cast(dict[str, Any], msgspec.to_builtins(self))

    def to_json(self) -> str:
        """The record as compact JSON with sorted keys, so that equal records are equal text."""
        return _SORTED.encode(self).decode()

    @classmethod
    def from_dict(cls, data: object) -> Self | None:
        """The record read from a plain dict, or None when it does not fit. Never raises."""
        try:
            return cls.from_json(msgspec.json.encode(data))
        except UNREADABLE:
            return None

    @classmethod
    def from_json(cls, text: str | bytes) -> Self | None:
        """The record read from JSON text, or None when it does not fit. Never raises."""
        try:
            return typing.cast(Self, _decoder(typing.cast(typing.Hashable, cls)).decode(text))
        except UNREADABLE:
            return None


def compact(content: Any) -> str:
    """Compact JSON of plain content in which records may stand."""
    return msgspec.json.encode(content).decode()


_SORTED = msgspec.json.Encoder(order="sorted")


@functools.cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
