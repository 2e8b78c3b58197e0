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
            return typing.cast(Self, _record(cls, data))
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


def _finite(value: float) -> float:
    """The value; JSON as Python reads it also knows NaN and infinities, with which nobody can reckon."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    return value


Reader = typing.Callable[[Any], Any]


@functools.cache
def _reader(wanted: Any) -> Reader:  # noqa: PLR0911  (one case per line)
    """What reads plain data as type ``wanted``, made once per type; it raises TypeError or ValueError on a misfit."""
    origin, args = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        known = _reader(next(arg for arg in args if arg is not type(None)))
        return lambda data: None if data is None else known(data)
    if origin is tuple:
        item = _reader(args[0])
        return lambda data: tuple(map(item, _checked(data, (list, tuple))))
    if origin is dict:
        key, value = map(_reader, args)
        return lambda data: {key(k): value(v) for k, v in _checked(data, dict).items()}
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        return functools.partial(_record, wanted)
    if wanted is Any:
        return lambda data: data
    if wanted is float:
        return lambda data: _finite(float(_number(data)))
    if wanted is int:
        return lambda data: data if type(data) is int else _checked(_number(data), int)
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return wanted
    return lambda data: data if type(data) is wanted else _checked(data, wanted)


@functools.cache
def _readers(kind: type) -> dict[str, Reader]:
    """Readers of a record's fields by name; looked up when first read, so that a record may hold its own type."""
    return {name: _reader(hint) for name, hint in typing.get_type_hints(kind).items()}


def _record(kind: type, data: Any) -> Any:
    """``data`` as a record; fields that it does not have are ignored."""
    readers = _readers(kind)
    return kind(**{name: readers[name](value) for name, value in _checked(data, dict).items() if name in readers})


def _checked(data: Any, wanted: Any) -> Any:
    if not isinstance(data, wanted):
        raise TypeError(f"{data!r} is not {wanted}")
    return data


def _number(data: Any) -> Any:
    """``data`` if it is a number; to Python a boolean is one too."""
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise TypeError(f"{data!r} is not a number")
    return data
