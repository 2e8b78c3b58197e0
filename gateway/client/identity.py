"""Who a participant is, and the codes with which his socket is closed."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.client.events import Role
from rtcdn.model import Codec

RESUME_S = 45.0  # how long one without a socket is kept
OVER, TAKEN_OVER, RESTART = 4000, 4409, 1012
REASONS = ("left", "removed", "taken-over", "closed", "expired")


@dataclass(slots=True)
class Identity:
    """Who he is. ``role`` is his token's; ``key`` lets his client resume."""

    session: str
    participant: str
    role: Role = "viewer"
    rights: tuple[str, ...] = ()
    name: str = ""
    region: str = ""
    shared: bool = False
    key: str = field(default="", repr=False)
    measured_rtt: dict[str, float] = field(default_factory=dict)


def codec_of(key: str) -> Codec:
    """The codec that a resume key remembers."""
    return Codec.H264 if key.endswith(".h264") else Codec.VP8
