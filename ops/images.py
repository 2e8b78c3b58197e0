"""What an image is made of, its tag (a hash of all that), and its build context.

One folder ``images/<name>`` per image: a Dockerfile, its files, and ``image.yml``:

- ``parent``: image of this tree that its ``ARG BASE`` names; or ``suite``: Debian suite of a root image
- ``folder``: take the Dockerfile and files of this sibling (default: its own name)
- ``tree``: patterns of this repository, copied to ``tree/`` of the context
- ``wheels``: Python packages, fetched before the build to ``wheels/`` of the context (see ``ops.wheels``)
- ``archive``: false for an image that is made from its parent in no time: no archive of it is kept
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import shutil
import sys
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from rtcdn.errors import ConfigError

TREE = Path(__file__).resolve().parent.parent
CACHE = Path("/var/cache/rtcdn")
REPOSITORY = "rtcdn"
LEFT_OUT = ("__pycache__", "node_modules", ".pytest_cache", ".mypy_cache", ".ruff_cache")


@dataclass(frozen=True, slots=True)
class Image:
    """One image as planned: ``name``, its ``tag``, the ``parent``'s tag or the ``suite`` of a root image."""

    name: str
    tag: str  # rtcdn/<name>:<hash>
    parent: str  # tag of the parent, empty for a root image
    suite: str  # Debian suite of a root image, else empty
    archive: str  # where its archive is cached; empty for one that is made in no time


@functools.cache
def recipe(name: str, tree: Path = TREE) -> dict[str, Any]:
    """Content of ``images/<name>/image.yml``; raises ConfigError naming what is missing in it."""
    path = tree / "images" / name / "image.yml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigError([f"image {name!r}: {path} cannot be read ({error.strerror}); known: {known(tree)}"]) from None
    if not isinstance(found, dict) or ("parent" in found) == ("suite" in found):
        raise ConfigError([f"image {name!r}: {path} must name either a parent or a suite"])
    return found


def known(tree: Path = TREE) -> list[str]:
    """Names of all images of the tree."""
    return sorted(path.parent.name for path in (tree / "images").glob("*/image.yml"))


def context(name: str, tree: Path = TREE) -> dict[str, Path]:
    """Files of the build context, wheels left out: path in the context -> path in the tree."""
    made = recipe(name, tree)
    folder = tree / "images" / str(made.get("folder", name))
    files = {str(path.relative_to(folder)): path for path in _files(folder) if path.name != "image.yml"}
    for pattern in made.get("tree", []):
        matches = [file for match in sorted(tree.glob(pattern)) for file in _files(match)]
        if not matches:
            raise ConfigError([f"image {name!r}: nothing in the tree matches {pattern!r}"])
        files |= {f"tree/{path.relative_to(tree)}": path for path in matches}
    return files


def _files(path: Path) -> list[Path]:
    found = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return [each for each in found if not set(each.relative_to(path.parent).parts) & set(LEFT_OUT)]


