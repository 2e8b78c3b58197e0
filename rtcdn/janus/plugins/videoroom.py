"""VideoRoom: ingress of video (and of a WHIP publisher's audio), source of forwarders.

Rooms are private, have secret and pin, take one video codec, and tell who talks. ``listremotes`` is what 1.4.1
understands (its documentation says ``list_remotes``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rtcdn.janus.plugins import VIDEO_PT, ContextKeys, Srtp, integer, rows, seal_of, text
from rtcdn.janus.protocol import Json
from rtcdn.model import Codec, ForwarderInfo, MountpointMedia, PublisherInfo, RemoteInfo, StreamInfo

PACKAGE = "janus.plugin.videoroom"
NO_SUCH_ROOM = 426
ROOM_EXISTS = 427
NO_SUCH_FEED = 428
TALKING_PACKETS = 25  # half a second of audio before "talks now" may change


@dataclass(frozen=True, slots=True)
class Forwarder:
    """One forwarder of a publisher. PLIs sent to ``local_rtcp_port`` of the node reach the publisher."""

    publisher: str
    stream_id: int
    type: str
    host: str
    port: int
    ssrc: int = 0
    local_rtcp_port: int = 0
    seal: int = 0  # what its ssrc tells of its key; 0: plain RTP

    def info(self) -> ForwarderInfo:
        """As plugin data tells it."""
        return ForwarderInfo(self.stream_id, self.host, self.port, self.type, self.publisher, seal=self.seal)


@dataclass(frozen=True, slots=True)
class RoomInfo:
    """One row of ``list``."""

    room: str
    participants: int


def create(room: str, keys: ContextKeys, codec: Codec, publishers: int, bitrate_bps: int) -> Json:
    """Make a room for at most ``publishers`` who send ``codec`` and Opus."""
    return {
        "request": "create",
        "admin_key": keys.admin_key,
        "room": room,
        "description": room,
        "secret": keys.secret,
        "pin": keys.pin,
        "is_private": True,
        "publishers": publishers,
        "bitrate": bitrate_bps,
        "bitrate_cap": True,
        "audiocodec": "opus",
        "videocodec": codec.value,
        "opus_fec": True,
        "audiolevel_ext": True,
        "audiolevel_event": True,
        "audio_active_packets": TALKING_PACKETS,
        "notify_joining": False,
        "lock_record": True,
    }


def destroy(room: str, keys: ContextKeys) -> Json:
    """Remove a room and all in it."""
    return {"request": "destroy", "room": room, "secret": keys.secret}


def list_rooms(admin_key: str = "") -> Json:
    """Every room; without the admin key only those that are not private."""
    return {"request": "list", **({"admin_key": admin_key} if admin_key else {})}


def read_rooms(data: Json) -> tuple[RoomInfo, ...]:
    """Answer of ``list``."""
    return tuple(RoomInfo(text(row, "room"), integer(row, "num_participants")) for row in rows(data, "list"))


def list_participants(room: str) -> Json:
    """Who is in a room."""
    return {"request": "listparticipants", "room": room}


def read_publishers(data: Json) -> tuple[PublisherInfo, ...]:
    """Those of ``listparticipants`` who publish; their streams are not told there."""
    people = rows(data, "participants")
    return tuple(PublisherInfo(text(r, "id"), (), r.get("remote") is True) for r in people if r.get("publisher"))


def read_streams(streams: list[Json]) -> tuple[StreamInfo, ...]:
    """The ``streams`` list of a ``configured`` or ``published`` event; disabled ones are left out."""
    return tuple(
        StreamInfo(
            type=text(row, "type"),
            mid=text(row, "mid"),
            codec=text(row, "codec"),
            simulcast=row.get("simulcast") is True,
            h264_profile=text(row, "h264_profile") or text(row, "h264-profile"),
        )
        for row in streams
        if isinstance(row, dict) and not row.get("disabled") and text(row, "type") in ("audio", "video")
    )


def list_forwarders(room: str, keys: ContextKeys) -> Json:
    """Every forwarder of a room."""
    return {"request": "listforwarders", "room": room, "secret": keys.secret, "admin_key": keys.admin_key}


def read_forwarders(data: Json) -> tuple[Forwarder, ...]:
    """Answer of ``listforwarders`` (a list of publishers) or of ``rtp_forward`` (one of them)."""
    publishers = rows(data, "publishers") or [data]
    return tuple(
        Forwarder(
            publisher=text(publisher, "publisher_id"),
            stream_id=integer(row, "stream_id"),
            type=text(row, "type"),
            host=text(row, "host"),
            port=integer(row, "port"),
            ssrc=integer(row, "ssrc"),
            local_rtcp_port=integer(row, "local_rtcp_port"),
            seal=seal_of(integer(row, "ssrc")) if row.get("srtp") is True else 0,
        )
        for publisher in publishers
        for row in rows(publisher, "forwarders")
    )


def slot_streams(mid: str, simulcast: bool, target: MountpointMedia, ssrc: int) -> list[Json]:
    """Streams of a forward into a slot of a stage; ``ssrc`` must be fresh at each re-point (it and the next two).

    A simulcast source sends each layer to its own port; a plain one sends the same picture to all three, so that no
    viewer waits on a layer that has gone. Only the first port has rtcp. Measured: 109-161 ms to the new picture.
    """
    first: Json = {"mid": mid, "port": target.port, "rtcp_port": target.rtcp_port, "pt": VIDEO_PT, "ssrc": ssrc}
    if simulcast:
        layers = {"port_2": target.port_2, "pt_2": VIDEO_PT, "ssrc_2": ssrc + 1}
        layers |= {"port_3": target.port_3, "pt_3": VIDEO_PT, "ssrc_3": ssrc + 2}
        return [first | layers]
    more = ((target.port_2, ssrc + 1), (target.port_3, ssrc + 2))
    return [first, *({"mid": mid, "port": port, "pt": VIDEO_PT, "ssrc": each} for port, each in more if port)]


def audio_stream(mid: str, port: int, payload_type: int, ssrc: int) -> list[Json]:
    """Streams of a forward of one audio stream to ``port``."""
    return [{"mid": mid, "port": port, "pt": payload_type, "ssrc": ssrc}]


def rtp_forward(
    room: str, keys: ContextKeys, publisher: str, host: str, streams: Iterable[Json], *, srtp: Srtp | None = None
) -> Json:
    """Forward streams of a publisher to ``host``. The new form asks no keyframe: send a PLI afterwards."""
    return {
        "request": "rtp_forward",
        "admin_key": keys.admin_key,
        "secret": keys.secret,
        "room": room,
        "publisher_id": publisher,
        "host": host,
        "streams": list(streams),
        **(srtp.of_source() if srtp else {}),
    }


def stop_rtp_forward(room: str, keys: ContextKeys, publisher: str, stream_id: int) -> Json:
    """Stop one forwarder."""
    return {
        "request": "stop_rtp_forward",
        "admin_key": keys.admin_key,
        "secret": keys.secret,
        "room": room,
        "publisher_id": publisher,
        "stream_id": stream_id,
    }


def kick(room: str, keys: ContextKeys, participant: str) -> Json:
    """Put a publisher out."""
    return {"request": "kick", "room": room, "secret": keys.secret, "id": participant}


# ---- publishers of other VideoRooms


def remote_streams(streams: Iterable[StreamInfo], lines: Mapping[str, int]) -> list[Json]:
    """Streams as ``add_remote_publisher`` wants them. ``lines``: the m-line of each mid; ssrcs are counted by it.

    A mid that is not in ``lines`` is taken for its number, else its place: what browsers and others offer.
    """
    found = []
    for place, each in enumerate(streams):
        line = lines.get(each.mid, int(each.mid) if each.mid.isdigit() else place)
        row: Json = {"type": each.type, "mindex": line, "mid": each.mid, "codec": each.codec}
        row |= {"simulcast": True} if each.simulcast else {}
        found.append(row | ({"h264_profile": each.h264_profile} if each.h264_profile else {}))
    return found


def read_lines(info: Json) -> dict[str, int]:
    """The m-line of each mid of a publisher, from the Admin API's ``handle_info``."""
    found = info.get("plugin_specific")
    plugin: Json = found if isinstance(found, dict) else {}
    return {text(row, "mid"): integer(row, "mindex") for row in rows(plugin, "streams")}


