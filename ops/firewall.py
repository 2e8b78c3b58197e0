"""What a host's firewall lets in: ports that everybody may reach, and the addresses of the deployment's other hosts."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ops.addresses import network
from ops.turn import DEFAULT_TLS

Row = Mapping[str, Any]
PORT, RELAY = 3478, "40000-40999"  # of a TURN server, unless its row says otherwise


def public_tcp(
    host: str,
    nginx_hosts: Iterable[str],
    ports: Mapping[str, Any],
    turns: Iterable[Row] = (),
    extra: Iterable[Any] = (),
) -> list[str]:
    """TCP ports of ``host`` for everybody: nginx, its port of ACME, TURN plain and over TLS, and ``extra``."""
    found = [str(each) for each in extra]
    found += [str(ports[name]) for name in ("nginx", "acme") if name in ports and host in nginx_hosts]
    for turn in turns:
        if turn["host"] == host:
            found += [str(turn.get("port", PORT)), str(turn.get("tls", DEFAULT_TLS))]
    return _sorted(found)


def public_udp(host: str, nodes: Iterable[Row], turns: Iterable[Row] = ()) -> list[str]:
    """UDP ports and ranges of ``host`` for everybody: WebRTC of its nodes, TURN and its relays."""
    found = [str(node["webrtc"]) for node in nodes if node["host"] == host and node.get("webrtc")]
    for turn in turns:
        if turn["host"] == host:
            found += [str(turn.get("port", PORT)), str(turn.get("relay", RELAY))]
    return _sorted(found)


def peers(host: str, hosts: Mapping[str, Row]) -> list[str]:
    """Where packets of the other hosts come from: private addresses of the same network, and public ones."""
    found = set()
    for name, other in hosts.items():
        if name != host:
            found |= {str(other.get("public") or "")}
            found |= {str(other["private"])} if network(other) == network(hosts[host]) else set()
    numbers = [address for address in map(_address, found) if address is not None and not address.is_loopback]
    return [str(each) for each in sorted(numbers, key=lambda each: (each.version, each))]


def is_among(address: str, places: Iterable[str]) -> bool:
    """Is ``address`` one of these addresses or in one of these networks?"""
    number = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(number, "ipv4_mapped", None) or number
    return any(mapped in ipaddress.ip_network(place, strict=False) for place in places)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None for a name: a firewall knows none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _sorted(ports: Iterable[str]) -> list[str]:
    return sorted(
        {each for each in ports if each not in ("", "0")}, key=lambda each: (int(each.partition("-")[0]), each)
    )
