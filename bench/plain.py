"""A plain Janus participant, as Janus' own demos make one: publishes from scratch, heard and seen by another one.

VideoRoom for the picture, AudioBridge for the voice, one PeerConnection each; nothing of ours in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from ops.media import whip
from rtcdn.client.received import AUDIO, Received
from rtcdn.janus.plugins import PACKAGES, audiobridge, videoroom
from rtcdn.janus.protocol import Jsep
from rtcdn.janus.ws import Handle, JanusSession, JanusSocket, TokenSource
from rtcdn.model import Codec
from tests.support.cdn import Cdn

ROOM = "plain"
VIDEO = "v"


@dataclass
class Plain:
    """A room on each of two nodes, and one who listens and looks there."""

    cdn: Cdn
    received: Received
    stack: AsyncExitStack
    video: JanusSession = field(init=False)
    audio: JanusSession = field(init=False)
    reading: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Make the rooms; the listener's voice connection is up from then on, pictures he takes as they are told."""
        self.cdn.client("vr1").ensure_room(ROOM, Codec.VP8, 9, 1_500_000)
        self.cdn.client("ab1").ensure_mix(ROOM)
        self.video, self.audio = await self._session("vr1"), await self._session("ab1")
        lurker = await self.video.attach("bench/listener/lurk")
        await lurker.call(videoroom.join_publisher(ROOM, "listener", self._pin("vr1")))
        self._task(self._look(lurker))
        connection = self._connection()
        connection.addTransceiver("audio", direction="recvonly")
        await self._speak(connection, "listener")

    async def publish(self, name: str, tone: MediaStreamTrack, picture: MediaStreamTrack) -> Callable[[], Any]:
        """Go on stage from scratch; what is returned ends it."""
        sound, sight = whip.new_connection(), whip.new_connection()
        sound.addTransceiver(tone, direction="sendrecv")
        sight.addTransceiver(picture, direction="sendonly")
        talk, show = await asyncio.gather(self._speak(sound, name), self._show(sight, name))

        async def leave() -> None:
            for handle in (talk, show):
                await handle.detach()
            for connection in (sound, sight):
                await connection.close()

        return leave

    # ---- Janus, as the demos ask it

    async def _session(self, name: str) -> JanusSession:
        node = self.cdn.nodes[name]
        package = PACKAGES[node.kind]
        socket = JanusSocket(node.ws_url, package, TokenSource(node.secrets.token_secret, package))
        return await (await self.stack.enter_async_context(socket)).create()

    def _pin(self, node: str) -> str:
        return self.cdn.client(node).keys(ROOM).pin

    def _connection(self) -> RTCPeerConnection:
        connection = whip.new_connection()
        self.stack.push_async_callback(connection.close)
        return connection

    def _task(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self.reading.append(task)
        self.stack.callback(task.cancel)

    async def _speak(self, connection: RTCPeerConnection, name: str) -> Handle:
        await connection.setLocalDescription(await connection.createOffer())
        handle = await self.audio.attach(f"bench/{name}/talk")
        offer = Jsep("offer", connection.localDescription.sdp)
        _, answer = await handle.call(audiobridge.join(ROOM, name, self._pin("ab1")), offer)
        await _take(connection, answer)
        if name == "listener":
            self._task(self.received.read(connection.getReceivers()[0].track, lambda: AUDIO))
        return handle

    async def _show(self, connection: RTCPeerConnection, name: str) -> Handle:
        await connection.setLocalDescription(await connection.createOffer())
        handle = await self.video.attach(f"bench/{name}/show")
        await handle.call(videoroom.join_publisher(ROOM, name, self._pin("vr1")))
        _, answer = await handle.call(videoroom.publish(), Jsep("offer", connection.localDescription.sdp))
        await _take(connection, answer)
        return handle

    async def _look(self, lurker: Handle) -> None:
        """Subscribe to everybody who is told to publish."""
        while True:
            event = await lurker.events.get()
            for publisher in event.data.get("publishers", ()):
                self._task(self._subscribe(str(publisher["id"])))

    async def _subscribe(self, feed: str) -> None:
        handle = await self.video.attach("bench/listener/view")
        wanted = {"ptype": "subscriber", "room": ROOM, "pin": self._pin("vr1"), "streams": [{"feed": feed}]}
        _, offer = await handle.call({"request": "join", **wanted})
        connection = self._connection()
        assert offer is not None
        await connection.setRemoteDescription(RTCSessionDescription(sdp=offer.sdp, type="offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        await handle.call({"request": "start"}, Jsep("answer", connection.localDescription.sdp))
        await self.received.read(connection.getReceivers()[0].track, lambda: VIDEO)


async def _take(connection: RTCPeerConnection, answer: Jsep | None) -> None:
    assert answer is not None
    await connection.setRemoteDescription(RTCSessionDescription(sdp=answer.sdp, type="answer"))


def quiet_for_s(received: Received, slot: str) -> float:
    """For how long nothing came in a slot."""
    return time.monotonic() - received.slot(slot).last_s
