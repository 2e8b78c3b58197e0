"""Which ports of which hosts a deployment will use, and from where: what precheck listens on and tries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops import acme
from ops.addresses import reach
from ops.firewall import PORT as TURN
from ops.inventory_network import host_of, is_address, public_urls
from ops.ports import claims

Table = Mapping[str, Any]
Groups = Mapping[str, list[str]]
LISTEN_S = 90  # the listener ends by itself after so long, should nobody end it
WAIT_S = 3.0
REMOTE_PUBLISHERS = "10000-10999"
WS, REST, ADMIN = 0, 1, 2  # of a node, from its port on


@dataclass(frozen=True, slots=True)
class Need:
    """``source`` will send to a port (or range, of which some are tried) of ``target``, for ``service``."""

    source: str
    target: str
    protocol: str
    port: str
    service: str


def needs(variables: Table, groups: Groups) -> list[Need]:
    """Every pair of different hosts and each of the ports between them; a port once, for the first of its services."""
    found: dict[tuple[str, str, str, str], Need] = {}
    for source, target, protocol, port, service in _pairs(variables, groups):
        if source != target:
            key = (source, target, protocol, str(port))
            found.setdefault(key, Need(source, target, protocol, str(port), service))
    return list(found.values())


def _pairs(variables: Table, groups: Groups) -> Iterator[tuple[str, str, str, Any, str]]:
    hosts = [name for name in groups.get("all", []) if name in variables["rtcdn_hosts"]]
    ports, brokers, gateways = variables["rtcdn_ports"], variables["rtcdn_brokers"], variables["rtcdn_gateways"]
    nodes = variables["rtcdn_nodes"]
    at = {name: _hosts_of(rows) for name, rows in (("broker", brokers), ("gateway", gateways), ("node", nodes))}
    for each in hosts:
        yield from ((each, other, protocol, 7946, "swarm") for other in hosts for protocol in ("tcp", "udp"))
        yield from ((each, other, "udp", 4789, "swarm's overlay") for other in hosts)
        yield from ((each, manager, "tcp", 2377, "swarm") for manager in groups.get("managers", []))
        yield from (
            (each, registry, "tcp", ports["registry"], "registry") for registry in groups.get("registry", [])[:1]
        )
    members = groups.get("etcd", [])
    for member in members:
        yield from ((other, member, "tcp", ports["etcd_peer"], "etcd") for other in members)
        users = dict.fromkeys([*at["broker"], *at["gateway"], *at["node"], *groups.get("managers", [])[:1]])
        yield from ((user, member, "tcp", ports["etcd_client"], "etcd") for user in users)
    yield from _of_brokers(brokers, gateways, at, groups)
    yield from _of_acme(variables, groups)
    yield from _of_nodes(nodes, at, gateways)


def _of_brokers(
    brokers: Iterable[Table], gateways: Iterable[Table], at: Mapping[str, list[str]], groups: Groups
) -> Iterator[tuple[str, str, str, Any, str]]:
    doors = groups.get("nginx", [])
    for broker in brokers:
        callers = dict.fromkeys([*at["broker"], *at["gateway"], *doors])
        yield from ((caller, broker["host"], "tcp", broker["api"], broker["id"]) for caller in callers)
        yield from ((caller, broker["host"], "tcp", broker["stream"], broker["id"]) for caller in at["gateway"])
    for gateway in gateways:
        name = f"gateway {gateway['id']}"
        callers = dict.fromkeys([*doors, *at["gateway"]])
        yield from ((caller, gateway["host"], "tcp", gateway["port"], name) for caller in callers)
        if gateway.get("prober"):
            yield from (
                (each, gateway["host"], "tcp", gateway["prober"], f"prober {gateway['id']}") for each in at["broker"]
            )


def _of_acme(variables: Table, groups: Groups) -> Iterator[tuple[str, str, str, Any, str]]:
    """What an authority asks one nginx of a region may be known to another."""
    hosts, served = variables["rtcdn_hosts"], acme.served(variables, groups)
    doors = [door for door in groups.get("nginx", []) if str(hosts[door]["region"]) in served]
    for door in doors:
        others = [each for each in doors if hosts[each]["region"] == hosts[door]["region"]]
        yield from ((door, other, "tcp", variables["rtcdn_ports"].get("acme", acme.PORT), "ACME") for other in others)


def _of_nodes(
    nodes: Iterable[Table], at: Mapping[str, list[str]], gateways: Iterable[Table]
) -> Iterator[tuple[str, str, str, Any, str]]:
    for node in nodes:
        name, host, port = str(node["id"]), node["host"], int(node["port"])
        if node["kind"] == "AI":
            continue
        yield from ((each, host, "tcp", port + WS, name) for each in at["gateway"])
        for offset in (REST, ADMIN):
            yield from ((each, host, "tcp", port + offset, name) for each in at["broker"])
        senders = dict.fromkeys(row["host"] for row in nodes if row["kind"] in ("VR", "AB", "AI"))
        if node["kind"] in ("VR", "AB"):
            yield from ((each, host, "udp", REMOTE_PUBLISHERS, f"{name}, remote publishers") for each in senders)
        if node.get("rtp"):
            yield from ((each, host, "udp", node["rtp"], f"{name}, links") for each in senders)


def _hosts_of(rows: Iterable[Table]) -> list[str]:
    return list(dict.fromkeys(row["host"] for row in rows))


def own_ports(variables: Table, groups: Groups, host: str) -> dict[str, list[str]]:
    """Ports of a host that the deployment takes for itself: nobody else may have them."""
    single = {"nginx": "nginx", "acme": "nginx", "registry": "registry", "etcd_client": "etcd", "etcd_peer": "etcd"}
    tables = {
        "rtcdn_ports": {
            name: port
            for name, port in variables["rtcdn_ports"].items()
            if host in groups.get(single.get(name, ""), [])
        },
        **{
            name: [row for row in variables[name] if row["host"] == host]
            for name in ("rtcdn_brokers", "rtcdn_gateways", "rtcdn_nodes")
        },
    }
    turns = [turn for turn in variables.get("rtcdn_turns") or [] if turn["host"] == host]
    udp = [str(turn.get("port", TURN)) for turn in turns]
    return {"tcp": [str(claim.port) for claim in claims(tables)], "udp": udp}


def ask_listen(variables: Table, groups: Groups, host: str, among: Iterable[str], now_s: float) -> dict[str, Any]:
    """What ``host`` is asked first: its facts, and to listen on what others of ``among`` will use."""
    wanted = own_ports(variables, groups, host)
    here = set(among)
    for need in needs(variables, groups):
        if need.target == host and need.source in here:
            wanted[need.protocol].append(need.port)
    row = variables["rtcdn_hosts"][host]
    return {
        "do": "listen",
        "mark": mark(variables, host),
        "deployment": str(variables["rtcdn_deployment"]),
        "private": str(row["private"]),
        "addresses": [str(row["private"]), str(row.get("public") or row["private"])],
        "names": names(variables, groups),
        "tcp": list(dict.fromkeys(wanted["tcp"])),
        "udp": list(dict.fromkeys(wanted["udp"])),
        "asked_s": now_s,
        "seconds": LISTEN_S if len(here) > 1 else 0,
    }


def ask_probe(
    variables: Table, groups: Groups, host: str, ports: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> dict[str, Any]:
    """What ``host`` is asked next: ``ports`` says of each host that answered what became of its ports."""
    targets: dict[str, dict[str, Any]] = {}
    for need in needs(variables, groups):
        if need.source != host or need.target not in ports:
            continue
        target = targets.setdefault(need.target, {
            "host": need.target,
            "address": reach(variables["rtcdn_hosts"], host, need.target),
            "mark": mark(variables, need.target),
            "tcp": [],
            "udp": [],
        })  # fmt: skip
        for port, state in ports[need.target][need.protocol].items():
            if within(int(port), need.port) and state in ("listening", "ours"):
                if need.protocol == "tcp":
                    target["tcp"].append({"port": int(port), "listening": state == "listening"})
                elif state == "listening":  # a service of ours does not echo
                    target["udp"].append(int(port))
    for target in targets.values():
        target["udp"] = sorted(set(target["udp"]), key=lambda port: port in (4789, 7946))
    return {"do": "probe", "targets": list(targets.values()), "wait_s": WAIT_S}


def within(port: int, text: str) -> bool:
    """Is the port this one, or in this range?"""
    first, _, last = text.partition("-")
    return int(first) <= port <= int(last or first)


def mark(variables: Table, host: str) -> str:
    """What a listener of this run says, and answers to."""
    return f"rtcdn-precheck {variables['rtcdn_deployment']} {host} "


def names(variables: Table, groups: Groups) -> list[str]:
    """Names, as against addresses, that clients and hosts will look up."""
    found = [host_of(url) for url in public_urls(variables, groups)]
    found += [str(row.get(side)) for row in variables["rtcdn_hosts"].values() for side in ("private", "public")]
    return sorted({each for each in found if each and each != "None" and not is_address(each)})
