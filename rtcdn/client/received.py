"""What a participant receives: counted per slot, listened to, and written to files. Needs aiortc, av and numpy."""

from __future__ import annotations

import asyncio
import contextlib
import time
import wave
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from rtcdn.client.tracks import AUDIO_RATE

AUDIO = "a"
LISTEN_FRAMES = 25  # half a second of sound is what a tone is looked for in
QUIET = 50.0
MILLISECOND = Fraction(1, 1000)
Samples = NDArray[np.float32]
Heard = Callable[[str, Any, float], None]


@dataclass
class Slot:
    """One slot's pictures, or (slot ``a``) the sound, since the session began."""

    slot: str
    frames: int = 0
    first_s: float = 0.0  # monotonic time of the first frame, 0 before
    last_s: float = 0.0
    longest_gap_ms: float = 0.0
    width: int = 0
    height: int = 0
    packets: int = 0  # of the present connection
    lost: int = 0

    def frame(self, now_s: float) -> None:
        """Count a frame."""
        if self.frames:
            self.longest_gap_ms = max(self.longest_gap_ms, 1000 * (now_s - self.last_s))
        else:
            self.first_s = now_s
        self.frames, self.last_s = self.frames + 1, now_s

    def begin_anew(self) -> None:
        """Forget the longest gap: it is looked for from now on."""
        self.longest_gap_ms, self.last_s = 0.0, time.monotonic()


def tone_hz(samples: Samples, rate: int = AUDIO_RATE) -> float:
    """The loudest tone, 0 in silence."""
    if not len(samples):
        return 0.0
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) / len(samples)
    loudest = int(spectrum.argmax())
    return loudest * rate / len(samples) if spectrum[loudest] > QUIET else 0.0


def strength(samples: Samples, hz: float, rate: int = AUDIO_RATE) -> float:
    """How loud one tone is in the samples: its amplitude, where 32767 is the loudest there can be."""
    turn = np.exp(-2j * np.pi * hz / rate * np.arange(len(samples)))
    return float(2 * abs(np.dot(samples, turn)) / max(1, len(samples)))


@dataclass
class Received:
    """All of it. ``heard`` is called with ``frame`` or ``sound``, (slot, what came) and the monotonic time."""

    heard: Heard = lambda *_: None
    slots: dict[str, Slot] = field(default_factory=dict)
    sound: deque[Samples] = field(default_factory=lambda: deque(maxlen=LISTEN_FRAMES))
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _folder: Path | None = None
    _files: dict[str, Any] = field(default_factory=dict)
    _last_ms: dict[str, int] = field(default_factory=dict)  # slot -> time of the picture written last
    _began_s: float = 0.0

    def slot(self, name: str) -> Slot:
        """The figures of a slot."""
        return self.slots.setdefault(name, Slot(name))

    def tone_hz(self) -> float:
        """The loudest tone of the last half second, 0 in silence."""
        return tone_hz(np.concatenate(self.sound)) if len(self.sound) >= LISTEN_FRAMES // 2 else 0.0

    async def sees(self, slot: str, frames: int = 5, timeout_s: float = 10.0) -> None:
        """Wait until so many more frames of a slot were decoded."""
        wanted = self.slot(slot).frames + frames
        async with self._changed, asyncio.timeout(timeout_s):
            await self._changed.wait_for(lambda: self.slot(slot).frames >= wanted)

    async def hears(self, hz: float, timeout_s: float = 10.0) -> None:
        """Wait until the loudest tone is ``hz`` (0: silence)."""
        async with self._changed, asyncio.timeout(timeout_s):
            await self._changed.wait_for(lambda: abs(self.tone_hz() - hz) < 5)

    async def read(self, track: MediaStreamTrack, slot: Callable[[], str]) -> None:
        """Take every frame of a track until it ends; ``slot`` says whose it is now, empty while that is not known."""
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if name := slot():
                    await self._take(name, frame)

    async def _take(self, name: str, frame: Any) -> None:
        now_s, slot = time.monotonic(), self.slot(name)
        slot.frame(now_s)
        if isinstance(frame, av.AudioFrame):
            samples = frame.to_ndarray().astype(np.float32).reshape(-1, len(frame.layout.channels)).mean(axis=1)
            self.sound.append(samples)
            self._write_sound(samples)
            self.heard("sound", (name, samples), now_s)
        else:
            slot.width, slot.height = frame.width, frame.height
            self._write_picture(name, frame, now_s)
            self.heard("frame", (name, frame), now_s)
        async with self._changed:
            self._changed.notify_all()

    # ---- files

    def record(self, folder: Path) -> None:
        """Write from now on: ``audio.wav``, and ``<slot>.mkv`` of each slot that shows something (Motion JPEG)."""
        self.stop_recording()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._began_s = folder, time.monotonic()

    def stop_recording(self) -> None:
        """Finish the files."""
        for stream, container in self._files.values():
            if stream is not None:
                container.mux(stream.encode(None))
            container.close()
        self._folder, self._files = None, {}

    def _write_sound(self, samples: Samples) -> None:
        if self._folder is None:
            return
        if AUDIO not in self._files:
            sound = wave.open(str(self._folder / "audio.wav"), "wb")  # noqa: SIM115  (open as long as the recording)
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(AUDIO_RATE)
            self._files[AUDIO] = None, sound
        self._files[AUDIO][1].writeframes(np.clip(samples, -32768, 32767).astype("<i2").tobytes())

    def _write_picture(self, name: str, frame: Any, now_s: float) -> None:
        if self._folder is None:
            return
        if name not in self._files:
            container = av.open(str(self._folder / f"{name}.mkv"), "w")
            stream = container.add_stream("mjpeg", rate=30)
            stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuvj420p"
            stream.codec_context.time_base = MILLISECOND
            self._files[name], self._last_ms[name] = (stream, container), -1
        stream, container = self._files[name]
        picture = frame.reformat(stream.width, stream.height, "yuvj420p")  # a file has one size; layers change it
        at_ms = max(round(1000 * (now_s - self._began_s)), self._last_ms[name] + 1)  # several may come in one ms
        self._last_ms[name], picture.pts, picture.time_base = at_ms, at_ms, MILLISECOND
        container.mux(stream.encode(picture))
