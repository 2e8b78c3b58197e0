"""What an event costs: hosts by the hour, and what they send to people."""

from __future__ import annotations

from dataclasses import dataclass

from ops.event import audience
from ops.event.duties import assign, view_kbps
from ops.event.model import Event, Spec, seconds

KBIT_PER_GB = 8_000_000.0
HEAD = ("region", "hosts", "host hours", "hosts cost", "egress GB", "egress cost", "hour at peak")
WIDTHS = (12, 7, 12, 12, 12, 13, 14)


@dataclass(frozen=True)
class RegionCost:
    """One region. Money in the currency of the plan."""

    region: str
    hosts: int
    host_hours: float
    hosts_cost: float
    people_hours: float
    egress_gb: float
    egress_cost: float
    per_hour: float  # hosts, and egress when the audience is at its peak
    spares: int  # in none of these sums
    unpriced: tuple[str, ...]  # hosts that tell no price, where others do

    def line(self) -> str:
        """A row of the table."""
        cells = (f"{self.hosts}", f"{self.host_hours:,.1f}", f"{self.hosts_cost:,.2f}", f"{self.egress_gb:,.1f}",
                 f"{self.egress_cost:,.2f}", f"{self.per_hour:,.2f}")  # fmt: skip
        return "".join(f"{cell:>{width}}" for cell, width in zip((self.region, *cells), WIDTHS, strict=True))


@dataclass(frozen=True)
class CostPlan:
    """The whole event."""

    currency: str
    hours: float
    regions: tuple[RegionCost, ...]
    ceiling: float | None
    ceiling_per_hour: float | None

    @property
    def total(self) -> float:
        """Hosts and egress of the whole event."""
        return sum(row.hosts_cost + row.egress_cost for row in self.regions)

    @property
    def per_hour(self) -> float:
        """An hour at the peak."""
        return sum(row.per_hour for row in self.regions)

    @property
    def within(self) -> bool:
        """Whether the ceilings are kept."""
        checked = ((self.ceiling, self.total), (self.ceiling_per_hour, self.per_hour))
        return all(ceiling is None or value <= ceiling for ceiling, value in checked)

    def __str__(self) -> str:
        lines = ["".join(f"{name:>{width}}" for name, width in zip(HEAD, WIDTHS, strict=True))]
        lines += [row.line() for row in self.regions]
        lines.append(
            f"cost {self.total:,.2f} {self.currency} in {self.hours:g} h{_of(self.ceiling)}, "
            f"at most {self.per_hour:,.2f} an hour{_of(self.ceiling_per_hour)}"
        )
        spares = sum(row.spares for row in self.regions)
        lines += [f"{spares} spare host(s) are not counted"] if spares else []
        silent = [name for row in self.regions for name in row.unpriced]
        lines += [f"no price is told for {', '.join(silent)}: counted as 0"] if silent else []
        return "\n".join(lines)


def _of(ceiling: float | None) -> str:
    return "" if ceiling is None else f" (ceiling {ceiling:,.2f})"


def cost(event: Event) -> CostPlan:
    """Hosts x hours, and people x hours x bitrate. Upper bounds: everybody gets every picture whole."""
    spec = event.spec
    hours = audience.lasts_hours(spec)
    watching = audience.viewers(spec)
    each = {kind.name: kind.together * audience.people(kind, watching[kind.name]) for kind in spec.sessions}
    whole = sum(each.values())
    kbps = sum(view_kbps(kind) * each[kind.name] for kind in spec.sessions) / whole if whole else 0.0
    people = audience.peak(spec)
    presence = _presence_hours(spec, whole, watching)
    sending = assign(event).nodes
    rows = []
    for region in spec.regions:
        here = event.within(region)
        egress = [host for host in here if "ST" in sending.get(host.name, {})] or here
        price_gb = sum(host.spec.price_gb or 0.0 for host in egress) / max(1, len(egress))
        price_hour = sum(host.spec.price_hour or 0.0 for host in here)
        share = people[region] / sum(people.values()) if sum(people.values()) else 0.0
        gb = presence * share * kbps * audience.HOUR_S / KBIT_PER_GB
        peak_gb = people[region] * kbps * audience.HOUR_S / KBIT_PER_GB
        rows.append(
            RegionCost(
                region=region,
                hosts=len(here),
                host_hours=len(here) * hours,
                hosts_cost=price_hour * hours,
                people_hours=presence * share,
                egress_gb=gb,
                egress_cost=gb * price_gb,
                per_hour=price_hour + peak_gb * price_gb,
                spares=sum(host.spec.spare for host in event.hosts.values() if host.region == region),
                unpriced=tuple(host.name for host in here if host.spec.price_hour is None and _priced(event)),
            )
        )
    return CostPlan(spec.limits.currency, hours, tuple(rows), spec.limits.cost, spec.limits.cost_per_hour)


def _priced(event: Event) -> bool:
    """Whether anybody speaks of prices at all."""
    return any(host.spec.price_hour is not None for host in event.hosts.values())


def _presence_hours(spec: Spec, whole: int, watching: dict[str, int]) -> float:
    """People x hours: by the curve, else every session full for its whole length."""
    if spec.audience.curve:
        return whole * audience.curve_hours(spec)
    return sum(
        kind.count * seconds(kind.length) / audience.HOUR_S * audience.people(kind, watching[kind.name])
        for kind in spec.sessions
    )
