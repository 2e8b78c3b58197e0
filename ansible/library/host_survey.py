#!/usr/bin/python
"""Tell what of a deployment is on a host: what runs, what is kept, what was written. Changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
from glob import glob
from typing import Any

from ansible.module_utils.basic import AnsibleModule

try:
    import yaml
except ImportError:  # before the engine's packages are there
    yaml = None

DOCUMENTATION = r"""
module: host_survey
short_description: What of a deployment is on a host
description:
  - Containers, volumes, networks, membership of a swarm, the nftables table, files and lines in /etc/hosts.
  - On a manager also services as they are, stack files as written, and the swarm's nodes, configs and secrets by name.
  - Content of configs and secrets is never read, and values of environments are not told.
options:
  deployment: {description: "Value of the label rtcdn.deployment", type: str, required: true}
  host_dir: {description: "Folder of the deployment on hosts", type: str, required: true}
  registry: {description: "Name and port of the deployment's registry", type: str, default: ""}
"""

LAB = "rtcdn-lab"  # what makes a host of a lab (docs/lab.md) is no deployment's

# What roles write outside the deployment's own folder.
PATTERNS = (
    "/etc/rtcdn",
    "/etc/sysctl.d/*rtcdn*",
    "/etc/security/limits.d/*rtcdn*",
    "/etc/modules-load.d/*rtcdn*",
    "/etc/systemd/system/*rtcdn*",
    "/etc/systemd/system/*/*rtcdn*",
    "/run/rtcdn*",
    "/etc/systemd/*.conf.d/*rtcdn*",
    "/etc/docker/certs.d/registry.rtcdn.internal*",
    "/etc/chrony/*.d/*rtcdn*",
    "/etc/cron.d/*rtcdn*",
)
STACK = "com.docker.stack.namespace"


def said(*words: str) -> str:
    """Standard output of a command; empty when it fails or is not there."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def rows(*words: str) -> list[dict[str, Any]]:
    """What a docker command lists, one JSON object a line."""
    return [json.loads(line) for line in said(*words, "--format", "{{json .}}").splitlines() if line.strip()]


def inspected(what: str, names: list[str]) -> list[dict[str, Any]]:
    """The full descriptions of services or nodes."""
    found: list[dict[str, Any]] = json.loads(said("docker", what, "inspect", *names) or "[]") if names else []
    return found


def service(found: dict[str, Any]) -> dict[str, Any]:
    """What drift is judged by; of the environment only its names."""
    spec = found["Spec"]
    template = spec["TaskTemplate"]
    container = template["ContainerSpec"]
    replicated = spec["Mode"].get("Replicated") or {}
    return {
        "name": spec["Name"],
        "stack": spec.get("Labels", {}).get(STACK, ""),
        "image": container["Image"].partition("@")[0],
        "replicas": replicated.get("Replicas", 0),
        "configs": sorted(each["ConfigName"] for each in container.get("Configs") or []),
        "secrets": sorted(each["SecretName"] for each in container.get("Secrets") or []),
        "constraints": sorted((template.get("Placement") or {}).get("Constraints") or []),
        "environment": sorted(each.partition("=")[0] for each in container.get("Env") or []),
        "command": container.get("Args") or [],
        "update": (found.get("UpdateStatus") or {}).get("State", ""),
    }


def node(found: dict[str, Any]) -> dict[str, str]:
    """One node of the swarm."""
    spec = found["Spec"]
    return {
        "hostname": found["Description"]["Hostname"],
        "host": spec.get("Labels", {}).get("rtcdn.host", ""),
        "region": spec.get("Labels", {}).get("rtcdn.region", ""),
        "state": found["Status"]["State"],
        "availability": spec["Availability"],
        "role": spec["Role"],
    }


