"""AudioBridge: the mix.

Rooms have groups ``local`` (people) and ``remote`` (links), take plain RTP participants and tell who talks. In 1.4.1
``list`` answers ``list`` (not ``rooms``), forwarders are ``rtp_forwarders`` with ``ip``, the ``joined`` of somebody who
joins suspended marks everybody suspended (trust ``listparticipants``), and suspend or resume through the Admin API
kills the process: their bodies are for handles only.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtcdn.ids import LINK_PREFIX
from rtcdn.janus.plugins import OPUS_PT, ContextKeys, Srtp, integer, rows, seal_of, text
from rtcdn.janus.protocol import Json
from rtcdn.model import ForwarderInfo

PACKAGE = "janus.plugin.audiobridge"
NO_SUCH_ROOM = 485
ROOM_EXISTS = 486
ID_EXISTS = 490
NO_SUCH_USER = 492
GROUPS = ("local", "remote")
SAMPLING_RATE_HZ = 48000


@dataclass(frozen=True, slots=True)
class Participant:
    """One row of ``listparticipants``."""

    id: str
    muted: bool = False
    suspended: bool = False
    talking: bool = False

    @property
    def is_link(self) -> bool:
        """Is it the end of a link, hidden from people?"""
        return self.id.startswith(LINK_PREFIX)


@dataclass(frozen=True, slots=True)
class RoomInfo:
    """One row of ``list``; ``participants`` counts links and suspended people too."""

    room: str
    participants: int


def create(room: str, keys: ContextKeys) -> Json:
    """Make a mix."""
    return {
        "request": "create",
        "admin_key": keys.admin_key,
        "room": room,
        "description": room,
        "secret": keys.secret,
        "pin": keys.pin,
        "is_private": True,
        "sampling_rate": SAMPLING_RATE_HZ,
        "groups": list(GROUPS),
        "allow_rtp_participants": True,
        "audiolevel_ext": True,
        "audiolevel_event": True,
        "audio_active_packets": 25,
        "default_expectedloss": 5,
        "lock_record": True,
    }


def destroy(room: str, keys: ContextKeys) -> Json:
    """Remove a mix. Detach its handles first: threads of attached participants spin afterwards."""
    return {"request": "destroy", "room": room, "secret": keys.secret}


def list_rooms(admin_key: str = "") -> Json:
    """Every room; without the admin key only those that are not private."""
    return {"request": "list", **({"admin_key": admin_key} if admin_key else {})}


def read_rooms(data: Json) -> tuple[RoomInfo, ...]:
    """Answer of ``list``."""
    return tuple(RoomInfo(text(row, "room"), integer(row, "num_participants")) for row in rows(data, "list"))


def list_participants(room: str) -> Json:
    """Who is in a room, links too."""
    return {"request": "listparticipants", "room": room}


def read_participants(data: Json) -> tuple[Participant, ...]:
    """Answer of ``listparticipants``."""
    return tuple(
        Participant(text(row, "id"), row.get("muted") is True, row.get("suspended") is True, row.get("talking") is True)
        for row in rows(data, "participants")
    )


def list_forwarders(room: str, keys: ContextKeys) -> Json:
    """Every forwarder of a mix."""
    return {"request": "listforwarders", "room": room, "secret": keys.secret, "admin_key": keys.admin_key}


def read_forwarders(data: Json) -> tuple[ForwarderInfo, ...]:
    """Answer of ``listforwarders``."""
    return tuple(
        ForwarderInfo(
            stream_id=integer(row, "stream_id"),
            host=text(row, "ip"),
            port=integer(row, "port"),
            type="audio",
            group=text(row, "group"),
            seal=seal_of(integer(row, "ssrc")) if row.get("srtp") is True else 0,
        )
        for row in rows(data, "rtp_forwarders")
    )


def rtp_forward(
    room: str, keys: ContextKeys, host: str, port: int, *, ssrc: int, group: str = "", srtp: Srtp | None = None
) -> Json:
    """Forward the mix (or that of one ``group``), also while nobody is in the room."""
    return {
        "request": "rtp_forward",
        "admin_key": keys.admin_key,
        "secret": keys.secret,
        "room": room,
        "host": host,
        "port": port,
        "ssrc": ssrc,
        "ptype": OPUS_PT,
        "codec": "opus",
        "always_on": True,
        **({"group": group} if group else {}),
        **(srtp.of_source() if srtp else {}),
    }


def stop_rtp_forward(room: str, keys: ContextKeys, stream_id: int) -> Json:
    """Stop one forwarder."""
    body = {"request": "stop_rtp_forward", "admin_key": keys.admin_key, "secret": keys.secret}
    return body | {"room": room, "stream_id": stream_id}


def kick(room: str, keys: ContextKeys, participant: str) -> Json:
    """Put a participant or a link out."""
    return {"request": "kick", "room": room, "secret": keys.secret, "id": participant}


# ---- from a handle


def join_rtp(
    room: str, participant: str, pin: str, group: str, payload_type: int = OPUS_PT, *, two_way: bool = False
) -> Json:
    """Enter as a plain RTP participant who only sends (asynchronous); the answer's ``rtp`` says to which port.

    One who is to hear too (``two_way``) is told with ``configure_rtp`` where; without ``generate_offer`` at his join
    1.4.1 answers that with "ok" and does nothing.
    """
    body: Json = {"request": "join", "room": room, "id": participant, "display": participant, "pin": pin}
    body |= {"group": group, "rtp": {"payload_type": payload_type}}
    return body | ({"generate_offer": True} if two_way else {})


def configure_rtp(host: str, port: int, payload_type: int = OPUS_PT) -> Json:
    """Where a two-way plain RTP participant sends what he hears, and the only place he is heard from (asynchronous)."""
    return {"request": "configure", "rtp": {"ip": host, "port": port, "payload_type": payload_type}}


def read_rtp_port(data: Json) -> int:
    """Port in the ``joined`` of an RTP participant. Its ``ip`` is the node's ``local_ip``: use the node's media_ip."""
    rtp = data.get("rtp")
    return integer(rtp, "port") if isinstance(rtp, dict) else 0


def read_handle_rtp_port(info: Json, room: str, participant: str) -> int:
    """Port of an RTP participant in the Admin API's ``handle_info``; 0 when the handle is not (or no more) his."""
    found = info.get("plugin_specific")
    plugin: Json = found if isinstance(found, dict) else {}
    rtp = plugin.get("plain-rtp")
    if (plugin.get("room"), plugin.get("id")) != (room, participant) or not isinstance(rtp, dict):
        return 0
    return integer(rtp, "local-port")


