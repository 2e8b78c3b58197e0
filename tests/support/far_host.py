"""A host that is far away: a network device of this machine behind which every TCP connection opens after a delay.

It needs no netem in the kernel, only a TUN device and the right to make one. It answers SYN with SYN and ACK, late, and
nothing else: enough for whoever measures how long a connection takes to open.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TUN = Path("/dev/net/tun")
SET_NAME = 0x400454CA
TUN_WITHOUT_HEADER = 0x0001 | 0x1000
SYN, ACK = 0x02, 0x10


def _sum(data: bytes) -> int:
    """The checksum of the Internet."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def answer(packet: bytes) -> bytes | None:
    """SYN and ACK to a SYN, None to anything else."""
    if packet[0] != 0x45 or packet[9] != 6 or packet[33] & (SYN | ACK) != SYN:
        return None
    source, target, tcp = packet[12:16], packet[16:20], packet[20:]
    from_port, to_port, sequence = struct.unpack("!HHI", tcp[:8])
    head = struct.pack("!HHIIBBHHH", to_port, from_port, 1, (sequence + 1) % 2**32, 0x50, SYN | ACK, 65535, 0, 0)
    pseudo = target + source + struct.pack("!HH", 6, len(head))
    head = head[:16] + struct.pack("!H", _sum(pseudo + head)) + head[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(head), 0, 0, 64, 6, 0) + target + source
    return ip[:10] + struct.pack("!H", _sum(ip)) + ip[12:] + head


def _serve(device: int, delay_s: float, over: threading.Event) -> None:
    waiting: list[tuple[float, bytes]] = []
    while not over.is_set():
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(device, waiting.pop(0)[1])
        patience_s = max(0.0, waiting[0][0] - time.monotonic()) if waiting else 0.1
        if select.select([device], [], [], patience_s)[0]:
            back = answer(os.read(device, 65535))
            if back:
                waiting.append((time.monotonic() + delay_s, back))


@contextmanager
def far_host(delay_ms: float, name: str = "rtcdn-far0", network: str = "198.18.250") -> Iterator[str]:
    """The address of a host where connections open after ``delay_ms``, for as long as the block lasts."""
    device = os.open(TUN, os.O_RDWR)
    over = threading.Event()
    serving = threading.Thread(target=_serve, args=(device, delay_ms / 1000, over))
    try:
        fcntl.ioctl(device, SET_NAME, struct.pack("16sH", name.encode(), TUN_WITHOUT_HEADER))
        subprocess.run(["ip", "address", "add", f"{network}.1/30", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        serving.start()
        yield f"{network}.2"
    finally:
        over.set()
        if serving.is_alive():
            serving.join(5)
        os.close(device)  # the device and its route go with it
