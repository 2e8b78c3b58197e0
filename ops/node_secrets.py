"""Secrets as the playbooks hand them out: each part gets the fields it needs, and the public half of the token key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rtcdn.tokens import SigningKey


def json_file(path: str, missing_ok: bool = False) -> dict[str, str]:
    """The JSON object in ``path`` on the controller; an empty one when it is missing and may be (check mode)."""
    file = Path(path)
    if missing_ok and not file.is_file():
        return {}
    try:
        found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path} is missing on the controller: run the whole of ansible/site.yml first") from None
    return found


def read(path: str, fields: Sequence[str] = (), missing_ok: bool = False) -> dict[str, str]:
    """``fields`` (all when empty) and ``version`` of the secrets in ``path``; ValueError says what is missing."""
    found = json_file(path, missing_ok)
    if not found:
        return {}
    lacking = [name for name in (*fields, "version") if name not in found]
    if lacking:
        raise ValueError(f"{path} lacks {', '.join(lacking)}: remove the file and run role janus_node for a new one")
    return {name: found[name] for name in (*(fields or found), "version")}


def jwks(path: str, missing_ok: bool = False) -> str:
    """The public half of the token key in ``path`` as a JWKS document; an empty one when it may be missing."""
    file = Path(path)
    document = {"keys": []} if missing_ok and not file.is_file() else SigningKey.from_pem(file).jwks()
    return json.dumps(document, sort_keys=True)
