"""Streaming: egress for large audiences; mountpoints with slots.

In 1.4.1 ``disable`` without ``stop_recording: false`` kills the process; ``created`` is the key of the new id;
``info`` tells viewers and ports only with the secret; a disabled mountpoint may still be watched.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtcdn.janus.plugins import H264_FMTP, OPUS_PT, VIDEO_PT, ContextKeys, Srtp, integer, rows, text
from rtcdn.janus.protocol import Json
from rtcdn.model import Codec, MountpointMedia

PACKAGE = "janus.plugin.streaming"
NO_SUCH_MOUNTPOINT = 455
MOUNTPOINT_EXISTS = 456
UNAUTHORIZED = 457
AUDIO_MID = "a"


@dataclass(frozen=True, slots=True)
class MountpointInfo:
    """Answer of ``info`` with the secret."""

    id: str
    viewers: int
    media: tuple[MountpointMedia, ...]


def create_stage(
    mountpoint: str,
    keys: ContextKeys,
    codec: Codec,
    slots: tuple[str, ...],
    *,
    iface: str = "",
    threads: int = 0,
    srtp: Srtp | None = None,
) -> Json:
    """Make a stage: one audio (the mix) and the video ``slots``, each with three simulcast ports and rtcp.

    Ports are chosen by Janus and told in the answer. ``iface``: the one address to listen on. No keyframe buffer: after
    a re-point it shows late joiners the previous speaker. ``srtp``: one key for all media.
    """
    common: Json = {"iface": iface} if iface else {}
    video: Json = {"type": "video", "port": 0, "port2": 0, "port3": 0, "rtcpport": 0, "pt": VIDEO_PT, "simulcast": True}
    video |= {"codec": codec.value, **({"fmtp": H264_FMTP} if codec is Codec.H264 else {})}
    audio: Json = {"type": "audio", "mid": AUDIO_MID, "port": 0, "pt": OPUS_PT, "codec": "opus"}
    return {
        "request": "create",
        "admin_key": keys.admin_key,
        "type": "rtp",
        "id": mountpoint,
        "name": mountpoint,
        "description": mountpoint,
        "secret": keys.secret,
        "pin": keys.pin,
        "is_private": True,
        "media": [audio | common, *({"mid": mid} | video | common for mid in slots)],
        **({"threads": threads} if threads else {}),
        **(srtp.of_mountpoint() if srtp else {}),
    }


def destroy(mountpoint: str, keys: ContextKeys) -> Json:
    """Remove a mountpoint; its viewers are hung up."""
    return {"request": "destroy", "id": mountpoint, "secret": keys.secret}


def info(mountpoint: str, keys: ContextKeys) -> Json:
    """Viewers, ports and ages of one mountpoint."""
    return {"request": "info", "id": mountpoint, "secret": keys.secret}


def list_mountpoints(admin_key: str = "") -> Json:
    """Every mountpoint; without the admin key only those that are not private."""
    return {"request": "list", **({"admin_key": admin_key} if admin_key else {})}


def read_mountpoints(data: Json) -> tuple[str, ...]:
    """Ids in an answer of ``list``."""
    return tuple(text(row, "id") for row in rows(data, "list"))


def read_info(data: Json) -> MountpointInfo:
    """Answer of ``info``."""
    inner = data.get("info")
    found: Json = inner if isinstance(inner, dict) else {}
    return MountpointInfo(
        text(found, "id"), integer(found, "viewers"), tuple(_media(row) for row in rows(found, "media"))
    )


def read_created(data: Json) -> tuple[MountpointMedia, ...]:
    """Media and ports in the answer of ``create``."""
    stream = data.get("stream")
    return tuple(_media(row) for row in rows(stream, "ports")) if isinstance(stream, dict) else ()


def _media(row: Json) -> MountpointMedia:
    """One medium; ``info`` and ``create`` spell its ports differently."""

    def port(*names: str) -> int:
        return next((integer(row, name) for name in names if name in row), 0)

    return MountpointMedia(
        mid=text(row, "mid"),
        type=text(row, "type"),
        port=port("port"),
        port_2=port("port_2", "port2"),
        port_3=port("port_3", "port3"),
        rtcp_port=port("rtcp_port", "rtcpport"),
        age_ms=integer(row, "age_ms", -1),
    )


def disable(mountpoint: str, keys: ContextKeys) -> Json:
    """Stop the media, keep the viewers. ``stop_recording: false`` or the process dies."""
    return {"request": "disable", "id": mountpoint, "secret": keys.secret, "stop_recording": False}


def enable(mountpoint: str, keys: ContextKeys) -> Json:
    """Let the media flow again."""
    return {"request": "enable", "id": mountpoint, "secret": keys.secret}


def kick_all(mountpoint: str, keys: ContextKeys) -> Json:
    """Put every viewer out."""
    return {"request": "kick_all", "id": mountpoint, "secret": keys.secret}


# ---- from a handle


def watch(mountpoint: str, pin: str, media: tuple[str, ...] = ()) -> Json:
    """View (asynchronous). With the viewer's offer beside it the event brings the answer and no ``start`` is needed;

    without, it brings an offer, of the wanted ``media`` only.
    """
    return {"request": "watch", "id": mountpoint, "pin": pin, **({"media": list(media)} if media else {})}


def start() -> Json:
    """Begin or go on (asynchronous); after an offer of ``watch``, with the answer beside it."""
    return {"request": "start"}


def pause() -> Json:
    """Send nothing for now (asynchronous)."""
    return {"request": "pause"}


def stop() -> Json:
    """End viewing (asynchronous)."""
    return {"request": "stop"}


def switch(mountpoint: str, pin: str) -> Json:
    """View another mountpoint of the same layout on the same PeerConnection (asynchronous)."""
    return {"request": "switch", "id": mountpoint, "pin": pin}


def stream(mid: str, *, send: bool | None = None, substream: int | None = None) -> Json:
    """One medium of ``configure_streams``. ``mid`` is the mountpoint's (``v1``), not that of the viewer's offer.

    Measured on 1.4.1: any other mid is answered ``configured`` too and changes nothing.
    """
    wanted = {"send": send, "substream": substream}
    return {"mid": mid} | {k: v for k, v in wanted.items() if v is not None}


def configure_streams(streams: list[Json]) -> Json:
    """Send media or not, or choose simulcast layers, 0 to 2 (asynchronous)."""
    return {"request": "configure", "streams": streams}


def configure_stream(mid: str, *, send: bool | None = None, substream: int | None = None) -> Json:
    """``configure_streams`` of one medium."""
    return configure_streams([stream(mid, send=send, substream=substream)])
