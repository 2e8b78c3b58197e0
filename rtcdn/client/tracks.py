"""Tracks for aiortc: a picture that moves and tells the time, a pure tone, and one that several may read."""

from __future__ import annotations

import asyncio
import datetime
import time
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import MediaStreamTrack
from av import AudioFrame, VideoFrame

from rtcdn.client.picture import Picture

AUDIO_RATE = 48_000
AUDIO_FRAME_S = 0.02
VIDEO_CLOCK = 90_000


class Pace:
    """Waits until frame n is due; where the machine was too slow it leaves frames out instead of hurrying."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._start_s = 0.0

    async def next(self, number: int) -> int:
        """Sleep until frame ``number`` is due; the number of the frame that is due now."""
        now_s = time.monotonic()
        if not self._start_s:
            self._start_s = now_s - number * self._period_s
        due_s = self._start_s + number * self._period_s
        if due_s > now_s:
            await asyncio.sleep(due_s - now_s)
            return number
        return max(number, int((now_s - self._start_s) / self._period_s))


class ClockTrack(MediaStreamTrack):
    """Video: ``Picture`` at ``fps``."""

    kind = "video"

    def __init__(self, picture: Picture, fps: int = 15) -> None:
        super().__init__()
        self._picture = picture
        self._fps = fps
        self._pace = Pace(1 / fps)
        self._number = 0

    async def recv(self) -> VideoFrame:
        """The next frame, when it is due."""
        self._number = await self._pace.next(self._number)
        now = datetime.datetime.now(datetime.UTC)
        frame = VideoFrame.from_ndarray(self._picture.draw(now, self._number / self._fps), format="yuv420p")
        frame.pts = self._number * VIDEO_CLOCK // self._fps
        frame.time_base = Fraction(1, VIDEO_CLOCK)
        self._number += 1
        return frame


class Shared(MediaStreamTrack):
    """A track that two connections send while one takes over from the other: each gets all of its frames.

    It is read only while somebody waits for a frame. aiortc stops a track with the connection that sent it; this one
    goes on until it is ended.
    """

    def __init__(self, track: MediaStreamTrack) -> None:
        super().__init__()
        self.kind = track.kind
        self._track = track
        self._next: asyncio.Task[Any] | None = None

    async def recv(self) -> Any:
        """The next frame: for whoever asks while it is awaited, the same one."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._track.recv())
        return await asyncio.shield(self._next)

    def end(self) -> None:
        """Nobody sends it any more."""
        self._track.stop()


class ToneTrack(MediaStreamTrack):
    """Audio: a sine of ``tone_hz`` (a whole number), mono, 48 kHz. ``level`` 0..1."""

    kind = "audio"

    def __init__(self, tone_hz: int = 440, level: float = 0.2) -> None:
        super().__init__()
        phase = 2 * np.pi * tone_hz * np.arange(AUDIO_RATE) / AUDIO_RATE
        self._second = (level * 32767 * np.sin(phase)).astype(np.int16)  # a whole number of periods: it joins itself
        self._samples = int(AUDIO_RATE * AUDIO_FRAME_S)
        self._pace = Pace(AUDIO_FRAME_S)
        self._number = 0

    async def recv(self) -> AudioFrame:
        """The next 20 ms, when they are due."""
        self._number = await self._pace.next(self._number)
        start = self._number * self._samples % AUDIO_RATE
        frame = AudioFrame.from_ndarray(self._second[None, start : start + self._samples], format="s16", layout="mono")
        frame.sample_rate = AUDIO_RATE
        frame.pts = self._number * self._samples
        frame.time_base = Fraction(1, AUDIO_RATE)
        self._number += 1
        return frame
