"""A client of the WebSocket API, scripted: asks, waits for events, makes its connections with aiortc."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from ops.media.whip import new_connection
from rtcdn.client.picture import Picture
from rtcdn.client.tracks import AUDIO_RATE, ClockTrack, ToneTrack

PROTOCOL = "rtcdn.v1"
SILENT = 50  # amplitude below which nothing is heard


@dataclass
class Ear:
    """What one audio track brought in the last second, and how many frames one video track did."""

    sound: deque[np.ndarray] = field(default_factory=lambda: deque(maxlen=50))
    frames: int = 0

    async def read(self, track: MediaStreamTrack) -> None:
        """Take frames until the track ends."""
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                self.frames += 1
                if track.kind == "audio":
                    samples = frame.to_ndarray().astype(np.float32).reshape(-1)
                    self.sound.append(samples.reshape(-1, len(frame.layout.channels)).mean(axis=1))

    def level(self, tone_hz: int) -> float:
        """Strength of one tone in the last second."""
        if len(self.sound) < 25:
            return 0.0
        samples = np.concatenate(self.sound)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) / len(samples)
        place = round(tone_hz * len(samples) / AUDIO_RATE)
        return float(spectrum[place - 2 : place + 3].max())

    def hears(self, tone_hz: int) -> bool:
        """Is a tone in the last second?"""
        return self.level(tone_hz) > SILENT


@dataclass
class SocketClient:
    """One client. ``events`` is everything said to it; ``connections`` its PeerConnections by id."""

    http: aiohttp.ClientSession
    url: str
    token: str
    session: str = "demo"
    socket: aiohttp.ClientWebSocketResponse = field(init=False, repr=False)
    joined: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    connections: dict[str, RTCPeerConnection] = field(default_factory=dict)
    ears: dict[tuple[str, str], Ear] = field(default_factory=dict)  # connection purpose, kind
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    close_code: int | None = None
    number: int = 0
    tone_hz: int = 0  # voice connections are offered when asked for, with this tone

    async def connect(self, url: str = "") -> SocketClient:
        """Open the socket."""
        at = (url or self.url).replace("http", "ws", 1)
        self.socket = await self.http.ws_connect(f"{at}/ws?c=1", protocols=(PROTOCOL,))
        self.close_code = None
        self.tasks.append(asyncio.create_task(self._listen(self.socket)))
        return self

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            heard = json.loads(message.data)
            async with self.changed:
                if "re" in heard:
                    waiting = self.answers.pop(heard["re"], None)
                    if waiting:
                        waiting.set_result(heard)
                else:
                    self.events.append(heard)
                    if heard["event"] == "connect" and heard["purpose"] == "voice" and self.tone_hz:
                        self.tasks.append(asyncio.create_task(self.voice(heard["connection"])))
                self.changed.notify_all()
        async with self.changed:
            self.close_code = socket.close_code
            self.changed.notify_all()

    async def ask(self, kind: str, timeout_s: float = 10.0, **fields: Any) -> dict[str, Any]:
        """One request; its answer."""
        self.number += 1
        self.answers[self.number] = future = asyncio.get_running_loop().create_future()
        await self.socket.send_str(json.dumps({"type": kind, "id": self.number, **fields}))
        async with asyncio.timeout(timeout_s):
            return await future

    async def told(self, event: str, timeout_s: float = 10.0, **fields: Any) -> dict[str, Any]:
        """The newest event of that name with these fields, awaited."""

        def found() -> dict[str, Any] | None:
            for each in reversed(self.events):
                if each["event"] == event and all(each.get(key) == value for key, value in fields.items()):
                    return each
            return None

        async with self.changed:
            try:
                async with asyncio.timeout(timeout_s):
                    await self.changed.wait_for(found)
            except TimeoutError:
                raise AssertionError(f"no {event} {fields} in {self.events}") from None
        return found() or {}

    def newest(self, event: str) -> dict[str, Any]:
        """The newest event of that name; empty when there is none."""
        return next((each for each in reversed(self.events) if each["event"] == event), {"queue": []})

    async def closed(self, timeout_s: float = 10.0) -> int | None:
        """The code with which the socket was closed."""
        async with self.changed, asyncio.timeout(timeout_s):
            await self.changed.wait_for(lambda: self.close_code is not None)
        return self.close_code

    async def join(self, *, ready: bool = False, media: bool = True, **more: Any) -> dict[str, Any]:
        """Connect and join, with the connection that receives."""
        await self.connect()
        connection, offer = None, ""
        if media:
            connection = self._receiver()
            offer = await _offer(connection)
        fields = {"session": self.session, "token": self.token, "ready": ready, "offer": offer, **more}
        self.joined = await self.ask("join", **fields)
        assert self.joined["ok"], self.joined
        if connection:
            await self._answered(self.joined["receive"], connection)
        return self.joined

    def _receiver(self) -> RTCPeerConnection:
        connection = new_connection()
        for kind in ("audio", "video"):
            connection.addTransceiver(kind, direction="recvonly")
        self._listen_to(connection, "receive")
        return connection

    def _listen_to(self, connection: RTCPeerConnection, purpose: str) -> None:
        def heard(track: MediaStreamTrack) -> None:
            ear = self.ears[purpose, track.kind] = Ear()
            self.tasks.append(asyncio.create_task(ear.read(track)))

        connection.on("track", heard)

    async def _answered(self, answer: dict[str, Any], connection: RTCPeerConnection) -> str:
        await connection.setRemoteDescription(RTCSessionDescription(sdp=answer["sdp"], type="answer"))
        self.connections[answer["connection"]] = connection
        return str(answer["connection"])

    async def receive(self, ident: str) -> str:
        """Offer a connection that receives, as asked."""
        connection = self._receiver()
        answer = await self.ask("offer", connection=ident, purpose="receive", sdp=await _offer(connection))
        assert answer["ok"], answer
        return await self._answered(answer, connection)

    async def voice(self, ident: str = "") -> None:
        """Offer the voice connection."""
        connection = new_connection()
        connection.addTransceiver(ToneTrack(self.tone_hz), direction="sendrecv")
        self._listen_to(connection, "voice")
        answer = await self.ask("offer", connection=ident, purpose="voice", sdp=await _offer(connection))
        assert answer["ok"], answer
        await self._answered(answer, connection)

    async def send_camera(self) -> str:
        """Publish a camera; the connection's id."""
        connection = new_connection()
        connection.addTransceiver(ClockTrack(Picture("camera")), direction="sendonly")
        answer = await self.ask("offer", purpose="send", sdp=await _offer(connection))
        assert answer["ok"], answer
        return await self._answered(answer, connection)

    async def send_screen(self, ident: str) -> None:
        """Add a screen to the connection that sends."""
        connection = self.connections[ident]
        connection.addTransceiver(ClockTrack(Picture("screen")), direction="sendonly")
        sdp = await _offer(connection)
        mid = connection.getTransceivers()[-1].mid
        answer = await self.ask("offer", connection=ident, purpose="send", sdp=sdp, sources={mid: "screen"})
        assert answer["ok"], answer
        await self._answered(answer, connection)

    async def resume(self, url: str = "", **more: Any) -> dict[str, Any]:
        """Connect anew and go on."""
        await self.connect(url)
        fields = {"session": self.session, "token": self.token, "participant": self.joined["participant"]}
        return await self.ask("resume", **fields, key=self.joined["resume"]["key"], **more)

    def cut(self) -> None:
        """Break the socket without a word."""
        transport = self.socket._response.connection.transport  # type: ignore[union-attr]
        transport.abort()

    async def packets(self, purpose: str) -> int:
        """Packets received so far on connections of a purpose."""
        total = 0
        for ident, connection in self.connections.items():
            if ident[0] == purpose[0]:
                stats = (await connection.getStats()).values()
                total += sum(each.packetsReceived for each in stats if each.type == "inbound-rtp")
        return total

    async def end(self) -> None:
        """Close everything."""
        await self.socket.close()
        for connection in self.connections.values():
            await connection.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def _offer(connection: RTCPeerConnection) -> str:
    await connection.setLocalDescription(await connection.createOffer())
    return str(connection.localDescription.sdp)
