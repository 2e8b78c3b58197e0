"""What the echo does with a tap."""

from __future__ import annotations

import asyncio

from services.ai.rtp import Packet
from services.ai.taps import Tap

DELAY_S = 1.0


class Echo:
    """Says each packet again after ``DELAY_S``. It never hears itself: a tap is left out of its own mix."""

    def __init__(self, tap: Tap) -> None:
        self._tap, self._open = tap, True
        self._loop = asyncio.get_running_loop()

    def heard(self, packet: Packet) -> None:
        """Keep it for later."""
        self._loop.call_later(DELAY_S, self._say, packet)

    def close(self) -> None:
        """Say no more."""
        self._open = False

    def _say(self, packet: Packet) -> None:
        if self._open:
            self._tap.say(packet.payload, packet.timestamp, packet.ssrc)
