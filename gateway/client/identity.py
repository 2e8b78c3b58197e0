"""Who a participant is, and the codes with which his socket is closed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from gateway.client.events import Role
from rtcdn.model import Codec

RESUME_S = 45.0  # how long one without a socket is kept
OVER, TAKEN_OVER, RESTART = 4000, 4409, 1012
REASONS = ("left", "removed", "taken-over", "closed", "expired")
WHOLE = ("taken-over", "closed", "application", "moderator", "own")  # of an order: he is out, whatever leg it names


@dataclass(slots=True)
class Identity:
    """Who he is. ``role`` is his token's; ``key`` lets his client resume (unknown after an adoption: its hash is)."""

    session: str
    participant: str
    role: Role = "viewer"
    rights: tuple[str, ...] = ()
    name: str = ""
    region: str = ""
    shared: bool = False
    key: str = field(default="", repr=False)
    key_hash: str = ""
    measured_rtt: dict[str, float] = field(default_factory=dict)


def hash_of(key: str) -> str:
    """What the broker keeps of a resume key: a hash of its secret part."""
    return hashlib.sha256(key.partition(".")[0].encode("utf-8", "replace")).hexdigest()


def key_for(secret: str, codec: Codec) -> str:
    """The resume key: the secret, and the codec of the session, which another gateway could not know at once."""
    return f"{secret}.{codec.value}"


def codec_of(key: str) -> Codec:
    """The codec that a resume key remembers."""
    return Codec.H264 if key.endswith(f".{Codec.H264.value}") else Codec.VP8
