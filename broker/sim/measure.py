"""What a run comes to: samples over time, and totals. It is the truth of the world, not the broker's view."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from broker.core.views import SessionView
from broker.core.wrappers import AUDIO_KBPS
from broker.sim.scene import LAYERS, SimNode

BIN_MS = 10
BINS = 40  # the last takes whatever is farther
KBPS_S_PER_GB = 8_000_000.0


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which ``share`` of ordered values lie; 0 when there are none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def spread(values: Iterable[float]) -> dict[str, float]:
    """Least, median, 95th percentile and most."""
    ordered = sorted(values)
    marks = {"min": 0.0, "p50": 0.5, "p95": 0.95, "max": 1.0}
    return {name: round(quantile(ordered, share), 2) for name, share in marks.items()}


@dataclass
class Distances:
    """Round trips from viewers to their egress, counted by their own region."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, region: str, ms: float) -> None:
        """One viewer was placed."""
        self.values.setdefault(region, []).append(ms)

    def shown(self) -> dict[str, Any]:
        """Percentiles over all and by region, and the histogram."""
        everybody = sorted(ms for values in self.values.values() for ms in values)
        bins = [0] * BINS
        for ms in everybody:
            bins[min(BINS - 1, int(ms / BIN_MS))] += 1
        return {
            "placed": len(everybody),
            "mean_ms": round(sum(everybody) / len(everybody), 2) if everybody else 0.0,
            **{f"{name}_ms": value for name, value in spread(everybody).items()},
            "by_region": {region: spread(self.values[region]) for region in sorted(self.values)},
            "bin_ms": BIN_MS,
            "histogram": bins,
        }


@dataclass
class Traffic:
    """Copies of media between regions, looked up anew only where links changed."""

    regions: dict[str, str]  # node -> region
    _known: dict[str, tuple[Any, Any, float]] = field(default_factory=dict)  # session -> links, contexts, kbps

    def kbps(self, view: SessionView) -> float:
        """What a session's links carry from region to region now."""
        known = self._known.get(view.id)
        if known and known[0] is view.links and known[1] is view.contexts:
            return known[2]
        video_kbps = view.intent.bitrate_bps / 1000 if view.intent else 0.0
        found = 0.0
        for link in view.links.values():
            ends = [view.contexts.get(name) for name in (link.source, link.target)]
            places = [self.regions.get(end.node, "") if end else "" for end in ends]
            if places[0] != places[1]:
                found += _link_kbps(link.kind, link.simulcast, video_kbps)
        found = round(found, 3)  # the order of a table is not defined: let no last digit depend on it
        self._known[view.id] = (view.links, view.contexts, found)
        return found

    def forget(self, session: str) -> None:
        """A session ended."""
        self._known.pop(session, None)


def _link_kbps(kind: str, simulcast: bool, video_kbps: float) -> float:
    """What a link carries; a plain picture is sent into each of the three ports of a slot."""
    if kind == "slot":
        return video_kbps * (1 if simulcast else LAYERS)
    if kind == "remote":
        return video_kbps + AUDIO_KBPS
    return 2 * AUDIO_KBPS if kind == "trunk" else AUDIO_KBPS


@dataclass
class Measures:
    """Counts while a world runs; ``result`` is the report's content."""

    samples: list[dict[str, Any]] = field(default_factory=list)
    distances: Distances = field(default_factory=Distances)
    joins: int = 0
    came: int = 0
    gave_up: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    refused_other: Counter[str] = field(default_factory=Counter)  # what was no attach, by request and code
    moves: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    marks: list[tuple[float, str]] = field(default_factory=list)  # failures, for the plots
    broken: Counter[str] = field(default_factory=Counter)  # invariants that did not hold
    nodes_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # node -> seconds in use
    there_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # node -> seconds that it was there
    gb: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # node -> gigabytes sent to people
    region_gb: float = 0.0
    viewer_s: float = 0.0
    dark_s: float = 0.0
    overload_s: float = 0.0

    def sample(
        self, at_s: float, for_s: float, now: dict[str, Any], nodes: Iterable[tuple[SimNode, bool, float]]
    ) -> None:
        """Note how things stand. ``nodes``: each with whether it is in use and what it sends to people, in kbit/s."""
        kbps = 0.0
        weights: dict[str, list[float]] = {}
        in_use: Counter[str] = Counter()
        for node, used, sent_kbps in nodes:
            if node.dead:
                continue
            kbps += sent_kbps
            self.there_s[node.id] += for_s
            self.gb[node.id] += sent_kbps * for_s / KBPS_S_PER_GB
            if used:
                in_use[node.kind] += 1
                self.nodes_s[node.id] += for_s
                self.overload_s += for_s * (node.used > 100)
                if node.kind == "ST":
                    weights.setdefault(node.region, []).append(node.used)
        self.region_gb += now["region_mbps"] * 1000 * for_s / KBPS_S_PER_GB
        self.viewer_s += sum(now["viewers"].values()) * for_s
        self.samples.append(
            {
                "t": round(at_s, 3),
                **now,
                "nodes": dict(sorted(in_use.items())),
                "weights": {region: spread(weights[region]) for region in sorted(weights)},
                "egress_mbps": round(kbps / 1000, 3),
                "joins": self.joins,
                "refused": sum(self.refusals.values()),
                "moves": sum(self.moves.values()),
            }
        )

    def totals(self, nodes: dict[str, SimNode]) -> dict[str, Any]:
        """Cost and counts."""
        paid = {
            "node_hours_in_use": sum(self.nodes_s.values()) / 3600,
            "node_hours_there": sum(self.there_s.values()) / 3600,
            "nodes_in_use_cost": sum(s * nodes[name].price_hour for name, s in sorted(self.nodes_s.items())) / 3600,
            "nodes_there_cost": sum(s * nodes[name].price_hour for name, s in sorted(self.there_s.items())) / 3600,
            "egress_gb": sum(self.gb.values()),
            "egress_cost": sum(gb * nodes[name].price_gb for name, gb in sorted(self.gb.items())),
            "inter_region_gb": self.region_gb,
        }
        peak = max(self.samples, key=lambda each: sum(each["viewers"].values()), default=None)
        return {
            "people": self.came,
            "joins": self.joins,
            "gave_up": self.gave_up,
            "peak_viewers": sum(peak["viewers"].values()) if peak else 0,
            "peak_t": peak["t"] if peak else 0.0,
            "refusals": dict(sorted(self.refusals.items())),
            "refused_other": dict(sorted(self.refused_other.items())),
            "moves": dict(sorted(self.moves.items())),
            "requests": dict(sorted(self.requests.items())),
            "viewer_hours": round(self.viewer_s / 3600, 2),
            "dark_viewer_minutes": round(self.dark_s / 60, 2),
            "dark_at_end": self.samples[-1]["dark"] if self.samples else 0,
            "overloaded_node_s": round(self.overload_s, 1),
            "broken_invariants": dict(sorted(self.broken.items())),
            "cost": {name: round(value, 2) for name, value in paid.items()},
        }
