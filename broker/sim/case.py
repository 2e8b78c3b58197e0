"""Case files: what a simulated world is made of and what happens in it. Read strictly; problems name field and cure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from broker.core.policy.registry import Registry
from broker.core.scenarios.registry import SCENARIOS
from rtcdn.errors import ConfigError, InvalidRequest
from rtcdn.model import Capacity

MOST = 1e9  # of anything that is measured: infinity is no time and no price
Positive = Annotated[float, Meta(gt=0, le=MOST)]
NotNegative = Annotated[float, Meta(ge=0, le=MOST)]
Count = Annotated[int, Meta(ge=0)]
AtLeastOne = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
MOST_PEOPLE = 5_000_000
MOST_NODES = 20_000
MOST_SESSIONS = 100_000
MOST_LOOKS = 10_000_000  # ticks of a clock, calls to the stage


class Region(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where people and perhaps nodes are."""

    place: tuple[Latitude, Longitude]
    spread_ms: NotNegative = 12.0  # mean round trip of its people to its own nodes


class Differs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kind carries that the other kinds of its host do not."""

    handles: Count | None = None
    egress_kbps: Count | None = None
    egress_packets_ps: Count | None = None
    participants: Count | None = None


class Nodes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Equal hosts of a region: how many, and how many nodes of each kind on each of them."""

    region: str
    hosts: AtLeastOne = 1
    kinds: dict[Literal["VR", "AB", "ST"], AtLeastOne]
    handles: Count = 400  # at weight 100, as in the node's labels; 0: no limit
    egress_kbps: Count = 800_000
    egress_packets_ps: Count = 80_000
    participants: Count = 60
    differs: dict[Literal["VR", "AB", "ST"], Differs] = {}  # where a kind's capacity is not that of the others
    price_hour: NotNegative = 0.0  # of each node
    price_gb: NotNegative = 0.0  # of what it sends to people

    def capacity(self, kind: Literal["VR", "AB", "ST"]) -> Capacity:
        """What each of the nodes of a kind carries."""
        own = self.differs.get(kind, Differs())
        return Capacity(
            self.handles if own.handles is None else own.handles,
            self.egress_kbps if own.egress_kbps is None else own.egress_kbps,
            self.egress_packets_ps if own.egress_packets_ps is None else own.egress_packets_ps,
            self.participants if own.participants is None else own.participants,
        )


