"""Secrets of the nodes as the playbooks hand them out: each part of the deployment gets only the fields it needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def read(path: str, fields: Sequence[str] = (), missing_ok: bool = False) -> dict[str, str]:
    """``fields`` (all when empty) and the version of the secrets in ``path``; raises ValueError saying what is missing."""
    file = Path(path)
    if missing_ok and not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path} is missing on the controller: role janus_node makes it, run it first") from None
    lacking = [name for name in fields if name not in found]
    if lacking:
        raise ValueError(f"{path} lacks {', '.join(lacking)}: remove the file and run role janus_node for a new one")
    return {name: found[name] for name in (*(fields or found), "version")}
