"""``bin/rtcdn backup``: a deployment in one file: its certificates, secrets, event, and a snapshot of the store."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ops import deployed
from ops.journal import Journal
from ops.words import seconds
from rtcdn.errors import ConfigError

FORM = 1  # of the file; a reader refuses those it does not know
MANIFEST = "backup.json"
SNAPSHOT = "etcd.snapshot"
LEFT_OUT = ("journal.json", "journal.log", "scale.log")  # of this controller, not of the deployment
MOST_BYTES = 4 << 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("event", metavar="EVENT", help="name of the event, or its file")
    parser.add_argument("file", metavar="FILE", type=Path, help="where the backup goes; it must not be there yet")
    parser.add_argument("--inventory", default="", help="another inventory than the one the event was applied with")


def run(args: argparse.Namespace) -> int:
    """Take a backup; 1 when the store gave no snapshot."""
    deployment = deployed.find(args.event, args.inventory)
    if args.file.exists():
        raise ConfigError([f"{args.file} is there already: name a new file"])
    if not args.file.absolute().parent.is_dir():
        raise ConfigError([f"{args.file}: the folder is not there: make it, or name a file elsewhere"])
    snapshot = deployment.state / SNAPSHOT
    with Journal(deployment.name).held("backup"):  # secrets that change in the middle would fit nothing
        outcome = deployed.play(deployment, "ansible/backup.yml", {"etcd_snapshot": str(snapshot)})
        if outcome.code:
            return 1
        try:
            size = write(args.file, deployment.name, deployment.state)
        finally:
            snapshot.unlink(missing_ok=True)
    print(f"\n{args.file}: {size / 1e6:.1f} MB, in {seconds(outcome.took_s)}. It holds every secret: keep it as one.")
    return 0


def write(target: Path, name: str, state: Path, now_s: float | None = None) -> int:
    """Write the backup of ``state`` to ``target``, for its owner alone; its size."""
    files = {str(path.relative_to(state)): path for path in kept(state)}
    manifest = {
        "form": FORM,
        "deployment": name,
        "taken_s": time.time() if now_s is None else now_s,
        "files": {inside: digest(path.read_bytes()) for inside, path in files.items()},
    }
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with tarfile.open(part, "w:gz") as archive:
        text = json.dumps(manifest, indent=1, sort_keys=True).encode()
        head = tarfile.TarInfo(MANIFEST)
        head.size, head.mode = len(text), 0o600
        archive.addfile(head, io.BytesIO(text))
        for inside, path in files.items():
            archive.add(path, inside, recursive=False)
    part.replace(target)
    return target.stat().st_size


def kept(state: Path) -> Iterator[Path]:
    """The files of a deployment's folder that make it what it is."""
    for path in sorted(state.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name not in LEFT_OUT and not path.name.endswith(".part"):
            yield path


def digest(content: bytes) -> str:
    """By which a file is known to be whole."""
    return hashlib.sha256(content).hexdigest()


def read(source: Path, name: str) -> tuple[Mapping[str, Any], dict[str, tuple[bytes, int]]]:
    """What a backup says of itself, and content and mode of its files; ConfigError when it is not whole or not ours."""
    try:
        with tarfile.open(source, "r:gz") as archive:
            found = {}
            for member in archive.getmembers():
                content = archive.extractfile(member) if member.isreg() else None
                if content is None or member.size > MOST_BYTES or not _inside(member.name):
                    raise ConfigError(
                        [f"{source}: {member.name!r} does not belong into a backup: it was not made by us"]
                    )
                found[member.name] = (content.read(), member.mode & 0o777)
            manifest = json.loads(found.pop(MANIFEST)[0])
            wanted = dict(manifest["files"])
            form, whose = manifest["form"], manifest["deployment"]
    except (OSError, EOFError, tarfile.TarError, zlib.error, KeyError, ValueError, TypeError) as error:
        raise ConfigError([f"{source} cannot be read as a backup ({error}): take another one"]) from None
    if form != FORM:
        raise ConfigError(
            [f"{source} has form {form}, this rtcdn reads {FORM}: restore it with the rtcdn that made it"]
        )
    if whose != name:
        raise ConfigError([f"{source} is of the deployment {whose!r}, not of {name!r}: name {whose} as EVENT"])
    broken = sorted(
        {*wanted, *found} - {each for each, (content, _) in found.items() if wanted.get(each) == digest(content)}
    )
    if broken:
        raise ConfigError([f"{source}: {', '.join(broken[:5])} differ from what was backed up: take another backup"])
    return manifest, found


def _inside(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts
