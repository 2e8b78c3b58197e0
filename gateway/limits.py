"""Limits on what one address, and all together, may ask. Time is passed in."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from gateway.protocol import Problem

MAX_ADDRESSES = 20_000
RESUME_COST = 0.25  # of a join: behind one address many come back at once when a gateway goes


class Buckets:
    """A bucket of tokens per address: ``burst`` at once, then ``rate_ps`` per second."""

    def __init__(self, rate_ps: float, burst: float) -> None:
        self._rate_ps = rate_ps
        self._burst = burst
        self._left: dict[str, tuple[float, float]] = {}  # address -> tokens, at

    def take(self, address: str, now_s: float, cost: float = 1.0) -> float:
        """Take a token, or a part of one: 0 when it was there, else seconds until it is."""
        tokens, at_s = self._left.get(address, (self._burst, now_s))
        tokens = min(self._burst, tokens + (now_s - at_s) * self._rate_ps)
        if tokens < cost:
            self._left[address] = (tokens, now_s)
            return (cost - tokens) / self._rate_ps
        if len(self._left) >= MAX_ADDRESSES:
            self._forget(now_s)
        self._left[address] = (tokens - cost, now_s)
        return 0.0

    def _forget(self, now_s: float) -> None:
        """Forget addresses whose bucket is full again; all of them when that is not enough."""
        full_s = self._burst / self._rate_ps
        self._left = {key: value for key, value in self._left.items() if now_s - value[1] < full_s}
        if len(self._left) >= MAX_ADDRESSES:
            self._left.clear()


@dataclass(frozen=True)
class Gate:
    """Limits of joins: per address, at a time, and of participants in all."""

    joins: Buckets
    joining: asyncio.Semaphore
    most: int

    def admit(self, address: str, held: int, now_s: float) -> None:
        """May another one join now? Raises ``Problem``."""
        self._take(address, now_s, 1.0)
        if held >= self.most:
            raise Problem(503, "gateway-full", f"this gateway holds {held} participants", "", retry_after_s=5)
        if self.joining.locked():
            raise Problem(503, "busy", "too many joins at this moment", "try again in a second", retry_after_s=1)

    def readmit(self, address: str, now_s: float) -> None:
        """May another one resume now? From the bucket of joins, at ``RESUME_COST``. Raises ``Problem``."""
        self._take(address, now_s, RESUME_COST)

    def _take(self, address: str, now_s: float, cost: float) -> None:
        wait_s = math.ceil(self.joins.take(address, now_s, cost))
        if wait_s:
            cure = f"try again in {wait_s} s"
            raise Problem(429, "too-many-joins", "too many joins from this address", cure, retry_after_s=wait_s)
