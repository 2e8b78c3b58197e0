"""The event that a command is called with: its file, its inventory, and what of it is kept on this machine.

The state folder of the deployment has, of an apply: ``event/`` (the event file as applied, and ``applied.json``: when,
by whom, with which ``-i``), ``inventory/`` (the compiled inventory), ``gone.yml`` (an inventory of hosts that are to be
cleaned, the event does not have them any more), ``choices.json`` (what ``up`` was told), ``scaled.json`` (nodes that
``scale`` started). The latter two outrank the event: they are written into the inventory, read last.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ops import client, event, journal
from ops.event import Event
from rtcdn.errors import ConfigError

TREE = Path(__file__).resolve().parent.parent
EVENTS = TREE / "events"
SUFFIXES = (".yml", ".yaml")
GONE = "gone.yml"
KEPT = "zzz_kept.yml"  # behind the event's own file: what is kept wins
GROUPS = {"VR": "videoroom", "AB": "audiobridge", "ST": "streaming", "AI": "ai"}


@dataclass(frozen=True, slots=True)
class Target:
    """An event file that was read, and where its deployment keeps what."""

    event: Event
    path: Path
    state: Path

    @property
    def name(self) -> str:
        """Of the event and of its deployment."""
        return self.event.name

    @property
    def digest(self) -> str:
        """Of the file: tells whether it changed since it was applied."""
        return digest(self.path)

    @property
    def inventory(self) -> Path:
        """Where an apply writes the compiled inventory."""
        return self.state / "inventory"

    def kept(self) -> dict[str, Any]:
        """Variables that outrank the event's: what ``up`` was told, and the nodes with those that ``scale`` added."""
        made = event.compiled(self.event)
        chosen = choices(self.state)
        return chosen | _scaled_tables({**made.variables, **chosen}, scaled(self.state), set(made.hosts))

    def nodes(self) -> list[dict[str, Any]]:
        """Rows of ``rtcdn_nodes`` as they will be."""
        return list(self.kept().get("rtcdn_nodes") or event.compiled(self.event).variables["rtcdn_nodes"])

    def compile(self, folder: Path) -> list[Path]:
        """Write the inventory with what is kept into ``folder``; the arguments of ``-i``."""
        arguments = event.write(self.event, folder)
        kept = self.kept()
        if kept:
            text = "# Kept by rtcdn up and rtcdn scale; outranks the event.\n" + yaml.safe_dump(kept, sort_keys=False)
            (folder / "group_vars" / "all" / KEPT).write_text(text, encoding="utf-8")
        rows = [row for row in kept.get("rtcdn_nodes", []) if row["host"] in self.event.hosts]
        groups: dict[str, Any] = {GROUPS[row["kind"]]: {"hosts": {}} for row in rows}
        for row in rows:
            groups[GROUPS[row["kind"]]]["hosts"][row["host"]] = {}
        if groups:
            content = yaml.safe_dump({"all": {"children": groups}}, sort_keys=False)
            (folder / "scaled.yml").write_text(content, encoding="utf-8")
        return [Path(each) for each in arguments]

    def write(self) -> list[Path]:
        """As ``compile``, for the deployment itself: readers find the old inventory or the new one."""
        fresh = self.state / "inventory.new"
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        arguments = self.compile(fresh)
        old = self.state / "inventory.old"
        shutil.rmtree(old, ignore_errors=True)
        if self.inventory.exists():
            self.inventory.rename(old)
        fresh.rename(self.inventory)
        shutil.rmtree(old, ignore_errors=True)
        return [self.inventory if each == fresh else each for each in arguments]

    def note_applied(self, arguments: list[Path]) -> None:
        """Keep the event file as applied, and when, by whom, by which inventories."""
        folder = self.state / "event"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(self.path, folder / f"{self.name}.yml")
        noted = {"event": str(self.path), "digest": self.digest, "at_s": time.time(), "by": journal.who()}
        journal.write(folder / "applied.json", {**noted, "inventories": [str(each) for each in arguments]})


def load(told: str) -> Target:
    """The event ``told``: a file, or the name of one in ``events/``; ConfigError with every problem of the file."""
    path = find(told)
    loaded = event.load(path)
    return Target(loaded, path, client.STATES / loaded.name)


def find(told: str) -> Path:
    """The file that ``told`` means."""
    path = Path(told)
    if path.is_file():
        return path.resolve()
    for each in (EVENTS / f"{told}{suffix}" for suffix in SUFFIXES):
        if each.is_file():
            return each
    there = ", ".join(sorted(each.stem for each in EVENTS.glob("*.yml")))
    raise ConfigError([f"{told}: there is no such event file; give its path, or one of {there} in {EVENTS}"])


def forget(folder: Path) -> None:
    """Remove a folder with all that is in it."""
    if folder.exists():
        shutil.rmtree(folder)


def digest(path: Path) -> str:
    """A short hash of a file; empty when it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""


def applied(state: Path) -> dict[str, Any]:
    """What the last apply noted; empty before the first."""
    return read_json(state / "event" / "applied.json")


def applied_inventories(state: Path) -> tuple[str, ...]:
    """The ``-i`` of what was applied: base inventories that are still there, and the compiled one last."""
    noted = [Path(each) for each in applied(state).get("inventories", [])]
    base = [each for each in noted if each.exists() and each != state / "inventory"]
    return tuple(str(each) for each in (*base, state / "inventory"))


def choices(state: Path) -> dict[str, Any]:
    """What ``up`` was told, and keeps."""
    return read_json(state / "choices.json")


def noted_nodes(state: Path) -> set[str]:
    """Ids of the nodes that were deployed last."""
    return set(read_json(state / "deployment.json").get("nodes", []))


def going(state: Path, staying: Container[str]) -> dict[str, Any]:
    """Hosts that were applied and are not among those ``staying``, with the variables by which they are reached."""
    found = {**_hosts(state / "inventory" / "hosts.yml", "all"), **_hosts(state / GONE, "gone")}
    return {name: variables for name, variables in found.items() if name not in staying}


def write_gone(state: Path, hosts: Mapping[str, Any]) -> None:
    """Remember whom to clean, until it is done."""
    if not hosts:
        (state / GONE).unlink(missing_ok=True)
        return
    content = yaml.safe_dump({"all": {"children": {"gone": {"hosts": dict(hosts)}}}}, sort_keys=False)
    (state / GONE).write_text(content, encoding="utf-8")


def _hosts(path: Path, group: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))["all"]
        found = content["hosts"] if group == "all" else content["children"][group]["hosts"]
        return {name: variables or {} for name, variables in found.items()}
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError([f"{path} cannot be understood ({error!r}): apply the event again without it"]) from None


def scaled(state: Path) -> list[dict[str, Any]]:
    """Rows of ``rtcdn_nodes`` that ``scale`` added."""
    return list(read_json(state / "scaled.json").get("nodes", []))


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file of the state folder; empty when there is none."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise ConfigError([f"{path} cannot be understood ({error}): mend it, or remove it"]) from None


def _scaled_tables(variables: Mapping[str, Any], rows: list[dict[str, Any]], hosts: set[str]) -> dict[str, Any]:
    """The table of nodes with those that were added; what the event has itself, or has no host for, is not added."""
    table = list(variables["rtcdn_nodes"])
    known = {row["id"] for row in table}
    added = [row for row in rows if row["id"] not in known and row["host"] in hosts]
    return {"rtcdn_nodes": [*table, *added]} if added else {}
