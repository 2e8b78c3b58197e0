"""What is derived from a node's secrets: secrets and pins of contexts, tokens for Janus handles.

Nothing derived is stored or logged; every part that holds the node's key derives the same again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from rtcdn.errors import ConfigError
from rtcdn.model import NodeSecrets

TOKEN_LIFE_S = 3600
KEY_BYTES = 30  # AES_CM_128_HMAC_SHA1_80: 16 of key, 14 of salt


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


def link_key(context_key: str, janus_id: str, generation: int) -> str:
    """The SRTP master key and salt (30 bytes in base64) of one generation of a context: who feeds it derives it too."""
    derived = hmac.new(context_key.encode(), f"srtp:{janus_id}:{generation}".encode(), hashlib.sha256).digest()
    return base64.b64encode(derived[:KEY_BYTES]).decode()


def fresh_key() -> str:
    """An SRTP master key and salt that nobody had before, for a link whose two ends are told of it at once."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def janus_token(token_secret: str, plugin: str, now_s: float, life_s: int = TOKEN_LIFE_S) -> str:
    """A signed Janus token for one plugin package: ``<expiry>,janus,<plugin>:<base64 HMAC-SHA1>``."""
    data = f"{int(now_s) + life_s},janus,{plugin}"
    digest = hmac.new(token_secret.encode(), data.encode(), hashlib.sha1).digest()
    return f"{data}:{base64.b64encode(digest).decode()}"
