"""CPU per viewer of our stage, beside a hand-tuned plain mountpoint and beside Janus as it comes.

Three Streaming nodes hold the same number of viewers, who are PeerConnections of another Janus (it decrypts every
packet and never decodes). One node at a time is fed the same RTP; CPU is what its processes used in that window. Our
stage reads the same video on three ports (a plain source fills every layer), the others on one: a fixed cost of two
packets read for each one that every viewer is sent, which shows the more the fewer viewers there are.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import struct
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from bench.proc import pids_of, usage
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient, slot_ports
from rtcdn.janus.plugins import PACKAGES, streaming, videoroom
from rtcdn.janus.ws import JanusSocket, TokenSource
from rtcdn.model import Codec, Kind, MountpointMedia
from tests.support.engine import Engine, Network
from tests.support.janus import JanusNode, start_janus

VIEWERS = 120
WINDOW_S = 4.0
SETTLE_S = 0.5
ROUNDS = 3
PACKETS_PS = 170
LEAST_DELIVERED = 0.5
TICK_S = 1 / 50  # one audio packet and, on average, 2.4 of video: 120 a second of 1,040 bytes are 1 Mbit/s
VIDEO_BYTES = 1040
AUDIO_BYTES = 80
KEYFRAME_EVERY = 240
ROOM = "bench/viewers"
VP8_KEY = bytes([0x10, 0x10, 0x02, 0x00, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01])
VP8_DELTA = bytes([0x10, 0x11, 0x02, 0x00])


class Feed:
    """RTP of one audio and one video source; video goes to every port given, each with its own ssrc."""

    def __init__(self, host: str, audio: int, video: list[int]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._host, self._audio, self._video = host, audio, video
        self._tick = self._sent = 0

    def tick(self) -> None:
        """What 20 ms bring."""
        self._send(self._audio, 111, 1, (self._tick, self._tick * 960), b"\xfc" + bytes(AUDIO_BYTES - 1))
        while self._sent < (self._tick + 1) * 12 // 5:
            head = VP8_DELTA if self._sent % KEYFRAME_EVERY else VP8_KEY
            for ssrc, port in enumerate(self._video, 10):
                self._send(port, 96, ssrc, (self._sent, self._sent * 750), head + bytes(VIDEO_BYTES - len(head)))
            self._sent += 1
        self._tick += 1

    def _send(self, port: int, payload_type: int, ssrc: int, at: tuple[int, int], payload: bytes) -> None:
        marker = 0x80 if payload_type == 96 else 0
        head = struct.pack("!BBHII", 0x80, payload_type | marker, at[0] & 0xFFFF, at[1] & 0xFFFFFFFF, ssrc)
        self._socket.sendto(head + payload, (self._host, port))


@dataclass
class Arm:
    """One node and the mountpoint that is measured on it."""

    name: str
    node: JanusNode
    media: tuple[MountpointMedia, ...]
    mountpoint: str
    handles: list[tuple[int, int]] = field(default_factory=list)  # of its viewers
    cpu_s_per_packet: list[float] = field(default_factory=list)
    delivered: list[float] = field(default_factory=list)  # share of what was fed
    feed: Feed = field(init=False)  # one for all windows: numbers that begin anew are taken for a replay

    def __post_init__(self) -> None:
        audio, video = self.media
        self.feed = Feed(self.node.media_ip, audio.port, sorted(slot_ports(video)))

    @property
    def pct_per_viewer(self) -> float:
        """Percent of a core for one viewer who gets everything, median of the windows.

        Counted by packets that were sent: a busy machine loses some before Janus reads them.
        """
        return 100.0 * statistics.median(self.cpu_s_per_packet) * PACKETS_PS


def run() -> list[dict[str, Any]]:
    """The rows of the table."""
    with Engine() as engine:
        return asyncio.run(_measure(engine))


async def _measure(engine: Engine) -> list[dict[str, Any]]:
    network = engine.network()
    viewers = start_janus(engine, Kind.VR, "bench-viewers", network=network, event_loops=os.cpu_count() or 1)
    room = NodeClient(Kind.VR, _admin(viewers), viewers.secrets, viewers.media_ip)
    room.ensure_room(ROOM, Codec.VP8, 10 * VIEWERS, 0)
    arms = [_ours(engine, network), _tuned(engine, network), _default(engine, network)]
    async with AsyncExitStack() as sockets:
        there = await sockets.enter_async_context(_socket(viewers))
        for arm in arms:
            here = await sockets.enter_async_context(_socket(arm.node))
            await _attach(arm, here, there, room.keys(ROOM).pin)
        for _ in range(ROUNDS):
            for arm in arms:
                await _window(arm)
    ours, tuned, default = (arm.pct_per_viewer for arm in arms)
    return [
        _row("CPU per viewer, our stage", ours, "hand-tuned plain mountpoint", tuned, 1.02),
        _row("CPU per viewer, our stage", ours, "Janus' default configuration", default, 0.55),
        _delivered(arms),
    ]


def _row(name: str, value: float, peer: str, peer_value: float, budget: float) -> dict[str, Any]:
    ratio = value / peer_value
    row = {"name": name, "value": value, "unit": "% of a core", "peer": peer, "peer_value": peer_value}
    return row | {"ratio": ratio, "budget": f"<= {budget}x", "met": ratio <= budget}


def _delivered(arms: list[Arm]) -> dict[str, Any]:
    """How much of what was fed our stage sent to its viewers, beside the plain mountpoint."""
    ours, tuned = (100.0 * statistics.median(arm.delivered) for arm in arms[:2])
    row = {"name": "packets delivered, our stage", "value": ours, "unit": "%", "peer": arms[1].name}
    return row | {"peer_value": tuned, "ratio": ours / tuned, "budget": None, "met": None}


# ---- the three nodes


def _ours(engine: Engine, network: Network) -> Arm:
    """As the product deploys it: our templates, a stage of four slots and a screen, a plain source in three ports."""
    node = start_janus(engine, Kind.ST, "bench-ours", network=network, event_loops=os.cpu_count() or 1)
    slots = ("v1", "v2", "v3", "v4", "s1")
    client = NodeClient(Kind.ST, _admin(node), node.secrets, node.media_ip)
    return Arm("ours", node, client.ensure_stage("bench/stage", Codec.VP8, slots)[:2], "bench/stage")


def _tuned(engine: Engine, network: Network) -> Arm:
    """The best known by hand: the same threads, one audio, one video, nothing else."""
    node = start_janus(engine, Kind.ST, "bench-tuned", network=network, event_loops=os.cpu_count() or 1)
    return _plain("hand-tuned", node)


def _default(engine: Engine, network: Network) -> Arm:
    """Janus without settings of its own: a thread for each viewer."""
    own = 'general: { admin_secret = "bench" }\n'
    files = {"janus.jcfg": own, "janus.eventhandler.wsevh.jcfg": "general: { enabled = false }\n"}
    node = start_janus(engine, Kind.ST, "bench-default", network=network, replace_files=files, admin_secret="bench")
    return _plain("default", node)


def _plain(name: str, node: JanusNode) -> Arm:
    audio = {"type": "audio", "mid": "a", "port": 0, "pt": 111, "codec": "opus"}
    video = {"type": "video", "mid": "v", "port": 0, "pt": 96, "codec": "vp8"}
    body = {"request": "create", "admin_key": node.settings["admin_key"], "type": "rtp", "id": "plain"}
    made = _admin(node).plugin(Kind.ST, {**body, "pin": "plain", "media": [audio, video]})
    return Arm(name, node, streaming.read_created(made), "plain")


def _admin(node: JanusNode) -> AdminClient:
    return AdminClient(node.admin_url, node.settings["admin_secret"], timeout_s=10)


def _socket(node: JanusNode) -> JanusSocket:
    package = PACKAGES[node.kind]
    return JanusSocket(node.ws_url, package, TokenSource(node.secrets.token_secret, package), timeout_s=20)


# ---- viewers, and what they cost


async def _attach(arm: Arm, here: JanusSocket, there: JanusSocket, pin: str) -> None:
    """Let every viewer of an arm watch: the offer of the mountpoint is answered by a publisher of the other Janus."""
    keys = NodeClient(Kind.ST, _admin(arm.node), arm.node.secrets, arm.node.media_ip).keys(arm.mountpoint)
    own_pin = keys.pin if arm.name == "ours" else "plain"
    watching, viewing = await here.create(), await there.create()
    for number in range(VIEWERS):
        handle = await watching.attach("bench/viewer/view")
        client = await viewing.attach("bench/viewer/client")
        _, offer = await handle.call(streaming.watch(arm.mountpoint, own_pin))
        await client.call(videoroom.join_publisher(ROOM, f"{arm.name}-{number}", pin))
        _, answer = await client.call(videoroom.publish(), offer)
        await handle.call(streaming.start(), answer)
        arm.handles.append((watching.id, handle.id))
    await asyncio.to_thread(_wait_connected, arm)


def _wait_connected(arm: Arm) -> None:
    admin, until_s = _admin(arm.node), time.monotonic() + 20
    waiting = set(arm.handles)
    while waiting:
        waiting = {ids for ids in waiting if _webrtc(admin, ids)["dtls"]["dtls-state"] != "connected"}
        if waiting and time.monotonic() > until_s:
            raise RuntimeError(f"{arm.name}: {len(waiting)} of {VIEWERS} viewers are not connected after 20 s")
        time.sleep(0.1)


def _webrtc(admin: AdminClient, ids: tuple[int, int]) -> dict[str, Any]:
    found: dict[str, Any] = admin.ask("handle_info", "/{}/{}".format(*ids))["info"]["webrtc"]
    return found


async def _window(arm: Arm) -> None:
    """Feed one arm for a while: a moment to settle, then the time that counts."""
    await _feed(arm.feed, SETTLE_S)
    admin = _admin(arm.node)
    sent, cpu_s = _packets(admin, arm), _cpu_s(arm.node)
    await _feed(arm.feed, WINDOW_S)
    used_s, packets = _cpu_s(arm.node) - cpu_s, _packets(admin, arm) - sent
    share = packets / (WINDOW_S * PACKETS_PS * VIEWERS)
    if share < LEAST_DELIVERED:
        raise RuntimeError(f"{arm.name}: only {share:.0%} of the packets were sent; the machine is too busy to measure")
    arm.cpu_s_per_packet.append(used_s / packets)
    arm.delivered.append(share)


async def _feed(feed: Feed, seconds: float) -> None:
    start_s = time.monotonic()
    for number in range(int(seconds / TICK_S)):
        feed.tick()
        await asyncio.sleep(max(0.0, start_s + (number + 1) * TICK_S - time.monotonic()))


def _cpu_s(node: JanusNode) -> float:
    return usage(pids_of(node.container)).cpu_s


def _packets(admin: AdminClient, arm: Arm) -> int:
    """Packets sent to all viewers of an arm so far."""
    media = (medium for ids in arm.handles for medium in _webrtc(admin, ids)["media"].values())
    return sum(int(medium["stats"]["out"]["packets"]) for medium in media)