class Arrivals(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People come within ``over_s`` from ``from_s`` after the opening; ``regions``: shares of them."""

    people: Annotated[int, Meta(ge=0, le=MOST_PEOPLE)]
    curve: Literal["constant", "ramp", "burst", "bell"] = "constant"
    from_s: NotNegative = 0.0
    over_s: Positive = 60.0
    regions: dict[str, Positive]


class Stay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long people stay: until the end, or for ``mean_s``, always alike or exponentially spread."""

    kind: Literal["end", "fixed", "exponential"] = "end"
    mean_s: Positive = 1800.0


class Speakers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who speaks: ``count`` from the start; further ones are promoted out of the audience and demoted again."""

    count: Count = 1
    promoted_per_hour: NotNegative = 0.0
    hold_s: Positive = 60.0  # mean time on stage of one who was promoted
    spurt_s: Positive = 20.0  # mean talk spurt; afterwards another speaker talks
    pause_s: NotNegative = 2.0  # mean silence between two spurts


class Sessions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Equal sessions: ``parallel`` of them at each time of ``open_s``, on each of ``days`` days."""

    name: Name
    scenario: str = "archipelago"
    open_s: tuple[NotNegative, ...] = (0.0,)
    days: AtLeastOne = 1
    parallel: AtLeastOne = 1
    lasts_s: Positive
    codec: Literal["vp8", "h264"] = "vp8"
    slots: AtLeastOne = 4
    bitrate_bps: AtLeastOne = 1_500_000
    audience: dict[str, Count] = {}  # what is announced, by region
    policy: str = ""
    waiting: bool = False  # the audience waits to speak, suspended in a mix
    arrivals: tuple[Arrivals, ...]
    stay: Stay = Stay()
    speakers: Speakers = Speakers()


class Failure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At a time something ends: a node, a host or a whole region is lost, or drained; and perhaps comes back."""

    at_s: NotNegative
    kill: str = ""
    drain: str = ""
    back_s: NotNegative = 0.0  # this long afterwards; 0: never


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A case as a whole. Times in seconds from the beginning."""

    name: Name
    about: str = ""
    seed: int = 1
    duration_s: Positive
    sample_s: Positive = 5.0
    report_s: Positive = 4.0  # how often a node reports: the age of status
    keep_s: Positive = 1.0  # how often the leader looks what time has brought
    lease_s: NotNegative = 5.0  # after so long the broker learns that a node is gone
    connect_s: Positive = 1.0  # from a grant to media
    retries: Count = 2  # of one who was refused
    retry_s: Positive = 5.0
    measured: Share = 1.0  # people whose client has measured the regions; the others send an order of regions only
    policy: str = ""
    regions: dict[Name, Region]
    rtt_ms: dict[str, dict[str, NotNegative]] = {}  # between regions, one way is enough; else by great circle
    nodes: tuple[Nodes, ...]
    sessions: tuple[Sessions, ...]
    failures: tuple[Failure, ...] = ()

    def host_names(self) -> dict[str, tuple[Nodes, ...]]:
        """Hosts by name; groups of one region go on counting."""
        counts: dict[str, int] = {}
        found: dict[str, tuple[Nodes, ...]] = {}
        for group in self.nodes:
            for _ in range(group.hosts):
                counts[group.region] = counts.get(group.region, 0) + 1
                found[f"{group.region}-h{counts[group.region]}"] = (group,)
        return found


def parse(content: object, where: str) -> Case:
    """The case in plain content; raises ConfigError naming each problem's field and cure. ``where`` begins each."""
    try:
        case = msgspec.convert(content, Case, strict=True)
    except msgspec.ValidationError as error:
        text = str(error)
        what, _, path = text.partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or "the case"
        raise ConfigError([f"{where}: {field}: {what}; see docs/simulator.md for the fields of a case"]) from error
    problems = [f"{where}: {problem}" for problem in _beyond(case) or _problems(case)]
    if problems:
        raise ConfigError(problems)
    return case


def _beyond(case: Case) -> list[str]:
    """What would take for ever, or all memory: looked at before anything is counted out."""
    found = [
        f"{name}: every {getattr(case, name):g} s for {case.duration_s:g} s is more than {MOST_LOOKS:,} times; "
        f"lengthen it, or shorten duration_s"
        for name in ("sample_s", "report_s", "keep_s")
        if case.duration_s / getattr(case, name) > MOST_LOOKS
    ]
    nodes = sum(group.hosts * sum(group.kinds.values()) for group in case.nodes)
    if max(nodes, sum(group.hosts for group in case.nodes)) > MOST_NODES:
        found.append(f"nodes: {nodes:,} are more than {MOST_NODES:,}; take fewer hosts, or fewer kinds on each")
    counts = [len(each.open_s) * each.days * each.parallel for each in case.sessions]
    if sum(counts) > MOST_SESSIONS:
        found.append(f"sessions: {sum(counts):,} are more than {MOST_SESSIONS:,}; lower parallel, days or open_s")
    people = sum(
        count * sum(arrivals.people for arrivals in each.arrivals)
        for count, each in zip(counts, case.sessions, strict=True)
    )
    if not found and people > MOST_PEOPLE:
        found.append(f"sessions: {people:,} people are more than {MOST_PEOPLE:,}; lower people, parallel or days")
    for at, (count, each) in enumerate(zip(counts, case.sessions, strict=True)):
        hours = min(each.lasts_s, case.duration_s) / 3600
        if not found and count * hours * each.speakers.promoted_per_hour > MOST_LOOKS:
            field = f"sessions[{at}].speakers.promoted_per_hour"
            found.append(f"{field}: {each.speakers.promoted_per_hour:g} makes more than {MOST_LOOKS:,} calls; lower it")
    return found


def _problems(case: Case) -> list[str]:
    """What cannot be, though each field can."""
    known = ", ".join(sorted(case.regions))
    found: list[str] = []

    def regions(field: str, names: object) -> None:
        found.extend(
            f"{field}: region {name!r} is not known; add it to regions, or use one of {known}"
            for name in names  # type: ignore[attr-defined]
            if name not in case.regions
        )

    for at, group in enumerate(case.nodes):
        regions(f"nodes[{at}].region", [group.region])
    for source, row in case.rtt_ms.items():
        regions("rtt_ms", [source, *row])
    policies = [("policy", case.policy)]
    names: set[str] = set()
    for at, session in enumerate(case.sessions):
        field = f"sessions[{at}]"
        regions(f"{field}.audience", session.audience)
        policies.append((f"{field}.policy", session.policy))
        if session.name in names:
            found.append(f"{field}.name: {session.name!r} is there twice; give each its own")
        names.add(session.name)
        if session.scenario not in SCENARIOS:
            cure = f"choose one of {', '.join(sorted(SCENARIOS))}"
            found.append(f"{field}.scenario: {session.scenario!r} is not known; {cure}")
        for number, arrivals in enumerate(session.arrivals):
            regions(f"{field}.arrivals[{number}].regions", arrivals.regions)
            if not arrivals.regions:
                found.append(f"{field}.arrivals[{number}].regions: is empty; say where people come from")
    for field, policy in policies:
        try:
            Registry().find(policy)
        except InvalidRequest as error:
            found.append(f"{field}: {error}")
    return found + _failures(case)


def _failures(case: Case) -> list[str]:
    found = []
    places = {*case.regions, *case.host_names(), *node_names(case)}
    for at, failure in enumerate(case.failures):
        target = failure.kill or failure.drain
        if bool(failure.kill) == bool(failure.drain):
            found.append(f"failures[{at}]: say either kill or drain")
        elif target not in places:
            cure = "name a region, a host as eu-h1 or a node as eu-h1-st1"
            found.append(f"failures[{at}]: {target!r} is no region, host or node; {cure}")
    kinds = {kind for group in case.nodes for kind in group.kinds}
    missing = sorted({"VR", "AB", "ST"} - kinds)
    if missing:
        found.append(f"nodes: no node of kind {', '.join(missing)}; every session needs one of each")
    return found


def node_names(case: Case) -> dict[str, tuple[str, str, Nodes]]:
    """Nodes by name: host, kind and group."""
    found: dict[str, tuple[str, str, Nodes]] = {}
    for host, groups in case.host_names().items():
        for group in groups:
            for kind in sorted(group.kinds):
                for number in range(1, group.kinds[kind] + 1):
                    found[f"{host}-{kind.lower()}{number}"] = (host, kind, group)
    return found
