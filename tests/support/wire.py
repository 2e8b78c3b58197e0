"""What is on the wire between nodes: UDP payloads that pass this machine to one address, by port."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import time
from collections import Counter
from types import TracebackType

ETHERTYPE_ALL = 0x0003
IPV4, UDP = 0x0800, 17
ENOUGH = 40  # packets of each port
RTP_HEADER = 12


class Wiretap:
    """Listens while its block lasts."""

    def __init__(self, address: str) -> None:
        """``address``: whom the packets are for."""
        self._address = socket.inet_aton(address)
        self.payloads: dict[int, list[bytes]] = {}

    def __enter__(self) -> Wiretap:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(ETHERTYPE_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.setblocking(False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    async def until(self, ports: set[int], timeout_s: float = 10.0) -> None:
        """Enough RTP was seen for each of these ports."""
        end_s = time.monotonic() + timeout_s
        while any(len(self.payloads.get(port, ())) < ENOUGH for port in ports):
            assert time.monotonic() < end_s, {port: len(self.payloads.get(port, ())) for port in ports}
            async with asyncio.timeout(timeout_s):
                self._take(await asyncio.get_running_loop().sock_recv(self._socket, 65535))

    def _take(self, frame: bytes) -> None:
        if struct.unpack("!H", frame[12:14])[0] != IPV4 or frame[14 + 9] != UDP or frame[30:34] != self._address:
            return
        start = 14 + (frame[14] & 0x0F) * 4
        port, length = struct.unpack("!HH", frame[start + 2 : start + 6])
        payload = frame[start + 8 : start + length]
        if len(payload) > RTP_HEADER and payload[0] >> 6 == 2:  # RTP version 2
            self.payloads.setdefault(port, []).append(payload)

    def bodies(self, port: int) -> list[bytes]:
        """What follows the RTP headers."""
        return [_body(each) for each in self.payloads[port]]

    def first_byte_bits(self, port: int) -> float:
        """How much the first byte of a body says that is not foreseen: 0 to 8 bits, few for any codec's header."""
        firsts = Counter(body[0] for body in self.bodies(port) if body)
        total = sum(firsts.values())
        return -sum(count / total * math.log2(count / total) for count in firsts.values())


def _body(packet: bytes) -> bytes:
    start = RTP_HEADER + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        start += 4 + 4 * int(struct.unpack("!H", packet[start + 2 : start + 4])[0])
    return packet[start:]
