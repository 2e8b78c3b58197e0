"""The taps of a module: a UDP socket each, in which it hears and from which it speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from rtcdn.errors import RtcdnError
from rtcdn.log import EventLog
from rtcdn.model import ContextInfo, ForwarderInfo, MountpointMedia
from rtcdn.module_api import PAYLOAD_TYPE
from services.ai.rtp import Packet, Stream, read

log = EventLog("module")
SENDS = 1  # number of the one place where a tap sends


class Full(RtcdnError):
    """No tap more: the module carries as many as it may, or has no port left."""


class Ear(Protocol):
    """What a module does with what it hears; made anew for each tap."""

    def heard(self, packet: Packet) -> None:
        """One packet of the source."""
        ...

    def close(self) -> None:
        """The tap ends."""
        ...


class Tap(asyncio.DatagramProtocol):
    """One tap."""

    def __init__(self, session: str, tap: str, source: str, *, speaks: bool) -> None:
        self.session, self.tap, self.source, self.speaks = session, tap, source, speaks
        self.ear: Ear | None = None
        self.to: tuple[str, int] | None = None  # where it sends
        self.port = self.packets_heard = self.packets_said = 0
        self._stream = Stream(PAYLOAD_TYPE)
        self._transport: asyncio.DatagramTransport | None = None

    def say(self, payload: bytes, timestamp: int, talk: int = 0) -> None:
        """Send 20 ms of Opus, if it may speak and knows where to; for ``timestamp`` and ``talk`` see ``Stream``."""
        if self.speaks and self.to and self._transport:
            self._transport.sendto(self._stream.packet(payload, timestamp, talk).to_bytes(), self.to)
            self.packets_said += 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # not of that class in Python 3.11
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """Something came."""
        packet = read(data)
        if packet and packet.payload_type == PAYLOAD_TYPE and self.ear:
            self.packets_heard += 1
            self.ear.heard(packet)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens where it sends; the broker mends that."""
        log.debug("not-taken", session=self.session, tap=self.tap, why=exc)

    def close(self) -> None:
        """End it."""
        if self.ear:
            self.ear.close()
        if self._transport:
            self._transport.close()

    def info(self) -> ContextInfo:
        """As plugin data show it."""
        sends = (ForwarderInfo(SENDS, *self.to, "audio"),) if self.to else ()
        media = (MountpointMedia("a", "audio", self.port),)
        return ContextInfo(f"{self.session}/tap-{self.tap}", forwarders=sends, media=media)


class Taps:
    """All taps of a module. ``changed`` is called when what is reported of them is another."""

    def __init__(self, ip: str, ports: range, most: int, make: Callable[[Tap], Ear]) -> None:
        self._ip, self._ports, self._most, self._make = ip, ports, most, make
        self._lock = asyncio.Lock()
        self.all: dict[tuple[str, str], Tap] = {}
        self.changed: Callable[[], None] = lambda: None

    async def put(self, session: str, tap_id: str, source: str, *, speaks: bool) -> Tap:
        """Have a tap; one that is there keeps its port. ``Full`` when there is no place for it."""
        async with self._lock:
            tap = self.all.get((session, tap_id))
            if tap is None:
                if len(self.all) >= self._most:
                    raise Full(f"has {self._most} taps, as many as it carries: name another module")
                tap = Tap(session, tap_id, source, speaks=speaks)
                await self._open(tap)
                tap.ear = self._make(tap)
                self.all[session, tap_id] = tap
                log.info("tap-made", session=session, tap=tap_id, source=source, speaks=speaks, port=tap.port)
            tap.source, tap.speaks = source, speaks
            tap.to = tap.to if speaks else None
            self.changed()
            return tap

    def send(self, tap: Tap, to: tuple[str, int] | None) -> None:
        """Where a tap sends from now on."""
        tap.to = to
        self.changed()

    def drop(self, session: str, tap_id: str) -> bool:
        """End a tap; was there one?"""
        tap = self.all.pop((session, tap_id), None)
        if tap:
            tap.close()
            log.info("tap-ended", session=session, tap=tap_id, heard=tap.packets_heard, said=tap.packets_said)
            self.changed()
        return tap is not None

    def close(self) -> None:
        """End all of them."""
        for key in list(self.all):
            self.drop(*key)

    async def _open(self, tap: Tap) -> None:
        """A socket on a port that is free."""
        taken = {each.port for each in self.all.values()}
        why: OSError | None = None
        for port in (each for each in self._ports or (0,) if each not in taken):
            try:
                await asyncio.get_running_loop().create_datagram_endpoint(lambda: tap, local_addr=(self._ip, port))
            except OSError as error:
                why = error
            else:
                return
        raise Full(f"has no port left for RTP on {self._ip}: {why or 'widen RTCDN_RTP_PORTS'}")
