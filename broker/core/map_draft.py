"""How a map changes: edits are gathered beside the old map and joined to it at the end.

Own grants need no call of their own: a participant's new leg is the grant. So every replica counts the
grants of every other as soon as it sees the participant's key, and nobody counts one twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from broker.core.index import Shelves, build_shelves, reshelved
from broker.core.node_edit import NodeEdit
from broker.core.session_edit import SessionEdit
from broker.core.tables import Table
from broker.core.views import SPEAKING, merged
from broker.core.wrappers import GRANT_LIFE_S, NodeWrapper, leg_load
from rtcdn.keys import INTENT_PREFIXES, Key, parse
from rtcdn.model import (
    ContextIntent,
    DrainIntent,
    GatewayInfo,
    LeaderInfo,
    LinkIntent,
    ParticipantIntent,
    PlanRecord,
    Record,
    SessionIntent,
)

if TYPE_CHECKING:
    from broker.core.virtual_map import VirtualMap

READERS: dict[str, type[Record]] = {
    "GW": GatewayInfo,
    "LD": LeaderInfo,
    "SS": SessionIntent,
    "CX": ContextIntent,
    "LK": LinkIntent,
    "PT": ParticipantIntent,
    "ND": DrainIntent,
    "PL": PlanRecord,
}
MANY_NODES = 64  # more changed nodes than this: the shelves are built anew


def _gateways(participant: ParticipantIntent | None) -> set[str]:
    """The gateways that hold a participant's legs."""
    return {leg.gateway for leg in participant.legs if leg.gateway} if participant else set()


