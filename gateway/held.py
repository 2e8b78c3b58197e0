"""A leg in Janus that belongs to a client's connection."""

from __future__ import annotations

import asyncio
import time

from gateway import sdp
from gateway.legs import LiveLeg
from rtcdn.model import Leg


class Held:
    """A leg in Janus that belongs to a connection, and who reads what Janus says about it."""

    def __init__(self, leg: Leg, live: LiveLeg) -> None:
        self.leg, self.live = leg, live
        self.attending: asyncio.Task[None] | None = None
        self.heard_s = time.monotonic()


def media_of(answer: sdp.Description) -> tuple[tuple[str, str], ...]:
    """Kind and mid of the media that flow in an answer."""
    return tuple((m.kind, m.mid) for m in answer.media if not m.refused and m.direction != "inactive")
