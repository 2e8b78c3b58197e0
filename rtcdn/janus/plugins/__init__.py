"""Requests and answers of the three plugins: pure, typed, with every known fault of 1.4.1 worked round here.

A builder returns the body of one request; a reader turns an answer into records of ``rtcdn.model`` or of its file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rtcdn.model import Kind

PACKAGES = {Kind.VR: "janus.plugin.videoroom", Kind.AB: "janus.plugin.audiobridge", Kind.ST: "janus.plugin.streaming"}

OPUS_PT = 111
VIDEO_PT = 96
H264_FMTP = "profile-level-id=42e01f;packetization-mode=1"


@dataclass(frozen=True, slots=True)
class Srtp:
    """Key of an encrypted link: ``suite`` 32 or 80, ``crypto`` base64 of 30 bytes. A re-made link needs a new one."""

    suite: int = 80
    crypto: str = field(default="", repr=False)


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
