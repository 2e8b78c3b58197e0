"""``bin/rtcdn down``: ``destroy events/local.yml``; removes what ``up`` made and leaves the Docker engine."""

from __future__ import annotations

import argparse
from pathlib import Path

from ops import apply, destroy, target
from ops.up import EVENT, STATE

LOG = Path("/var/log/rtcdn/down.log")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--keep-data", action="store_true", help="keep volumes, images, certificates and secrets")


def run(args: argparse.Namespace) -> int:
    """Ask, remove, prove; 1 when something is left."""
    apply.as_root("down")
    way = destroy.Way("down", args.yes, args.keep_data, LOG)
    return destroy.do(STATE.name, str(target.TREE / EVENT), way)
