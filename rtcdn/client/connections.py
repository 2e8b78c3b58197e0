"""The PeerConnections of a participant: what he receives, his voice, what he sends. Needs aiortc.

aiortc sends no simulcast and gathers all candidates before it offers. It decodes every video of a connection only when
the bundle is formed at once (``MAX_BUNDLE``): with its default policy all but the first video stay unread.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

from rtcdn.client.received import AUDIO, Received

Json = dict[str, Any]
RECEIVE, VOICE, SEND = "receive", "voice", "send"
GOOD = "connected"
ENDED = ("failed", "closed")
SHOWN_S = 2.0  # a slot without a frame for so long shows nothing
PATIENCE_S = 2.5  # a new connection without pictures takes over after so long all the same


@dataclass(frozen=True, slots=True)
class Ice:
    """ICE servers for a connection; ``relay_only``: media by TURN servers alone."""

    servers: tuple[Json, ...] = ()
    relay_only: bool = False

    def configuration(self) -> RTCConfiguration:
        """As aiortc takes it. It asks one TURN server: the first URL that it is given."""
        servers = [RTCIceServer(each["urls"], each.get("username"), each.get("credential")) for each in self.servers]
        policy = RTCIceTransportPolicy.RELAY if self.relay_only else RTCIceTransportPolicy.ALL
        return RTCConfiguration(servers, iceTransportPolicy=policy, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)


@dataclass
class Connection:
    """One PeerConnection; ``id`` is the gateway's name of it, empty until that is known.

    Where it comes in the place of one ``before``, both flow for a while: each slot is taken over by its first frame.
    """

    purpose: str
    received: Received
    videos: int = 0  # how many are asked for on a connection that receives
    ice: Ice = field(default_factory=Ice)
    before: Connection | None = None
    id: str = ""
    slots: dict[str, str] = field(default_factory=dict)  # mid -> slot
    peer: RTCPeerConnection = field(init=False)
    over: asyncio.Event = field(default_factory=asyncio.Event)  # it has ended: by us, from there, or no answer came
    _reading: list[asyncio.Task[None]] = field(default_factory=list)
    _last_s: dict[str, float] = field(default_factory=dict)  # slot -> monotonic time of the last frame that counted
    _taken: set[str] = field(default_factory=set)  # slots that the connection after this one shows
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.peer = RTCPeerConnection(self.ice.configuration())
        self.peer.on("connectionstatechange", self._look)

    def _look(self) -> None:
        if self.peer.connectionState in ENDED:
            self.over.set()
            self._came.set()

    async def offer(self, track: MediaStreamTrack | None = None) -> str:
        """The description to send; ``track`` is what a connection that sends shows."""
        if self.purpose == SEND:
            assert track is not None
            self.peer.addTransceiver(track, direction="sendonly")
        elif self.purpose == VOICE:
            self.peer.addTransceiver("audio", direction="sendrecv")
        else:
            for kind in ["audio"] + ["video"] * self.videos:
                self.peer.addTransceiver(kind, direction="recvonly")
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return str(self.peer.localDescription.sdp)

    async def answer(self, answer: Json) -> None:
        """Take the gateway's answer to the offer; media flow soon after."""
        self.id = answer["connection"]
        self.slots = {medium["mid"]: medium.get("slot", "") or AUDIO for medium in answer.get("media", [])}
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer["sdp"], type="answer"))
        for transceiver in self.peer.getTransceivers():
            if transceiver.receiver.track and self.purpose != SEND:
                work = self.received.read(transceiver.receiver.track, self._counting(transceiver))
                self._reading.append(asyncio.create_task(work))

    def _slot_of(self, transceiver: RTCRtpTransceiver) -> str:
        return AUDIO if transceiver.kind == "audio" else self.slots.get(str(transceiver.mid), "")

    def _counting(self, transceiver: RTCRtpTransceiver) -> Callable[[], str]:
        """Asked with every frame: the slot that it is of, empty when it does not count."""

        def slot() -> str:
            name = self._slot_of(transceiver)
            if not name or name in self._taken:
                return ""
            self._last_s[name] = time.monotonic()
            if self.before:
                self.before._taken.add(name)
            self._came.set()
            return name

        return slot

    async def takes_over(self) -> bool:
        """Wait until every slot that the one before shows is shown by this one; False when it ended meanwhile."""
        since_s = time.monotonic() - SHOWN_S
        shown = {slot for slot, at_s in self.before._last_s.items() if at_s > since_s} if self.before else set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not (self.over.is_set() or shown <= self._last_s.keys()):
                    self._came.clear()
                    await self._came.wait()
        return not self.over.is_set()

    def settle(self, stays: bool) -> None:
        """Be the only one; where it does not stay, the one before shows everything again."""
        if self.before and not stays:
            self.before._taken.clear()
        self.before = None

    def sing(self, track: MediaStreamTrack | None) -> None:
        """Send ``track`` on a voice connection, or nothing (None); the encoder rests then."""
        self.peer.getTransceivers()[0].sender.replaceTrack(track)

    async def connected(self, timeout_s: float = 15.0) -> bool:
        """Wait until media can flow; False when it failed or took too long."""
        reached = asyncio.Event()

        @self.peer.on("connectionstatechange")
        def _changed() -> None:
            if self.peer.connectionState in (GOOD, *ENDED):
                reached.set()

        _changed()
        try:
            async with asyncio.timeout(timeout_s):
                await reached.wait()
        except TimeoutError:
            return False
        return bool(self.peer.connectionState == GOOD)

    async def figures(self) -> Json:
        """Counters of its streams as the gateway takes them (``ConnectionFigures``)."""
        streams, rtt_s = [], 0.0
        for transceiver in self.peer.getTransceivers():
            own = {"mid": str(transceiver.mid), "kind": transceiver.kind}
            reports = {**await transceiver.receiver.getStats(), **await transceiver.sender.getStats()}
            for report in reports.values():
                if report.type == "inbound-rtp":
                    streams.append({**own, **self._inbound(transceiver, report)})
                elif report.type == "outbound-rtp" and report.packetsSent:
                    sent = {"direction": "out", "packets": report.packetsSent, "bytes": report.bytesSent}
                    streams.append({**own, **sent})
                elif report.type == "remote-inbound-rtp" and report.roundTripTime:
                    rtt_s = max(rtt_s, report.roundTripTime)
        return {"connection": self.id, "rtt_ms": round(1000 * rtt_s, 1), "streams": streams}

    def _inbound(self, transceiver: RTCRtpTransceiver, report: Any) -> Json:
        clock = 48 if transceiver.kind == "audio" else 90  # ticks of a millisecond
        packets, lost = report.packetsReceived, report.packetsLost
        found = {"packets": packets, "lost": lost, "jitter_ms": round(report.jitter / clock, 1)}
        if not (name := self._slot_of(transceiver)):
            return found
        slot = self.received.slot(name)
        slot.packets, slot.lost = packets, lost
        return {**found, "frames": slot.frames, "width": slot.width, "height": slot.height}

    async def close(self) -> None:
        """Close it and finish reading."""
        await self.peer.close()
        await asyncio.gather(*self._reading, return_exceptions=True)
