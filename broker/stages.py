"""What one gateway follows: sessions whose stage it is told, at once and whenever it changes. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from broker.core.on_stage import OnStage, on_stage
from broker.core.virtual_map import VirtualMap
from rtcdn.ids import ID

MAX_FOLLOWED = 10_000


class Following:
    """The sessions of one gateway, and what it was last told of each. The newest counts, so only that is ever told."""

    def __init__(self, sessions: Iterable[str] = ()) -> None:
        self._told: dict[str, OnStage | None] = {}
        self._stale: dict[str, None] = {}  # in the order in which they became so
        self.follow(sessions)

    def follow(self, sessions: Iterable[str]) -> None:
        """Follow these from now on, and no others; those that are new are told."""
        wanted = dict.fromkeys(sessions)
        self._told = {name: self._told.get(name) for name in wanted}
        self._stale = {name: None for name in wanted if name in self._stale or self._told[name] is None}

    def changed(self, sessions: Iterable[str]) -> bool:
        """These may look different now; whether any of them is followed."""
        followed = [name for name in sessions if name in self._told]
        self._stale.update(dict.fromkeys(followed))
        return bool(followed)

    def next(self, vmap: VirtualMap) -> OnStage | None:
        """The next stage to tell, as it is now; None when all is told."""
        while self._stale:
            name = next(iter(self._stale))
            del self._stale[name]
            now = on_stage(vmap, name)
            if now != self._told[name]:
                self._told[name] = now
                return now
        return None


def followed_in(message: Any) -> tuple[str, ...] | None:
    """The sessions of a ``{"follow": [...]}``; None when it is no such message."""
    wanted = message.get("follow") if isinstance(message, dict) else None
    if not isinstance(wanted, list) or len(wanted) > MAX_FOLLOWED:
        return None
    return tuple(name for name in wanted if isinstance(name, str) and ID.fullmatch(name))
