"""``bin/rtcdn down``: removes what ``up`` made and leaves the Docker engine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ops import progress
from ops.up import INVENTORY, STATE, kept_choices
from rtcdn.errors import ConfigError

LOG = Path("/var/log/rtcdn/down.log")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--keep-data", action="store_true", help="keep volumes, images, certificates and secrets")


def run(args: argparse.Namespace) -> int:
    """Ask, remove; 1 when something is left."""
    if os.geteuid() != 0:
        raise ConfigError(["run as root, as for up"])
    what = "stacks, closed ports and the swarm that up made"
    what += "" if args.keep_data else f", with their volumes, images, and {STATE}"
    if not args.yes and not _agreed(f"Remove {what}? [y/N] "):
        print("rtcdn down: nothing removed")
        return 1
    extra = {**kept_choices(STATE / "choices.json"), "destroy_keep_data": args.keep_data}
    outcome = progress.play("ansible/destroy.yml", str(INVENTORY), extra, LOG)
    if outcome.code:
        return 1
    print(f"\nDown in {outcome.took_s:.0f} s: {outcome.changed} changes.")
    print("The Docker engine stays, and the cache in /var/cache/rtcdn.")
    if args.keep_data:
        print(f"Kept: volumes, images, {STATE}; the next up goes on with them.")
    return 0


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise ConfigError(["down asks before it removes: answer with --yes where nobody can be asked"])
    return input(question).strip().lower() in ("y", "yes")
