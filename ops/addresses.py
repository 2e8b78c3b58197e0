"""At which address hosts of a deployment reach each other, and where their services listen.

``rtcdn_hosts`` says of each host its ``private`` and ``public`` address and the ``network`` it is in (one of all when
none is named). Hosts of one network reach each other at their private addresses, hosts of different networks at
their public ones. Where there is one network alone nothing but private addresses is ever told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rtcdn.errors import ConfigError

DEFAULT = "default"
EVERYWHERE = "0.0.0.0"

Hosts = Mapping[str, Mapping[str, Any]]


def network(host: Mapping[str, Any]) -> str:
    """The network that a host is in."""
    return str(host.get("network") or DEFAULT)


def networks(hosts: Hosts) -> set[str]:
    """Every network of the deployment."""
    return {network(host) for host in hosts.values()}


def reach(hosts: Hosts, from_host: str, to_host: str) -> str:
    """The address at which one host reaches another."""
    there = _host(hosts, to_host)
    if network(_host(hosts, from_host)) == network(there):
        return str(there["private"])
    return _public(to_host, there)


def meet(hosts: Hosts, to_host: str, among: Iterable[str] | None = None) -> str:
    """The one address at which all of ``among`` (not told: all) reach a host: for what everybody is told alike."""
    there = _host(hosts, to_host)
    around = {network(_host(hosts, each)) for each in (hosts if among is None else among)}
    return str(there["private"]) if around <= {network(there)} else _public(to_host, there)


def listen(hosts: Hosts, host: str) -> str:
    """Where services of a host listen: at its private address, or everywhere if others come by the public one too."""
    return str(_host(hosts, host)["private"]) if len(networks(hosts)) < 2 else EVERYWHERE


def links(hosts: Hosts, private: bool) -> str:
    """How media of links leave a host: ``plain`` where the network between all of them is said to be ``private``."""
    return "plain" if len(networks(hosts)) < 2 and (private or len(hosts) < 2) else "srtp"


def seen_from(addresses: str, hosts: Hosts, from_host: str, of: Iterable[str]) -> str:
    """``private:port,...`` of the hosts ``of`` as one host has to write it; what is none of theirs stays as it is."""
    left = list(of)
    found = []
    for text in filter(None, (each.strip() for each in addresses.split(","))):
        address, _, port = text.rpartition(":")
        name = next((each for each in left if str(hosts.get(each, {}).get("private")) == address), None)
        if name is not None:
            left.remove(name)
            address = reach(hosts, from_host, name)
        found.append(f"{address}:{port}")
    return ",".join(found)


def _host(hosts: Hosts, name: str) -> Mapping[str, Any]:
    if name not in hosts:
        raise ConfigError([f"rtcdn_hosts lacks {name}: give its private and public address and its region"])
    return hosts[name]


def _public(name: str, host: Mapping[str, Any]) -> str:
    if not host.get("public"):
        raise ConfigError([f"rtcdn_hosts: {name} has no public address: hosts of other networks reach it there"])
    return str(host["public"])