def add_remote_publisher(
    room: str, keys: ContextKeys, participant: str, streams: list[Json], srtp: Srtp | None = None
) -> Json:
    """Make a publisher whose media comes from another VideoRoom; it counts as one of the room's ``publishers``."""
    body: Json = {"request": "add_remote_publisher", "room": room, "secret": keys.secret, "id": participant}
    return body | {"display": participant, "streams": streams, **(srtp.of_source() if srtp else {})}


def read_remote_ports(data: Json) -> tuple[int, int]:
    """Ports (media, rtcp) in the answer of ``add_remote_publisher``."""
    return integer(data, "port"), integer(data, "rtcp_port")


def remove_remote_publisher(room: str, keys: ContextKeys, participant: str) -> Json:
    """Remove one; 428 when there is none, also when somebody publishes there himself under that id."""
    return {"request": "remove_remote_publisher", "room": room, "secret": keys.secret, "id": participant}


def publish_remotely(
    room: str, keys: ContextKeys, publisher: str, remote: str, to: tuple[str, int, int], *, srtp: Srtp | None = None
) -> Json:
    """Send all of a publisher ``to`` (host, media and rtcp port) a remote one of another room. No event tells of it."""
    body: Json = {"request": "publish_remotely", "admin_key": keys.admin_key, "room": room, "secret": keys.secret}
    body |= {"publisher_id": publisher, "remote_id": remote, "host": to[0], "port": to[1], "rtcp_port": to[2]}
    return body | (srtp.of_source() if srtp else {})


