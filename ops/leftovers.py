"""What a destroy left behind: read out of what the module ``host_survey`` found. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Table = Mapping[str, Any]

LISTS = (
    ("services", "service", "docker service rm {}"),
    ("containers", "container", "docker rm --force {}"),
    ("configs", "config", "docker config rm {}"),
    ("secrets", "secret", "docker secret rm {}"),
    ("networks", "network", "docker network rm {}"),
    ("volumes", "volume", "docker volume rm {}"),
    ("files", "file", "rm -r {}"),
)


def find(surveys: Mapping[str, Table], addresses: set[str], deployment: str, keep_data: bool = False) -> list[str]:
    """Everything that is left, each with its host and its cure. ``addresses``: of the deployment's own managers."""
    return [line for host in sorted(surveys) for line in _host(host, surveys[host], addresses, deployment, keep_data)]


def counted(surveys: Mapping[str, Table], keep_data: bool = False) -> list[str]:
    """What is there by host, in numbers: what a destroy will take away."""
    lines = []
    for host, found in surveys.items():
        lists = [(name, word) for name, word, _ in LISTS if not (keep_data and name == "volumes")]
        parts = [f"{len(found[name])} {word}s" for name, word in lists if found.get(name)]
        parts += ["closed ports"] if found["table"] else []
        parts += [f"{len(found['hosts_lines'])} lines of /etc/hosts"] if found["hosts_lines"] else []
        lines.append(f"{host}: {', '.join(parts) or 'nothing'}")
    return lines


def _host(host: str, found: Table, addresses: set[str], deployment: str, keep_data: bool) -> Iterator[str]:
    for name, word, cure in LISTS:
        if keep_data and name == "volumes":
            continue
        for each in found.get(name, []):
            what = each if isinstance(each, str) else each["name"]
            yield f"{host}: {word} {what}: {cure.format(what)}"
    if found["table"]:
        yield f"{host}: the table inet rtcdn of nftables: nft delete table inet rtcdn"
    for line in found["hosts_lines"]:
        yield f"{host}: the line {line!r} of /etc/hosts: take it out"
    swarm = found["swarm"]
    managers = {each.rpartition(":")[0] for each in swarm["managers"]}
    worker = swarm["state"] != "inactive" and not swarm["manager"] and bool(managers) and managers <= addresses
    if worker or swarm["made"] == deployment:
        yield f"{host}: membership of the deployment's swarm: docker swarm leave --force"
