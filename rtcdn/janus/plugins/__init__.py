"""Requests and answers of the three plugins: pure, typed, with every known fault of 1.4.1 worked round here.

A builder returns the body of one request; a reader turns an answer into records of ``rtcdn.model`` or of its file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rtcdn.model import Kind, seal

PACKAGES = {Kind.VR: "janus.plugin.videoroom", Kind.AB: "janus.plugin.audiobridge", Kind.ST: "janus.plugin.streaming"}

OPUS_PT = 111
SEAL_SHIFT = 2
VIDEO_PT = 96
H264_FMTP = "profile-level-id=42e01f;packetization-mode=1"


@dataclass(frozen=True, slots=True)
class Srtp:
    """Key of an encrypted link: ``suite`` 32 or 80, ``crypto`` base64 of 30 bytes.

    The same key with the same ssrc again is silence (libsrtp takes it for a replay): a forward made again has a fresh
    ssrc, or a new key. Janus 1.4.1 reads both fields at the top of a request alone: in ``media`` or ``streams`` they
    are passed over without a word, and the media are plain.
    """

    suite: int = 80
    crypto: str = field(default="", repr=False)
    generation: int = 0

    @property
    def seal(self) -> int:
        """What the ssrc of a forward tells of the generation: 1 to 255."""
        return seal(self.generation)

    def of_source(self) -> dict[str, Any]:
        """Fields of whoever sends."""
        return {"srtp_suite": self.suite, "srtp_crypto": self.crypto}

    def of_mountpoint(self) -> dict[str, Any]:
        """Fields of a mountpoint."""
        return {"srtpsuite": self.suite, "srtpcrypto": self.crypto}


def seal_of(ssrc: int) -> int:
    """The seal in the ssrc of an encrypted forward; it and the next three have the same."""
    return ssrc >> SEAL_SHIFT & 0xFF


@dataclass(frozen=True, slots=True)
class ContextKeys:
    """What managing one context takes: the node's admin key, the context's secret and pin."""

    admin_key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)


def rows(data: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in list ``name`` of an answer; anything else in it is left out."""
    found = data.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def integer(row: dict[str, Any], name: str, default: int = 0) -> int:
    """A whole number of an answer."""
    value = row.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def text(row: dict[str, Any], name: str) -> str:
    """A text of an answer."""
    value = row.get(name)
    return value if isinstance(value, str) else ""
