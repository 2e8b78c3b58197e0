"""Stacks, their configs and secrets as the swarm has them; what the modules of the role ``stack`` share."""

from __future__ import annotations

import re
import time
from typing import Any

try:
    from docker.errors import APIError, DockerException
except ImportError:
    APIError = DockerException = OSError  # the modules say what is missing

POLL_S = 0.5
MOVING = ("updating", "rollback_started")
WRONG = ("paused", "rollback_paused", "rollback_completed")
REJECTED_MOST = 4  # Swarm keeps five dead tasks; a host that rejects one after the other will not take the next
CONSTRAINT = re.compile(r"^\s*([\w.]+(?:\.[\w.-]+)?)\s*(==|!=)\s*(\S+)\s*$")


def node_value(node: dict[str, Any], name: str) -> str:
    """What ``name`` of a placement constraint is on ``node``; empty when it has no such thing."""
    if name.startswith("node.labels."):
        return str(node["Spec"].get("Labels", {}).get(name.removeprefix("node.labels."), ""))
    plain = {
        "node.id": node.get("ID"),
        "node.hostname": node.get("Description", {}).get("Hostname"),
        "node.role": node["Spec"].get("Role"),
    }
    return str(plain.get(name) or "")


def matches(node: dict[str, Any], constraints: list[str]) -> bool:
    """True when ``node`` is ready, active, and meets every constraint."""
    if node["Spec"].get("Availability") != "active" or node["Status"].get("State") != "ready":
        return False
    for constraint in constraints:
        parts = CONSTRAINT.match(constraint)
        if parts is None:
            return False
        name, operator, value = parts.groups()
        if (node_value(node, name) == value) != (operator == "=="):
            return False
    return True


def wanted_tasks(service: dict[str, Any], nodes: list[dict[str, Any]]) -> int:
    """How many tasks ``service`` should have running."""
    replicated = service["Spec"]["Mode"].get("Replicated")
    if replicated is not None:
        return int(replicated.get("Replicas", 1))
    constraints = service["Spec"]["TaskTemplate"].get("Placement", {}).get("Constraints") or []
    return sum(matches(node, constraints) for node in nodes)


def is_current(service: dict[str, Any], task: dict[str, Any]) -> bool:
    """True when the task runs what the service says now, not what it said before."""
    return bool(task["Spec"].get("ContainerSpec") == service["Spec"]["TaskTemplate"].get("ContainerSpec"))


def lacking(service: dict[str, Any], tasks: list[dict[str, Any]], nodes: list[dict[str, Any]]) -> str:
    """What ``service`` still lacks, in words; empty when it runs as it should."""
    state = (service.get("UpdateStatus") or {}).get("State", "")
    if state in MOVING:
        return f"update is {state}"
    running = [t for t in tasks if t["DesiredState"] == "running" and t["Status"]["State"] == "running"]
    current = [task for task in running if is_current(service, task)]
    wanted = wanted_tasks(service, nodes)
    if len(current) == wanted == len(running):
        return ""
    return f"{len(current)} of {wanted} tasks run the wanted specification"


def complaint(service: dict[str, Any], tasks: list[dict[str, Any]], hosts: dict[str, str], why: str) -> str:
    """One line for the operator: the service, its hosts, what the newest tasks there say."""
    newest = sorted(tasks, key=lambda task: str(task["CreatedAt"]))[-3:]
    said = "; ".join(
        f"on {hosts.get(task.get('NodeID', ''), 'no host')}: {task['Status']['State']}"
        + (f" ({task['Status']['Err']})" if task["Status"].get("Err") else "")
        for task in newest
    )
    return f"service {service['Spec']['Name']}: {why}. Newest tasks {said or '(none)'}"


