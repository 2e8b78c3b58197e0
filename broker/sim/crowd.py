"""People of a case: when they come, how long they stay, how far they are from each region."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from broker.sim.case import Arrivals, Case, Stay
from rtcdn.model import Leg, Role


@dataclass(slots=True)
class Person:
    """One who takes part. ``legs``: what he truly holds, by leg; ``lost`` those whose node died under him."""

    session: str
    name: str
    region: str
    local_ms: float
    gateway: str
    measures: bool = True
    role: Role = Role.VIEWER
    rights: tuple[str, ...] = ()
    wants: tuple[str, ...] = ("view",)
    legs: dict[str, Leg] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    tries: int = 0
    gone: bool = False


class Ways:
    """How far people of a region are from the regions with nodes."""

    def __init__(self, case: Case, matrix: dict[str, dict[str, float]]) -> None:
        self.matrix = matrix
        self.serving = sorted({group.region for group in case.nodes})
        self.order = {home: tuple(sorted(self.serving, key=lambda to: (matrix[home][to], to))) for home in case.regions}

    def rtt_ms(self, person: Person) -> dict[str, float]:
        """What his client measured; empty when it did not."""
        if not person.measures:
            return {}
        row = self.matrix[person.region]
        return {region: round(person.local_ms + row[region], 1) for region in self.serving}

    def distance_ms(self, person: Person, region: str) -> float:
        """Round trip from a person to a node in a region."""
        return person.local_ms + self.matrix[person.region][region]


def arrival_times(arrivals: Arrivals, random: Random) -> list[float]:
    """When each comes, in seconds after the opening, in order.

    constant: evenly; ramp: more and more; burst: half of them within the first tenth; bell: most in the middle.
    """
    found = []
    for _ in range(arrivals.people):
        at = random.random()
        if arrivals.curve == "ramp":
            at = at**0.5
        elif arrivals.curve == "burst":
            at = at / 5 if at < 0.5 else 0.1 + (at - 0.5) * 1.8
        elif arrivals.curve == "bell":
            at = (at + random.random() + random.random()) / 3
        found.append(arrivals.from_s + at * arrivals.over_s)
    return sorted(found)


def stay_s(stay: Stay, random: Random) -> float | None:
    """How long one stays; None: until the end."""
    if stay.kind == "end":
        return None
    return stay.mean_s if stay.kind == "fixed" else random.expovariate(1 / stay.mean_s)
