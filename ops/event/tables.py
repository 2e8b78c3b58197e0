"""Ports and rows: the tables of an inventory, from hosts with duties."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from ops.event.duties import HANDLES, Duties
from ops.event.model import KINDS, Event, Spec
from rtcdn.errors import RtcdnError

# UDP ports of a node: of its clients, of links into it. One handle takes one port.
SPANS = {"VR": (2000, 0), "AB": (1000, 1000), "ST": (1500, 1500), "AI": (0, 100)}
PLACES = ("VR", "AB")
BLOCK = 10  # TCP ports of a node, a broker, a gateway
STEP = 500
Row = dict[str, Any]


class NoPorts(RtcdnError):
    """The range of UDP does not hold the media of ``host``."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


def bounds(text: str) -> tuple[int, int]:
    """First and last of ``first-last``."""
    first, _, last = text.partition("-")
    return int(first), int(last)


def single_ports(spec: Spec) -> list[str]:
    """Names of the ports that are the same on every host."""
    return ["nginx", *(["acme"] if spec.certificates.acme else []), "registry", "etcd_client", "etcd_peer"]


def brokers(event: Event, duties: Duties) -> list[Row]:
    """Replicas, as many as told; two on one host where there are too few hosts."""
    hosts, first = duties.groups["broker"], event.spec.ports.broker
    here: Counter[str] = Counter()
    rows = []
    for at in range(max(event.spec.control.brokers, len(hosts)) if hosts else 0):
        host = hosts[at % len(hosts)]
        port = first + BLOCK * here[host]
        here[host] += 1
        rows.append({"id": f"broker-{at + 1}", "host": host, "api": port, "stream": port + 1})
    return rows


def gateways(event: Event, duties: Duties) -> list[Row]:
    """Named <host>, the second there <host>-2, on this machine 1 and 2; the first of a region has a prober."""
    rows = []
    for region in [event.control, *(name for name in event.spec.regions if name != event.control)]:
        here: Counter[str] = Counter()
        for at, host in enumerate(duties.gateways.get(region, []), 1):
            port = event.spec.ports.gateway + BLOCK * here[host]
            here[host] += 1
            row = {"id": _gateway_id(event, host, here[host]), "host": host, "port": port}
            rows.append({**row, "prober": port + 1} if at == 1 else row)
    return rows


def _gateway_id(event: Event, host: str, number: int) -> str:
    if event.hosts[host].spec.connection == "local":
        return str(number)
    return host if number == 1 else f"{host}-{number}"


def turns(event: Event, duties: Duties) -> list[Row]:
    """One row for each host of the group."""
    ports = event.spec.ports
    return [
        {"id": f"{host}-turn", "host": host, "port": ports.turn, "tls": ports.turn_tls, "relay": ports.turn_relay}
        for host in duties.groups["turn"]
    ]


def nodes(event: Event, duties: Duties) -> list[Row]:
    """One row for each Janus, and each module; raises NoPorts."""
    rows = []
    for host in event.hosts:
        udp = _Udp(event, host)
        block = event.spec.ports.nodes
        here = duties.nodes.get(host, {})
        for kind in KINDS:
            # The first VideoRoom and AudioBridge keep their places when absent: a kind has the same ports everywhere.
            count = here.get(kind, 0)
            for number in range(1, max(count, kind in PLACES) + 1):
                webrtc, rtp = spans(event, kind)
                row = {"id": f"{host}-{kind.lower()}{number}", "kind": kind, "host": host, "port": block}
                row |= {"webrtc": udp.take(webrtc), "rtp": udp.take(rtp)}
                rows += [row] if number <= count else []
                block += BLOCK
    return rows


def spans(event: Event, kind: str) -> tuple[int, int]:
    """UDP ports of a node of that kind; one that carries more people has more."""
    webrtc, rtp = SPANS[kind]
    handles = event.spec.capacity.get(kind, {}).get("handles", HANDLES)
    return (max(webrtc, math.ceil(handles * 1.25 / STEP) * STEP) if webrtc else 0), rtp


class _Udp:
    """Gives out the ports of a host, from the first on."""

    def __init__(self, event: Event, host: str) -> None:
        self.host = host
        self.next, self.last = bounds(event.spec.ports.udp)

    def take(self, count: int) -> str:
        """So many ports as ``first-last``; empty for none."""
        if not count:
            return ""
        first, self.next = self.next, self.next + count
        if self.next - 1 > self.last:
            raise NoPorts(self.host)
        return f"{first}-{self.next - 1}"
