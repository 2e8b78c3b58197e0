"""A viewer whose network the test makes, for the rules of layers."""

from __future__ import annotations

from gateway.client.layers import Layers
from gateway.client.requests import ConnectionFigures, Stream, Wanted

SLOTS = ("v1", "v2", "v3", "s1")
BIG = [Wanted("v1", 1920, 1080), *(Wanted(slot, 1280, 720) for slot in SLOTS[1:])]
PACKETS = 1000  # between two reports


class Client:
    """A viewer whose reports come every two seconds over a network that the test makes."""

    def __init__(self) -> None:
        self.layers = Layers(SLOTS)
        self.layers.layout(BIG)
        self.now_s = 0.0
        self.connection = "c1"
        self.stream = Stream(mid="v1")
        self.rtt_ms = 40.0
        self.report()

    def report(
        self,
        loss: float = 0.0,
        *,
        freezes: int = 0,
        freeze_s: float = 0.0,
        jitter_ms: float = 5.0,
        dropped: int | None = None,
    ) -> None:
        """Two seconds pass and their figures are told."""
        lost, old = int(PACKETS * loss), self.stream
        self.stream = Stream(
            mid="v1",
            packets=old.packets + PACKETS - lost,
            lost=old.lost + lost,
            dropped=old.dropped + (freezes if dropped is None else dropped),  # a freeze drops a picture
            freezes=old.freezes + freezes,
            freeze_s=old.freeze_s + freeze_s,
            jitter_ms=jitter_ms,
        )
        self.now_s += 2
        self.layers.statistics(ConnectionFigures(self.connection, self.rtt_ms, [self.stream]), self.now_s)

    @property
    def shown(self) -> list[int]:
        """The layer of each slot now."""
        return [each.layer for each in self.layers.choose(self.now_s).values()]

    @property
    def network(self) -> str:
        """As told with the layers."""
        self.layers.choose(self.now_s)
        return self.layers.network

    def until_full(self, most_s: float) -> float:
        """Good reports until everything is received again; how long it took."""
        begin_s = self.now_s
        while self.shown != [2, 2, 2, 2]:
            assert self.now_s - begin_s <= most_s, f"still {self.shown} after {most_s} s"
            self.report()
        return self.now_s - begin_s
