"""Secrets as the playbooks hand them out: each part gets the fields it needs, and the public half of the token key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    return {name: found[name] for name in (*(fields or found), "version") if name != "others"}


def read_all(path: str, fields: Sequence[str], missing_ok: bool = False) -> dict[str, Any]:
    """``fields`` of all sets of secrets in ``path``: the newest, and the ``others`` while they change.

    It is the same before and after the node gets the newest, so that those who hold both need not change again.
    """
    own, found = read(path, fields, missing_ok), json_file(path, missing_ok)
    others: Any = found.get("others", [])
    if not others:
        return dict(own)
    sets = [own, *({name: each[name] for name in (*fields, "version")} for each in others)]
    newest, *older = sorted(sets, key=lambda each: -int(each["version"]))
    return {**newest, "others": older}


def jwks(path: str, missing_ok: bool = False) -> str:
    """Public halves of the token keys as a JWKS document: the one in ``path``, and those beside it that come or go.

    An empty document when there may be none.
    """
    file = Path(path)
    keys = [] if missing_ok and not file.is_file() else [SigningKey.from_pem(file).public_jwk]
    keys += [SigningKey.from_pem(each).public_jwk for each in file.parent.glob(f"{file.stem}.*{file.suffix}")]
    known = {key["kid"]: key for key in keys}  # a rotation that was cut off may have left one twice
    return json.dumps({"keys": [known[kid] for kid in sorted(known)]}, sort_keys=True)
