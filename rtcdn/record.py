"""Frozen dataclasses as JSON objects, read without ever raising on what another machine wrote."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import operator
import types
import typing
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Self


class Record:
    """Base of frozen dataclasses that travel as JSON objects; unknown fields are ignored."""

    def to_dict(self) -> dict[str, Any]:
        """The record as plain dicts and lists."""
        return typing.cast(dict[str, Any], plain(self))

    def to_json(self) -> str:
        """The record as compact JSON with sorted keys, so that equal records are equal text."""
        return _SORTED.encode(self)

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
def _hints(wanted: Any) -> dict[str, Any]:
    """Types of a record's fields by name, looked up once."""
    return typing.get_type_hints(wanted)


@functools.cache
def _shape(kind: typing.Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], tuple[str, ...]] | None:
    """Names of a dataclass's fields, how all are got at once, and which hold more than a scalar; None for other types.

    That a field holds what its type says is what mypy proves.
    """
    if not dataclasses.is_dataclass(kind):
        return None
    names = tuple(field.name for field in dataclasses.fields(kind))
    got = operator.attrgetter(*names) if len(names) > 1 else lambda record: (getattr(record, names[0]),)
    hints = _hints(typing.cast(typing.Hashable, kind))
    return names, got, tuple(name for name in names if not _is_scalar(hints[name]))


def _is_scalar(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, str | int | float)


def plain(value: Any) -> Any:
    """Plain dicts and lists of what holds records: as ``dataclasses.asdict``, without copies of what cannot change."""
    kind = type(value)
    if kind is str or kind is int or kind is float or kind is bool or value is None:
        return value
    if kind is tuple or kind is list:
        return kind(plain(item) for item in value)
    if kind is dict:
        return {key: plain(item) for key, item in value.items()}
    shape = _shape(typing.cast(typing.Hashable, kind))
    if shape is None:
        return value
    names, got, deep = shape
    fields = dict(zip(names, got(value), strict=True))
    for name in deep:
        fields[name] = plain(fields[name])
    return fields


def fields_of(record: Any) -> dict[str, Any]:
    """One level of a dataclass, for an encoder of JSON that asks again for what stands in it; TypeError for others."""
    shape = _shape(typing.cast(typing.Hashable, type(record)))
    if shape is None:
        raise TypeError(f"{type(record).__name__} is no record")
    names, got, _ = shape
    return dict(zip(names, got(record), strict=True))


_SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True, default=fields_of)
_COMPACT = json.JSONEncoder(separators=(",", ":"), default=fields_of)


def compact(content: Any) -> str:
    """Compact JSON of plain content in which records may stand."""
    return _COMPACT.encode(content)


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
