"""Who came to a session of late and who waits for his turn, while the map changes."""

from __future__ import annotations

from broker.core.tables import Table
from broker.core.views import SessionView, merged
from rtcdn.model import ParticipantIntent

KEPT_S = 60  # arrivals are counted for so long


class Arrivals:
    """Arrivals by second, and turns, of one session being changed."""

    def __init__(self, base: SessionView) -> None:
        self._base = base
        self._waiting: dict[str, float | None] = {}
        self._joins: dict[int, int] | None = None
        self._last_turn_s = base.last_turn_s

    def put(self, name: str, before: ParticipantIntent | None, record: ParticipantIntent | None) -> None:
        """A participant changed: he came, waits, or waits no longer."""
        if record is not None and record.legs and not (before and before.legs):
            if self._joins is None:
                self._joins = dict(self._base.joins)
            second = int(record.joined_s)
            self._joins[second] = self._joins.get(second, 0) + 1
        turn_s = record.turn_s if record else 0.0
        if turn_s:
            self._waiting[name] = turn_s
            self._last_turn_s = max(self._last_turn_s, turn_s)
        elif name in self._waiting or name in self._base.waiting:
            self._waiting[name] = None

    def waiting(self) -> Table[float]:
        """Who waits, with their turns."""
        return merged(self._base.waiting, self._waiting) if self._waiting else self._base.waiting

    def last_turn_s(self) -> float:
        """The latest turn that was given."""
        return self._last_turn_s

    def joins(self) -> tuple[tuple[int, int], ...]:
        """How many came, by second, in order."""
        if self._joins is None:
            return self._base.joins
        latest = max(self._joins)
        return tuple(sorted((second, count) for second, count in self._joins.items() if second > latest - KEPT_S))
