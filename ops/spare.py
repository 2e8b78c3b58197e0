"""The row of ``rtcdn_nodes`` for a node on a spare host: an id and ports that nothing on that host has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ops.event import tables
from ops.event.model import Event
from rtcdn.errors import ConfigError

Row = dict[str, Any]


def row(event: Event, host: str, kind: str, there: Iterable[Mapping[str, Any]]) -> Row:
    """A new node of ``kind``; ``there``: all rows that there are. ConfigError when the host's ports are used up."""
    mine = [each for each in there if each["host"] == host]
    names = {str(each["id"]) for each in mine}
    number = next(at for at in range(1, len(mine) + 2) if f"{host}-{kind.lower()}{at}" not in names)
    ports = {int(each["port"]) for each in mine}
    first = event.spec.ports.nodes
    port = next(at for at in range(first, first + tables.BLOCK * (len(mine) + 1), tables.BLOCK) if at not in ports)
    taken = [_bounds(str(each[use])) for each in mine for use in ("webrtc", "rtp") if each.get(use)]
    if event.spec.features.turn:
        taken.append(_bounds(event.spec.ports.turn_relay))
    made: Row = {"id": f"{host}-{kind.lower()}{number}", "kind": kind, "host": host, "port": port}
    for use, count in zip(("webrtc", "rtp"), tables.spans(event, kind), strict=True):
        made[use] = _free(event, host, count, taken)
    return made


def _free(event: Event, host: str, count: int, taken: list[tuple[int, int]]) -> str:
    """The first ``count`` ports that are free, noted as taken; empty for none."""
    if not count:
        return ""
    at, last = _bounds(event.spec.ports.udp)
    for low, high in sorted(taken):
        if at + count <= low:
            break
        at = max(at, high + 1)
    if at + count - 1 > last:
        raise ConfigError([f"ports.udp: {event.spec.ports.udp} has no {count} ports left on {host}: widen it"])
    taken.append((at, at + count - 1))
    return f"{at}-{at + count - 1}"


def _bounds(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last)