def unpublish_remotely(room: str, keys: ContextKeys, publisher: str, remote: str) -> Json:
    """Stop that; 428 when publisher or remote is not there."""
    body = {"request": "unpublish_remotely", "room": room, "secret": keys.secret}
    return body | {"publisher_id": publisher, "remote_id": remote}


def list_remotes(room: str, keys: ContextKeys, publisher: str) -> Json:
    """Where a publisher is sent to; 428 when he is not there."""
    return {"request": "listremotes", "room": room, "secret": keys.secret, "publisher_id": publisher}


def read_remotes(data: Json) -> tuple[RemoteInfo, ...]:
    """Answer of ``listremotes``."""
    who = text(data, "id")
    return tuple(RemoteInfo(text(r, "remote_id"), who, text(r, "host"), integer(r, "port")) for r in rows(data, "list"))


# ---- from a handle


def join_publisher(room: str, participant: str, pin: str) -> Json:
    """Enter as a publisher (asynchronous); ``publish`` follows with the offer."""
    return {"request": "join", "ptype": "publisher", "room": room, "id": participant, "pin": pin}


def publish(bitrate_bps: int = 0) -> Json:
    """Publish what the offer beside it brings (asynchronous); answered ``configured`` with ``streams``."""
    return {"request": "publish", **({"bitrate": bitrate_bps} if bitrate_bps else {})}


def join_and_publish(room: str, participant: str, pin: str) -> Json:
    """Enter and publish at once (asynchronous, with the offer): one round trip less."""
    return join_publisher(room, participant, pin) | {"request": "joinandconfigure"}


def ask_keyframe() -> Json:
    """Ask the publisher of this handle for a keyframe on all his streams (asynchronous)."""
    return {"request": "configure", "keyframe": True}


def restart_ice() -> Json:
    """Configure with a new offer beside it (asynchronous): the answer carries it through."""
    return {"request": "configure"}


def unpublish() -> Json:
    """Stop publishing, stay in the room (asynchronous)."""
    return {"request": "unpublish"}


def leave() -> Json:
    """Leave the room (asynchronous)."""
    return {"request": "leave"}
