"""How much one client may say, and for how long he may say too much."""

from __future__ import annotations

import math

from gateway.client.effects import problem
from gateway.client.events import Limits, Problem
from gateway.client.requests import MAX_DATA_BYTES, MAX_MESSAGE_BYTES

MESSAGES_PS, MESSAGES_BURST = 30, 60
DATA_PS, DATA_BURST = 10, 20
ABUSE_S = 3.0  # of too many messages, without a rest: then the socket is closed
REST_S = 0.5
IN_FLIGHT = 32  # requests of one client that are not answered yet
PING_S = 20
LIMITS = Limits(MESSAGES_PS, DATA_PS, MAX_MESSAGE_BYTES, MAX_DATA_BYTES, PING_S)


class Bucket:
    """``burst`` at once, then ``rate_ps`` per second."""

    __slots__ = ("_at_s", "_burst", "_rate_ps", "_tokens")

    def __init__(self, rate_ps: float, burst: float, now_s: float) -> None:
        self._rate_ps, self._burst = rate_ps, burst
        self._tokens, self._at_s = burst, now_s

    def take(self, now_s: float) -> float:
        """Take one: 0 when there was one, else seconds until there is."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._at_s) * self._rate_ps)
        self._at_s = now_s
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate_ps
        self._tokens -= 1
        return 0.0


class Pace:
    """Messages of one client."""

    __slots__ = ("_data", "_last_s", "_messages", "_since_s")

    def __init__(self, now_s: float) -> None:
        self._messages = Bucket(MESSAGES_PS, MESSAGES_BURST, now_s)
        self._data = Bucket(DATA_PS, DATA_BURST, now_s)
        self._since_s = self._last_s = float("-inf")

    def message(self, now_s: float) -> Problem | None:
        """One more message: too many?"""
        return self._judge(self._messages.take(now_s), MESSAGES_PS, now_s)

    def data(self, now_s: float) -> Problem | None:
        """One more application message: too many?"""
        return self._judge(self._data.take(now_s), DATA_PS, now_s)

    def abused(self, now_s: float) -> bool:
        """Has he sent too much for too long?"""
        return self._last_s == now_s and now_s - self._since_s >= ABUSE_S

    def _judge(self, wait_s: float, rate: int, now_s: float) -> Problem | None:
        if not wait_s:
            return None
        if now_s - self._last_s > REST_S:
            self._since_s = now_s
        self._last_s = now_s
        retry_s = math.ceil(wait_s)
        detail = f"more than {rate} of these per second"
        return problem(429, "too-many-messages", detail, f"wait {retry_s} s", retry_after_s=retry_s)
