"""Which molecule scenarios a change asks for.

A scenario is named after its role, a variant of it ``<role>_<variant>``; ``site`` and ``regions`` are the whole
site on one host and over several regions. A scenario that was green at a commit of this branch's past is asked for by
what changed since then, others by what changed since the branch left the main one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from ops.testing.commands import ROOT, answer
from ops.testing.machine import CACHE
from rtcdn.errors import ConfigError

SITE, REGIONS = "site", "regions"
WHOLE = (SITE, REGIONS)
# A change here may break any role.
SHARED = (".config/molecule/", "ansible/filter_plugins/", "molecule/shared/", "requirements.yml", "roles/stack/",
          "templates/", "tests/images/host/", "ops/testing/hosts.py", "tests/support/hosts.py")  # fmt: skip
# A change here, or of any role, may break the site over regions.
OF_REGIONS = (*SHARED, "ansible/", "inventories/lab/", "molecule/regions/", "ops/lab", "roles/")
GREEN = CACHE / "tested.json"  # {suite of the hosts: {scenario: commit at which it was green}}


def known(root: Path = ROOT) -> list[str]:
    """Every scenario: roles with their variants, then the whole site on one host, then over regions."""
    found = sorted(path.parent.name for path in (root / "molecule").glob("*/molecule.yml"))
    return [name for name in found if name not in WHOLE] + [name for name in WHOLE if name in found]


def role_of(scenario: str, root: Path = ROOT) -> str:
    """The role that a scenario deploys: of its name, or of the longest beginning of it."""
    words = scenario.split("_")
    beginnings = ["_".join(words[:length]) for length in range(len(words), 0, -1)]
    return next((name for name in beginnings if (root / "roles" / name).is_dir()), scenario)


def named(names: Iterable[str], scenarios: list[str], root: Path = ROOT) -> list[str]:
    """The scenarios of these names, a role's variants with it; raises ConfigError for a name that is none."""
    wanted_names = list(names)
    found = [each for each in scenarios if each in wanted_names or role_of(each, root) in wanted_names]
    strange = [name for name in wanted_names if name not in {*found, *(role_of(each, root) for each in found)}]
    if strange:
        raise ConfigError([f"--scenario {name}: no such scenario; there are {' '.join(scenarios)}" for name in strange])
    return found


def wanted(changed: list[str] | None, scenarios: list[str], *, root: Path = ROOT) -> list[str]:
    """Scenarios that ``changed`` paths ask for; all where that is unknown.

    The whole site on one host is brought up by the end-to-end tests on every run; its scenario runs with ``--all``.
    """
    if changed is None or any(path.startswith(SHARED) for path in changed):
        return scenarios
    touched = {Path(path).parts[1] for path in changed if path.startswith(("roles/", "molecule/"))}
    touched |= _roles_of_images({Path(path).parts[1] for path in changed if path.startswith("images/")}, root)
    found = {name for name in scenarios if name in touched or role_of(name, root) in touched}
    if any(path.startswith(OF_REGIONS) for path in changed):
        found.add(REGIONS)
    return [name for name in scenarios if name in found]


def _roles_of_images(images: set[str], root: Path) -> set[str]:
    """Roles whose defaults name one of the images, or one that is built on it."""
    if not images:
        return set()
    parents = {
        path.parent.name: str((yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("parent", ""))
        for path in (root / "images").glob("*/image.yml")
    }
    built, more = set(images), set(images)
    while more:
        more = {name for name, parent in parents.items() if parent in more} - built
        built |= more
    return {
        path.parents[1].name
        for path in (root / "roles").glob("*/defaults/main.yml")
        for name in built
        if f"rtcdn_images.{name} " in path.read_text(encoding="utf-8")
    } | built


def chosen(suite: str, scenarios: list[str], *, root: Path = ROOT, green: Path = GREEN) -> list[str]:
    """Scenarios to run now, each by what changed since the commit that counts for it."""
    since = _left_main(root)
    bases = {name: _ancestor(commit, root) for name, commit in _read(green).get(suite, {}).items()}
    asked: set[str] = set()
    for base in {bases.get(name) or since for name in scenarios}:
        of_base = [name for name in scenarios if (bases.get(name) or since) == base]
        asked |= set(wanted(changed_paths(base, root), of_base, root=root))
    return [name for name in scenarios if name in asked]


def split(asked: list[str]) -> tuple[list[str], list[str]]:
    """Those that a run of everything has the time for, and those that are left to whoever names them (an hour each)."""
    return [name for name in asked if name != REGIONS], [name for name in asked if name == REGIONS]


def note_green(suite: str, names: Iterable[str], root: Path = ROOT, green: Path = GREEN) -> None:
    """Remember that these scenarios are green at this commit; not where the tree holds more than the commit."""
    if _git(root, "status", "--porcelain") != "":
        return
    commit, kept = _git(root, "rev-parse", "HEAD"), _read(green)
    kept[suite] = {**kept.get(suite, {}), **dict.fromkeys(names, commit or "")}
    green.parent.mkdir(parents=True, exist_ok=True)
    partial = green.with_suffix(".part")
    partial.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(green)


def changed_paths(base: str | None, root: Path = ROOT) -> list[str] | None:
    """Paths that differ from the commit ``base``, new files included; None where there is no such commit."""
    differing = _git(root, "diff", "--name-only", "--no-renames", base) if base else None
    if differing is None:
        return None
    return [*differing.splitlines(), *(_git(root, "ls-files", "--others", "--exclude-standard") or "").splitlines()]


def _left_main(root: Path) -> str | None:
    """Where this branch left the main one; on the main one the commit before (of a merge: what it was merged to)."""
    base = _git(root, "merge-base", "HEAD", "origin/main") or _git(root, "merge-base", "HEAD", "main")
    return _git(root, "rev-parse", "HEAD^") if base == _git(root, "rev-parse", "HEAD") else base


def _ancestor(commit: str, root: Path) -> str | None:
    return commit if _git(root, "merge-base", "--is-ancestor", commit, "HEAD") is not None else None


def _git(root: Path, *words: str) -> str | None:
    return answer(["git", "-C", root, *words])


def _read(green: Path) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(green.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(suite): dict(names) for suite, names in found.items()} if isinstance(found, Mapping) else {}