class Stack:
    """One stack as the engine shows it now."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def services(self) -> list[dict[str, Any]]:
        """Its services, as the engine has them."""
        found = self.client.api.services(filters={"label": f"com.docker.stack.namespace={self.name}"})
        return list(found)

    def problems(self) -> tuple[dict[str, str], bool]:
        """Complaint by service name, and whether waiting is of no use."""
        nodes = self.client.api.nodes()
        hosts = {node["ID"]: node["Description"]["Hostname"] for node in nodes}
        services = self.services()
        if not services:
            return {self.name: f"stack {self.name} has no services"}, False
        found, hopeless = {}, False
        for service in services:
            tasks = self.client.api.tasks(filters={"service": service["ID"]})
            status = service.get("UpdateStatus") or {}
            wrong = status.get("State") in WRONG
            rejected = [task for task in tasks if task["Status"]["State"] == "rejected" and is_current(service, task)]
            hopeless = hopeless or wrong or len(rejected) >= REJECTED_MOST
            why = (
                f"update is {status['State']}: {status.get('Message', '')}" if wrong else lacking(service, tasks, nodes)
            )
            if why:
                found[service["Spec"]["Name"]] = complaint(service, tasks, hosts, why)
        return found, hopeless

    def logs(self, service: str, lines: int) -> str:
        """The last lines that ``service`` wrote, whatever task wrote them."""
        try:
            chunks = self.client.services.get(service).logs(stdout=True, stderr=True, tail=lines)
            text = b"".join(chunks).decode(errors="replace")
        except DockerException as problem:
            return f"(no log: {problem})"
        return "\n".join(text.splitlines()[-lines:]) or "(it wrote nothing)"


class NotRunning(Exception):
    """A stack does not run as it should; the text is for the operator."""


def await_stacks(stacks: list[Stack], timeout_s: float, log_lines: int) -> float:
    """Wait until all of ``stacks`` run, and answer how long that took; raises NotRunning."""
    began_s = time.monotonic()
    left = list(stacks)
    while True:
        found = [(stack, *stack.problems()) for stack in left]
        left = [stack for stack, problems, _ in found if problems]
        waited_s = time.monotonic() - began_s
        if not left:
            return round(waited_s, 1)
        if waited_s > timeout_s or any(hopeless for _, _, hopeless in found):
            raise NotRunning("\n".join(_failure(*each[:2], waited_s, log_lines) for each in found if each[1]))
        time.sleep(POLL_S)


def _failure(stack: Stack, problems: dict[str, str], waited_s: float, log_lines: int) -> str:
    said = [
        f"{problems[name]}\n--- last log lines of {name}\n{stack.logs(name, log_lines)}" for name in sorted(problems)
    ]
    return "\n".join([f"stack {stack.name} does not run after {waited_s:.0f} s", *said])


def labels(stack: str, deployment: str) -> dict[str, str]:
    """Labels of every object of ``stack``."""
    return {"rtcdn.deployment": deployment, "rtcdn.stack": stack}


def objects_of(client: Any, kind: str, wanted: dict[str, str]) -> dict[str, str]:
    """Names and ids of the objects of ``kind`` that carry the wanted labels."""
    filters = {"label": [f"{key}={value}" for key, value in wanted.items()]}
    found = client.api.configs(filters=filters) if kind == "config" else client.api.secrets(filters=filters)
    return {item["Spec"]["Name"]: item["ID"] for item in found}


def make_object(client: Any, item: dict[str, str], wanted: dict[str, str]) -> None:
    """Create one config or secret."""
    create = client.api.create_config if item["kind"] == "config" else client.api.create_secret
    create(item["name"], item["content"].encode(), labels=wanted)


def remove_object(client: Any, kind: str, object_id: str) -> bool:
    """Remove one; False while a service still uses it."""
    try:
        (client.api.remove_config if kind == "config" else client.api.remove_secret)(object_id)
    except APIError as problem:
        if "is in use" in str(problem):
            return False
        raise
    return True


def make_objects(client: Any, stack: str, deployment: str, wanted: list[dict[str, str]], dry: bool) -> list[str]:
    """Make the configs and secrets that are missing; their names."""
    made = []
    for kind in ("config", "secret"):
        there = objects_of(client, kind, labels(stack, deployment))
        missing = {item["name"]: item for item in wanted if item["kind"] == kind and item["name"] not in there}
        for name in sorted(missing):
            if not dry:
                make_object(client, missing[name], labels(stack, deployment))
            made.append(name)
    return made


def prune_objects(client: Any, stack: str, deployment: str, wanted: list[dict[str, str]], dry: bool) -> list[str]:
    """Remove the configs and secrets that no service uses any more; their names."""
    pruned = []
    for kind in ("config", "secret"):
        there = objects_of(client, kind, labels(stack, deployment))
        unused = sorted(there.keys() - {item["name"] for item in wanted if item["kind"] == kind})
        pruned += [name for name in unused if dry or remove_object(client, kind, there[name])]
    return pruned
