"""Filters of the role ``stack``: from a role's services to the configs and secrets that they need.

A file of a service is ``{kind: config|secret, target: path, content: text}`` or has ``file: path on the controller``
instead of ``content``. Its name in the swarm ends in a hash of the content, so a changed file changes the service.
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError


def _content(item: dict[str, Any], missing_ok: bool) -> str:
    if "content" in item:
        return str(item["content"])
    path = Path(item["file"])
    if path.is_file():
        return path.read_text(encoding="utf-8")
    if missing_ok:
        return ""
    raise AnsibleFilterError(f"{path} is missing on the controller: run the play that makes it (pki, janus_node) first")


def _name(stack: str, target: str, content: str) -> str:
    stem = re.sub(r"[^a-zA-Z0-9_.-]", "-", Path(target).name)
    digest = hashlib.sha256(f"{stack}\n{target}\n{content}".encode()).hexdigest()[:12]
    return f"{stack[:24]}_{stem[:25]}_{digest}"  # 64 characters at most


def stack_services(
    services: list[dict[str, Any]], stack: str, missing_ok: bool = False, form: str = ""
) -> list[dict[str, Any]]:
    """``services`` with every file given the ``name`` of its config or secret, and no content left in it.

    Each gets a ``spec``: a hash of all it is made of, ``form`` (the template of the stack file) included.
    """
    answer = []
    for service in services:
        files = [
            {
                "kind": item["kind"],
                "target": item["target"],
                "name": _name(stack, item["target"], _content(item, missing_ok)),
            }
            for item in service.get("files", [])
        ]
        named = {**service, "files": files}
        digest = hashlib.sha256(f"{form}\n{json.dumps(named, sort_keys=True)}".encode()).hexdigest()[:16]
        answer.append({**named, "spec": digest})
    return answer


def stack_in_order(services: list[dict[str, Any]], stale: list[str], last: list[str]) -> list[dict[str, Any]]:
    """Those of ``services`` that are ``stale``, in their order but for those named in ``last``, which come last."""
    chosen = [service for service in services if service["name"] in stale]
    return sorted(chosen, key=lambda service: service["name"] in last)


def stack_turns(
    services: list[dict[str, Any]],
    stale: list[str],
    last: list[str],
    hosts: dict[str, Any],
    together: bool = False,
) -> list[list[dict[str, Any]]]:
    """The ``stale`` ones in turns, each of which is awaited: one service, or ``together`` those of one host per region.

    A host whose region has no other for these services takes a turn of its own: people there go to another region.
    """
    chosen = stack_in_order(services, stale, last)
    alone = [[each] for each in chosen if not together or each["name"] in last]
    regions: dict[str, dict[str, list[dict[str, Any]]]] = {}  # services by region and host
    for each in chosen if together else []:
        if each["name"] not in last:
            regions.setdefault(_region(hosts, each), {}).setdefault(each["host"], []).append(each)
    single = [region for region in regions if len({e["host"] for e in services if _region(hosts, e) == region}) == 1]
    queues = [list(regions[region].values()) for region in regions if region not in single]
    side_by_side = [list(chain(*turn)) for turn in zip_longest(*queues, fillvalue=[])]
    return side_by_side + [group for region in single for group in regions[region].values()] + alone


def _region(hosts: dict[str, Any], service: dict[str, Any]) -> str:
    return str(hosts.get(service.get("host", ""), {}).get("region", ""))


def stack_objects(services: list[dict[str, Any]], stack: str, missing_ok: bool = False) -> list[dict[str, str]]:
    """Every config and secret of ``services`` once, as ``{kind, name, content}``."""
    found = {}
    for service in services:
        for item in service.get("files", []):
            content = _content(item, missing_ok)
            name = _name(stack, item["target"], content)
            found[item["kind"], name] = {"kind": item["kind"], "name": name, "content": content}
    return [found[key] for key in sorted(found)]


def stack_of_regions(services: list[dict[str, Any]], hosts: dict[str, Any], regions: list[str]) -> list[dict[str, Any]]:
    """Those of ``services`` that stand on hosts of ``regions``; all of them when no region is named."""
    if not regions:
        return services
    return [each for each in services if _region(hosts, each) in regions]


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {
            "stack_services": stack_services,
            "stack_objects": stack_objects,
            "stack_turns": stack_turns,
            "stack_of_regions": stack_of_regions,
        }
