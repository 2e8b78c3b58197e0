"""Statistics that clients tell: the latest for operators, and what adds up for ``/metrics``, without names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import to_builtins

from gateway import metrics
from gateway.client.requests import ConnectionFigures, Stream

PURPOSES = {"r": "receive", "v": "voice", "s": "send"}


class FiguresOf:
    """Of one participant."""

    def __init__(self) -> None:
        self._latest: dict[str, ConnectionFigures] = {}

    def take(self, connections: Iterable[ConnectionFigures], known: Iterable[str]) -> None:
        """A report; connections that are not ``known`` are left out, and forgotten."""
        known = set(known)
        self._latest = {ident: figures for ident, figures in self._latest.items() if ident in known}
        for each in connections:
            if each.connection not in known:
                continue
            before = self._latest.get(each.connection)
            self._latest[each.connection] = each
            if each.rtt_ms:
                metrics.RTT.labels(PURPOSES[each.connection[0]]).observe(each.rtt_ms / 1000)
            older = {stream.mid: stream for stream in before.streams} if before else {}
            for stream in each.streams:
                if stream.direction == "in":
                    _count(older.get(stream.mid), stream)

    def shown(self) -> list[dict[str, Any]]:
        """The latest, as JSON."""
        return [to_builtins(each) for each in self._latest.values()]


def _count(before: Stream | None, now: Stream) -> None:
    """Add what one stream had since the report before."""
    if now.jitter_ms:
        metrics.JITTER.labels(now.kind).observe(now.jitter_ms / 1000)
    if before is None or now.packets < before.packets:
        return
    metrics.PACKETS.labels(now.kind).inc(now.packets - before.packets)
    metrics.LOST.labels(now.kind).inc(max(0, now.lost - before.lost))
    metrics.FREEZES.inc(max(0, now.freezes - before.freezes))
