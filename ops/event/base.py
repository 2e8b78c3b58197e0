"""Hosts of a base inventory: what Ansible knows of them."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from ops.event.model import HostSpec
from ops.event.source import Source
from rtcdn.errors import ConfigError

TIMEOUT_S = 60
COLUMNS = ("private", "public", "network", "zone", "place", "price_hour", "price_gb", "spare")


@dataclass(frozen=True)
class Base:
    """Hosts with their rows, the groups they are in, and the variables that any of them has."""

    rows: dict[str, HostSpec]
    groups: dict[str, list[str]]
    variables: frozenset[str] = frozenset()

    def match(self, pattern: str) -> tuple[dict[str, HostSpec], str]:
        """Hosts whose name or group fits a pattern; else what is wrong with it."""
        names = [name for name in self.rows if fnmatchcase(name, pattern)]
        for group in self.groups:
            names += [name for name in self.groups[group] if fnmatchcase(group, pattern) and name in self.rows]
        if not names:
            if not self.rows:
                return {}, f"{pattern!r} is a pattern: name the inventory it matches in `inventory`, or write the hosts"
            near = difflib.get_close_matches(pattern, [*self.rows, *self.groups], 1)
            cure = f"did you mean {near[0]}?" if near else f"the inventory has {', '.join(sorted(self.rows)[:8])}"
            return {}, f"{pattern!r} matches no host of the inventory: {cure}"
        return {name: self.rows[name] for name in self.rows if name in names}, ""


def hosts(path: Path, source: Source) -> Base:
    """What ``ansible-inventory`` says; raises ConfigError where it cannot be read."""
    if not path.exists():
        raise ConfigError([source.say(("inventory",), f"{path} is not there: give the path of an inventory")])
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(path), "--list"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError([source.say(("inventory",), f"ansible-inventory: {error}; mend the inventory")]) from error
    if ran.returncode:
        said = " ".join(ran.stderr.split())[:300]
        raise ConfigError([source.say(("inventory",), f"cannot be read: {said}; mend the inventory")])
    listed = json.loads(ran.stdout)
    variables = listed.pop("_meta", {}).get("hostvars", {})
    groups = {name: list(_members(name, listed)) for name in listed if name not in ("all", "ungrouped")}
    names = [each for each in _members("all", listed) if each in variables] + sorted(variables)
    rows = {name: _row(name, variables[name], source) for name in dict.fromkeys(names)}
    return Base(rows, groups, frozenset(key for row in variables.values() for key in row))


def _members(group: str, listed: dict[str, Any]) -> dict[str, None]:
    entry = listed.get(group, {})
    found = dict.fromkeys(entry.get("hosts", []))
    for child in entry.get("children", []):
        found |= _members(child, listed)
    return found


def _row(name: str, variables: dict[str, Any], source: Source) -> HostSpec:
    """A host's row of ``rtcdn_hosts`` if the inventory has one, else its address."""
    told = variables.get("rtcdn_hosts")
    row = told.get(name, {}) if isinstance(told, dict) else {}
    known = {key: value for key, value in row.items() if key in COLUMNS}
    address = variables.get("ansible_host", name)
    try:
        return msgspec.convert({"private": address, **known}, HostSpec, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError([source.say(("inventory",), f"rtcdn_hosts.{name}: {error}; mend the inventory")]) from error