class MapDraft:
    """A map being changed. Used once: ``put_*`` any number of times, then ``finish``."""

    def __init__(self, base: VirtualMap, now_s: float) -> None:
        self._base = base
        self._now_s = now_s
        self._nodes: dict[str, NodeEdit] = {}
        self._sessions: dict[str, SessionEdit] = {}
        self._clients: dict[str, dict[str, bool | None]] = {}
        self._forgotten: set[str] = set()
        self._rest: dict[str, Any] = {}  # small fields of the map that changed
        self._unreadable: dict[str, str] | None = None
        self.revision = base.revision

    # ---- entries --------------------------------------------------------------------------------

    def put_text(self, key: str, text: str | None, revision: int) -> None:
        """One event of the store; a key that is not ours is passed over."""
        self.revision = max(self.revision, revision)
        parsed = parse(key)
        if parsed is None:
            return
        if parsed.prefix == "JN":
            self._mark(key, self._node(parsed.ids[0]).put_presence(text, self._base.kinds), text or "")
        elif parsed.field:
            # the last details of a silent node are kept: links still end there
            if text is not None and parsed.prefix in self._base.kinds:
                self._mark(key, self._node(parsed.ids[0]).put_detail(parsed.prefix, parsed.field, text), text)
        else:
            record = None if text is None else READERS[parsed.prefix].from_json(text)
            readable = text is None or record is not None
            self._mark(key, readable, text or "")
            if readable:
                self._put(parsed, record, revision)

    def put_record(self, key: str, record: Record | None, revision: int) -> None:
        """One key of the intent, as a record."""
        self.revision = max(self.revision, revision)
        parsed = parse(key)
        if parsed is None or parsed.prefix not in INTENT_PREFIXES:
            raise ValueError(f"{key!r} is not a key of the intent")
        self._mark(key, True, "")
        self._put(parsed, record, revision)

    def _mark(self, key: str, readable: bool, text: str) -> None:
        known = self._base.unreadable if self._unreadable is None else self._unreadable
        if readable == (key not in known):
            return
        changed = dict(known)
        if readable:
            del changed[key]
        else:
            changed[key] = text[:80]
        self._unreadable = changed

    def _node(self, node_id: str) -> NodeEdit:
        if node_id not in self._nodes:
            base = self._base.nodes.get(node_id) or NodeWrapper(node_id, silent_since_s=self._now_s)
            self._nodes[node_id] = NodeEdit(base, self._now_s)
        return self._nodes[node_id]

    # ---- what should be -------------------------------------------------------------------------

    def _put(self, parsed: Key, record: Any, revision: int) -> None:
        prefix, ids = parsed.prefix, parsed.ids
        if prefix == "LD":
            self._rest["leader"] = record
        elif prefix == "GW":
            self._gateway(ids[0], record)
        elif prefix == "ND":
            self._drain(ids[0], record)
        else:
            self._session_key(prefix, ids, record, revision)

    def _drain(self, node_id: str, drain: DrainIntent | None) -> None:
        """A silent node that no session counts on is forgotten with its drain: it is as new when it comes."""
        node = self._node(node_id)
        node.put_drain(drain)
        if drain is None and node.unused:
            self._forgotten.add(node_id)
            self._nodes[node_id] = NodeEdit(NodeWrapper(node_id, silent_since_s=self._now_s), self._now_s)

    def _session_key(self, prefix: str, ids: tuple[str, ...], record: Any, revision: int) -> None:
        edit = self._edit(ids[0])
        if prefix == "SS":
            edit.intent, edit.revision = record, revision if record else 0
        elif prefix == "PL":
            edit.plan = record
        elif prefix == "LK":
            edit.put_link(ids[1], record, self._now_s)
        elif prefix == "CX":
            before = edit.put_context(ids[1], record, self._now_s)
            self._host(ids[0], before, -1)
            self._host(ids[0], record, 1)
        else:
            self._participant(edit, ids[0], ids[1], record)

    def _edit(self, session_id: str) -> SessionEdit:
        if session_id not in self._sessions:
            self._sessions[session_id] = SessionEdit(session_id, self._base.sessions.get(session_id))
        return self._sessions[session_id]

    def _host(self, session_id: str, context: ContextIntent | None, step: int) -> None:
        if context is not None:
            self._node(context.node).host(session_id, context.kind, step)

    def _participant(self, edit: SessionEdit, session_id: str, name: str, record: ParticipantIntent | None) -> None:
        before = edit.put_participant(name, record)
        client = f"{session_id}:{name}"
        held, holds = _gateways(before), _gateways(record)
        for gateway in held ^ holds:
            self._clients.setdefault(gateway, {})[client] = True if gateway in holds else None
        if record is None or self._now_s - record.joined_s > GRANT_LIFE_S:
            return
        known = {(leg.leg, leg.generation, leg.context) for leg in before.legs} if before else ()
        for leg in record.legs:
            if leg.state == "granted" and (leg.leg, leg.generation, leg.context) not in known:
                node = self._node(leg.node)
                bitrate_bps = edit.intent.bitrate_bps if edit.intent else 0
                live = record.role in SPEAKING
                load = leg_load(leg, bitrate_bps, edit.stage_count, edit.speaker_count, live)
                node.put_grant(session_id, load.cost(node.capacity), record.joined_s)

    def _gateway(self, gateway_id: str, info: GatewayInfo | None) -> None:
        gateways = dict(self._rest.get("gateways", self._base.gateways))
        gone = dict(self._rest.get("gone_gateways", self._base.gone_gateways))
        if info:
            gateways[gateway_id] = info
            gone.pop(gateway_id, None)
        elif gateway_id in gateways:
            gone[gateway_id] = (gateways.pop(gateway_id), self._now_s)
        self._rest.update(gateways=gateways, gone_gateways=gone)

    # ---- the end --------------------------------------------------------------------------------

    def finish(self) -> VirtualMap:
        """The changed map."""
        base = self._base
        changed = {name: edit.finish() for name, edit in self._nodes.items() if edit.changed}
        gone = {name: None for name in self._forgotten if name not in changed}
        nodes = merged(base.nodes, {**changed, **gone}) if changed or gone else base.nodes
        self._restage_moved(changed)
        views = {name: edit.finish(nodes) for name, edit in self._sessions.items()}
        sessions = merged(base.sessions, {n: None if v.nothing_left else v for n, v in views.items()})
        clients = base.gateway_clients
        for gateway, overlay in self._clients.items():
            table: Table[bool] = merged(clients.get(gateway) or Table(), overlay)
            clients = clients.set(gateway, table) if table else clients.drop(gateway)
            self._miss(gateway, bool(table))
        return replace(
            base,
            revision=self.revision,
            number=base.number + 1,
            nodes=nodes,
            sessions=sessions if views else base.sessions,
            shelves=self._shelves(nodes, {**changed, **gone}),
            gateway_clients=clients,
            unreadable=base.unreadable if self._unreadable is None else self._unreadable,
            **self._rest,
        )

    def _miss(self, gateway: str, has_clients: bool) -> None:
        """A gateway that holds participants and was never seen is gone from now on."""
        gone = self._rest.get("gone_gateways", self._base.gone_gateways)
        if has_clients and gateway not in gone and gateway not in self._rest.get("gateways", self._base.gateways):
            self._rest["gone_gateways"] = {**gone, gateway: (GatewayInfo(), self._now_s)}

    def _restage_moved(self, changed: dict[str, NodeWrapper]) -> None:
        """Sessions whose stages stand on a node that now says another region look their stages up again."""
        for name, wrapper in changed.items():
            before: NodeWrapper | None = self._base.nodes.get(name)
            if before is not None and before.region != wrapper.region:
                for session_id in wrapper.hosting:
                    self._edit(session_id).restage = True

    def _shelves(self, nodes: Table[NodeWrapper], changed: Mapping[str, NodeWrapper | None]) -> Shelves:
        if len(changed) > MANY_NODES and len(changed) * 4 > len(nodes):
            return build_shelves(nodes.values())
        shelves = self._base.shelves
        for name, wrapper in changed.items():
            if wrapper is None and name not in self._base.nodes:
                continue
            shelves = reshelved(shelves, self._base.nodes.get(name), wrapper)
        return shelves
