"""Where what runs is not what was deployed: what Ansible's check mode cannot see. Pure: it compares what was told.

``declared`` is what ``ops.declared`` reads of an inventory, ``surveys`` what the module ``host_survey`` found on each
host, ``vmap`` the broker's map, where the broker answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Table = Mapping[str, Any]

FIELDS = {
    "image": "image",
    "replicas": "replicas",
    "configs": "configs",
    "secrets": "secrets",
    "constraints": "placement",
    "environment": "environment",
    "command": "command",
}


def find(declared: Table, surveys: Mapping[str, Table], vmap: Table | None = None) -> list[str]:
    """Every difference in words, in the order stacks, containers, swarm, map; empty where all is as it was deployed."""
    manager = next((surveys[host] for host in declared["managers"] if "services" in surveys.get(host, {})), None)
    found = list(_registry(declared, surveys))
    if manager is not None:
        found = [*_stacks(declared, manager), *found, *_swarm(declared, surveys, manager)]
    return [*found, *(_map(declared, vmap) if vmap else [])]


def undeclared(declared: Table, manager: Table) -> list[str]:
    """Stacks of the deployment that the inventory does not have."""
    there = {each["stack"] for each in manager["services"] if each["stack"]}
    return sorted(there - set(declared["stacks"]))


def _stacks(declared: Table, manager: Table) -> Iterator[str]:
    services = {each["name"]: each for each in manager["services"]}
    for stack in declared["stacks"]:
        wanted = manager["stack_files"].get(stack, {})
        for name, service in wanted.items():
            full = f"{stack}_{name}"
            there = services.get(full)
            if there is None:
                yield f"service {full} is not there: it was removed by hand, or its deploy was interrupted"
                continue
            yield from _differences(full, service, there)
            yield from _not_running(full, there, manager["tasks"])
        mine = {each for each, service in services.items() if service["stack"] == stack} if wanted else set()
        for name in sorted(mine - {f"{stack}_{name}" for name in wanted}):
            yield f"service {name} was added to the stack {stack} by hand"
    for stack in undeclared(declared, manager):
        yield f"stack {stack} runs and the inventory does not have it: apply removes it"


def _differences(name: str, wanted: Table, there: Table) -> Iterator[str]:
    for field, word in FIELDS.items():
        if wanted[field] == there[field]:
            continue
        if isinstance(wanted[field], list):
            gone = [str(each) for each in wanted[field] if each not in there[field]]
            more = [str(each) for each in there[field] if each not in wanted[field]]
            told = "; ".join(
                [*([f"lacks {', '.join(gone)}"] if gone else []), *([f"has {', '.join(more)}"] if more else [])]
            )
            yield f"service {name}: {word} {told or 'in another order'}"
        else:
            yield f"service {name}: {word} is {there[field]}, deployed was {wanted[field]}"


def _not_running(name: str, there: Table, tasks: list[Table]) -> Iterator[str]:
    mine = [task for task in tasks if task["Name"].rpartition(".")[0] == name]
    running = sum(task["CurrentState"].startswith("Running") for task in mine)
    if running < there["replicas"]:
        why = [f"on {task['Node'] or 'no host'}: {task['Error'] or task['CurrentState']}" for task in mine]
        told = f" ({'; '.join(why)})" if why else ""
        yield f"service {name}: {running} of {there['replicas']} tasks run{told}"
    if there["update"] in ("paused", "rollback_paused", "rollback_completed"):
        yield f"service {name}: its update is {there['update']}: see bin/rtcdn logs {name}"


def _registry(declared: Table, surveys: Mapping[str, Table]) -> Iterator[str]:
    name = f"rtcdn-registry-{declared['deployment']}"
    for host in declared["registry"][:1]:
        found = surveys.get(host, {})
        state = {each["name"]: each["state"] for each in found.get("containers", [])}.get(name)
        if found.get("services") and state != "running":
            yield f"host {host}: the container {name} {f'is {state}' if state else 'is not there'}"


def _swarm(declared: Table, surveys: Mapping[str, Table], manager: Table) -> Iterator[str]:
    nodes = {each["host"]: each for each in manager["nodes"] if each["host"]}
    for host in declared["hosts"]:
        node = nodes.get(host)
        if node is None:
            state = surveys.get(host, {}).get("swarm", {}).get("state", "not asked")
            yield f"host {host} is missing from the swarm (its engine says: {state})"
        elif node["state"] != "ready":
            yield f"host {host} is {node['state']} in the swarm"
        elif node["availability"] != "active":
            yield (
                f"host {host} takes no tasks, its availability is {node['availability']}: "
                f"docker node update --availability active {node['hostname']}"
            )
    for host in sorted(nodes.keys() - declared["hosts"].keys()):
        yield f"host {host} is in the swarm and the inventory does not have it: apply removes it"


def _map(declared: Table, vmap: Table) -> Iterator[str]:
    for name in sorted(vmap["nodes"].keys() - declared["nodes"].keys()):
        yield f"node {name} is on the broker's map and the inventory does not have it"
    for name in declared["nodes"]:
        node = vmap["nodes"].get(name)
        if node is None:
            yield f"node {name} is not on the broker's map"
        elif node["state"] != "ready":
            yield f"node {name} is {node['state']} on the broker's map"
