"""``bin/rtcdn destroy EVENT``: take a deployment away, and prove that nothing of it is left."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ops import apply, client, journal, leftovers, plan, progress, target
from rtcdn.errors import ConfigError

LOG = Path("/var/log/rtcdn/destroy.log")
SURVEY = [plan.DECLARED, plan.SURVEY]


@dataclass(frozen=True, slots=True)
class Way:
    """How a destroy is done."""

    verb: str = "destroy"
    yes: bool = False
    keep_data: bool = False
    log: Path = LOG


@dataclass(slots=True)
class Seen:
    """What the hosts said."""

    surveys: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: list[str] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)  # of the managers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("event", metavar="EVENT", help="event file, or the name of what was applied")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--keep-data", action="store_true", help="keep volumes, images, certificates and secrets")


def run(args: argparse.Namespace) -> int:
    """List, ask, remove, prove; 1 when something is left."""
    apply.as_root("destroy")
    name = name_of(args.event)
    return do(name, args.event, Way(yes=args.yes, keep_data=args.keep_data))


def name_of(told: str) -> str:
    """The deployment: by the event's file, else by the name of what was applied here."""
    try:
        return target.load(told).name
    except ConfigError:
        if (client.STATES / told / "inventory").is_dir():
            return told
        raise


def do(name: str, told: str, way: Way) -> int:
    """The destroy itself."""
    state = client.STATES / name
    with TemporaryDirectory(prefix="rtcdn-destroy-") as scratch:
        inventory = inventories(state, told, Path(scratch))
        seen = look(inventory, "Look for what is there")
        shown(seen, way)
        if not way.yes and not apply.agreed(f"Type {name} to remove all of it: ", way.verb, name):
            print(f"rtcdn {way.verb}: nothing removed")
            return 1
        with journal.Journal(name).during(way.verb, told) as journaled:
            extra = {"destroy_keep_data": way.keep_data, "destroy_keep_state": True}
            outcome = progress.play("ansible/destroy.yml", inventory, extra, way.log, on_step=journaled.step)
            after = look(inventory, "Look for what is left")
            left = leftovers.find(after.surveys, after.addresses | seen.addresses, name, way.keep_data)
            away = sorted({*outcome.unreachable, *after.away})
            code = verdict(outcome, left, away, told, way)
            if code:
                journaled.failed()
            elif not way.keep_data:
                target.forget(state)
    if not code:
        journal.Journal(name).forget_lock()
        proof = f"nothing is left on {', '.join(after.surveys)}"
        print(f"{word(way)} in {outcome.took_s:.0f} s: {outcome.changed} changes, {proof}.")
        print("Docker engines stay, and the cache in /var/cache/rtcdn.")
        if way.keep_data:
            print(
                f"Kept: volumes, images, {state}; the next {'up' if way.verb == 'down' else 'apply'} goes on with them."
            )
    return code


def inventories(state: Path, told: str, scratch: Path) -> list[str]:
    """The ``-i`` of what was applied, with hosts that an earlier event had; else of the event file."""
    if (state / "inventory").is_dir():
        found = list(target.applied_inventories(state))
    else:
        found = [str(each) for each in target.load(told).compile(scratch / "inventory")]
    gone = state / target.GONE
    return [*found, *([str(gone)] if gone.is_file() else [])]


def look(inventory: list[str], what: str) -> Seen:
    """Ask every host what is there."""
    print(f"{what}:", file=sys.stderr, flush=True)
    outcome = progress.play(SURVEY, inventory, {}, LOG.with_stem("survey"), sys.stderr, quiet_failures=True)
    if outcome.code and not outcome.surveys and not outcome.unreachable:
        raise ConfigError(plan.failures(outcome))
    hosts = outcome.declared.get("hosts", {})
    addresses = {str(hosts[host]["private"]) for host in outcome.declared.get("managers", []) if host in hosts}
    return Seen(outcome.surveys, outcome.unreachable, addresses)


def shown(seen: Seen, way: Way) -> None:
    """What will go."""
    kept = " (kept: volumes, images, certificates and secrets)" if way.keep_data else ""
    lines = [f"  {line}" for line in leftovers.counted(seen.surveys, way.keep_data)]
    lines += [f"  {host}: does not answer" for host in seen.away]
    print("\n".join([f"To be removed{kept}:", *lines, ""]), flush=True)


def verdict(outcome: progress.Outcome, left: list[str], away: list[str], told: str, way: Way) -> int:
    """1, with what is left and its cure, unless all is gone."""
    if left:
        print("\nThis is left, each with its cure:")
        print("\n".join(f"! {line}" for line in left))
    for host in away:
        print(f"! {host} does not answer: what is there stays; run {way.verb} {told} again when it does")
    return 1 if left or away or outcome.code else 0


def word(way: Way) -> str:
    """How it is called when done."""
    return "Down" if way.verb == "down" else "Destroyed"
