"""What must hold once hosts are known: duties that can be carried, ports that hold them, limits that are kept."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator

from ops.acme import is_name
from ops.event import tables
from ops.event.compile import GROUPS
from ops.event.cost import cost
from ops.event.duties import Duties, assign
from ops.event.model import Event, Host
from ops.event.source import Key
from ops.inventory_network import host_of

Found = Iterator[tuple[Key, str]]
TURN = (("port", "turn"), ("tls", "turn_tls"))


def problems(event: Event) -> list[str]:
    """Problems of the event with its hosts, in the order of the file."""
    duties = assign(event)
    found = [*_hosts(event), *_addresses(event)] or list(_counts(event, duties))  # what follows from others is not told
    rules = (_lacking, _media, _ports, _limits, _names)
    found = found or [each for rule in rules for each in rule(event, duties)]
    lines = [(event.source.line(key), event.source.say(key, text)) for key, text in found]
    return [text for _, text in sorted(dict.fromkeys(lines))]


def _key(host: Host, *more: str) -> Key:
    return ("regions", host.region, "hosts", *(() if host.given else (host.name, *more)))


def _hosts(event: Event) -> Found:
    for host in event.hosts.values():
        if host.name in (*GROUPS, "all", "ungrouped", "localhost") or host.name.startswith("region_"):
            yield _key(host), f"{host.name} is the name of a group: give the host another"
        if host.spec.spare and (host.spec.duties or host.spec.nodes):
            named = "duties" if host.spec.duties else "nodes"
            yield _key(host, named), "stands at a spare host, which carries nothing yet: remove it, or `spare`"
        for duty, feature in (("turn", event.spec.features.turn), ("speaker", event.spec.features.demo)):
            if duty in (host.spec.duties or ()) and not feature:
                switch = "turn" if duty == "turn" else "demo"
                yield (
                    _key(host, "duties"),
                    f"{duty} is told, and features.{switch} is off: turn it on, or remove the duty",
                )
    for name in event.spec.regions:
        if not event.within(name):
            yield ("regions", name, "hosts"), "has no host that carries duties: add one, or make a spare one work"


def _addresses(event: Event) -> Found:
    networks = {host.spec.network for host in event.hosts.values()}
    taken: dict[tuple[str, str], str] = {}
    for host in event.hosts.values():
        spec = host.spec
        if len(event.hosts) > 1 and _loopback(spec.private):
            yield _key(host, "private"), "the other hosts cannot reach it: write an address that they can reach"
        elif len(event.hosts) > 1 and spec.connection == "local" and not spec.public:
            yield _key(host, "connection"), "local guesses `public` on a single host alone: write `public` beside it"
        for which, where, address in (("private", spec.network, spec.private), ("public", "", spec.public)):
            other = taken.setdefault((where, address), host.name) if address else host.name
            if other != host.name:
                yield _key(host, which), f"{address} is {other}'s already: give each host its own"

    lacking = [host for host in event.hosts.values() if len(networks) > 1 and not host.spec.public]
    if lacking:
        others = f", as do {', '.join(host.name for host in lacking[1:])}" if lacking[1:] else ""
        yield _key(lacking[0]), f"lacks `public`{others}: hosts of other networks reach a host there"


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _counts(event: Event, duties: Duties) -> Found:
    """As many as told, and a majority."""
    told = event.spec.control
    for name, counts in (("managers", (1, 3)), ("etcd", (1, 3, 5))):
        have, wanted = len(duties.groups[name]), getattr(told, name)
        among = event.within(event.control) if name == "managers" else list(event.hosts.values())
        by_duty = any(name in (host.spec.duties or ()) for host in among)
        if wanted and have != wanted:
            cure = "change it, or the duties of hosts" if by_duty else "lower it, or add hosts"
            where = f"{event.control} has" if name == "managers" else "the event has"
            yield ("control", name), f"is {wanted}, and {where} {have} for it: {cure}"
        elif by_duty and have not in counts:
            key = next(_key(host, "duties") for host in among if name in (host.spec.duties or ()))
            yield (
                key,
                f"{have} hosts have the duty {name}: use {', '.join(map(str, counts))}, so that there is a majority",
            )


def _lacking(event: Event, duties: Duties) -> Found:
    for region, duty in dict.fromkeys(duties.lacking):
        yield ("regions", region, "hosts"), f"no host takes the duty {duty}: add it to the duties of one"


def _media(event: Event, duties: Duties) -> Found:
    """Each region lets people in and out, and somebody mixes."""
    kinds = {name: duties.nodes.get(name, {}) for name in event.hosts}
    for region in event.spec.regions:
        here = {kind for host in event.within(region) for kind in kinds[host.name]}
        for kind, what in (("VR", "ingress"), ("ST", "egress")):
            if kind not in here:
                yield (
                    ("regions", region, "hosts"),
                    f"has no {what}: give a host a node of kind {kind} (`nodes: {{{kind}: 1}}`)",
                )
    mixing = [event.hosts[name] for name in kinds if "AB" in kinds[name]]
    if not mixing:
        yield ("regions",), "no host has a node of kind AB, without one nobody is heard: add `nodes: {AB: 1}`"
    for host in mixing:
        if "VR" not in kinds[host.name] and not event.spec.private_network and len(event.hosts) > 1:
            cure = "add VR: 1, or declare private_network: true"
            yield (
                _key(host, "nodes"),
                f"AB without VR: what comes by SRTP to a mix needs a VideoRoom on its host; {cure}",
            )


def _ports(event: Event, duties: Duties) -> Found:
    """Numbers of one host do not meet, and the range holds its media."""
    try:
        nodes = tables.nodes(event, duties)
    except tables.NoPorts as error:
        yield ("ports", "udp"), f"{event.spec.ports.udp} is too small for the nodes of {error.host}: widen it"
        return
    fixed = {getattr(event.spec.ports, name): name for name in tables.single_ports(event.spec)}
    taken: dict[tuple[str, int], str] = {}
    rows = [
        (row["host"], row[name], 1, which) for row in tables.turns(event, duties) for name, which in TURN if row[name]
    ]
    rows += [(row["host"], row["port"], 5, "nodes") for row in nodes]
    rows += [(row["host"], row["api"], 2, "broker") for row in tables.brokers(event, duties)]
    rows += [(row["host"], row["port"], 2, "gateway") for row in tables.gateways(event, duties)]
    told: set[tuple[str, str]] = set()
    for host, first, count, owner in rows:
        for port in range(first, first + count):
            other = fixed.get(port) or taken.setdefault((host, port), owner)
            if other != owner and (owner, other) not in told:
                told.add((owner, other))
                yield ("ports", owner), f"port {port} of {host} is that of {other} too: move one of them"
            elif port > 65_535:
                told.add((owner, owner))
                yield ("ports", owner), f"port {port} of {host} is beyond 65535: begin lower"
                break


def _names(event: Event, duties: Duties) -> Found:
    """An authority gives certificates for DNS names: every entry that one by ACME serves has its own."""
    if not event.spec.certificates.acme:
        return
    doors: dict[str, Host] = {}
    for name in duties.groups["nginx"]:
        doors.setdefault(event.hosts[name].region, event.hosts[name])
    control = event.spec.regions[event.control]
    for name, region in event.spec.regions.items():
        door = doors.get(name)
        own = region.certificate if door else control.certificate
        url = region.url or (f"https://{door.spec.public or door.spec.private}" if door else "")
        if url and not own and not is_name(host_of(url)):
            cure = "write https://name of a DNS name, or give the region a certificate of its own"
            yield ("regions", name, "url"), f"is {host_of(url)}, for which ACME gives no certificate: {cure}"


def _limits(event: Event, duties: Duties) -> Found:
    limits = event.spec.limits
    working = Counter(host.spec.spare for host in event.hosts.values())[False]
    if limits.hosts and working > limits.hosts:
        yield (
            ("limits", "hosts"),
            f"{working} hosts carry duties, and {limits.hosts} may: raise it, or make hosts spare",
        )
    made = cost(event)
    for name, ceiling, value in (
        ("cost_per_hour", limits.cost_per_hour, made.per_hour),
        ("cost", limits.cost, made.total),
    ):
        if ceiling is not None and value > ceiling:
            what = "an hour at the peak" if name == "cost_per_hour" else "in all"
            yield (
                ("limits", name),
                f"the plan costs {value:,.2f} {limits.currency} {what}: raise the ceiling, or plan less",
            )
