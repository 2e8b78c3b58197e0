"""Which simulcast layer a viewer receives of each slot: 0, 1, 2 (quarter, half, all of the capture), -1 nothing.

A layer is the least of what the window, the viewer's limit, the egress' load and the network allow. The network's
part is a ladder of rungs: one down at once when it is bad, one up after it was good for a while; after an upgrade that
failed the while is twice as long. What changes nothing is passed over. The largest window is degraded last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from gateway.client.events import Received
from gateway.client.network import Network, Verdict
from gateway.client.requests import ConnectionFigures, Wanted

BEST = 2
NOTHING = -1
# What the network allows on each rung: (the largest window, the others).
LADDER = ((2, 2), (2, 1), (2, 0), (1, 0), (0, 0), (0, NOTHING))
# What the egress' load allows.
LOADS = ((2, 2), (2, 1), (1, 0))
LOAD_HIGH_PCT = (85.0, 95.0)  # a node's weight from which the next entry of LOADS holds: room for newcomers
LOAD_CLEAR_PCT = 10.0  # so far below it holds no more
LIMITS = {"auto": 2, "high": 2, "medium": 1, "low": 0, "audio": NOTHING}

CAPTURE_HEIGHT = 540  # of the SDK's captures until the size that comes is known
CAPTURE_HEIGHTS = (180, 2160)
ANY = 16384  # pixels: a window whose size was not told
MARGIN = 1.2  # a picture may be stretched so far: one cannot see it, and the next layer costs four times as much

GOOD_S = 6.0  # three reports; then one rung up
GOOD_MOST_S = 96.0  # after upgrades that failed, doubled each time
PROBE_S = 10.0  # an upgrade that is followed by a bad report within this time has failed
SETTLED_S = 3.0  # from the choice of a layer until its pictures come for sure (slowest measured: 1.5 s)
DOWN_PAUSE_S = 2.0  # the effect of a step down is seen in the report after the next keyframe, not before
REMEMBERED_S = 5.0  # a bad or fair report is told as the network's state for so long


class Layers:
    """The choice for one viewer; ``slots`` in the order of the session, the main speaker's first."""

    def __init__(self, slots: Sequence[str]) -> None:
        self._slots = tuple(slots)
        self._windows: dict[str, Wanted] | None = None
        self._limit = BEST
        self._load = 0
        self._network = Network()
        self._rung = 0
        self._wait_s = GOOD_S
        self._good_since_s: float | None = None
        self._down_s = self._up_s = self._bad_s = self._fair_s = float("-inf")
        self._captures: dict[str, float] = {}
        self._told: dict[str, Received] = {}
        self._layer_since: dict[str, tuple[int, float]] = {}  # slot -> its layer, and since which report
        self.changed = False  # did the last ``choose`` differ from the one before?
        self.network: Literal["good", "fair", "poor"] = "good"

    def layout(self, videos: Sequence[Wanted]) -> None:
        """What is shown and how large (both sizes 0: not told, any); slots not named are hidden."""
        self._windows = {each.slot: each for each in videos if each.slot in self._slots}

    def limit(self, limit: str) -> None:
        """The most that shall be received: a value of ``Quality.limit``."""
        self._limit = LIMITS.get(limit, BEST)

    def load(self, pct: float) -> None:
        """The egress' weight, 0 to 100 and above."""
        while self._load < len(LOAD_HIGH_PCT) and pct >= LOAD_HIGH_PCT[self._load]:
            self._load += 1
        while self._load and pct < LOAD_HIGH_PCT[self._load - 1] - LOAD_CLEAR_PCT:
            self._load -= 1

    def statistics(self, figures: ConnectionFigures, now_s: float) -> None:
        """A report of the connection on which he receives; ``mid`` of a stream that comes in is its slot."""
        verdict = self._network.judge(figures, now_s)
        if verdict is None:
            return
        self._measure(figures, now_s)
        if verdict is Verdict.BAD:
            self._bad_s = now_s
            self._down(now_s)
        elif verdict is Verdict.GOOD:
            self._good(now_s)
        else:
            self._good_since_s = None
            if verdict is Verdict.FAIR:
                self._fair_s = now_s
        for slot, each in self._at(self._rung).items():
            if self._layer_since.get(slot, (None, 0))[0] != each.layer:
                self._layer_since[slot] = (each.layer, now_s)

    def choose(self, now_s: float) -> dict[str, Received]:
        """What is to be sent of each slot now, and why no more."""
        chosen = self._at(self._rung)
        self.changed = chosen != self._told
        self._told = chosen
        if now_s - self._bad_s < REMEMBERED_S:
            self.network = "poor"
        elif now_s - self._fair_s < REMEMBERED_S or any(each.reason == "network" for each in chosen.values()):
            self.network = "fair"
        else:
            self.network = "good"
        return chosen

    def _down(self, now_s: float) -> None:
        """One rung down, to the next that changes something; not again before its effect is seen."""
        self._good_since_s = None
        if now_s - self._down_s < DOWN_PAUSE_S:
            return
        if now_s - self._up_s < PROBE_S:
            self._wait_s = min(2 * self._wait_s, GOOD_MOST_S)
            self._up_s = float("-inf")
        here = _layers(self._at(self._rung))
        lower = [rung for rung in range(self._rung + 1, len(LADDER)) if _layers(self._at(rung)) != here]
        if lower:
            self._rung, self._down_s = lower[0], now_s

    def _good(self, now_s: float) -> None:
        """One rung up, to the next that changes something, after good times that last."""
        if self._good_since_s is None:
            self._good_since_s = now_s
        if self._up_s > float("-inf") and now_s - self._up_s >= PROBE_S:
            self._wait_s, self._up_s = max(GOOD_S, self._wait_s / 2), float("-inf")  # it held
        if not self._rung or now_s - self._good_since_s < self._wait_s:
            return
        here = _layers(self._at(self._rung))
        higher = [rung for rung in range(self._rung) if _layers(self._at(rung)) != here]
        if higher:
            self._up_s = self._good_since_s = now_s
        self._rung = higher[-1] if higher else 0

    def _at(self, rung: int) -> dict[str, Received]:
        """The choice if the network allowed that rung."""
        main = self._main()
        chosen = {}
        for slot in self._slots:
            which = 0 if slot == main else 1
            caps = {
                "hidden": BEST if self._windows is None or slot in self._windows else NOTHING,
                "limit": self._limit,
                "window": self._window(slot),
                "load": LOADS[self._load][which],
                "network": LADDER[rung][which],
            }
            layer = min(caps.values())
            reason = next(reason for reason, cap in caps.items() if cap == layer) if layer < BEST else ""
            chosen[slot] = Received(slot, layer, reason)
        return chosen

    def _main(self) -> str:
        """The largest window's slot; the first of equals, and before there is a layout."""
        windows = self._windows or {}
        return max(self._slots, key=lambda slot: _pixels(windows.get(slot)), default="")

    def _window(self, slot: str) -> int:
        """The smallest layer that covers the window."""
        window = (self._windows or {}).get(slot)
        if window is None or not (window.width or window.height):
            return BEST
        height = window.height or window.width * 9 / 16
        capture = self._captures.get(slot, CAPTURE_HEIGHT)
        return next((layer for layer in range(BEST) if capture / 2 ** (BEST - layer) * MARGIN >= height), BEST)

    def _measure(self, figures: ConnectionFigures, now_s: float) -> None:
        """The capture's height, from what comes of a layer that was chosen long enough ago."""
        for each in figures.streams:
            layer, since_s = self._layer_since.get(each.mid, (NOTHING, now_s))
            if each.direction == "in" and each.height and layer >= 0 and now_s - since_s >= SETTLED_S:
                height = float(each.height * 2 ** (BEST - layer))
                self._captures[each.mid] = min(max(height, CAPTURE_HEIGHTS[0]), CAPTURE_HEIGHTS[1])


def _layers(chosen: Mapping[str, Received]) -> list[int]:
    return [each.layer for each in chosen.values()]


def _pixels(window: Wanted | None) -> int:
    if window is None:
        return -1
    return (window.width or window.height or ANY) * (window.height or window.width or ANY)
