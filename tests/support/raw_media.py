"""Media on Janus nodes without gateways: people who publish, talk, subscribe or view through the API alone (aiortc)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from ops.media.whip import new_connection
from rtcdn.client.picture import Picture
from rtcdn.client.tracks import AUDIO_RATE, ClockTrack, ToneTrack
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import PACKAGES, audiobridge, streaming, videoroom
from rtcdn.janus.protocol import Jsep, Json
from rtcdn.janus.ws import Handle, JanusSession, JanusSocket, TokenSource
from rtcdn.model import StreamInfo
from tests.support.janus import JanusNode

HEARD = 40.0  # a tone of level 0.2 has about 1600 in these units, what leaks into its neighbours less than 5


@dataclass
class Ear:
    """What a PeerConnection receives: the last half second of sound, and pictures counted."""

    frames: int = 0
    sound: deque[np.ndarray] = field(default_factory=lambda: deque(maxlen=25))
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def read(self, track: MediaStreamTrack) -> None:
        """Take a track in until it ends."""
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

    async def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 10.0) -> None:
        """Wait until a condition holds; what was seen and heard is in the error."""
        try:
            async with self.changed, asyncio.timeout(timeout_s):
                await self.changed.wait_for(condition)
        except TimeoutError:
            told = f"{self.frames} pictures, {self.spectrum(440, 1000, 1700, 2600)}"
            raise AssertionError(f"not within {timeout_s} s: {what}; had {told}") from None

    def spectrum(self, *tones_hz: int) -> dict[int, float]:
        """How loud each tone is in what was heard last: amplitude of the sine, of 32767."""
        if len(self.sound) < 25:
            return dict.fromkeys(tones_hz, 0.0)
        samples = np.concatenate(self.sound)
        found = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) / len(samples) * 4
        step = AUDIO_RATE / len(samples)
        return {hz: float(found[max(0, int(hz / step) - 3) : int(hz / step) + 4].max()) for hz in tones_hz}

    def hears(self, *tones_hz: int) -> set[int]:
        """Which of these tones are heard."""
        return {hz for hz, level in self.spectrum(*tones_hz).items() if level > HEARD}


class Person:
    """One PeerConnection on one node, in a janus_session of its own. Use as an async context manager after joining."""

    def __init__(self, node: JanusNode, client: NodeClient) -> None:
        self.node, self.client = node, client
        package = PACKAGES[node.kind]
        self.socket = JanusSocket(node.ws_url, package, TokenSource(node.secrets.token_secret, package))
        self.connection: RTCPeerConnection = new_connection()
        self.ear = Ear()
        self.streams: tuple[StreamInfo, ...] = ()
        self.session: JanusSession | None = None
        self.handle: Handle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.connection.on("track", lambda track: self._tasks.append(asyncio.create_task(self.ear.read(track))))

    async def __aenter__(self) -> Person:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.leave()

    async def publish(self, room: str, name: str, tone_hz: int = 440) -> Person:
        """Publish a tone and a moving picture."""
        self.connection.addTransceiver(ToneTrack(tone_hz), direction="sendonly")
        self.connection.addTransceiver(ClockTrack(Picture(name)), direction="sendonly")
        told = await self._offer(videoroom.join_and_publish(room, name, self._pin(room)), name)
        self.streams = videoroom.read_streams(told["streams"])
        return await self.connected()

    async def talk(self, mix: str, name: str, tone_hz: int) -> Person:
        """Take part in a mix with a tone."""
        self.connection.addTransceiver(ToneTrack(tone_hz), direction="sendrecv")
        await (await self._attach(name)).call(audiobridge.join(mix, name, self._pin(mix)))
        await self._offer(audiobridge.configure(muted=False), name)
        return await self.connected()

    async def subscribe(self, room: str, feed: str) -> Person:
        """Receive all of a publisher of a room."""
        handle = await self._attach(f"sub-{feed}")
        body = {"request": "join", "ptype": "subscriber", "room": room, "pin": self._pin(room)}
        _, offered = await handle.call(body | {"streams": [{"feed": feed}]})
        await self._answer(offered, {"request": "start"})
        return await self.connected()

    async def view(self, mountpoint: str) -> Person:
        """View a stage."""
        handle = await self._attach("viewer")
        _, offered = await handle.call(streaming.watch(mountpoint, self._pin(mountpoint), ("a", "v1")))
        await self._answer(offered, streaming.start())
        return await self.connected()

    async def connected(self) -> Person:
        """Wait until media can flow."""
        reached = asyncio.Event()

        def changed() -> None:
            if self.connection.connectionState in ("connected", "failed", "closed"):
                reached.set()

        self.connection.on("connectionstatechange", changed)
        changed()
        async with asyncio.timeout(15):
            await reached.wait()
        assert self.connection.connectionState == "connected"
        return self

    async def leave(self) -> None:
        """End the connection and the janus_session."""
        if self.session and self.socket.connected:
            await self.session.destroy()
        await self.connection.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.socket.close()

    def _pin(self, janus_id: str) -> str:
        return self.client.keys(janus_id).pin

    async def _attach(self, name: str) -> Handle:
        if self.handle is None:
            self.socket.start()
            self.session = await self.socket.create()
            self.handle = await self.session.attach(f"raw/{name}")
        return self.handle

    async def _offer(self, body: Json, name: str) -> Json:
        handle = await self._attach(name)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        data, answer = await handle.call(body, Jsep("offer", self.connection.localDescription.sdp))
        assert answer is not None
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=answer.sdp, type="answer"))
        return data

    async def _answer(self, offered: Jsep | None, body: Json) -> None:
        assert offered is not None
        assert self.handle is not None
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=offered.sdp, type="offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        await self.handle.call(body, Jsep("answer", self.connection.localDescription.sdp))
