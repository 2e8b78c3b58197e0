"""Wrappers: the broker's view of one node, and what each kind of node can do.

The weight used in a decision is the reported one plus the cost of our own grants that the report cannot
know yet: status is stale by construction (92 joins in 31 s once put 58 on one bridge, jicofo PR 1298).
Kinds from outside (entry point group ``rtcdn.wrappers``) are loaded by the shell and passed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcdn.ids import DETOUR
from rtcdn.model import Capacity, ContextInfo, DrainIntent, Labels, Leg, PluginData

SETTLE_S = 3.0  # a grant shows in a report this long after it was given: offer, ICE and DTLS, then sampling
GRANT_LIFE_S = 30.0  # no grant is counted longer, whatever the reports
AUDIO_KBPS = 48.0
AUDIO_PACKETS_PS = 50.0
VIDEO_PACKET_BYTES = 1100.0
TALK_KEPT_S = 300.0  # who has been silent longer is not told from one who never spoke
MOST_FORWARDS = 20  # stages beyond these are no reason to refuse a speaker: the estimate stops here


@dataclass(frozen=True, slots=True)
class Load:
    """What one piece of work asks of a node, in the units of ``Capacity``."""

    handles: float = 0.0
    egress_kbps: float = 0.0
    egress_packets_ps: float = 0.0
    participants: float = 0.0

    def cost(self, capacity: Capacity) -> float:
        """Points of weight: the scarcest share of the capacity, times 100."""
        share = self.handles / capacity.handles if capacity.handles > 0 else 0.0
        if capacity.egress_kbps > 0:
            share = max(share, self.egress_kbps / capacity.egress_kbps)
        if capacity.egress_packets_ps > 0:
            share = max(share, self.egress_packets_ps / capacity.egress_packets_ps)
        if capacity.participants > 0:
            share = max(share, self.participants / capacity.participants)
        return 100.0 * share


def view_load(bitrate_bps: int, videos: int = 1) -> Load:
    """A viewer who receives the mix and ``videos`` pictures."""
    kbps = videos * bitrate_bps / 1000
    packets_ps = kbps * 1000 / 8 / VIDEO_PACKET_BYTES
    return Load(1.0, kbps + AUDIO_KBPS, packets_ps + AUDIO_PACKETS_PS)


def publish_load(bitrate_bps: int, stages: int) -> Load:
    """A speaker whose video goes to ``stages`` mountpoints; a plain source is sent into three ports of each."""
    kbps = 3.0 * min(stages, MOST_FORWARDS) * bitrate_bps / 1000
    return Load(1.0, kbps + AUDIO_KBPS, kbps * 1000 / 8 / VIDEO_PACKET_BYTES + AUDIO_PACKETS_PS)


def talk_load(live: bool) -> Load:
    """A person in a mix. One who waits there suspended costs a handle: 200 of them took 15 % of a core, measured."""
    return Load(1.0, AUDIO_KBPS, AUDIO_PACKETS_PS, 1.0) if live else Load(1.0)


def leg_load(leg: Leg, bitrate_bps: int, stages: int, speakers: int, live: bool) -> Load:
    """What a granted leg will ask of its node, in a session of so many stages and speakers; ``live``: he may speak."""
    if leg.leg == "publish":
        return publish_load(bitrate_bps, max(1, stages))
    return view_load(bitrate_bps, max(1, speakers)) if leg.leg == "view" else talk_load(live)


@dataclass(frozen=True, slots=True)
class WrapperKind:
    """What a kind of node can do: its duties and the plugin that serves them."""

    kind: str
    duties: tuple[str, ...]
    plugin: str


BUILT_IN_KINDS: dict[str, WrapperKind] = {
    "VR": WrapperKind("VR", ("ingress", "relay"), "janus.plugin.videoroom"),
    "AB": WrapperKind("AB", ("mix",), "janus.plugin.audiobridge"),
    "ST": WrapperKind("ST", ("stage",), "janus.plugin.streaming"),
    "AI": WrapperKind("AI", ("tap",), ""),
}


def kind_for(kinds: Mapping[str, WrapperKind], duty: str) -> str:
    """The kind that serves a duty, empty when none does."""
    return next((kind.kind for kind in kinds.values() if duty in kind.duties), "")


@dataclass(frozen=True, slots=True)
class Grants:
    """Our own grants on a node to one session within one second."""

    at_s: float
    session: str
    count: int
    cost: float


@dataclass(frozen=True, slots=True)
class NodeWrapper:
    """One node: who it is, its status, its plugin data, and what we asked of it since."""

    id: str
    kind: str = ""
    region: str = ""
    address: str = ""
    labels: Labels = field(default_factory=Labels)
    cpu: float = 0.0
    mem: float = 0.0
    reported_weight: float = 0.0
    plugin: PluginData = field(default_factory=PluginData)
    present: bool = False  # its JN: key stands
    unreadable: frozenset[str] = frozenset()  # fields of it that cannot be read
    drain: DrainIntent | None = None
    grants: tuple[Grants, ...] = ()
    own_cost: float = 0.0  # of the grants, in points of weight
    hosting: dict[str, int] = field(default_factory=dict)  # session -> contexts it should have here
    reported_s: float = 0.0  # when the last report came
    silent_since_s: float = 0.0
    talking_since_s: dict[str, dict[str, float]] = field(default_factory=dict)  # context -> who -> since when
    talked_s: dict[str, dict[str, float]] = field(default_factory=dict)  # context -> who -> when last, of late

    @property
    def weight(self) -> float:
        """The weight used in decisions: reported, plus own grants newer than the report."""
        return self.reported_weight + self.own_cost

    @property
    def in_use(self) -> int:
        """Handles, as reported and as granted since: tells nodes of one host apart, whose CPU is the same."""
        return self.plugin.handles + self.unreported

    @property
    def lasting_weight(self) -> float:
        """The weight without its CPU term, which comes and goes: for what is promised ahead."""
        lasting = [value for name, value in self.labels.weight_terms.items() if name != "cpu"]
        return max(lasting, default=self.reported_weight) + self.own_cost

    @property
    def silent(self) -> bool:
        """Whether nothing can be asked of it: not there, or its keys cannot be read."""
        return not self.present or bool(self.unreadable) or not self.address

    @property
    def draining(self) -> bool:
        """Whether it takes no new work."""
        return self.drain is not None

    @property
    def out(self) -> str:
        """Why an index leaves it out: ``silent``, ``draining`` or empty."""
        return "silent" if self.silent else ("draining" if self.drain else "")

    @property
    def unreported(self) -> int:
        """Own grants of all sessions that no report covers yet."""
        return sum([grants.count for grants in self.grants]) if self.grants else 0

    def recent(self, session: str) -> int:
        """Own grants to a session that no report covers yet."""
        return sum(grants.count for grants in self.grants if grants.session == session)

    def context(self, janus_id: str) -> ContextInfo | None:
        """What was reported of a context."""
        for info in self.plugin.contexts:
            if info.id == janus_id:
                return info
        return None

    def to_dict(self) -> dict[str, Any]:
        """As ``GET /v1/map`` and ``GET /v1/nodes`` show it.

        Rooms of detours hold no work of the node's own and are left out: only how many links pass them is told.
        """
        own = [info for info in self.plugin.contexts if f"/{DETOUR}" not in info.id]
        passing = [info for info in self.plugin.contexts if f"/{DETOUR}" in info.id]
        return {
            "id": self.id,
            "kind": self.kind,
            "region": self.region,
            "address": self.address,
            "host": self.labels.host,
            "version": self.labels.version,
            "secret_version": self.labels.secret_version,
            "state": self.out or "ready",
            "cpu": self.cpu,
            "mem": self.mem,
            "weight": round(self.weight, 2),
            "reported_weight": self.reported_weight,
            "own_grants_weight": round(self.own_cost, 2),
            "weight_terms": self.labels.weight_terms,
            "unreadable": sorted(self.unreadable),
            "drain": self.drain.to_dict() if self.drain else None,
            "viewers": sum(info.viewers for info in self.plugin.contexts),
            "publishers": sum(len(info.publishers) for info in own),
            "contexts": sorted(info.id for info in own),
            "detours": sum(len(info.publishers) for info in passing),
            "sessions": sorted(self.hosting),
            "media_age_ms": {
                info.id: {medium.mid: medium.age_ms for medium in info.media}
                for info in self.plugin.contexts
                if info.media
            },
        }


def add_grant(grants: tuple[Grants, ...], session: str, cost: float, at_s: float) -> tuple[Grants, ...]:
    """Count one grant; those of one session within one second share a record."""
    second = float(int(at_s))
    kept = list(grants)
    for at, known in enumerate(kept):
        if known.at_s == second and known.session == session:
            kept[at] = Grants(second, session, known.count + 1, known.cost + cost)
            return tuple(kept)
    return (*kept, Grants(second, session, 1, cost))


def still_unseen(grants: Iterable[Grants], reported_s: float) -> tuple[Grants, ...]:
    """The grants that a report which came at ``reported_s`` cannot contain."""
    return tuple(grants_ for grants_ in grants if grants_.at_s > reported_s - SETTLE_S)


def talking_since(
    known: Mapping[str, Mapping[str, float]], talkers: Mapping[str, Iterable[str]], now_s: float
) -> dict[str, dict[str, float]]:
    """Who talk in each context and since when; who goes on talking keeps his time."""
    return {
        context: {who: known.get(context, {}).get(who, now_s) for who in people}
        for context, people in talkers.items()
        if people
    }


def talked(
    known: Mapping[str, Mapping[str, float]], since: Mapping[str, Iterable[str]], now_s: float
) -> dict[str, dict[str, float]]:
    """When people of each context talked last; ``since``: who talked until now."""
    oldest_s = now_s - TALK_KEPT_S
    found = {context: {who: at for who, at in people.items() if at > oldest_s} for context, people in known.items()}
    for context, people in since.items():
        found.setdefault(context, {}).update(dict.fromkeys(people, now_s))
    return {context: people for context, people in found.items() if people}
