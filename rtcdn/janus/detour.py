"""The detour: audio for an RTP participant of an AudioBridge on another host, which knows no SRTP (1.4.1).

It comes encrypted to a VideoRoom on the AudioBridge's host, as a remote publisher with one audio stream, and goes on
from there as plain RTP that does not leave the host. The remote publisher's id is the link's. Its key is told to both
ends as it is made and kept nowhere; so it is whole, or it is made again from the beginning.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import Srtp, videoroom
from rtcdn.janus.remotes import End, has_remote, remove_remote
from rtcdn.model import Codec, Kind
from rtcdn.secrets import fresh_key

SSRC = 1000  # of the first line of a remote publisher; he takes no other
MID = "0"
MOST = 500  # links through one room
FOUND_WITHIN_S = 2.0  # who was just added: on a busy host Janus takes its time to know him
STREAMS = [{"type": "audio", "mindex": 0, "mid": MID, "codec": "opus"}]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where the source of a detour sends to, and the key."""

    port: int
    srtp: Srtp


def open_detour(room: End, link: str, participant: tuple[str, int]) -> Entrance:
    """Make the part of a link on the target's host; ``participant`` is address and port of its RTP participant.

    What stands of it is removed. Tell the source at once: the key is known to nobody else.
    """
    node = room.node
    node.ensure_room(room.room, Codec.VP8, MOST, 0)
    remove_remote(room, link)
    srtp = Srtp(80, fresh_key())
    keys = node.keys(room.room)
    port, _ = videoroom.read_remote_ports(
        node.admin.plugin(Kind.VR, videoroom.add_remote_publisher(room.room, keys, link, STREAMS, srtp))
    )
    node.start_voice(room.room, link, MID, *participant, found_within_s=FOUND_WITHIN_S)
    return Entrance(port, srtp)


def detour_stands(room: End, link: str, participant: tuple[str, int]) -> bool:
    """Whether what comes over a link goes on to its RTP participant."""
    goes_on = any((f.publisher, f.host, f.port) == (link, *participant) for f in room.node.forwarders(room.room))
    return goes_on and has_remote(room, link)


def close_detour(room: End, link: str) -> None:
    """Remove it; one that is gone is fine. The room stays until no link needs it."""
    remove_remote(room, link)


def entered(node: NodeClient, context: str, host: str, port: int) -> bool:
    """Whether a context sends to the entrance of a detour."""
    return any((f.host, f.port) == (host, port) and f.seal for f in node.forwarders(context))
