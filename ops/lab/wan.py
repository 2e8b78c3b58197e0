#!/usr/bin/env python3
"""The long way between regions: delays, jitters, loses or cuts what this host sends to given hosts.

``wan.py SETTINGS STATE`` runs on each host of a lab, with Python's own library alone, because kernels of test
machines often lack netem. Packets to the hosts of the settings are routed into a TUN device, wait here, and leave by a
raw socket on the host's own device; so everything that the host sends there is held, inner containers included.
SIGHUP reads the settings again; what is in force is written to STATE. Settings, in JSON::

    {"device": "eth0", "own": "198.18.42.11",
     "ways": {"198.18.42.21": {"delay_ms": 45, "jitter_ms": 2, "loss_pct": 0.1, "cut": false}}}
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEVICE = "wan0"
TUN = "/dev/net/tun"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
BATCH = 128  # packets read before what is due is sent
HELD_BYTES = 64 << 20  # a router's buffer: what comes when so much is under way is lost
SOCKET_BYTES = 8 << 20
LONGEST_PACKET = 65535


@dataclass(frozen=True, slots=True)
class Way:
    """How packets fare on their way to one address."""

    delay_s: float = 0.0
    jitter_s: float = 0.0  # more or less than the delay, evenly; packets never overtake each other
    loss: float = 0.0  # part of the packets, 0 to 1
    cut: bool = False  # nothing arrives

    @classmethod
    def from_settings(cls, told: Mapping[str, Any]) -> Way:
        """Out of one entry of ``ways``; raises KeyError, TypeError or ValueError where it is none."""
        numbers = [float(told[name]) for name in ("delay_ms", "jitter_ms", "loss_pct")]
        if min(numbers) < 0 or numbers[2] > 100:
            raise ValueError(f"delay, jitter and loss are not below 0, and loss not above 100: {dict(told)}")
        return cls(numbers[0] / 1000, numbers[1] / 1000, numbers[2] / 100, bool(told["cut"]))


class UnderWay:
    """The packets that have been sent and have not arrived yet."""

    def __init__(self, ways: Mapping[bytes, Way], chance: Callable[[], float], most_bytes: int = HELD_BYTES) -> None:
        self.ways = ways  # by address, 4 bytes
        self.held_bytes = 0
        self._chance = chance  # 0 to 1
        self._most_bytes = most_bytes
        self._heap: list[tuple[float, int, bytes]] = []
        self._sent = 0
        self._last_s: dict[bytes, float] = {}

    def put(self, packet: bytes, now_s: float) -> bool:
        """Take a packet of IPv4; False where it is lost."""
        to = packet[16:20]
        way = self.ways.get(to)
        if way is None or packet[0] >> 4 != 4 or way.cut or self.held_bytes + len(packet) > self._most_bytes:
            return False
        if way.loss and self._chance() < way.loss:
            return False
        due_s = now_s + way.delay_s + (way.jitter_s * (2 * self._chance() - 1) if way.jitter_s else 0.0)
        due_s = max(due_s, self._last_s.get(to, 0.0))
        self._last_s[to] = due_s
        self._sent += 1
        self.held_bytes += len(packet)
        heapq.heappush(self._heap, (due_s, self._sent, packet))
        return True

    def next_due(self, now_s: float) -> bytes | None:
        """The packet whose time has come, if there is one."""
        if not self._heap or self._heap[0][0] > now_s:
            return None
        packet = heapq.heappop(self._heap)[2]
        self.held_bytes -= len(packet)
        return packet

    def wait_s(self, now_s: float) -> float | None:
        """Time until the next packet is due; None when there is none."""
        return max(0.0, self._heap[0][0] - now_s) if self._heap else None


class Wan:
    """The device, its routes, and the socket by which packets leave."""

    def __init__(self, settings: Path, state: Path) -> None:
        self.settings, self.state = settings, state
        told = json.loads(settings.read_text(encoding="utf-8"))
        self.own, self.device = str(told["own"]), str(told["device"])
        self.under_way = UnderWay({}, random.random)
        self._tun = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._tun, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
        self._out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._out.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self.device.encode())
        self._out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        self._out.setblocking(False)
        self._prepare()

    def _prepare(self) -> None:
        for name in ("all", self.device, DEVICE):  # what comes from a far host comes by another device than it goes
            Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text("0", encoding="utf-8")
        mtu = Path(f"/sys/class/net/{self.device}/mtu").read_text(encoding="utf-8").strip()
        _ip("link", "set", DEVICE, "up", "mtu", mtu, "txqueuelen", "5000")

    def read_settings(self) -> None:
        """Take the ways of the settings, and route what goes there through the device."""
        told = json.loads(self.settings.read_text(encoding="utf-8"))
        ways = {socket.inet_aton(address): Way.from_settings(way) for address, way in told["ways"].items()}
        for gone in self.under_way.ways.keys() - ways.keys():
            _ip("route", "delete", socket.inet_ntoa(gone), "dev", DEVICE)
        for new in ways.keys() - self.under_way.ways.keys():
            _ip("route", "replace", socket.inet_ntoa(new), "dev", DEVICE, "src", self.own)
        self.under_way.ways = ways
        self.state.parent.mkdir(parents=True, exist_ok=True)
        partial = self.state.with_suffix(".part")
        partial.write_text(json.dumps(told["ways"], sort_keys=True) + "\n", encoding="utf-8")
        partial.rename(self.state)

    def run(self, awake: int) -> None:
        """Carry packets for ever; ``awake`` becomes readable when the settings are to be read again."""
        while True:
            ready, _, _ = select.select([self._tun, awake], [], [], self.under_way.wait_s(time.monotonic()))
            if awake in ready:
                os.read(awake, 4096)
                try:
                    self.read_settings()
                except (OSError, ValueError, KeyError, TypeError, subprocess.CalledProcessError) as problem:
                    print(f"{self.settings}: {problem!r}; the settings before hold", file=sys.stderr, flush=True)
            if self._tun in ready:
                self._take()
            self._give()

    def _take(self) -> None:
        now_s = time.monotonic()
        for _ in range(BATCH):
            try:
                self.under_way.put(os.read(self._tun, LONGEST_PACKET), now_s)
            except BlockingIOError:
                return

    def _give(self) -> None:
        now_s = time.monotonic()
        while packet := self.under_way.next_due(now_s):
            with contextlib.suppress(OSError):  # a full device or a host that has gone: lost, as on any way
                self._out.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _tell_systemd() -> None:
    """Say that the ways are there, where systemd waits for that."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"READY=1", "\0" + address[1:] if address.startswith("@") else address)


def main(settings: str, state: str) -> None:
    """Run until ended."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGHUP, lambda *_: None)
    wan = Wan(Path(settings), Path(state))
    wan.read_settings()
    _tell_systemd()
    wan.run(reading)


if __name__ == "__main__":
    main(*sys.argv[1:])
