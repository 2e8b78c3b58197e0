"""Frozen dataclasses as JSON objects, read without ever raising on what another machine wrote."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing
from enum import StrEnum
from typing import Any, Self


class Record:
    """Base of frozen dataclasses that travel as JSON objects; unknown fields are ignored."""

    def to_dict(self) -> dict[str, Any]:
        """The record as plain dicts and lists."""
        return typing.cast(dict[str, Any], _plain(self))

    def to_json(self) -> str:
        """The record as compact JSON with sorted keys, so that equal records are equal text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: object) -> Self | None:
        """The record read from a plain dict, or None when it does not fit. Never raises."""
        try:
            return typing.cast(Self, _read(cls, data))
        except (TypeError, ValueError, KeyError, OverflowError):
            return None

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """The record read from JSON text, or None when it does not fit. Never raises."""
        try:
            return cls.from_dict(json.loads(text))
        except (TypeError, ValueError, RecursionError):
            return None


@functools.cache
def _names(kind: typing.Any) -> tuple[str, ...]:
    """Names of a dataclass's fields; empty for any other type."""
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()


def _plain(value: Any) -> Any:
    """As ``dataclasses.asdict`` for records, which share nothing that changes: several times faster."""
    kind = type(value)
    if kind is str or kind is int or kind is float or kind is bool or value is None:
        return value
    if kind is tuple or kind is list:
        return kind(_plain(item) for item in value)
    if kind is dict:
        return {key: _plain(item) for key, item in value.items()}
    names = _names(typing.cast(typing.Hashable, kind))
    return {name: _plain(getattr(value, name)) for name in names} if names else value


@functools.cache
def _hints(wanted: Any) -> dict[str, Any]:
    """Types of a record's fields by name, looked up once."""
    return typing.get_type_hints(wanted)


def _finite(value: float) -> float:
    """The value; JSON as Python reads it also knows NaN and infinities, with which nobody can reckon."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    return value


def _read(wanted: Any, data: Any) -> Any:  # noqa: PLR0911  (one case per line)
    """``data`` as type ``wanted``; raises TypeError or ValueError when it does not fit."""
    origin, args = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return None if data is None else _read(next(a for a in args if a is not type(None)), data)
    if origin is tuple:
        if not isinstance(data, list | tuple):
            raise TypeError(f"{data!r} is not a list")
        return tuple(_read(args[0], item) for item in data)
    if origin is dict:
        if not isinstance(data, dict):
            raise TypeError(f"{data!r} is not an object")
        return {_read(args[0], k): _read(args[1], v) for k, v in data.items()}
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        if not isinstance(data, dict):
            raise TypeError(f"{data!r} is not an object")
        hints = _hints(wanted)
        names = [name for name in hints if name in data]
        return wanted(**{name: _read(hints[name], data[name]) for name in names})
    if wanted is Any:
        return data
    if wanted is float and isinstance(data, int | float) and not isinstance(data, bool):
        return _finite(float(data))
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return wanted(data)
    if not isinstance(data, wanted) or (wanted is int and isinstance(data, bool)):
        raise TypeError(f"{data!r} is not {wanted}")
    return data
