"""One node while the map changes: what is new of it is gathered, and the wrapper made once at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from broker.core.wrappers import NodeWrapper, add_grant, still_unseen, talked, talking_since
from rtcdn.model import Capacity, DrainIntent, Labels, PluginData

NUMBERS = {"CPU": "cpu", "MEM": "mem", "WEIGHT": "reported_weight"}


def _number(text: str) -> float | None:
    """A finite number not below 0, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


class NodeEdit:
    """A node being changed; ``finish`` gives its new wrapper."""

    def __init__(self, base: NodeWrapper, now_s: float) -> None:
        self._base, self._now_s = base, now_s
        self._new: dict[str, Any] = {}  # field of the wrapper -> value

    @property
    def changed(self) -> bool:
        """Whether anything was put into it."""
        return bool(self._new)

    @property
    def unused(self) -> bool:
        """Whether it is not there, and no session has a place on it."""
        return not self._now("present") and not self._now("hosting")

    @property
    def capacity(self) -> Capacity:
        """What the node carries."""
        labels: Labels = self._now("labels")
        return labels.capacity

    def put_presence(self, text: str | None, kinds: Iterable[str]) -> bool:
        """What its ``JN:`` key says, None when that is gone; whether it can be read."""
        if text is None:
            if self._now("present"):
                self._new.update(present=False, silent_since_s=self._now_s)
            return True
        readable = text in kinds and self._now("kind") in ("", text)
        self._new["present"] = True
        if readable:
            self._new["kind"] = text
        self._read("JN", readable)
        return readable

    def put_detail(self, kind: str, name: str, text: str) -> bool:
        """One field of a report; whether it can be read."""
        value = self._value(name, text)
        readable = value is not None
        if readable:
            self._new[NUMBERS.get(name) or name.lower()] = value
        self._read(name, readable)
        self._new["kind"], self._new["reported_s"] = kind, self._now_s
        if self._now("grants"):
            grants = still_unseen(self._now("grants"), self._now_s)
            self._new.update(grants=grants, own_cost=sum(known.cost for known in grants))
        return readable

    def put_drain(self, drain: DrainIntent | None) -> None:
        """Whether it takes new work."""
        self._new["drain"] = drain

    def put_grant(self, session_id: str, cost: float, at_s: float) -> None:
        """Count a grant of our own, in points of weight."""
        grants = add_grant(self._now("grants"), session_id, cost, at_s)
        self._new.update(grants=grants, own_cost=self._now("own_cost") + cost)

    def host(self, session_id: str, kind: str, step: int) -> None:
        """A context of a session more that it should have, or one less."""
        hosting = dict(self._now("hosting"))
        hosting[session_id] = hosting.get(session_id, 0) + step
        if not hosting[session_id]:
            del hosting[session_id]
        self._new.update(kind=self._now("kind") or kind, hosting=hosting)

    def finish(self) -> NodeWrapper:
        """The new wrapper."""
        return replace(self._base, **self._new)

    def _now(self, name: str) -> Any:
        return self._new[name] if name in self._new else getattr(self._base, name)

    def _read(self, name: str, readable: bool) -> None:
        """Note whether a field can be read; while one cannot the node is silent."""
        unreadable: frozenset[str] = self._now("unreadable")
        if readable == (name in unreadable):
            self._new["unreadable"] = unreadable - {name} if readable else unreadable | {name}

    def _value(self, name: str, text: str) -> Any:
        """What a field says, None when it cannot be read."""
        if name in NUMBERS:
            return _number(text)
        if name == "LABELS":
            return Labels.from_json(text)
        if name == "PLUGIN":
            return self._plugin(text)
        return text or None

    def _plugin(self, text: str) -> PluginData | None:
        plugin = PluginData.from_json(text)
        talking, before = self._now("talking_since_s"), self._now("talked_s")
        if plugin and (plugin.talkers or talking):
            self._new["talking_since_s"] = talking_since(talking, plugin.talkers, self._now_s)
        if plugin and (talking or before):
            self._new["talked_s"] = talked(before, talking, self._now_s)
        return plugin
