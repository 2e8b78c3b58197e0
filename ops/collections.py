"""The Ansible collections of ``requirements.yml``, taken out of the ``ansible`` wheel: works without Galaxy.

Run as ``python -m ops.collections`` from the root of the tree (never by path:
the name would hide the standard library's).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml

TREE = Path(__file__).resolve().parent.parent
CACHE = Path("/var/cache/rtcdn/wheels")


def wanted(tree: Path) -> dict[str, str]:
    """Collection name -> exact version."""
    listed = yaml.safe_load((tree / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    return {str(each["name"]): str(each["version"]) for each in listed}


def installed(folder: Path) -> dict[str, str]:
    """Collection name -> version of what lies in ``folder``."""
    found = {}
    for manifest in folder.glob("ansible_collections/*/*/MANIFEST.json"):
        about = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]
        found[f"{about['namespace']}.{about['name']}"] = str(about["version"])
    return found


def unpack(wheel: Path, folder: Path, names: set[str]) -> None:
    """Extract the collections ``names`` from ``wheel`` into ``folder``, without their tests."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            match = re.match(r"ansible_collections/([^/]+)/([^/]+)/(?!tests/)", member)
            if match and f"{match[1]}.{match[2]}" in names:
                archive.extract(member, folder)


def fetch(tree: Path, cache: Path) -> Path:
    """The pinned ``ansible`` wheel, downloaded once."""
    pin = re.search(r"^ansible==(\S+)$", (tree / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    if pin is None:
        raise SystemExit("constraints.txt pins no ansible==<version>; ops/collections.py takes the collections from it")
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        cache = tree / ".cache"
        cache.mkdir(exist_ok=True)
    wheel = next(cache.glob(f"ansible-{pin[1]}-*.whl"), None)
    if wheel is None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--dest", str(cache), f"ansible=={pin[1]}"], check=True)
        wheel = next(cache.glob(f"ansible-{pin[1]}-*.whl"))
    return wheel


def ensure(tree: Path = TREE, cache: Path = CACHE) -> bool:
    """Have the wanted collections in ``collections/``; True if something had to be done."""
    folder, want = tree / "collections", wanted(tree)
    if want.items() <= installed(folder).items():
        return False
    unpack(fetch(tree, cache), folder, set(want))
    missing = want.items() - installed(folder).items()
    if missing:
        raise SystemExit(f"requirements.yml and the ansible wheel of constraints.txt disagree on {sorted(missing)}")
    return True


if __name__ == "__main__":
    ensure()
