"""What is wrong with addresses, links, regions and TURN of an inventory, and what is merely unwise."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ops.addresses import network, networks
from ops.entries import entries
from ops.turn import DEFAULT_TLS

Table = Mapping[str, Any]
Groups = Mapping[str, list[str]]
POLICIES = ("list", "closed")


def problems(variables: Table, groups: Groups) -> Iterator[str]:
    """Each names the variable and the cure. Tables are sound in themselves when this is asked."""
    yield from _addresses(variables)
    yield from _links(variables)
    yield from _regions(variables)
    yield from _turns(variables, groups)
    policy = variables.get("rtcdn_host_policy", "list")
    if policy not in POLICIES:
        yield f"rtcdn_host_policy is {policy!r}: write list (closes what is listed) or closed (opens what is public)"


def _addresses(variables: Table) -> Iterator[str]:
    hosts = variables["rtcdn_hosts"]
    taken: dict[tuple[str, str], str] = {}
    several = len(hosts) > 1
    for name, host in sorted(hosts.items()):
        for side, place in (("private", network(host)), ("public", "")):
            address = str(host.get(side) or "")
            if side == "private" and several and is_loopback(address):
                yield f"rtcdn_hosts.{name}: private is {address}, which other hosts cannot reach: write its address"
            other = taken.setdefault((address, place), name)
            if address and other != name:
                yield f"rtcdn_hosts: {other} and {name} both have {side} {address}: give each its own"
        if not isinstance(host.get("spare", False), bool):
            yield f"rtcdn_hosts.{name}: spare is {host['spare']!r}: write true or false"
        if network(host) != "default" and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", network(host)):
            yield f"rtcdn_hosts.{name}: network is {network(host)!r}: use a-z, 0-9 and '-'"
        if len(networks(hosts)) > 1 and not host.get("public"):
            yield f"rtcdn_hosts.{name} has no public address: hosts of other networks reach it there"


def _links(variables: Table) -> Iterator[str]:
    """Media between hosts are SRTP. An AudioBridge takes plain RTP alone: a VideoRoom beside it takes SRTP for it."""
    hosts, nodes = variables["rtcdn_hosts"], [row for row in variables["rtcdn_nodes"] if row["kind"] != "AI"]
    private = variables.get("rtcdn_private_network", False)
    if not isinstance(private, bool):
        yield f"rtcdn_private_network is {private!r}: write true or false"
        return
    apart = sorted(networks({name: row for name, row in hosts.items() if name in {n["host"] for n in nodes}}))
    if private and len(apart) > 1:
        yield (
            f"rtcdn_private_network is true, but nodes are in networks {', '.join(apart)}, between which links would "
            "cross the Internet as plain RTP: set it to false"
        )
    if private or len({row["host"] for row in nodes}) < 2:
        return
    with_videoroom = {row["host"] for row in nodes if row["kind"] == "VR"}
    for row in nodes:
        if row["kind"] == "AB" and row["host"] not in with_videoroom:
            yield (
                f"rtcdn_nodes: {row['id']} is on {row['host']}, which has no node of kind VR: an AudioBridge takes "
                "audio of other hosts by SRTP through a VideoRoom beside it. Add one there, or set "
                "rtcdn_private_network: true if nobody else is on the network between the hosts"
            )


def _regions(variables: Table) -> Iterator[str]:
    used = {str(host["region"]) for host in variables["rtcdn_hosts"].values()}
    for name, region in (variables.get("rtcdn_regions") or {}).items():
        if name not in used:
            yield f"rtcdn_regions has {name}, where no host is: remove it, or give a host that region in rtcdn_hosts"
        url = str(region.get("url") or "")
        if url and not _is_url(url):
            yield f"rtcdn_regions.{name}: url is {url!r}: write https://name or https://name:port"
    if "{{" not in str(variables["rtcdn_public_url"]) and not _is_url(str(variables["rtcdn_public_url"])):
        yield f"rtcdn_public_url is {variables['rtcdn_public_url']!r}: write https://name or https://name:port"


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme == "https" and bool(parts.hostname) and parts.path in ("", "/") and parts.port != 0
    except ValueError:
        return False


def _turns(variables: Table, groups: Groups) -> Iterator[str]:
    turns = variables.get("rtcdn_turns") or []
    nginx_port = int(variables["rtcdn_ports"]["nginx"])
    for turn in turns:
        where = f"rtcdn_turns: {turn['id']}"
        if turn["host"] not in groups.get("turn", []):
            yield f"{where} is on {turn['host']!r}, which is not in group turn: add it there"
        if (
            int(turn.get("tls", DEFAULT_TLS)) == nginx_port
            and turn["host"] in groups.get("nginx", [])
            and not turn.get("address")
        ):
            yield (
                f"{where}: tls is {nginx_port}, which nginx has on {turn['host']}: give it an address of its own, "
                "or another port (5349)"
            )
    for host in groups.get("turn", []):
        if not any(turn["host"] == host for turn in turns):
            yield f"group turn has {host}, but rtcdn_turns has no row for it: add one"


def warnings(variables: Table, groups: Groups) -> list[str]:
    """What works and is unwise."""
    hosts, nodes, gateways = variables["rtcdn_hosts"], variables["rtcdn_nodes"], variables["rtcdn_gateways"]
    busy = {row["host"] for table in (nodes, gateways, variables["rtcdn_brokers"]) for row in table}
    if len(busy) < 2:
        return []
    found = []
    if len(groups.get("etcd", [])) == 1 and len(hosts) > 2:
        found.append("etcd has one member: when its host is lost nothing can be changed until it is back; use 3")
    if len({hosts[name]["region"] for name in groups.get("managers", []) if name in hosts}) > 1:
        found.append("managers are in several regions: a lost leader takes a minute to replace; keep them in one")
    if len(variables["rtcdn_brokers"]) > 1 and len({row["host"] for row in variables["rtcdn_brokers"]}) == 1:
        found.append("all brokers are on one host: put one on another")
    for region in sorted({hosts[row["host"]]["region"] for row in nodes if row["kind"] == "ST"}):
        here = [row for row in gateways if hosts[row["host"]]["region"] == region]
        if not here:
            found.append(f"region {region} has no gateway: its clients go to those of other regions")
        elif not any(row.get("prober") for row in here):
            found.append(f"region {region} has no prober: warm-ups there are not proven; give one of its gateways one")
    return found


def public_urls(variables: Table, groups: Groups) -> list[str]:
    """Addresses that clients are given: the entry of each region."""
    told = [str(variables["rtcdn_public_url"]).rstrip("/"), *_entries(variables, groups).values()]
    return list(dict.fromkeys(each for each in told if each))


def urls_by_door(variables: Table, groups: Groups) -> dict[str, list[str]]:
    """Region with an nginx -> the addresses that its certificate must bear: its entry, and those that are led to it."""
    hosts, found = variables["rtcdn_hosts"], _entries(variables, groups)
    doors = list(dict.fromkeys(str(hosts[door]["region"]) for door in groups.get("nginx", []) if door in hosts))
    led: dict[str, list[str]] = {door: [found[door]] for door in doors}
    for door in doors[:1]:
        led[door] += [str(variables["rtcdn_public_url"]), *(url for region, url in found.items() if region not in led)]
    return {door: list(dict.fromkeys(url.rstrip("/") for url in urls if url)) for door, urls in led.items()}


def _entries(variables: Table, groups: Groups) -> dict[str, str]:
    port, url = variables["rtcdn_ports"]["nginx"], str(variables["rtcdn_public_url"])
    return entries(variables["rtcdn_hosts"], variables.get("rtcdn_regions") or {}, groups.get("nginx", []), port, url)


def host_of(url: str) -> str:
    """The name or address in a URL."""
    return urlsplit(url).hostname or ""


def is_address(text: str) -> bool:
    """Is it a number, not a name?"""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Is it an address of this machine alone?"""
    return text == "localhost" or (is_address(text) and ipaddress.ip_address(text).is_loopback)
