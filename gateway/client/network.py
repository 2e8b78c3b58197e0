"""How a viewer's network is, from the counters that his client reports. Time is passed in."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from gateway.client.requests import ConnectionFigures, Stream

# Google's congestion control (draft-ietf-rmcat-gcc-02, 6) slows down above 10 % loss, speeds up below 2 %.
LOSS_HEAVY = 0.10
LOSS_SOME = 0.02
# A picture that stands still while nothing was lost or dropped on the way is not the network's doing: a slot that was
# empty, a speaker who went, a sender that paused. Only freezes beside loss or drops of the same stream count.
FREEZE_HEAVY = 0.2  # share of the time between two reports in which a shown picture stood still
FREEZES_HEAVY = 3  # in one report; one alone comes with every change of speaker or layer
JITTER_SOME_MS = 100.0  # half of what a jitter buffer takes before it drops
RTT_RISE_SOME_MS = 150.0  # above the shortest of this connection: a queue grows somewhere
RTT_RISE_HEAVY_MS = 500.0  # a queue so long is full soon
LEAST_S = 0.5  # reports that come faster say too little
LEAST_PACKETS = 20  # expected between two reports; of fewer no share is taken
STALE_S = 10.0  # reports further apart than this say nothing of the time between


class Verdict(IntEnum):
    """What one report says."""

    UNKNOWN = 0
    GOOD = 1
    FAIR = 2
    BAD = 3


class Network:
    """Compares each report with the one before; another connection, or counters that restart, begin anew."""

    def __init__(self) -> None:
        self._connection = ""
        self._at_s = float("-inf")
        self._before: dict[tuple[str, str], Stream] = {}
        self._shortest_ms = 0.0

    def judge(self, figures: ConnectionFigures, now_s: float) -> Verdict | None:
        """The verdict on the time since the last report; None: too early, the report is passed over."""
        same = figures.connection == self._connection
        passed_s = now_s - self._at_s
        if same and passed_s < LEAST_S:
            return None
        if not same:
            self._connection, self._before, self._shortest_ms = figures.connection, {}, 0.0
        incoming: dict[tuple[str, str], Stream] = {
            (each.kind, each.mid): each for each in figures.streams if each.direction == "in"
        }
        pairs = [(self._before[key], each) for key, each in incoming.items() if key in self._before]
        self._before, self._at_s = incoming, now_s
        rise_ms = self._rise_ms(figures.rtt_ms)
        if passed_s > STALE_S:
            return Verdict.UNKNOWN
        return _verdict(pairs, passed_s, rise_ms)

    def _rise_ms(self, rtt_ms: float) -> float:
        if rtt_ms <= 0:
            return 0.0
        self._shortest_ms = min(self._shortest_ms or rtt_ms, rtt_ms)
        return rtt_ms - self._shortest_ms


def _verdict(pairs: Iterable[tuple[Stream, Stream]], passed_s: float, rise_ms: float) -> Verdict:
    received = lost = freezes = 0
    frozen_s = jitter_ms = 0.0
    for old, new in pairs:
        if new.packets < old.packets:  # restarted
            continue
        received += new.packets - old.packets
        lost += max(0, new.lost - old.lost)
        if new.packets > old.packets:
            jitter_ms = max(jitter_ms, new.jitter_ms)
        if new.lost > old.lost or new.dropped > old.dropped:
            freezes = max(freezes, new.freezes - old.freezes)
            frozen_s = max(frozen_s, new.freeze_s - old.freeze_s)
    if received + lost < LEAST_PACKETS:
        return Verdict.UNKNOWN
    loss = lost / (received + lost)
    still = frozen_s > FREEZE_HEAVY * passed_s or freezes >= FREEZES_HEAVY
    if loss > LOSS_HEAVY or still or rise_ms > RTT_RISE_HEAVY_MS:
        return Verdict.BAD
    if loss > LOSS_SOME or freezes > 0 or jitter_ms > JITTER_SOME_MS or rise_ms > RTT_RISE_SOME_MS:
        return Verdict.FAIR
    return Verdict.GOOD
