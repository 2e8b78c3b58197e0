#!/usr/bin/python
"""Wait until stacks run as their services say, or fail with the service, the host and the last log lines."""

from __future__ import annotations

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.rtcdn_swarm import NotRunning, Stack, await_stacks

try:
    import docker
except ImportError:
    docker = None
    IMPORT_PROBLEM: str | None = traceback.format_exc()
else:
    IMPORT_PROBLEM = None

DOCUMENTATION = r"""
module: stack_wait
short_description: Wait for Docker stacks
description:
  - Counts running tasks (healthy, where there is a healthcheck) of the newest specification against the replicas or,
    for a global service, against the hosts that match its constraints. The REPLICAS column is not looked at.
  - A paused or rolled back update fails at once.
options:
  stacks: {description: Names of the stacks, type: list, elements: str, required: true}
  timeout_s: {description: How long to wait, type: int, default: 180}
  log_lines: {description: Log lines shown on failure, type: int, default: 20}
"""


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "stacks": {"type": "list", "elements": "str", "required": True},
            "timeout_s": {"type": "int", "default": 180},
            "log_lines": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False)
    if docker is None:
        module.fail_json(msg=missing_required_lib("docker"), exception=IMPORT_PROBLEM)
    client = docker.from_env()
    stacks = [Stack(client, name) for name in module.params["stacks"]]
    try:
        waited_s = await_stacks(stacks, module.params["timeout_s"], module.params["log_lines"])
    except NotRunning as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(changed=False, waited_s=waited_s)


if __name__ == "__main__":
    main()
