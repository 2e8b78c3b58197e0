"""What the compiled nodes carry of the declared audience: the broker's own core on them, at the fullest moment.

All sessions that may run at once are open and full. Large audiences are sampled: viewers and the capacity of Streaming
nodes are divided by the same number, which is told.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from broker.sim.policies import registry
from broker.sim.run import Run
from ops.event import audience
from ops.event.capacity_case import Sample, case, sampled
from ops.event.duties import assign, stages
from ops.event.model import KINDS, Event

OVER = 100.0  # of weight: more than the node carries


@dataclass(frozen=True)
class KindFill:
    """Nodes of one kind in one region. Weights 0-100 and more, as the broker sees them."""

    region: str
    kind: str
    nodes: int
    used: int  # of them that hold anything
    weight: float  # mean of all
    fullest: float


@dataclass(frozen=True)
class RegionFit:
    """People of one region, in whole people."""

    region: str
    people: int
    placed: int
    at_home: int  # of those placed: on nodes of their own region


@dataclass(frozen=True)
class CapacityPlan:
    """What fits, what does not and why."""

    sessions: int
    opened: int
    sample: Sample
    policy: str
    regions: tuple[RegionFit, ...]
    kinds: tuple[KindFill, ...]
    problems: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether everybody finds a place."""
        return not self.problems

    def __str__(self) -> str:
        lines = [
            f"{'region':12}{'people':>9}{'placed':>9}{'at home':>9}   nodes by kind: used of all, weight mean / most"
        ]
        for row in self.regions:
            fills = [each for each in self.kinds if each.region == row.region]
            cells = [f"{each.kind} {each.used}/{each.nodes} {each.weight:.0f}/{each.fullest:.0f}" for each in fills]
            lines.append(f"{row.region:12}{row.people:9,}{row.placed:9,}{row.at_home:9,}   {'   '.join(cells)}")
        lines.append(f"{self.opened} of {self.sessions} sessions at once, policy {self.policy}, {self.sample}")
        return "\n".join([*lines, *(f"does not fit: {problem}" for problem in self.problems)])


def capacity(event: Event) -> CapacityPlan:
    """Let everybody come, and see who finds a place. The same event gives the same plan."""
    spec = event.spec
    watching = audience.viewers(spec)
    sample = sampled(event, watching)
    made = case(event, watching, sample)
    own = registry(spec.policy.policies)
    wanted = sum(kind.together for kind in spec.sessions)
    if not wanted:
        policy = spec.policy.name or own.names[0]
        return CapacityPlan(0, 0, Sample(), policy, tuple(_nobody(event)), tuple(_fills(event, None)), ())
    run = Run(made, policy=spec.policy.name, registry=own)
    run.run()
    regions = tuple(_fits(event, run))
    kinds = tuple(_fills(event, run))
    share = len(run.meetings) / sum(group.parallel for group in made.sessions)
    opened = round(wanted * share)
    problems = tuple(_problems(event, run, regions, kinds, wanted - opened))
    return CapacityPlan(wanted, opened, sample, run.policy.name, regions, kinds, problems)


# ---- what came of it --------------------------------------------------------------------------------


def _nobody(event: Event) -> list[RegionFit]:
    return [RegionFit(region, 0, 0, 0) for region in event.spec.regions]


def _fits(event: Event, run: Run) -> list[RegionFit]:
    home: Counter[str] = Counter()
    away: Counter[str] = Counter()
    people = audience.peak(event.spec)
    expected: Counter[str] = Counter()
    for group in run.case.sessions:
        for arrivals in group.arrivals:
            (region,) = arrivals.regions
            expected[region] += arrivals.people * group.parallel
    for (_, region, node), count in run.ledger.watching.items():
        (home if run.nodes[node].region == region else away)[region] += count
    found = []
    for region in event.spec.regions:
        whole = home[region] + away[region]
        scale = people[region] / expected[region] if expected[region] else 0.0
        everybody = whole == expected[region]
        placed = people[region] if everybody else min(people[region], round(whole * scale))
        at_home = placed if everybody and not away[region] else min(placed, round(home[region] * scale))
        found.append(RegionFit(region, people[region], placed, at_home))
    return found


def _fills(event: Event, run: Run | None) -> list[KindFill]:
    weights: dict[tuple[str, str], list[float]] = {}
    if run is None:
        for host, kinds in assign(event).nodes.items():
            for kind, count in kinds.items():
                weights.setdefault((event.hosts[host].region, kind), []).extend([0.0] * count)
    else:
        for node in run.nodes.values():
            node.measure(run.rate)
            weights.setdefault((node.region, node.kind), []).append(node.used)
    return [
        KindFill(
            region,
            kind,
            len(each),
            sum(value > 0 for value in each),
            round(sum(each) / len(each), 1),
            round(max(each), 1),
        )
        for region in event.spec.regions
        for kind in KINDS
        if (each := weights.get((region, kind))) and kind != "AI"
    ]


def _problems(
    event: Event, run: Run, regions: tuple[RegionFit, ...], kinds: tuple[KindFill, ...], closed: int
) -> list[str]:
    found = []
    if closed:
        codes = _codes(run.measures.refused_other) or "no host has room for all their contexts"
        found.append(f"{closed} sessions could not be opened ({codes}): add hosts with VR, AB and ST")
    for row in regions:
        if row.placed < row.people:
            missing, codes = row.people - row.placed, _codes(run.measures.refusals)
            found.append(f"{missing:,} of {row.people:,} people of {row.region} ({codes}): {_lack(event, row, kinds)}")
    full = (each for each in kinds if each.fullest > OVER)
    found += [
        f"{each.kind} of {each.region} would reach {each.fullest:.0f} of 100: {RELIEF[each.kind]}" for each in full
    ]
    return found


def _lack(event: Event, row: RegionFit, kinds: tuple[KindFill, ...]) -> str:
    """Which nodes people of a region lack."""
    here = {each.kind: each for each in kinds if each.region == row.region}
    need = stages(event, row.people)
    if "ST" in here and need > here["ST"].nodes:
        return f"{need} ST would carry them, {row.region} has {here['ST'].nodes}"
    fullest = max(here.values(), key=lambda each: each.fullest)
    return f"{fullest.kind} of {row.region} is at {fullest.fullest:.0f} of 100, {RELIEF[fullest.kind]}"


RELIEF = {
    "VR": "add VR, or have fewer cameras at once",
    "AB": "add AB, or let fewer speak at once",
    "ST": "add ST, or lower the quality",
}


def _codes(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())[:3])