def stack_files(folder: str) -> dict[str, Any]:
    """Stack files as written, by stack; of services only what ``service`` tells."""
    if yaml is None:
        return {}
    answer = {}
    for path in sorted(glob(f"{folder}/stacks/*.yml")):
        if path.endswith(".part.yml"):
            continue
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
        services = {}
        for name, each in (content or {}).get("services", {}).items():
            deploy = each.get("deploy", {})
            command = [str(word).replace("$$", "$") for word in each.get("command") or []]
            services[name] = {
                "image": each["image"],
                "replicas": deploy.get("replicas", 1),
                "configs": sorted(item["source"] for item in each.get("configs", [])),
                "secrets": sorted(item["source"] for item in each.get("secrets", [])),
                "constraints": sorted(deploy.get("placement", {}).get("constraints", [])),
                "environment": sorted(each.get("environment") or {}),
                "command": command,
            }
        answer[os.path.basename(path)[: -len(".yml")]] = services
    return answer


def swarm_objects(label: str, host_dir: str) -> dict[str, Any]:
    """What a manager knows."""
    ids = said("docker", "service", "ls", "--quiet", "--filter", label).split()
    tasks = rows("docker", "service", "ps", "--no-trunc", "--filter", "desired-state=running", *ids) if ids else []
    return {
        "services": [service(each) for each in inspected("service", ids)],
        "tasks": [{name: each.get(name, "") for name in ("Name", "Node", "CurrentState", "Error")} for each in tasks],
        "nodes": [node(each) for each in inspected("node", said("docker", "node", "ls", "--quiet").split())],
        "configs": sorted(each["Name"] for each in rows("docker", "config", "ls", "--filter", label)),
        "secrets": sorted(each["Name"] for each in rows("docker", "secret", "ls", "--filter", label)),
        "stack_files": stack_files(host_dir),
    }


def swarm(engine: dict[str, Any]) -> dict[str, Any]:
    """Membership of this host."""
    found = engine.get("Swarm") or {}
    cluster = found.get("Cluster") or {}
    return {
        "state": found.get("LocalNodeState", "inactive"),
        "manager": bool(found.get("ControlAvailable")),
        "made": ((cluster.get("Spec") or {}).get("Labels") or {}).get("rtcdn.made", ""),
        "managers": sorted(each["Addr"] for each in found.get("RemoteManagers") or []),
    }


def volumes(only: str) -> list[dict[str, Any]]:
    """Those that a filter lets through."""
    return rows("docker", "volume", "ls", "--filter", only)


def hosts_lines(registry: str) -> list[str]:
    """Lines of /etc/hosts that the deployment wrote."""
    name = registry.rpartition(":")[0] or registry
    with open("/etc/hosts", encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return [line for line in lines if line.endswith(".rtcdn.internal") or (name and name in line.split()[1:])]


def survey(deployment: str, host_dir: str, registry: str) -> dict[str, Any]:
    """Everything."""
    label = f"label=rtcdn.deployment={deployment}"
    engine = json.loads(said("docker", "info", "--format", "{{json .}}") or "{}")
    member = swarm(engine)
    kept = [path for pattern in PATTERNS for path in sorted(glob(pattern)) if LAB not in path]
    kept += [host_dir] if os.path.exists(host_dir) else []
    kept += [path for path in [f"/etc/docker/certs.d/{registry}"] if registry and os.path.exists(path)]
    registry_volume = f"name=^rtcdn-registry-{deployment}$"  # the engine made it, without a label
    containers = rows("docker", "ps", "--all", "--no-trunc", "--filter", label)
    return {
        "engine": bool(engine.get("ID")),
        "swarm": member,
        "containers": [
            {"name": each["Names"], "state": each.get("State", ""), "status": each["Status"], "labels": each["Labels"]}
            for each in containers
        ],
        "volumes": sorted(each["Name"] for only in (label, registry_volume) for each in volumes(only)),
        "networks": sorted(each["Name"] for each in rows("docker", "network", "ls", "--filter", label)),
        "table": "table inet rtcdn" in said("nft", "list", "tables"),
        "files": sorted(set(kept)),
        "hosts_lines": hosts_lines(registry),
        **(swarm_objects(label, host_dir) if member["manager"] else {}),
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "deployment": {"type": "str", "required": True},
            "host_dir": {"type": "str", "required": True},
            "registry": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, survey=survey(**module.params))


if __name__ == "__main__":
    main()