@functools.cache
def tag(name: str, tree: Path = TREE) -> str:
    """``rtcdn/<name>:<hash>``: the hash covers recipe, files, Python requirements and the parent's tag."""
    from ops import wheels  # noqa: PLC0415  (wheels needs recipe())

    made = recipe(name, tree)
    digest = hashlib.sha256()
    for where, path in sorted(context(name, tree).items()):
        executable = path.stat().st_mode & 0o100
        digest.update(f"{where}\0{executable}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    digest.update(json.dumps(made, sort_keys=True).encode())
    if "wheels" in made:
        digest.update(wheels.fingerprint(name, tree).encode())
    if "parent" in made:
        digest.update(tag(str(made["parent"]), tree).encode())
    return f"{REPOSITORY}/{name}:{digest.hexdigest()[:16]}"


def plan(names: list[str], tree: Path = TREE, cache: Path = CACHE) -> list[Image]:
    """The images to have for ``names``, parents before children, each once; archives are kept in ``cache``."""
    planned: dict[str, Image] = {}

    def add(name: str) -> None:
        if name in planned:
            return
        made = recipe(name, tree)
        parent = str(made.get("parent", ""))
        if parent:
            add(parent)
        own = tag(name, tree)
        planned[name] = Image(
            name=name,
            tag=own,
            parent=tag(parent, tree) if parent else "",
            suite=str(made.get("suite", "")),
            archive=str(cache / "images" / f"{name}-{own.rpartition(':')[2]}.tar") if made.get("archive", True) else "",
        )

    for each in names:
        add(each)
    return list(planned.values())


def references(names: list[str], registry: str = "", tree: Path = TREE) -> dict[str, str]:
    """``{name: "<registry>/rtcdn/<name>:<hash>"}``; without a registry the engine's own tag."""
    prefix = f"{registry}/" if registry else ""
    return {name: prefix + tag(name, tree) for name in names}


def actions(
    planned: list[dict[str, str]], names: list[str], shelves: dict[str, list[str]], push: bool
) -> list[dict[str, Any]]:
    """What to do so that ``names`` are in the registry (``push``) or in the engine, parents before children.

    ``shelves`` says what is where: tags in the ``registry``, tags in the ``engine``, paths of ``archives``. Each item
    is a planned image with ``how`` (``tag``: the engine has it, ``load``, ``build``), ``push``, and
    ``save`` where an archive is to be kept: of what is built, and without a registry of what the engine has.
    """
    images = {each["name"]: each for each in planned}
    by_tag = {each["tag"]: each for each in planned}
    doing: dict[str, dict[str, Any]] = {}

    def need(image: dict[str, str], push_it: bool) -> None:
        how = "load" if image["archive"] in shelves["archives"] else "build"
        if image["tag"] in shelves["engine"]:
            how = "tag"
        if how == "build" and image["parent"]:
            need(by_tag[image["parent"]], False)
        save = bool(image["archive"]) and how == "build"
        if (how != "tag" or push_it) and image["name"] not in doing:
            doing[image["name"]] = {**image, "how": how, "push": False, "save": save}
        if push_it:
            doing[image["name"]]["push"] = True

    for name in names:
        if not push or images[name]["tag"] not in shelves["registry"]:
            need(images[name], push)
    for image in [] if push else planned:
        if image["archive"] not in ["", *shelves["archives"]] and image["tag"] in shelves["engine"]:
            doing[image["name"]] = {**image, "how": "tag", "push": False, "save": True}
    return list(doing.values())


def stage(name: str, target: Path, tree: Path = TREE) -> None:
    """Write the build context of ``name`` to ``target``, replacing what is there."""
    from ops import wheels  # noqa: PLC0415

    shutil.rmtree(target, ignore_errors=True)
    for where, path in context(name, tree).items():
        copy = target / where
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    if "wheels" in recipe(name, tree):
        (target / "wheels").mkdir(parents=True)
        for wheel in wheels.collect(name, CACHE / "wheels", tree):
            shutil.copy2(wheel, target / "wheels" / wheel.name)


def pack(folder: Path) -> Path:
    """``folder`` as an archive beside it, ``<folder>.tar``."""
    archive = folder.with_name(f"{folder.name}.tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, arcname=".")
    return archive


def main(arguments: list[str] | None = None) -> int:
    """``python -m ops.images plan NAME... | stage NAME FOLDER``."""
    parser = argparse.ArgumentParser(prog="ops.images", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("plan", help="print the images to have, parents first").add_argument("name", nargs="*")
    stager = verbs.add_parser("stage", help="write a build context")
    stager.add_argument("name")
    stager.add_argument("folder", type=Path)
    stager.add_argument("--archive", action="store_true", help="and FOLDER.tar of it, for a host elsewhere")
    args = parser.parse_args(arguments)
    try:
        if args.verb == "plan":
            print(json.dumps([asdict(each) for each in plan(args.name or known())], indent=1))
        else:
            stage(args.name, args.folder)
            if args.archive:
                pack(args.folder)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
