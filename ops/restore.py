"""``bin/rtcdn restore``: bring back a deployment's certificates, secrets and event, and its store, from a backup."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from ops import apply, backup, deployed
from ops.client import STATES
from ops.journal import Journal, moment
from ops.words import seconds
from rtcdn.errors import ConfigError

ONLY_STORE, ONLY_STATE = "store", "state"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("event", metavar="EVENT", help="name of the event")
    parser.add_argument("file", metavar="FILE", type=Path, help="what bin/rtcdn backup wrote")
    what = "the store alone, of a deployment that runs; or the controller's folder alone, on a new controller"
    parser.add_argument("--only", choices=(ONLY_STORE, ONLY_STATE), default="", help=what)
    parser.add_argument("--inventory", default="", help="another inventory than the one the event was applied with")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Restore; 1 when the store could not be."""
    name = deployed.name_of(args.event)
    manifest, files = backup.read(args.file, name)
    print(f"Backup of {name}, taken {moment(manifest['taken_s'])}: {len(files)} files.")
    if args.only != ONLY_STATE:
        print("Sessions opened since then end; who is in the others stays there. Nothing new is decided meanwhile.")
    if not args.yes and not apply.agreed("Restore it? Type the event's name: ", "restore", name):
        raise ConfigError(["nothing was changed"])
    with Journal(name).during("restore", args.event) as journal:
        state = STATES / name
        snapshot = files.pop(backup.SNAPSHOT, None)
        if args.only != ONLY_STORE:
            put_back(state, files)
            print(f"{state}: {len(files)} files as they were")
        if args.only == ONLY_STATE:
            print(
                "Next: ansible-playbook site.yml, or bin/rtcdn apply, brings the hosts to it; then restore the store."
            )
            return 0
        if snapshot is None:
            raise ConfigError([f"{args.file} holds no snapshot of the store: restore with --only {ONLY_STATE}"])
        path = state / backup.SNAPSHOT
        put_back(state, {backup.SNAPSHOT: (snapshot[0], 0o600)})
        try:
            outcome = deployed.play(
                deployed.find(name, args.inventory), "ansible/restore.yml", {"etcd_snapshot": str(path)}
            )
        finally:
            path.unlink(missing_ok=True)
        if outcome.code:
            journal.failed()
            return 1
    print(f"\nThe store is as it was, after {seconds(outcome.took_s)}.")
    if args.only != ONLY_STORE:
        print(f"The hosts still have the secrets of before: bin/rtcdn apply {name} brings those of the backup.")
    return 0


def put_back(state: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    """Write the files of a backup into a deployment's folder, each for its owner alone or as it was."""
    for inside, (content, mode) in files.items():
        target = state / inside
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        part.chmod(mode)
        part.replace(target)
