#!/usr/bin/python
"""Deploy one Docker stack: its configs and secrets, its file, its services, and the wait until they run."""

from __future__ import annotations

import hashlib
import json
import os
import traceback
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.rtcdn_swarm import NotRunning, Stack, await_stacks, make_objects, prune_objects

try:
    import docker
    from docker.errors import DockerException
except ImportError:
    docker = None
    IMPORT_PROBLEM: str | None = traceback.format_exc()
else:
    IMPORT_PROBLEM = None

DOCUMENTATION = r"""
module: stack_apply
short_description: A Docker stack as its file says
description:
  - Services that run by another specification than the wanted one are stale. They are updated one after the other,
    each awaited (serial). The specification of a service is the label rtcdn.spec that it was deployed with, so a deploy
    that was interrupted, or rolled back, is known as such.
  - What was deployed is noted beside the stack file; a stack whose file and services are as noted is left alone, one
    that differs, because its file or somebody by hand has changed it, is deployed.
  - In check mode without an engine everything is to be made.
options:
  stack: {description: Name of the stack, type: str, required: true}
  deployment: {description: "Value of the label rtcdn.deployment", type: str, required: true}
  folder: {description: Where stack files lie on the host, type: str, required: true}
  text: {description: The stack file, type: str, required: true}
  objects: {description: "List of kind (config or secret), name, content", type: list, elements: dict, default: []}
  specs: {description: Wanted specification of each service by its name in the stack, type: dict, default: {}}
  serial: {description: Update stale services one after the other, type: bool, default: true}
  last: {description: Names of services that are updated last, type: list, elements: str, default: []}
  hold: {description: Where services are stale, make nothing but configs and secrets and answer held, type: bool}
  await_new: {description: Wait for a stack that was not there before, type: bool, default: true}
  timeout_s: {description: How long each wait may take, type: int, default: 180}
  log_lines: {description: Log lines shown on failure, type: int, default: 20}
"""

ARGUMENTS = {
    "stack": {"type": "str", "required": True},
    "deployment": {"type": "str", "required": True},
    "folder": {"type": "str", "required": True},
    "text": {"type": "str", "required": True},
    "objects": {"type": "list", "elements": "dict", "default": [], "no_log": True},
    "specs": {"type": "dict", "default": {}},
    "serial": {"type": "bool", "default": True},
    "last": {"type": "list", "elements": "str", "default": []},
    "hold": {"type": "bool", "default": False},
    "await_new": {"type": "bool", "default": True},
    "timeout_s": {"type": "int", "default": 180},
    "log_lines": {"type": "int", "default": 20},
}


def digest(value: Any) -> str:
    """Of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def note(text: str, services: list[dict[str, Any]]) -> dict[str, Any]:
    """What is remembered of a deployment: the file, and each service as the engine then had it."""
    return {"file": digest(text), "services": {each["Spec"]["Name"]: digest(each["Spec"]) for each in services}}


def with_one_service(text: str, service: str) -> str:
    """The stack file with but one of its services."""
    whole = yaml.safe_load(text)
    return str(yaml.safe_dump({**whole, "services": {service: whole["services"][service]}}, sort_keys=False))


def stale(services: list[dict[str, Any]], stack: str, specs: dict[str, str], last: list[str]) -> list[str]:
    """Services that run by another specification than the wanted one, in the order of ``specs``, ``last`` ones last."""
    has = {each["Spec"]["Name"]: each["Spec"].get("Labels", {}).get("rtcdn.spec", "") for each in services}
    found = [name for name, spec in specs.items() if has.get(f"{stack}_{name}", spec) != spec]
    return sorted(found, key=lambda name: name in last)


class Deployment:
    """One stack on its way from what it is to what its file says."""

    def __init__(self, module: AnsibleModule, client: Any) -> None:
        self.module, self.params, self.client = module, module.params, client
        self.name, self.text = str(module.params["stack"]), str(module.params["text"])
        folder = Path(module.params["folder"])
        self.file, self.noted = folder / f"{self.name}.yml", folder / f"{self.name}.applied.json"
        self.stack = Stack(client, self.name)

    def run(self) -> dict[str, Any]:
        """Do what is to be done; the module's result."""
        old = self._read(self.file)
        answer: dict[str, Any] = {
            "diff": {"before": old, "after": self.text, "before_header": str(self.file), "after_header": str(self.file)}
        }
        dry = self.module.check_mode
        make = (self.client, self.name, self.params["deployment"], self.params["objects"], dry)
        made = make_objects(*make)
        before = self.stack.services()
        late = stale(before, self.name, self.params["specs"], self.params["last"])
        differs = bool(
            made or old != self.text or self._read(self.noted).strip() != json.dumps(note(self.text, before))
        )
        answer |= {"made": made, "pruned": [], "stale": late, "held": bool(self.params["hold"] and late)}
        if dry or answer["held"] or not differs:
            if not (dry or answer["held"]):
                self._wait()
            return {**answer, "changed": differs if dry else bool(made)}
        self._write(self.file, self.text)
        for service in late if self.params["serial"] and len(self.params["specs"]) > 1 else []:
            part = self.file.with_suffix(".part.yml")
            self._write(part, with_one_service(self.text, service))
            self._deploy(part)
            self._wait()
            part.unlink()
        self._deploy(self.file, "--prune")
        if before or self.params["await_new"]:
            self._wait()
        after = self.stack.services()
        self._write(self.noted, json.dumps(note(self.text, after)) + "\n")
        pruned = prune_objects(*make)
        changed = bool(made or pruned or old != self.text or note("", before) != note("", after))
        return {**answer, "changed": changed, "pruned": pruned}

    def _deploy(self, file: Path, *more: str) -> None:
        words = [
            "docker",
            "stack",
            "deploy",
            "--resolve-image",
            "always",
            *more,
            "--compose-file",
            str(file),
            self.name,
        ]
        code, said, complaint = self.module.run_command(words)
        if code:
            self.module.fail_json(msg=f"stack {self.name}: docker stack deploy: {complaint.strip() or said.strip()}")

    def _wait(self) -> None:
        await_stacks([self.stack], self.params["timeout_s"], self.params["log_lines"])

    @staticmethod
    def _read(path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = path.with_suffix(".new")
        partial.write_text(text, encoding="utf-8")
        partial.chmod(0o644)
        os.replace(partial, path)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    name = module.params["stack"]
    if docker is None and not module.check_mode:
        module.fail_json(msg=missing_required_lib("docker"), exception=IMPORT_PROBLEM)
    result: dict[str, Any] = {"changed": True, "stale": [], "held": False}
    try:
        result = Deployment(module, docker.from_env()).run() if docker else result
    except NotRunning as problem:
        module.fail_json(msg=str(problem))
    except DockerException as problem:
        if not module.check_mode:  # before the first run there is no engine
            module.fail_json(msg=f"stack {name}: the engine refused: {problem}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
