"""A viewer's join: from his request to the first packet and the first picture, by WHEP through our gateway.

The peer is a plain Janus Streaming viewer, as Janus' own demo does it: WebSocket, janus_session, handle, ``watch``,
answer; on a plain mountpoint, fed by a speaker of the same kind. Same client (aiortc), taken in turns.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from ops.media import whip
from rtcdn.client.picture import Picture
from rtcdn.client.tracks import ClockTrack, ToneTrack
from rtcdn.janus.plugins import PACKAGES, streaming, videoroom
from rtcdn.janus.protocol import Jsep
from rtcdn.janus.ws import JanusSocket, TokenSource
from rtcdn.model import Codec, Kind, MountpointMedia
from tests.support.cdn import REGION, Cdn, running_cdn
from tests.support.clients import speaker
from tests.support.engine import wait_for

SESSION = "bench"
TURNS = 8
COLD_TURNS = 4
PAUSE_S = 1.5  # Janus asks a publisher for a keyframe once a second at most: do not measure that
GIVE_UP_S = 15.0
PLAIN = "plain"


@dataclass
class Times:
    """Milliseconds from the request, one of each per join."""

    packet_ms: list[float] = field(default_factory=list)
    picture_ms: list[float] = field(default_factory=list)


@dataclass
class Viewing:
    """One connection of a viewer: when its first packet and its first picture came."""

    connection: RTCPeerConnection = field(default_factory=whip.new_connection)
    start_s: float = field(default_factory=time.perf_counter)
    packet: asyncio.Future[float] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    picture: asyncio.Future[float] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    reading: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection.on("track", lambda track: self.reading.append(asyncio.create_task(self._read(track))))

    def mark(self, what: asyncio.Future[float]) -> None:
        """Note the time of a first."""
        if not what.done():
            what.set_result(1000 * (time.perf_counter() - self.start_s))

    def owns(self, receiver: RTCRtpReceiver) -> bool:
        """Is it one of this connection's?"""
        return any(each.receiver is receiver for each in self.connection.getTransceivers())

    async def _read(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                await track.recv()
                if track.kind == "video":
                    self.mark(self.picture)
        except MediaStreamError:
            return


@contextmanager
def packets_noted(now: list[Viewing]) -> Iterator[None]:
    """Note the first packet of the last viewing; aiortc has no public place to see packets."""
    original = RTCRtpReceiver._handle_rtp_packet

    async def noting(self: RTCRtpReceiver, *packet: Any, **more: Any) -> None:
        if now and now[-1].owns(self):
            now[-1].mark(now[-1].packet)
        await original(self, *packet, **more)

    RTCRtpReceiver._handle_rtp_packet = noting
    try:
        yield
    finally:
        RTCRtpReceiver._handle_rtp_packet = original


def run() -> list[dict[str, Any]]:
    """The rows of the table."""
    with tempfile.TemporaryDirectory() as folder, running_cdn(Path(folder), 1, 2, far={"st2", "2"}) as cdn:
        return asyncio.run(Bench(cdn).measure())


class Bench:
    """The measured CDN."""

    def __init__(self, cdn: Cdn) -> None:
        self.cdn = cdn
        self.broker, (self.gateway, self.far) = cdn.leader().url, (each.url for each in cdn.gateways)
        self.now: list[Viewing] = []

    async def measure(self) -> list[dict[str, Any]]:
        """Joins of both kinds in turns, then joins in a region where the session has no stage yet."""
        warm, cold, plain = Times(), Times(), Times()
        async with AsyncExitStack() as stack:
            stack.enter_context(packets_noted(self.now))
            operator = stack.enter_context(self.cdn.api())
            http = await stack.enter_async_context(aiohttp.ClientSession())
            self._open(operator, SESSION, {REGION: 10})
            token = self._token(operator, SESSION, "ann", "speaker")
            ann = await speaker(http, f"{self.gateway}/whip/{SESSION}", token)
            await self._make_plain(stack)
            for turn in range(TURNS + 1):
                for times, join in ((warm, self._whep(operator, http, SESSION, turn)), (plain, self._plain())):
                    await self._time(join, times if turn else Times())
            for turn in range(COLD_TURNS):
                session = f"{SESSION}-{turn}"
                self._open(operator, session, {REGION: 10})
                if self.cdn.keys(f"CX:{session}:stage-st2"):
                    raise RuntimeError(f"{session} has a stage there already: its join would measure nothing")
                await self._time(self._whep(operator, http, session, 0, self.far), cold, picture=False)
                if not self.cdn.keys(f"CX:{session}:stage-st2"):
                    raise RuntimeError(f"{session} was watched at a stage that was there: this measured nothing")
            await ann.delete()
        return [
            _row("join, first packet", warm.packet_ms, plain.packet_ms, None),
            _row("join, first picture", warm.picture_ms, plain.picture_ms, 1.15),
            _row("join, stage to be made, first packet", cold.packet_ms, plain.packet_ms, 1.5),
        ]

    async def _time(self, join: Awaitable[Callable[[], Awaitable[object]]], times: Times, picture: bool = True) -> None:
        """One join: wait for its firsts, note them, leave."""
        await asyncio.sleep(PAUSE_S)
        leave = await join
        viewing = self.now[-1]
        try:
            async with asyncio.timeout(GIVE_UP_S):
                times.packet_ms.append(await viewing.packet)
                if picture:
                    times.picture_ms.append(await viewing.picture)
        finally:
            await leave()
            await asyncio.gather(*viewing.reading)

    def _begin(self) -> Viewing:
        self.now.append(Viewing())
        return self.now[-1]

    # ---- our way

    def _open(self, operator: httpx.Client, session: str, audience: dict[str, int]) -> None:
        """Open a session; a node that is still registering is waited for."""
        url = f"{self.broker}/v1/sessions/{session}"
        wait_for(lambda: operator.put(url, json={"audience": audience}).status_code in (200, 201), f"{session} opens")

    def _token(self, operator: httpx.Client, session: str, participant: str, role: str) -> str:
        url = f"{self.broker}/v1/sessions/{session}/participants/{participant}"
        return str(operator.put(url, json={"role": role}).raise_for_status().json()["token"])

    async def _whep(
        self, operator: httpx.Client, http: aiohttp.ClientSession, session: str, turn: int, gateway: str = ""
    ) -> Callable[[], Awaitable[object]]:
        token = self._token(operator, session, f"viewer-{turn}", "viewer")
        viewing = self._begin()
        for kind in ("audio", "video"):
            viewing.connection.addTransceiver(kind, direction="recvonly")
        resource = await whip.offer(http, f"{gateway or self.gateway}/whep/{session}", token, viewing.connection)
        return resource.delete

    # ---- the plain way

    async def _make_plain(self, stack: AsyncExitStack) -> None:
        """A plain room with the same kind of speaker, forwarded to a plain mountpoint with rtcp on an egress node.

        Outside our contexts: the broker would stop a forwarder there that no link covers.
        """
        egress, ingress = self.cdn.client("st1"), self.cdn.client("vr1")
        audio = {"type": "audio", "mid": "a", "port": 0, "pt": 111, "codec": "opus"}
        video = {"type": "video", "mid": "v", "port": 0, "rtcpport": 0, "pt": 96, "codec": "vp8"}
        body = {
            "request": "create",
            "admin_key": egress.keys(PLAIN).admin_key,
            "type": "rtp",
            "id": PLAIN,
            "pin": PLAIN,
        }
        a, v = streaming.read_created(egress.admin.plugin(Kind.ST, {**body, "media": [audio, video]}))
        ingress.ensure_room(PLAIN, Codec.VP8, 2, 1_500_000)
        handle = await (await (await stack.enter_async_context(self._socket("vr1"))).create()).attach("bench/plain")
        connection = whip.new_connection()
        stack.push_async_callback(connection.close)
        connection.addTransceiver(ToneTrack(440), direction="sendonly")
        connection.addTransceiver(ClockTrack(Picture("Plain")), direction="sendonly")
        await connection.setLocalDescription(await connection.createOffer())
        await handle.call(videoroom.join_publisher(PLAIN, "ann", ingress.keys(PLAIN).pin))
        _, answer = await handle.call(videoroom.publish(), Jsep("offer", connection.localDescription.sdp))
        assert answer is not None
        await connection.setRemoteDescription(RTCSessionDescription(sdp=answer.sdp, type=answer.type))
        streams = [*videoroom.audio_stream("0", a.port, 111, 5), *videoroom.slot_streams("1", False, _only(v), 6)]
        forward = videoroom.rtp_forward(PLAIN, ingress.keys(PLAIN), "ann", egress.media_ip, streams)
        ingress.admin.plugin(Kind.VR, forward)

    def _socket(self, name: str) -> JanusSocket:
        node = self.cdn.nodes[name]
        return JanusSocket(
            node.ws_url, PACKAGES[node.kind], TokenSource(node.secrets.token_secret, PACKAGES[node.kind])
        )

    async def _plain(self) -> Callable[[], Awaitable[object]]:
        viewing = self._begin()
        socket = self._socket("st1")
        socket.start()
        session = await socket.create()
        handle = await session.attach("bench/plain/view")
        _, offer = await handle.call(streaming.watch(PLAIN, PLAIN))
        assert offer is not None
        connection = viewing.connection
        await connection.setRemoteDescription(RTCSessionDescription(sdp=offer.sdp, type=offer.type))
        await connection.setLocalDescription(await connection.createAnswer())
        await handle.call(streaming.start(), Jsep("answer", connection.localDescription.sdp))

        async def leave() -> None:
            await connection.close()
            await session.destroy()
            await socket.close()

        return leave


def _only(media: MountpointMedia) -> MountpointMedia:
    """The first port alone."""
    return MountpointMedia(media.mid, media.type, media.port, rtcp_port=media.rtcp_port)


def _row(name: str, ours_ms: list[float], peer_ms: list[float], budget: float | None) -> dict[str, Any]:
    value, peer_value = statistics.median(ours_ms), statistics.median(peer_ms)
    ratio = value / peer_value
    row = {"name": f"{name} (p50)", "value": value, "unit": "ms", "peer": "plain Janus Streaming viewer"}
    row |= {"peer_value": peer_value, "ratio": ratio, "budget": f"<= {budget}x" if budget else None}
    return row | {"met": ratio <= budget if budget else None, "all": ours_ms, "peer_all": peer_ms}
