"""The Python wheels of an image, fetched by pip on the machine that drives the build; image builds reach no index.

``wheels`` of an ``image.yml``: ``python`` (version in the image), ``extras`` of this project, ``from_source`` (packages
that have no wheel: built here, must be pure Python), ``only_extras`` (the project's own dependencies are in the
parent). Exact versions come from ``constraints.txt``.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from ops import images
from rtcdn.errors import ConfigError

NEWEST_GLIBC = 41  # minor version in the images' suite: manylinux_2_41
OLDEST_GLIBC = 5


def requirements(name: str, tree: Path) -> list[str]:
    """Requirement lines of the image ``name``, as ``pyproject.toml`` gives them."""
    project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = _settings(name, tree)
    lines: list[str] = [] if wanted.get("only_extras") else list(project["dependencies"])
    for extra in wanted.get("extras", []):
        lines += project["optional-dependencies"][extra]
    return sorted(lines)


def fingerprint(name: str, tree: Path) -> str:
    """Hash of everything that chooses the wheels of ``name``."""
    pins = (tree / "constraints.txt").read_text(encoding="utf-8")
    text = json.dumps([requirements(name, tree), _settings(name, tree), pins])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def collect(name: str, cache: Path, tree: Path) -> list[Path]:
    """Wheels of ``name``, and pip's own, in ``cache``; downloads what is missing."""
    listing = cache / f"{name}-{fingerprint(name, tree)}-{platform.machine()}.json"
    if listing.is_file():
        found = [cache / each for each in json.loads(listing.read_text(encoding="utf-8"))]
        if all(path.is_file() for path in found):
            return found
    folder = cache / listing.stem
    folder.mkdir(parents=True, exist_ok=True)
    _download(name, folder, tree)
    parent = str(images.recipe(name, tree)["parent"])
    inherited = {path.name for path in collect(parent, cache, tree)} if _has_wheels(parent, tree) else set()
    wheels = [
        path for path in sorted(folder.glob("*.whl")) if path.name.startswith("pip-") or path.name not in inherited
    ]
    listing.write_text(json.dumps([str(path.relative_to(cache)) for path in wheels]), encoding="utf-8")
    return wheels


def _download(name: str, folder: Path, tree: Path) -> None:
    wanted = _settings(name, tree)
    python = str(wanted["python"])
    pins = _pins(tree)
    for package in wanted.get("from_source", []):
        _pip("wheel", "--no-deps", "--use-pep517", "--wheel-dir", str(folder), f"{package}=={pins[package]}")
    abi = f"cp{python.replace('.', '')}"
    target = ["--python-version", python, "--implementation", "cp", "--abi", abi, "--abi", "abi3", "--abi", "none"]
    for each in _platforms():
        target += ["--platform", each]
    _pip(
        *("download", "--only-binary", ":all:", "--find-links", str(folder), "--dest", str(folder)),
        *("--constraint", str(tree / "constraints.txt")),
        *target,
        *("pip", *requirements(name, tree)),
    )


def _platforms() -> list[str]:
    machine = platform.machine()
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    return [*tags, f"manylinux2014_{machine}", f"linux_{machine}"]


def _pip(verb: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", verb, "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise ConfigError([f"pip {verb} failed; is a package index reachable (pip config list)?\n{tail}"])


def _pins(tree: Path) -> dict[str, str]:
    text = (tree / "constraints.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def _settings(name: str, tree: Path) -> dict[str, Any]:
    return dict(images.recipe(name, tree)["wheels"])


def _has_wheels(name: str, tree: Path) -> bool:
    return "wheels" in images.recipe(name, tree)
