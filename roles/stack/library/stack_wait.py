#!/usr/bin/python
"""Wait until a stack runs as its services say, or fail with the service, the host and the last log lines."""

from __future__ import annotations

import json
import re
import time
import traceback
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import docker
    from docker.errors import DockerException
except ImportError:
    docker = None
    IMPORT_PROBLEM: str | None = traceback.format_exc()
else:
    IMPORT_PROBLEM = None

DOCUMENTATION = r"""
module: stack_wait
short_description: Wait for a Docker stack
description:
  - Counts running tasks (healthy, where there is a healthcheck) of the newest specification against the replicas or,
    for a global service, against the hosts that match its constraints. The REPLICAS column is not looked at.
  - A paused or rolled back update fails at once.
  - With C(look) nothing is awaited. Answers at once whether the stack is settled, that is deployed by the wanted
    specifications, touched by nobody since, and running; else why not.
options:
  stacks: {description: "Names of the stacks, with C(look) of one", type: list, elements: str, required: true}
  timeout_s: {description: How long to wait, type: int, default: 180}
  log_lines: {description: Log lines shown on failure, type: int, default: 20}
  look: {description: Answer at once, type: bool, default: false}
  specs: {description: "Wanted specification of each service by its name in the stack", type: dict, default: {}}
  records: {description: "Folder of the versions that services had when deployed, written after waiting", type: path}
"""

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


def unsettled(services: list[dict[str, Any]], stack: str, specs: dict[str, str], recorded: dict[str, int]) -> str:
    """Why the services are not those that were deployed from ``specs``; empty when they are.

    Whatever changes a service, by whom ever, raises its version: a scaled or edited one is known by that.
    """
    has = {service["Spec"]["Name"].removeprefix(f"{stack}_"): service for service in services}
    if has.keys() != specs.keys():
        return f"services are {', '.join(sorted(has)) or 'none'}, wanted {', '.join(sorted(specs))}"
    for name, service in has.items():
        if service["Spec"].get("Labels", {}).get("rtcdn.spec") != specs[name]:
            return f"{name} runs by another specification"
    touched = sorted(name for name, version in versions(services).items() if recorded.get(name) != version)
    return f"changed since the deploy: {', '.join(touched)}" if touched else ""


def versions(services: list[dict[str, Any]]) -> dict[str, int]:
    """Version of each service by its full name."""
    return {service["Spec"]["Name"]: int(service["Version"]["Index"]) for service in services}


class Stack:
    """One stack as the engine shows it now."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def services(self) -> list[dict[str, Any]]:
        """Its services, as the engine describes them."""
        return list(self.client.api.services(filters={"label": f"com.docker.stack.namespace={self.name}"}))

    def looks(self, specs: dict[str, str], record: Path) -> str:
        """Why it is not settled; empty when it is."""
        try:
            recorded = json.loads(record.read_text(encoding="utf-8"))
            problems, _ = self.problems()
            return unsettled(self.services(), self.name, specs, recorded) or "; ".join(problems.values())
        except (OSError, ValueError, DockerException) as problem:
            return f"not known: {problem}"

    def problems(self) -> tuple[dict[str, str], set[str]]:
        """Complaint by service name, and those services for which waiting is of no use."""
        nodes = self.client.api.nodes()
        hosts = {node["ID"]: node["Description"]["Hostname"] for node in nodes}
        services = self.services()
        if not services:
            return {self.name: f"stack {self.name} has no services"}, set()
        found, hopeless = {}, set()
        for service in services:
            tasks = self.client.api.tasks(filters={"service": service["ID"]})
            status = service.get("UpdateStatus") or {}
            wrong = status.get("State") in WRONG
            rejected = [task for task in tasks if task["Status"]["State"] == "rejected" and is_current(service, task)]
            if wrong or len(rejected) >= REJECTED_MOST:
                hopeless.add(service["Spec"]["Name"])
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


def failure(stack: str, waited_s: float, problems: dict[str, str], logs: dict[str, str]) -> str:
    """What to tell: all complaints first, those of the services whose ``logs`` follow before others'."""
    order = sorted(problems, key=lambda name: name not in logs)
    said = [f"--- last log lines of {name}\n{log}" for name, log in logs.items()]
    return "\n".join([f"stack {stack} does not run after {waited_s:.0f} s", *map(problems.__getitem__, order), *said])


def record_of(folder: str, stack: str) -> Path:
    """File with the versions of the services of one stack."""
    return Path(folder) / f"{stack}.deployed.json"


def wait(module: AnsibleModule, stacks: list[Stack]) -> dict[str, Any]:
    """Return when the stacks run, having recorded what runs; fail with what the first lacks that never will."""
    began, left, params = time.monotonic(), list(stacks), module.params
    while left:
        for stack in tuple(left):
            problems, hopeless = stack.problems()
            waited_s = time.monotonic() - began
            if not problems:
                if params["records"]:
                    text = json.dumps(versions(stack.services()))
                    record_of(params["records"], stack.name).write_text(text, encoding="utf-8")
                left.remove(stack)
            elif hopeless or waited_s > params["timeout_s"]:
                logs = {name: stack.logs(name, params["log_lines"]) for name in hopeless or problems}
                module.fail_json(msg=failure(stack.name, waited_s, problems, logs))
        if left:
            time.sleep(0.5)
    return {"changed": False, "waited_s": round(time.monotonic() - began, 1)}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "stacks": {"type": "list", "elements": "str", "required": True},
            "timeout_s": {"type": "int", "default": 180},
            "log_lines": {"type": "int", "default": 20},
            "look": {"type": "bool", "default": False},
            "specs": {"type": "dict", "default": {}},
            "records": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    if params["look"] and docker is None:
        module.exit_json(changed=False, settled=False, why="not known: the host has no python3-docker")
    if module.check_mode and not params["look"]:
        module.exit_json(changed=False)
    if docker is None:
        module.fail_json(msg=missing_required_lib("docker"), exception=IMPORT_PROBLEM)
    try:
        client = docker.from_env()
        stacks = [Stack(client, name) for name in params["stacks"]]
    except DockerException as problem:
        if params["look"]:
            module.exit_json(changed=False, settled=False, why=f"not known: {problem}")
        raise
    if params["look"]:
        why = stacks[0].looks(params["specs"], record_of(params["records"] or "", stacks[0].name))
        module.exit_json(changed=False, settled=not why, why=why)
    module.exit_json(**wait(module, stacks))


if __name__ == "__main__":
    main()
