#!/usr/bin/python
"""Make the configs and secrets of one stack, or remove those that no service uses any more."""

from __future__ import annotations

import traceback
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import docker
    from docker.errors import APIError, DockerException
except ImportError:
    docker = None
    IMPORT_PROBLEM: str | None = traceback.format_exc()
else:
    IMPORT_PROBLEM = None

DOCUMENTATION = r"""
module: stack_objects
short_description: Configs and secrets of one Docker stack
description:
  - Names end in a hash of the content, so an object that is there is never wrong and never changed.
  - In check mode without an engine everything is to be made.
  - Answers how many services the stack has now, and which of them are C(stale), running by another specification
    than the wanted one. The specification of a service is the label rtcdn.spec that it was deployed with, so a
    deploy that was interrupted, or rolled back, is known as such.
options:
  stack: {description: Name of the stack, type: str, required: true}
  deployment: {description: "Value of the label rtcdn.deployment", type: str, required: true}
  objects: {description: "List of kind (config or secret), name, content", type: list, elements: dict, default: []}
  specs: {description: Wanted specification of each service by its name in the stack, type: dict, default: {}}
  prune: {description: "Remove what carries the stack's labels and is not in objects", type: bool, default: false}
"""


def labels(stack: str, deployment: str) -> dict[str, str]:
    """Labels of every object of ``stack``."""
    return {"rtcdn.deployment": deployment, "rtcdn.stack": stack}


def present(client: Any, kind: str, wanted: dict[str, str]) -> dict[str, str]:
    """Names and ids of the objects of ``kind`` that carry the wanted labels."""
    filters = {"label": [f"{key}={value}" for key, value in wanted.items()]}
    found = client.api.configs(filters=filters) if kind == "config" else client.api.secrets(filters=filters)
    return {item["Spec"]["Name"]: item["ID"] for item in found}


def make(client: Any, item: dict[str, str], wanted: dict[str, str]) -> None:
    """Create one config or secret."""
    create = client.api.create_config if item["kind"] == "config" else client.api.create_secret
    create(item["name"], item["content"].encode(), labels=wanted)


def remove(client: Any, kind: str, object_id: str) -> bool:
    """Remove one; False while a service still uses it."""
    try:
        (client.api.remove_config if kind == "config" else client.api.remove_secret)(object_id)
    except APIError as problem:
        if "is in use" in str(problem):
            return False
        raise
    return True


def stale(services: list[dict[str, Any]], stack: str, specs: dict[str, str]) -> list[str]:
    """Names of the services in the swarm that run by another specification than the wanted one."""
    has = {
        item["Spec"]["Name"].removeprefix(f"{stack}_"): item["Spec"].get("Labels", {}).get("rtcdn.spec", "")
        for item in services
    }
    return sorted(name for name, spec in specs.items() if has.get(name, spec) != spec)


def apply(client: Any, module: AnsibleModule) -> dict[str, Any]:
    """Make what is missing, or with ``prune`` remove what is left over; answers the module's result."""
    wanted = labels(module.params["stack"], module.params["deployment"])
    made, pruned = [], []
    for kind in ("config", "secret"):
        there = present(client, kind, wanted)
        objects = {item["name"]: item for item in module.params["objects"] if item["kind"] == kind}
        if not module.params["prune"]:
            for name in sorted(objects.keys() - there.keys()):
                if not module.check_mode:
                    make(client, objects[name], wanted)
                made.append(name)
            continue
        unused = sorted(there.keys() - objects.keys())
        pruned += [name for name in unused if module.check_mode or remove(client, kind, there[name])]
    services = client.api.services(filters={"label": f"com.docker.stack.namespace={module.params['stack']}"})
    found = {"services": len(services), "stale": stale(services, module.params["stack"], module.params["specs"])}
    return {"changed": bool(made or pruned), "made": made, "pruned": pruned, **found}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "str", "required": True},
            "deployment": {"type": "str", "required": True},
            "objects": {"type": "list", "elements": "dict", "default": [], "no_log": True},
            "specs": {"type": "dict", "default": {}},
            "prune": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    if docker is None and not module.check_mode:
        module.fail_json(msg=missing_required_lib("docker"), exception=IMPORT_PROBLEM)
    try:
        result = apply(docker.from_env(), module) if docker else {"changed": True, "services": 0, "stale": []}
    except DockerException as problem:
        if not module.check_mode:
            module.fail_json(msg=f"stack {module.params['stack']}: the engine refused: {problem}")
        result = {"changed": True, "services": 0, "stale": []}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
