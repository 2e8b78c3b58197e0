"""Clients of a gateway made of aiortc: speakers with a clock and a tone, viewers that count pictures and hear tones."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError

from ops.media import whip
from rtcdn.client.picture import Picture
from rtcdn.client.tracks import AUDIO_RATE, ClockTrack, ToneTrack

OFFERS = Path(__file__).parent.parent / "data" / "offers"


def captured(name: str) -> str:
    """An offer of tests/data/offers, with its own line ends."""
    return (OFFERS / f"{name}.sdp").read_bytes().decode()


async def speaker(
    http: aiohttp.ClientSession, url: str, token: str, *, tone_hz: int = 440, label: str = "Test speaker"
) -> whip.Resource:
    """Publish by WHIP and wait until connected."""
    connection = whip.new_connection()
    connection.addTransceiver(ToneTrack(tone_hz), direction="sendonly")
    connection.addTransceiver(ClockTrack(Picture(label)), direction="sendonly")
    resource = await whip.offer(http, url, token, connection)
    await resource.connected()
    return resource


@dataclass
class Viewer:
    """A viewer by WHEP: one audio, one video (aiortc decodes no second one)."""

    resource: whip.Resource
    frames: int = 0
    sound: deque[np.ndarray] = field(default_factory=lambda: deque(maxlen=50))  # one second
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def join(cls, http: aiohttp.ClientSession, url: str, token: str) -> Viewer:
        """View by WHEP and wait until connected."""
        connection = whip.new_connection()
        for kind in ("audio", "video"):
            connection.addTransceiver(kind, direction="recvonly")
        tracks: list[MediaStreamTrack] = []
        connection.on("track", tracks.append)
        viewer = cls(await whip.offer(http, url, token, connection))
        viewer.tasks = [asyncio.create_task(viewer._read(track)) for track in tracks]
        await viewer.resource.connected()
        return viewer

    @property
    def connection(self) -> RTCPeerConnection:
        """Its PeerConnection."""
        return self.resource.connection

    async def sees(self, frames: int = 5, timeout_s: float = 10.0) -> None:
        """Wait until so many more pictures were decoded."""
        wanted = self.frames + frames
        async with self.changed, asyncio.timeout(timeout_s):
            await self.changed.wait_for(lambda: self.frames >= wanted)

    async def hears(self, tone_hz: int, timeout_s: float = 10.0) -> None:
        """Wait until the loudest tone of the last second is ``tone_hz``."""
        async with self.changed, asyncio.timeout(timeout_s):
            await self.changed.wait_for(lambda: abs(self.tone_hz() - tone_hz) < 5)

    def tone_hz(self) -> float:
        """The loudest tone of the last second, 0 in silence."""
        if len(self.sound) < 25:
            return 0.0
        samples = np.concatenate(self.sound)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) / len(samples)
        loudest = int(spectrum.argmax())
        return loudest * AUDIO_RATE / len(samples) if spectrum[loudest] > 50 else 0.0

    async def leave(self) -> int:
        """DELETE the resource; its status."""
        status = await self.resource.delete()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        return status

    async def _read(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                async with self.changed:
                    if track.kind == "video":
                        self.frames += 1
                    else:
                        samples = frame.to_ndarray().astype(np.float32).reshape(-1)
                        self.sound.append(samples.reshape(-1, len(frame.layout.channels)).mean(axis=1))
                    self.changed.notify_all()
