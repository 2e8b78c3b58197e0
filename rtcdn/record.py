"""Frozen dataclasses as JSON objects, read without ever raising on what another machine wrote."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from enum import StrEnum
from typing import Any, Self


class Record:
    """Base of frozen dataclasses that travel as JSON objects; unknown fields are ignored."""

    def to_dict(self) -> dict[str, Any]:
        """The record as plain dicts and lists."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    def to_json(self) -> str:
        """The record as compact JSON with sorted keys, so that equal records are equal text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: object) -> Self | None:
        """The record read from a plain dict, or None when it does not fit. Never raises."""
        try:
            return typing.cast(Self, _read(cls, data))
        except (TypeError, ValueError, KeyError):
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
        return {_read(args[0], k): _read(args[1], v) for k, v in data.items()}
    if isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
        if not isinstance(data, dict):
            raise TypeError(f"{data!r} is not an object")
        hints = _hints(wanted)
        names = [name for name in hints if name in data]
        return wanted(**{name: _read(hints[name], data[name]) for name in names})
    if wanted is Any:
        return data
    if wanted is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return wanted(data)
    if not isinstance(data, wanted) or (wanted is int and isinstance(data, bool)):
        raise TypeError(f"{data!r} is not {wanted}")
    return data
