"""Which molecule scenarios a change asks for."""

from __future__ import annotations

from pathlib import Path

from ops.testing.commands import ROOT, answer

SITE = "site"
# A change here may break any role.
SHARED = (".config/molecule/", "ansible/filter_plugins/", "molecule/shared/", "requirements.yml", "roles/stack/",
          "templates/", "tests/images/host/", "ops/testing/hosts.py", "tests/support/hosts.py")  # fmt: skip


def known() -> list[str]:
    """Every scenario, the whole site last."""
    found = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
    return [name for name in found if name != SITE] + [name for name in found if name == SITE]


def wanted(changed: list[str] | None, scenarios: list[str]) -> list[str]:
    """Scenarios of the roles that ``changed`` paths touch; all where that is unknown.

    The whole site is brought up, twice, by the end-to-end tests on every run; its scenario runs with ``--all``.
    """
    if changed is None or any(path.startswith(SHARED) for path in changed):
        return scenarios
    touched = {Path(path).parts[1] for path in changed if path.startswith(("roles/", "molecule/", "images/"))}
    return [name for name in scenarios if name in touched]


def changed_paths() -> list[str] | None:
    """Paths that differ from where this branch left the main one (on it: from the commit before); None if unknown."""
    head = answer(["git", "rev-parse", "HEAD"])
    base = answer(["git", "merge-base", "HEAD", "origin/main"]) or answer(["git", "merge-base", "HEAD", "main"])
    if base == head:
        base = answer(["git", "rev-parse", "HEAD^"])
    if head is None or base is None:
        return None
    differing = answer(["git", "diff", "--name-only", base])
    untracked = answer(["git", "ls-files", "--others", "--exclude-standard"])
    return [*(differing or "").splitlines(), *(untracked or "").splitlines()]
