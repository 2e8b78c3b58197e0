"""What was applied, as ``status`` tells it: hosts by region, when and by whom, what is under way, a hint of drift."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ops import client, target
from ops.journal import DONE, Journal, moment
from rtcdn.errors import RtcdnError


def read(state: Path, on_map: set[str]) -> dict[str, Any]:
    """Out of the state folder; ``on_map``: nodes that the broker has."""
    noted = target.applied(state)
    last = Journal(state.name, state.parent).last()
    return {
        "hosts": hosts(state / "inventory"),
        "last": {key: noted[key] for key in ("event", "digest", "at_s", "by")} if noted else {},
        "under_way": Journal(state.name, state.parent).notice(),
        "act": {"verb": last.verb, "state": last.state, "step": last.step} if last and last.state != DONE else {},
        "hints": hints(state, noted, on_map),
    }


def hosts(inventory: Path) -> dict[str, list[str]]:
    """Names of hosts by region, as the inventory that was applied has them."""
    try:
        children = yaml.safe_load((inventory / "hosts.yml").read_text(encoding="utf-8"))["all"]["children"]
        return {
            group.removeprefix("region_"): list(rows.get("hosts") or {})
            for group, rows in children.items()
            if group.startswith("region_")
        }
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return {}


def hints(state: Path, noted: dict[str, Any], on_map: set[str]) -> list[str]:
    """What can be told of drift without asking a host; ``plan`` asks them."""
    if not noted:
        return []
    found = []
    path = Path(noted["event"])
    now = target.digest(path)
    if not now:
        found.append(f"{path} is not there any more; as applied: {state / 'event' / (state.name + '.yml')}")
    elif now != noted["digest"]:
        found.append(f"{path} has changed since: bin/rtcdn plan {path}")
    stray = sorted(on_map - target.noted_nodes(state))
    return [
        *found,
        *(f"node {name} is on the broker's map and was not applied: bin/rtcdn plan {path}" for name in stray),
    ]


def text(applied: dict[str, Any]) -> str:
    """A few lines; empty when nothing was ever applied by an event."""
    lines = [f"{region}: {', '.join(names)}" for region, names in applied["hosts"].items()]
    last = applied["last"]
    if last:
        lines.append(f"applied {moment(last['at_s'])} by {last['by']}: {last['event']} ({last['digest']})")
    lines += [f"! {line}" for line in (applied["under_way"], *applied["hints"]) if line]
    return "\n".join(lines)


def notice(told: str) -> str:
    """What is under way or was cut off, when the deployment itself cannot be asked."""
    try:
        name = told if (client.STATES / told).is_dir() else target.load(told).name
        found = Journal(name).notice()
    except RtcdnError:
        return ""
    return f"{found}\n" if found else ""
