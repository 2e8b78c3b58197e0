"""Who does what, where the file does not say: few rules, each with its reason, stable when hosts are added at the end.

The first hosts of a region carry its services, a host of another zone before a second one of the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ops.event import audience
from ops.event.model import KINDS, Event, Host, SessionKind

GATEWAYS = 2  # of a region, so that one may die
PEOPLE_OF_A_GATEWAY = 4_000
STAGES_OF_A_HOST = 2  # most Streaming nodes that a host is given by itself
MIXERS_OF_A_HOST = 4  # most AudioBridge nodes, likewise
MIXED_HOSTS = 2  # of a region that carry speakers, where sessions do not need all kinds on every host
USABLE = 0.9  # of a node's capacity: broker.core.policy.base, full_weight
AUDIO_KBPS = 48
HANDLES, EGRESS_KBPS, VOICES = 400, 800_000, 60  # of a node that says nothing else: rtcdn.reports.Capacity
GROUPS = ("managers", "registry", "etcd", "broker", "gateway", "nginx", "turn", "speaker")


@dataclass
class Duties:
    """Hosts by duty, nodes by host, and why."""

    groups: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in GROUPS})
    gateways: dict[str, list[str]] = field(default_factory=dict)  # region -> host of each
    nodes: dict[str, dict[str, int]] = field(default_factory=dict)  # host -> kind -> how many
    why: list[str] = field(default_factory=list)
    lacking: list[tuple[str, str]] = field(default_factory=list)  # region and duty that nobody may take


def assign(event: Event) -> Duties:
    """Duties of every host that is no spare."""
    made = Duties()
    _control(event, made)
    people = audience.peak(event.spec)
    for region in event.spec.regions:
        _services(event, region, people.get(region, 0), made)
        _media(event, region, people.get(region, 0), made)
    _extras(event, made)
    return made


def spread(hosts: list[Host], wanted: int) -> list[str]:
    """So many of ``hosts``, the first of each zone before the second of any."""
    seen: dict[str, int] = {}
    ranks = []
    for at, host in enumerate(hosts):
        seen[host.spec.zone] = seen.get(host.spec.zone, 0) + 1
        ranks.append((seen[host.spec.zone], at, host.name))
    return [name for _, _, name in sorted(ranks)[:wanted]]


def _take(made: Duties, duty: str, hosts: list[Host], wanted: int, where: str) -> list[str]:
    """Who is told to, else the first who are free."""
    told = [host.name for host in hosts if host.spec.duties and duty in host.spec.duties]
    chosen = told or spread([host for host in hosts if host.spec.duties is None], wanted)
    made.groups[duty] += chosen
    if not chosen and wanted:
        made.lacking.append((where, duty))
    return chosen


def _control(event: Event, made: Duties) -> None:
    told, region = event.spec.control, event.control
    here = event.within(region)
    count = told.managers or (3 if len(here) >= 3 else 1)
    managers = _take(made, "managers", here, count, region)
    first = [event.hosts[name] for name in managers] + here
    registry = [host for host in first if host.spec.duties is None or "registry" in host.spec.duties]
    _take(made, "registry", registry, 1, region)
    everywhere = here + [host for name in _nearest(event, region) for host in event.within(name)]
    members = _take(made, "etcd", everywhere, told.etcd or (3 if len(everywhere) >= 3 else 1), region)
    brokers = _take(made, "broker", here, told.brokers, region)
    made.why.append(f"control is in {region}: managers {', '.join(managers)}, brokers {', '.join(brokers)}")
    away = [name for name in members if event.hosts[name].region != region]
    if away:
        made.why.append(
            f"etcd has members outside {region} ({', '.join(away)}): {region} has too few hosts for a majority"
        )


def _nearest(event: Event, region: str) -> list[str]:
    """The other regions, the nearest first where places are told."""
    regions = event.spec.regions
    others = [name for name in regions if name != region]
    if not all(regions[name].place for name in regions):
        return others
    return sorted(others, key=lambda name: _angle(regions[region].place, regions[name].place))


def _angle(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    (lat1, lon1), (lat2, lon2) = ([math.radians(each) for each in place] for place in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * math.asin(min(1.0, math.sqrt(half)))


def _services(event: Event, region: str, people: int, made: Duties) -> None:
    hosts = event.within(region)
    wanted = max(GATEWAYS, math.ceil(people / PEOPLE_OF_A_GATEWAY))
    chosen = _take(made, "gateway", hosts, wanted, region)
    rounds = max(1, math.ceil(wanted / len(chosen))) if chosen else 0
    made.gateways[region] = [*(name for _ in range(rounds) for name in chosen)][: max(wanted, len(chosen))]
    entries = [event.hosts[name] for name in dict.fromkeys(chosen)]
    entries += [host for host in hosts if host not in entries]
    _take(made, "nginx", entries, min(GATEWAYS, len(set(chosen)) or 1), region)
    if event.spec.features.turn:
        apart = event.spec.ports.turn_tls == event.spec.ports.nginx  # then they want different hosts
        free = [host for host in entries if not (apart and host.name in made.groups["nginx"])]
        _take(made, "turn", free, 1, region)
    if wanted > GATEWAYS:
        made.why.append(f"{region} has {wanted} gateways: {people:,} people, {PEOPLE_OF_A_GATEWAY:,} for each")


def _media(event: Event, region: str, people: int, made: Duties) -> None:
    """VideoRoom and AudioBridge together: what comes by SRTP to a mix needs a VideoRoom on the same host."""
    hosts = event.within(region)
    for host in hosts:
        if host.spec.nodes is not None:
            made.nodes[host.name] = {kind: host.spec.nodes.get(kind, 0) for kind in KINDS if host.spec.nodes.get(kind)}
    free = [host for host in hosts if host.spec.nodes is None]
    if not free:
        return
    told = sum(made.nodes.get(host.name, {}).get("ST", 0) for host in hosts)
    wanted = stages(event, people)
    everywhere = any(kind.scenario != "archipelago" for kind in event.spec.sessions)
    mixed = spread(free, len(free) if everywhere else MIXED_HOSTS)
    each = min(STAGES_OF_A_HOST, max(1, math.ceil(max(0, wanted - told) / len(free))))
    mixing = mixers(event, region)
    mixes = min(MIXERS_OF_A_HOST, max(1, math.ceil(mixing / len(mixed))))
    for host in free:
        speaks = {"VR": 1, "AB": mixes} if host.name in mixed else {}
        made.nodes[host.name] = {**speaks, "ST": each}
    if not everywhere and len(free) > len(mixed):
        made.why.append(
            f"{region}: speakers on {', '.join(mixed)}, the others only send: all sessions are archipelagos"
        )
    if everywhere:
        made.why.append(f"{region}: every host has all kinds: atolli and islands want them together")
    if mixing > 1:
        made.why.append(
            f"{region}: {mixes} AudioBridge node(s) on each host that mixes, for all voices {mixing} are needed"
        )
    if wanted > 1:
        made.why.append(f"{region}: {each} Streaming node(s) on each host, for {people:,} people {wanted} are needed")


def stages(event: Event, people: int) -> int:
    """Streaming nodes for so many people."""
    kbps = max((view_kbps(kind) for kind in event.spec.sessions), default=0.0)
    capacity = event.spec.capacity.get("ST", {})
    handles, egress = capacity.get("handles", HANDLES), capacity.get("egress_kbps", EGRESS_KBPS)
    limits = [value for value in (handles, egress / kbps if kbps else 0) if value]
    return math.ceil(people / (min(limits) * USABLE)) if limits and people else 0


def mixers(event: Event, region: str) -> int:
    """AudioBridge nodes for all who may be heard at once in a region."""
    voices = sum(kind.together * kind.speakers for kind in event.spec.sessions)
    here = audience.split(voices, audience.weights(event.spec)).get(region, 0)
    each = event.spec.capacity.get("AB", {}).get("participants", VOICES)
    return math.ceil(here / (each * USABLE)) if each else 0


def view_kbps(kind: SessionKind) -> float:
    """What one person receives: every picture that is shown, whole, and the mix."""
    return min(slots(kind), max(1, kind.speakers)) * kind.kbps + AUDIO_KBPS


def slots(kind: SessionKind) -> int:
    """Cameras seen at once: in an atollo all that speak, as far as there are slots."""
    return min(16, max(kind.slots, kind.speakers)) if kind.scenario == "atollo" else kind.slots


def _extras(event: Event, made: Duties) -> None:
    here = event.within(event.control)
    if event.spec.features.demo:
        first = sorted(here, key=lambda host: not made.nodes.get(host.name, {}).get("VR"))  # where a VideoRoom is
        _take(made, "speaker", first, 1, event.control)
    if event.spec.features.ai and not any(nodes.get("AI") for nodes in made.nodes.values()) and here:
        last = here[-1].name
        made.nodes[last] = {**made.nodes.get(last, {}), "AI": 1}
        made.why.append(f"the module that hears sessions is on {last}, the last host of {event.control}")
