"""The fullest moment of an event as a case of the simulator: all sessions open, everybody comes within a minute."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import msgspec

from broker.sim.case import Arrivals, Case, Nodes, Region, Sessions, Speakers
from ops.event import audience
from ops.event.duties import assign, slots
from ops.event.model import Event, SessionKind
from rtcdn.model import Capacity

MOST_VIEWERS = 3_000  # simulated one by one
MOST_IN_ROOMS = 900  # people of atolli, each of whom has three legs
MOST_ROOMS_SHARE = 3  # a node that holds few rooms cannot be divided further
COME_S, SPEAKERS_S = 60.0, 5.0  # people come within; speakers first
RUN_S = 90.0
NEVER_S = 1e6  # who talks changes no load: every voice on stage is counted all the time
UNKNOWN_RTT_MS = 80.0  # between regions of which one does not tell its place


@dataclass(frozen=True)
class Sample:
    """One of so many viewers of an archipelago, and one of so many rooms, is simulated."""

    viewers: int = 1
    rooms: int = 1

    def __str__(self) -> str:
        if self.viewers > 1:
            return f"one of {self.viewers} viewers simulated"
        return f"one of {self.rooms} rooms simulated" if self.rooms > 1 else "everybody simulated"


def sampled(event: Event, watching: dict[str, int]) -> Sample:
    """Where all sessions are alike enough, a part of them stands for all."""
    kinds = event.spec.sessions
    crowd = sum(kind.together * watching[kind.name] for kind in kinds if kind.scenario == "archipelago")
    if any(kind.scenario != "atollo" for kind in kinds):
        return Sample(viewers=max(1, math.ceil(crowd / MOST_VIEWERS)))
    inside = sum(kind.together * audience.people(kind, watching[kind.name]) for kind in kinds)
    return Sample(rooms=min(MOST_ROOMS_SHARE, max(1, math.ceil(inside / MOST_IN_ROOMS))))


def case(event: Event, watching: dict[str, int], sample: Sample) -> Case:
    spec = event.spec
    told = {name: region.place for name, region in spec.regions.items()}
    regions = {name: Region(place=(place[0], place[1]) if place else (0.0, 0.0)) for name, place in told.items()}
    unknown = {
        one: {other: UNKNOWN_RTT_MS for other in told if other != one and not (told[one] and told[other])}
        for one in told
    }
    sessions = [each for kind in spec.sessions for each in _meetings(event, kind, watching[kind.name], sample)]
    return Case(
        name=spec.event,
        duration_s=RUN_S,
        sample_s=RUN_S * 2,  # nothing is read from samples
        regions=regions,
        rtt_ms=unknown,
        nodes=tuple(_nodes(event, sample)),
        sessions=tuple(sessions),
        retries=1,
    )


def _nodes(event: Event, sample: Sample) -> list[Nodes]:
    """A group for each host."""
    differs = {
        kind: _capacity(event, kind, sample.rooms * (sample.viewers if kind == "ST" else 1))
        for kind in ("VR", "AB", "ST")
    }
    found = []
    for name, nodes in assign(event).nodes.items():
        kinds = {kind: count for kind, count in nodes.items() if kind in differs}
        if kinds:
            host = event.hosts[name]
            prices = {"price_hour": host.spec.price_hour or 0.0, "price_gb": host.spec.price_gb or 0.0}
            found.append({"region": host.region, "kinds": kinds, "differs": differs, **prices})
    return msgspec.convert(found, list[Nodes])


def _capacity(event: Event, kind: str, parts: int) -> dict[str, int]:
    told = event.spec.capacity.get(kind, {})
    plain = asdict(Capacity()) | told
    return {name: max(1, value // parts) if value else 0 for name, value in plain.items()}


def _meetings(event: Event, kind: SessionKind, watching: int, sample: Sample) -> list[Sessions]:
    """Sessions of a kind; an atollo's people are of one region, other sessions have people of all."""
    weights = audience.weights(event.spec)
    if kind.scenario != "atollo":
        fewer = sample.viewers if kind.scenario == "archipelago" else 1
        return [_meeting(kind, kind.name, kind.together, watching // fewer if fewer > 1 else watching, weights)]
    shares = audience.split(max(1, kind.together // sample.rooms), weights)
    return [
        _meeting(kind, f"{kind.name}-{region}"[:32], count, watching, {region: 1.0})
        for region, count in shares.items()
        if count
    ]


def _meeting(kind: SessionKind, name: str, together: int, watching: int, weights: dict[str, float]) -> Sessions:
    viewers = audience.split(watching, weights)
    first = audience.split(kind.speakers, weights)
    arrivals = [
        Arrivals(people=count, over_s=SPEAKERS_S, regions={region: 1.0}) for region, count in first.items() if count
    ]
    arrivals += [
        Arrivals(people=count, from_s=SPEAKERS_S, over_s=COME_S, regions={region: 1.0})
        for region, count in viewers.items()
        if count
    ]
    return Sessions(
        name=name,
        scenario=kind.scenario,
        parallel=together,
        lasts_s=RUN_S * 2,
        codec=kind.codec,  # type: ignore[arg-type]
        slots=slots(kind),
        bitrate_bps=kind.kbps * 1000,
        audience={region: viewers[region] + first[region] for region in weights},
        policy=kind.policy,
        waiting=kind.scenario == "big_island",
        arrivals=tuple(arrivals),
        speakers=Speakers(count=kind.speakers, spurt_s=NEVER_S),
    )
