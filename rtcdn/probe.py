"""What broker and prober say to each other: is a stage ready, seen by a viewer who decodes?"""

from __future__ import annotations

from dataclasses import dataclass, field

from rtcdn.model import Codec, Leg
from rtcdn.record import Record

PATH = "/probe"


@dataclass(frozen=True, slots=True)
class ProbeAsk(Record):
    """View a stage until a frame is decoded. Where nobody is shown a clip is fed into ``slot``, and stopped again."""

    leg: Leg = field(default_factory=Leg)  # view: of the stage, with its slots
    codec: Codec = Codec.VP8
    slot: str = "v1"  # where a picture is looked for
    feed_ip: str = ""  # of the node's media
    feed_ports: tuple[int, ...] = ()  # of the slot; empty: somebody is shown there
    within_s: float = 6.0
    feed_key: str = ""  # SRTP key of the stage, base64; empty: it takes plain RTP

    def __repr__(self) -> str:
        """Never the key: a record may end in a log."""
        return f"ProbeAsk({self.leg.context!r}, {self.slot!r}, feed_ports={self.feed_ports!r})"


@dataclass(frozen=True, slots=True)
class ProbeAnswer(Record):
    """What became of it."""

    decoded: bool = False
    took_ms: float = 0.0  # from the ask to the first frame
    width: int = 0
    height: int = 0
    reason: str = ""  # why nothing was decoded
