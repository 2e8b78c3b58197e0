"""A scripted gateway: it keeps what it is asked, answers by rule, and its other end of media is aiortc too."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from rtcdn.client.picture import Picture
from rtcdn.client.tracks import ClockTrack, ToneTrack

Json = dict[str, Any]
SLOTS = ["v1", "v2"]
KEY = "k" * 20


@dataclass
class Gateway:
    """``refuse``: request type -> the problem to answer. ``asked`` holds every request in order."""

    refuse: dict[str, list[Json]] = field(default_factory=dict)
    asked: list[Json] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    peers: dict[str, RTCPeerConnection] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)  # connection/kind -> frames that came from the client
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    late: dict[str, asyncio.Event] = field(default_factory=dict)  # connection/slot -> no picture until then
    tone_hz: int = 440
    url: str = ""
    _reading: list[asyncio.Task[None]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One client."""
        socket = web.WebSocketResponse(protocols=("rtcdn.v1",))
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            asked = json.loads(message.data)
            async with self.changed:
                self.asked.append(asked)
                self.changed.notify_all()
            await socket.send_json({"re": asked["id"], **await self._answer(asked)})
            if asked["type"] == "leave":
                await socket.close()
        return socket

    async def _answer(self, asked: Json) -> Json:
        kind = asked["type"]
        if self.refuse.get(kind):
            return {"ok": False, "problem": self.refuse[kind].pop(0)}
        if kind in ("join", "resume"):
            joined = {
                "ok": True, "version": 1, "session": asked["session"], "participant": "bob", "role": "viewer",
                "rights": ["view", "speak"], "name": asked.get("name", ""), "region": "here", "codec": "vp8",
                "slots": SLOTS, "resume": {"key": KEY, "within_s": 30}, "resumed": kind == "resume",
                "limits": {"messages_ps": 20, "data_ps": 5, "message_bytes": 65536, "data_bytes": 16384, "ping_s": 5},
            }  # fmt: skip
            if asked.get("offer"):
                joined["receive"] = await self._media("c1", asked["offer"])
            return joined
        if kind == "offer":
            return {"ok": True, **await self._media(asked["connection"] or f"c{len(self.peers) + 1}", asked["sdp"])}
        more = {"send": {"n": 7}, "publish": {"role": "speaker"}, "unpublish": {"role": "viewer"}}
        more["participants"] = {"participants": [{"participant": "ann"}], "total": 1, "next": ""}
        return {"ok": True, **more.get(kind, {})}

    async def _media(self, connection: str, sdp: str) -> Json:
        """The other end: what the client wants to receive is sent, what he sends is counted."""
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.peers[connection] = peer
        peer.on("track", lambda track: self._reading.append(asyncio.create_task(self._read(connection, track))))
        await peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
        media, videos = [], iter(SLOTS)
        for transceiver in peer.getTransceivers():
            if transceiver._offerDirection not in ("sendonly", "sendrecv"):
                continue
            slot = next(videos, "") if transceiver.kind == "video" else ""
            track = ClockTrack(Picture(slot, width=160, height=96)) if slot else ToneTrack(self.tone_hz)
            if late := self.late.get(f"{connection}/{slot}"):
                self._reading.append(asyncio.create_task(_later(transceiver.sender, track, late)))
            else:
                transceiver.sender.replaceTrack(track)
            transceiver.direction = "sendrecv" if transceiver._offerDirection == "sendrecv" else "sendonly"
            media.append({"mid": transceiver.mid, **({"slot": slot} if slot else {})})
        await peer.setLocalDescription(await peer.createAnswer())
        return {"connection": connection, "sdp": peer.localDescription.sdp, "media": media}

    async def _read(self, connection: str, track: Any) -> None:
        with contextlib.suppress(Exception):
            while True:
                await track.recv()
                async with self.changed:
                    key = f"{connection}/{track.kind}"
                    self.heard[key] = self.heard.get(key, 0) + 1
                    self.changed.notify_all()

    async def say(self, **event: Any) -> None:
        """Tell the newest client an event."""
        await self.sockets[-1].send_json(event)

    async def until(self, condition: Callable[[], object], timeout_s: float = 10.0) -> Any:
        """Wait until something holds of what was asked or heard; what it is."""
        async with self.changed, asyncio.timeout(timeout_s):
            return await self.changed.wait_for(condition)

    def of(self, kind: str) -> list[Json]:
        """Requests of a type."""
        return [asked for asked in self.asked if asked["type"] == kind]

    async def close(self) -> None:
        """End the media."""
        for peer in self.peers.values():
            await peer.close()
        for task in self._reading:
            task.cancel()


async def _later(sender: RTCRtpSender, track: MediaStreamTrack, when: asyncio.Event) -> None:
    await when.wait()
    sender.replaceTrack(track)


@contextlib.asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Gateway]:
    """A gateway for as long as the block lasts."""
    gateway = Gateway(**options)
    app = web.Application()
    app.router.add_get("/ws", gateway.serve)
    async with TestServer(app, shutdown_timeout=0.1) as server:
        gateway.url = f"http://127.0.0.1:{server.port}"
        try:
            yield gateway
        finally:
            await gateway.close()
