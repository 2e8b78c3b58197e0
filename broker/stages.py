"""What one gateway follows: sessions whose stage it is told, at once and whenever it changes. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from broker.core.on_stage import OnStage, on_stage
from broker.core.virtual_map import VirtualMap
from rtcdn.ids import ID, PARTICIPANT_ID

MAX_FOLLOWED = 10_000
MAX_WATCHED = 1000  # people of one session, in one message
MOST_WATCHED = 16  # as many as there can be slots
WEIGHTS_S = 5.0  # nothing but other weights of nodes is told of a session at most so often


class Following:
    """The sessions of one gateway, and what it was last told of each. The newest counts, so only that is ever told."""

    def __init__(self, sessions: Iterable[str] = ()) -> None:
        self._told: dict[str, OnStage | None] = {}
        self._stale: dict[str, None] = {}  # in the order in which they became so
        self._told_s: dict[str, float] = {}
        self._later: set[str] = set()  # only their weights are others, and they were told a moment ago
        self.follow(sessions)

    def follow(self, sessions: Iterable[str]) -> None:
        """Follow these from now on, and no others; those that are new are told."""
        wanted = dict.fromkeys(sessions)
        self._told = {name: self._told.get(name) for name in wanted}
        self._stale = {name: None for name in wanted if name in self._stale or self._told[name] is None}
        self._told_s = {name: at_s for name, at_s in self._told_s.items() if name in wanted}
        self._later &= wanted.keys()

    def changed(self, sessions: Iterable[str]) -> bool:
        """These may look different now; whether any of them is followed."""
        followed = [name for name in sessions if name in self._told]
        self._stale.update(dict.fromkeys(followed))
        return bool(followed)

    def next(self, vmap: VirtualMap, now_s: float) -> OnStage | None:
        """The next stage to tell, as it is now; None when all is told, but for weights whose time will come."""
        due = {name for name in self._later if now_s - self._told_s[name] >= WEIGHTS_S}
        self._later -= due
        self._stale.update(dict.fromkeys(sorted(due)))
        while self._stale:
            name = next(iter(self._stale))
            del self._stale[name]
            now, told = on_stage(vmap, name), self._told[name]
            if now == told:
                continue
            if told and replace(told, weights=now.weights) == now and now_s - self._told_s[name] < WEIGHTS_S:
                self._later.add(name)
                continue
            self._later.discard(name)
            self._told[name], self._told_s[name] = now, now_s
            return now
        return None


def followed_in(message: Any) -> tuple[str, ...] | None:
    """The sessions of a ``{"follow": [...]}``; None when it is no such message."""
    wanted = message.get("follow") if isinstance(message, dict) else None
    if not isinstance(wanted, list) or len(wanted) > MAX_FOLLOWED:
        return None
    return tuple(name for name in wanted if isinstance(name, str) and ID.fullmatch(name))


def watched_in(message: Any) -> dict[str, dict[str, int]]:
    """How many want to see whom, by session, of a message that follows sessions; what cannot be read is left out."""
    told = message.get("watched") if isinstance(message, dict) else None
    found: dict[str, dict[str, int]] = {}
    for session, counts in told.items() if isinstance(told, dict) else ():
        if isinstance(session, str) and isinstance(counts, dict) and ID.fullmatch(session):
            good = {who: n for who, n in counts.items() if PARTICIPANT_ID.fullmatch(who) and type(n) is int and n > 0}
            found[session] = dict(sorted(good.items())[:MAX_WATCHED])
    return found


def most_watched(told: Iterable[dict[str, dict[str, int]]]) -> dict[str, tuple[str, ...]]:
    """Of what several gateways tell: by session, those most want to see, the most wanted first."""
    sums: dict[str, Counter[str]] = {}
    for sessions in told:
        for session, counts in sessions.items():
            sums.setdefault(session, Counter()).update(counts)
    return {
        session: tuple(sorted(counts, key=lambda who, counts=counts: (-counts[who], who))[:MOST_WATCHED])  # type: ignore[misc]
        for session, counts in sums.items()
    }
