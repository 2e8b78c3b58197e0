"""The map: all wrappers, contexts and links at one revision. Immutable; a changed map shares what did not change.

A node's details are shown once its ``JN:`` key stands; when that goes the node is silent and keeps its last
details. Text that cannot be read makes a node silent, or leaves an intent as it was; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.core import invariants
from broker.core.decisions import IntentChange
from broker.core.index import Shelves
from broker.core.map_draft import MapDraft
from broker.core.tables import Table
from broker.core.views import SessionView
from broker.core.wrappers import BUILT_IN_KINDS, NodeWrapper, WrapperKind
from rtcdn import keys
from rtcdn.model import GatewayInfo, LeaderInfo, Record

RANKS = {"GW": 1, "SS": 2, "CX": 3, "LK": 4, "PT": 5}  # a snapshot is read in this order; JN: after the details


def _rank(key: str) -> int:
    return RANKS.get(key.partition(":")[0], 0)


@dataclass(frozen=True, slots=True)
class VirtualMap:
    """What is and what should be, as of ``revision``."""

    revision: int = 0
    number: int = field(default=0, compare=False)  # grows with each change; the decision log tells maps by it
    nodes: Table[NodeWrapper] = field(default_factory=Table)
    sessions: Table[SessionView] = field(default_factory=Table)
    shelves: Shelves = field(default_factory=dict)
    gateways: dict[str, GatewayInfo] = field(default_factory=dict)
    gone_gateways: dict[str, tuple[GatewayInfo, float]] = field(default_factory=dict)  # since when
    gateway_clients: Table[Table[bool]] = field(default_factory=Table)  # gateway -> "<session>:<participant>"
    leader: LeaderInfo | None = None
    unreadable: dict[str, str] = field(default_factory=dict)  # key -> beginning of its text
    kinds: Mapping[str, WrapperKind] = field(default_factory=lambda: BUILT_IN_KINDS)

    @classmethod
    def empty(cls, kinds: Mapping[str, WrapperKind] | None = None) -> VirtualMap:
        """A map of nothing. ``kinds``: built-in ones and those loaded from ``rtcdn.wrappers``."""
        return cls(kinds=kinds or BUILT_IN_KINDS)

    @classmethod
    def build(
        cls,
        snapshot: Mapping[str, tuple[str, int]],
        now_s: float,
        revision: int = 0,
        kinds: Mapping[str, WrapperKind] | None = None,
    ) -> VirtualMap:
        """The map of a whole snapshot: key -> (text, mod_revision), read at ``revision``."""
        draft = MapDraft(cls.empty(kinds), now_s)
        for key in sorted(snapshot, key=lambda key: (_rank(key), key.startswith("JN:"))):
            text, mod_revision = snapshot[key]
            draft.put_text(key, text, mod_revision)
        draft.revision = max(draft.revision, revision)
        return draft.finish()

    def apply(self, changes: Iterable[tuple[str, str | None, int]], now_s: float, revision: int = 0) -> VirtualMap:
        """The map after a batch of the watch: (key, text or None when deleted, mod_revision), in order.

        ``revision``: of the whole batch, when it held keys that are on the map already.
        """
        draft = MapDraft(self, now_s)
        draft.revision = max(draft.revision, revision)
        for key, text, mod_revision in changes:
            draft.put_text(key, text, mod_revision)
        return draft.finish()

    def with_changes(self, changes: Iterable[IntentChange], revision: int, now_s: float) -> VirtualMap:
        """The map after changes of our own, committed at ``revision`` (0: not committed yet)."""
        draft = MapDraft(self, now_s)
        for change in changes:
            draft.put_record(change.key, change.record, revision)
        return draft.finish()

    def node(self, node_id: str) -> NodeWrapper | None:
        """The wrapper of a node, silent ones too."""
        return self.nodes.get(node_id)  # type: ignore[no-any-return]

    def session(self, session_id: str) -> SessionView | None:
        """The view of a session, or None when it has no intent."""
        view: SessionView | None = self.sessions.get(session_id)
        return view if view and view.intent else None

    def serving(self, node_id: str) -> bool:
        """Whether a node is there and can be acted upon."""
        wrapper = self.node(node_id)
        return wrapper is not None and not wrapper.silent

    def regions(self) -> tuple[str, ...]:
        """Names of all regions with nodes, in order."""
        return tuple(sorted({region for _, region in self.shelves}))

    def check(self) -> list[str]:
        """The broken invariants, each as a sentence; empty when all is well."""
        return invariants.check(self)

    def to_dict(self) -> dict[str, Any]:
        """As ``GET /v1/map`` shows it."""
        return {
            "revision": self.revision,
            "nodes": {name: self.nodes[name].to_dict() for name in sorted(self.nodes)},
            "sessions": {name: self.sessions[name].to_dict() for name in sorted(self.sessions)},
            "gateways": {name: info.to_dict() for name, info in sorted(self.gateways.items())},
            "leader": self.leader.to_dict() if self.leader else None,
            "unreadable": sorted(self.unreadable),
        }


def out_of_work(vmap: VirtualMap, node_id: str) -> bool:
    """Whether a node takes no new work: unknown, silent or draining."""
    wrapper = vmap.node(node_id)
    return wrapper is None or bool(wrapper.out)


def rungs(vmap: VirtualMap, regions: tuple[str, ...]) -> Iterator[list[str]]:
    """Regions to look at one after another: those asked for, then all others together."""
    for region in regions:
        yield [region]
    rest = [region for region in vmap.regions() if region not in regions]
    if rest:
        yield rest


def record_at(vmap: VirtualMap, key: str) -> Record | None:
    """The record that stands under an intent key in a map."""
    parts = keys.parse(key)
    if parts is None:
        return None
    if parts.prefix == "ND":
        wrapper = vmap.node(parts.ids[0])
        return wrapper.drain if wrapper else None
    view = vmap.session(parts.ids[0])
    if view is None:
        return None
    if parts.prefix == "SS":
        return view.intent
    table: Any = {"CX": view.contexts, "LK": view.links, "PT": view.participants}.get(parts.prefix, {})
    record: Record | None = table.get(parts.ids[1]) if len(parts.ids) > 1 else None
    return record
