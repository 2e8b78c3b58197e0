#!/usr/bin/python
"""Remove the configs and secrets of one stack that is no more."""

from __future__ import annotations

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.rtcdn_swarm import prune_objects

try:
    import docker
    from docker.errors import DockerException
except ImportError:
    docker = None
    IMPORT_PROBLEM: str | None = traceback.format_exc()
else:
    IMPORT_PROBLEM = None

DOCUMENTATION = r"""
module: stack_objects
short_description: Removes the configs and secrets of a Docker stack that has been removed
options:
  stack: {description: Name of the stack, type: str, required: true}
  deployment: {description: "Value of the label rtcdn.deployment", type: str, required: true}
"""


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={"stack": {"type": "str", "required": True}, "deployment": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    if docker is None:
        module.fail_json(msg=missing_required_lib("docker"), exception=IMPORT_PROBLEM)
    stack, deployment = module.params["stack"], module.params["deployment"]
    try:
        pruned = prune_objects(docker.from_env(), stack, deployment, [], module.check_mode)
    except DockerException as problem:
        module.fail_json(msg=f"stack {stack}: the engine refused: {problem}")
    module.exit_json(changed=bool(pruned), pruned=pruned)


if __name__ == "__main__":
    main()
