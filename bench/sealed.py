"""What SRTP costs a link: CPU of one forwarded packet at its source and at its stage, beside plain RTP.

A VideoRoom gets a publisher's video and forwards it into slots of stages of a Streaming node, three ports each, as the
actor does it; half of the stages take SRTP, the others plain RTP, and one half at a time is fed. CPU is what both
processes used in that window, by the packets that the stages' host was sent; the counts are those of the feed.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import struct
from dataclasses import dataclass, field
from typing import Any

from bench.proc import pids_of, usage
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient, slot_ports
from rtcdn.janus.plugins import videoroom
from rtcdn.model import Codec, Kind
from tests.support.engine import Engine
from tests.support.janus import JanusNode, start_janus

STAGES = 12
PORTS = 3  # of a slot, fed by a plain source alike
PACKETS_PS = 120  # of 1,040 bytes: 1 Mbit/s
VIDEO_BYTES = 1040
WINDOW_S = 5.0
ROUNDS = 5
ROOM = "bench/room"
SSRC = 1000  # of the first line of a remote publisher
VP8_DELTA = bytes([0x10, 0x11, 0x02, 0x00])


@dataclass
class Arm:
    """Stages of one sort, and what their forwards cost."""

    name: str
    key: int
    cpu_us: dict[str, list[float]] = field(default_factory=lambda: {"source": [], "stage": []})

    def median(self, end: str) -> float:
        """Microseconds of CPU for one packet of one forward."""
        return statistics.median(self.cpu_us[end])


def run() -> list[dict[str, Any]]:
    """The rows of the table."""
    with Engine() as engine:
        network = engine.network()
        nodes = {kind: start_janus(engine, kind, network=network) for kind in (Kind.VR, Kind.ST)}
        return asyncio.run(_measure(nodes[Kind.VR], nodes[Kind.ST]))


async def _measure(source: JanusNode, stage: JanusNode) -> list[dict[str, Any]]:
    here, there = _client(source), _client(stage)
    here.ensure_room(ROOM, Codec.VP8, 8, 0)
    streams = [{"type": "video", "mindex": 0, "mid": "0", "codec": "vp8"}]
    added = here.admin.plugin(Kind.VR, videoroom.add_remote_publisher(ROOM, here.keys(ROOM), "ann", streams))
    port, _ = videoroom.read_remote_ports(added)
    arms = [Arm("SRTP", 1), Arm("plain RTP", 0)]
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as feed:
        for number in range(ROUNDS):
            for arm in arms if number % 2 else arms[::-1]:
                for stage_number in range(STAGES):
                    _link(here, there, f"bench/stage-{arm.key}-{stage_number}", arm.key)
                sent = await _window(arm, (source, stage), feed, (source.media_ip, port), sent)
                for each in here.forwarders(ROOM):
                    here.stop_forwarder(ROOM, each)
    return [_row(end, *arms) for end in ("source", "stage")]


def _link(here: NodeClient, there: NodeClient, name: str, key: int) -> None:
    (media,) = [each for each in there.ensure_stage(name, Codec.VP8, ("v1",), key) if each.mid == "v1"]
    assert len(slot_ports(media)) == PORTS
    srtp = there.stage_key(name, key)
    here.start_slot(ROOM, "ann", "0", simulcast=False, target_ip=there.media_ip, target=media, srtp=srtp)


async def _window(
    arm: Arm, nodes: tuple[JanusNode, JanusNode], feed: socket.socket, to: tuple[str, int], sent: int
) -> int:
    """Feed for a while; the CPU of both nodes meanwhile. Gives how many packets were sent so far."""
    pids = [pids_of(node.container) for node in nodes]
    before = [usage(each).cpu_s for each in pids]
    count = int(WINDOW_S * PACKETS_PS)
    for number in range(sent, sent + count):
        head = struct.pack("!BBHII", 0x80, 96, number & 0xFFFF, number * 750 & 0xFFFFFFFF, SSRC)
        feed.sendto(head + VP8_DELTA + bytes(VIDEO_BYTES - len(VP8_DELTA)), to)
        await asyncio.sleep(1 / PACKETS_PS)
    for end, each, at_s in zip(("source", "stage"), pids, before, strict=True):
        used_s = usage(each).cpu_s - at_s
        arm.cpu_us[end].append(1e6 * used_s / (count * STAGES * PORTS))
    return sent + count


def _client(node: JanusNode) -> NodeClient:
    return NodeClient(node.kind, AdminClient(node.admin_url, node.secrets.admin_secret), node.secrets, node.media_ip)


def _row(end: str, ours: Arm, plain: Arm) -> dict[str, Any]:
    value, peer = ours.median(end), plain.median(end)
    row = {"name": f"CPU of a packet over a link, {end}", "value": value, "unit": "us", "peer": plain.name}
    return row | {"peer_value": peer, "ratio": value / peer, "budget": None, "met": None}
