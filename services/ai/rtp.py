"""RTP packets, as little of them as a module needs."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

HEADER = struct.Struct("!BBHII")
VERSION = 2


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. ``timestamp`` counts samples (Opus: at 48 kHz)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def to_bytes(self) -> bytes:
        """As it goes over the wire."""
        second = self.payload_type | (0x80 if self.marker else 0)
        return HEADER.pack(VERSION << 6, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def read(data: bytes) -> Packet | None:
    """A packet read from the wire; None for what is none (RTCP too)."""
    if len(data) < HEADER.size:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != VERSION or 64 <= second & 0x7F < 96:
        return None
    start, end = HEADER.size + 4 * (first & 0x0F), len(data)
    if first & 0x10:  # a header extension: its length in words stands in its second half
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    if first & 0x20:  # padding: its length stands in the last byte
        end -= data[-1]
    if start > end:
        return None
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], bool(second & 0x80))


class Stream:
    """Packets that go out: one ssrc and a sequence without gaps for as long as they tell of one ``talk``."""

    def __init__(self, payload_type: int) -> None:
        self._payload_type = payload_type
        self._talk: int | None = None
        self._ssrc = self._sequence = self._shift = 0

    def packet(self, payload: bytes, timestamp: int, talk: int = 0) -> Packet:
        """The next packet. ``timestamp`` counts samples from any start, ``talk`` tells where another count begins."""
        begins = talk != self._talk
        if begins:
            self._talk = talk
            self._ssrc, self._shift = random.getrandbits(32), random.getrandbits(32)
            self._sequence = random.getrandbits(15)
        self._sequence = (self._sequence + 1) & 0xFFFF
        shifted = (timestamp + self._shift) & 0xFFFFFFFF
        return Packet(self._payload_type, self._sequence, shifted, self._ssrc, payload, begins)
