"""What is derived from a node's secrets: secrets and pins of contexts, tokens for Janus handles.

Nothing derived is stored or logged; every part that holds the node's key derives the same again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

from rtcdn.errors import ConfigError
from rtcdn.model import NodeSecrets

TOKEN_LIFE_S = 3600


def load_node_secrets(folder: Path) -> dict[str, NodeSecrets]:
    """Read every ``node_<id>`` file of ``folder``; raises ConfigError naming files that cannot be read."""
    found: dict[str, NodeSecrets] = {}
    problems = []
    for path in sorted(folder.glob("node_*")):
        record = NodeSecrets.from_json(path.read_text(encoding="utf-8"))
        if record is None:
            problems.append(f"{path}: not a JSON object of node secrets")
        else:
            found[path.name.removeprefix("node_").removesuffix(".json")] = record
    if problems:
        raise ConfigError(problems)
    return found


def _derive(key: str, purpose: str, janus_id: str) -> str:
    return hmac.new(key.encode(), f"{purpose}:{janus_id}".encode(), hashlib.sha256).hexdigest()[:40]


def context_secret(context_key: str, janus_id: str) -> str:
    """The management secret of a context (``secret`` in Janus requests)."""
    return _derive(context_key, "secret", janus_id)


def context_pin(context_key: str, janus_id: str) -> str:
    """The pin that lets a handle into a context (``pin`` in Janus requests)."""
    return _derive(context_key, "pin", janus_id)


def janus_token(token_secret: str, plugin: str, now_s: float, life_s: int = TOKEN_LIFE_S) -> str:
    """A signed Janus token for one plugin package: ``<expiry>,janus,<plugin>:<base64 HMAC-SHA1>``."""
    data = f"{int(now_s) + life_s},janus,{plugin}"
    digest = hmac.new(token_secret.encode(), data.encode(), hashlib.sha1).digest()
    return f"{data}:{base64.b64encode(digest).decode()}"
