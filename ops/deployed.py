"""A deployment by the name an operator gives: its inventory on this machine, and playbooks run on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ops import progress, target
from ops.client import STATES
from ops.journal import Journal
from rtcdn.errors import ConfigError

TREE = Path(__file__).resolve().parent.parent
LOGS = Path("/var/log/rtcdn")
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployment as the playbooks see it."""

    name: str
    inventories: tuple[str, ...]
    extra: dict[str, Any] = field(default_factory=dict)  # variables that outrank the inventories'

    @property
    def state(self) -> Path:
        """Its folder on the controller."""
        return STATES / self.name


def name_of(told: str) -> str:
    """The deployment that ``told`` means: a name, or an event's file."""
    path = Path(told)
    if path.suffix not in (".yml", ".yaml"):
        return told
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        return str(found["event"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        problem = f"{told}: cannot be read as an event ({error!r}): give its file or the event's name"
        raise ConfigError([problem]) from None


def find(told: str, inventory: str = "", states: Path = STATES) -> Deployed:
    """The deployment ``told`` (name or event file), with the inventories it was applied with, or with ``inventory``."""
    name = name_of(told)
    if inventory:
        if not Path(inventory).exists():  # Ansible would warn, find no hosts, and call that well
            raise ConfigError([f"--inventory {inventory}: there is no such file or folder: give its path"])
        return Deployed(name, (inventory,))
    own = states / name / "inventory"
    if own.is_dir():
        return Deployed(name, target.applied_inventories(states / name), target.choices(states / name))
    if name == LOCAL:
        return Deployed(name, (str(TREE / "inventories" / LOCAL),), target.choices(states / name))
    raise ConfigError([f"{own} is not there: apply the event first, or name its inventory by --inventory"])


def remark(deployment: Deployed) -> str:
    """What an operator may not expect: the event's file is another one than the one that was applied."""
    noted = target.applied(deployment.state)
    path = Path(str(noted.get("event", "")))
    if not path.is_file() or target.digest(path) == noted.get("digest"):
        return ""
    return (
        f"{path} has changed since it was applied. This keeps to what was applied; bin/rtcdn apply brings the change."
    )


def play(
    deployment: Deployed,
    playbook: str,
    extra: Mapping[str, Any] | None = None,
    *,
    check: bool = False,
    journal: Journal | None = None,
) -> progress.Outcome:
    """Run a playbook on the deployment and show its progress; Ansible's own output is kept beside the others'."""
    log = LOGS / f"{Path(playbook).stem}.log"
    told = {**deployment.extra, **(extra or {})}
    step: Callable[[str], None] | None = journal.step if journal else None
    return progress.play(playbook, deployment.inventories, told, log, check=check, on_step=step)