def read_handle_rtp_peer(info: Json) -> tuple[str, int]:
    """Where an RTP participant sends what he hears, from the Admin API's ``handle_info``; empty and 0: nowhere."""
    found = info.get("plugin_specific")
    rtp = found.get("plain-rtp") if isinstance(found, dict) else None
    return (text(rtp, "remote-ip"), integer(rtp, "remote-port")) if isinstance(rtp, dict) else ("", 0)


def join(room: str, participant: str, pin: str, *, suspended: bool = False) -> Json:
    """Enter as a person (asynchronous), heard at once or suspended (connected, neither mixed nor encoded)."""
    body: Json = {"request": "join", "room": room, "id": participant, "pin": pin, "group": "local"}
    return body | ({"suspended": True, "pause_events": True} if suspended else {})


def configure(*, muted: bool | None = None) -> Json:
    """Change oneself, or send the offer beside it (asynchronous)."""
    return {"request": "configure", **({"muted": muted} if muted is not None else {})}


def suspend(room: str, participant: str) -> Json:
    """Suspend oneself: send from the participant's own handle, never through the Admin API."""
    return {"request": "suspend", "room": room, "id": participant, "pause_events": True}


def resume(room: str, participant: str) -> Json:
    """Take part again: send from the participant's own handle, never through the Admin API."""
    return {"request": "resume", "room": room, "id": participant}


def leave() -> Json:
    """Leave the room (asynchronous)."""
    return {"request": "leave"}
