"""What tasks of ``ansible/precheck.yml`` brought back from the hosts, as ``ops.precheck`` wants it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Results = Mapping[str, Mapping[str, Any]]


def seen(hostvars: Results, hosts: Iterable[str]) -> dict[str, Any]:
    """``looked`` and ``probed`` by host."""
    names = list(hosts)
    looked = {name: _answer(hostvars[name], "precheck_looked") for name in names}
    probed = {name: _answer(hostvars[name], "precheck_probed") for name in names}
    for name, answer in probed.items():
        if answer and "failed" in answer and "failed" not in looked[name]:
            looked[name] = answer
    return {
        "looked": looked,
        "probed": {name: answer for name, answer in probed.items() if answer and "failed" not in answer},
    }


def ports(hostvars: Results, hosts: Iterable[str]) -> dict[str, Any]:
    """What became of the ports of each host that answered."""
    answers = {name: _answer(hostvars[name], "precheck_looked") for name in hosts}
    return {name: answer["ports"] for name, answer in answers.items() if "ports" in answer}


def _answer(variables: Mapping[str, Any], task: str) -> dict[str, Any]:
    """The JSON that the program printed, or why there is none."""
    result: Mapping[str, Any] = variables.get(task) or {}
    if result.get("skipped"):
        return {}
    if result.get("rc") == 0:
        found: dict[str, Any] = json.loads(result["stdout"])
        return found
    told = [str(result.get(name) or "") for name in ("stderr", "module_stderr", "msg")]
    said = next((text for text in told if text), "no answer").strip().splitlines()[-1]
    return {"failed": said}
