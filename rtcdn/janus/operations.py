"""The smallest useful acts on nodes, for the broker's actor: synchronous, idempotent, no policy.

Each looks at what is there and adopts it. "Exists" counts as made, "not there" as removed. Forwarders are told apart
by publisher, host and port. Ports are read from the target when a link is made, never remembered.
"""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Callable

from rtcdn.errors import NodeRefused
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.plugins import OPUS_PT, SEAL_SHIFT, ContextKeys, Srtp, audiobridge, streaming, videoroom
from rtcdn.janus.protocol import Json
from rtcdn.janus.rest import RestClient
from rtcdn.model import Codec, ForwarderInfo, Kind, MountpointMedia, NodeSecrets
from rtcdn.secrets import context_pin, context_secret, link_key

NOT_THERE = {Kind.VR: videoroom.NO_SUCH_ROOM, Kind.AB: audiobridge.NO_SUCH_ROOM, Kind.ST: streaming.NO_SUCH_MOUNTPOINT}
EXISTS = {Kind.VR: videoroom.ROOM_EXISTS, Kind.AB: audiobridge.ROOM_EXISTS, Kind.ST: streaming.MOUNTPOINT_EXISTS}
FOUND_WITHIN_S = 0.1
EVERYWHERE = "0.0.0.0"  # (several networks: the firewall of the host says who may come)
FAR_END = 4096  # ssrcs of one forward are this close together at most


def fresh_ssrc(srtp: Srtp | None = None) -> int:
    """An ssrc that no earlier forward used: a reused one freezes viewers. With a key it tells the key's generation."""
    found = random.randrange(1, 2**32 - FAR_END)  # noqa: S311  (need not be secret)
    return found & ~0x3FF | srtp.seal << SEAL_SHIFT if srtp else found


def send_pli(host: str, port: int) -> None:
    """Ask a keyframe: an RTCP PLI to a forwarder's ``local_rtcp_port`` (112 ms to the picture, measured)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(struct.pack("!BBHII", 0x81, 206, 2, 1, 0), (host, port))


class NodeClient:
    """One node as the actor uses it: Admin API, REST where the kind needs it, and the secrets of its contexts."""

    def __init__(
        self,
        kind: Kind,
        admin: AdminClient,
        secrets: NodeSecrets,
        media_ip: str,
        *,
        rest: RestClient | None = None,
        pli: Callable[[str, int], None] = send_pli,
        listen: str = "",
        pli_ip: str = "",
    ) -> None:
        """``media_ip`` is where links from its own network are sent, ``listen`` where mountpoints take them if not
        there, ``pli_ip`` where its rtcp ports take our PLIs if not there.
        """
        self.kind, self.admin, self.rest, self.media_ip = kind, admin, rest, media_ip
        self._secrets, self._pli, self._pli_ip = secrets, pli, pli_ip or media_ip
        self._iface = "" if listen == EVERYWHERE else listen or media_ip

    # ---- contexts

    def ensure_room(self, room: str, codec: Codec, publishers: int, bitrate_bps: int) -> None:
        """A VideoRoom for publishers."""
        self._make(videoroom.create(room, self.keys(room), codec, publishers, bitrate_bps))

    def ensure_mix(self, room: str) -> None:
        """An AudioBridge room."""
        self._make(audiobridge.create(room, self.keys(room)))

    def ensure_stage(
        self, mountpoint: str, codec: Codec, slots: tuple[str, ...], generation: int = 0
    ) -> tuple[MountpointMedia, ...]:
        """A stage mountpoint, listening on the private address alone; its media with their ports.

        ``generation``: of the key with which its media come; 0: plain.
        """
        keys, srtp = self.keys(mountpoint), self.stage_key(mountpoint, generation)
        made = self._make(streaming.create_stage(mountpoint, keys, codec, slots, iface=self._iface, srtp=srtp))
        return streaming.read_created(made) if made else self.stage_media(mountpoint)

    def stage_key(self, mountpoint: str, generation: int) -> Srtp | None:
        """The key of one generation of a stage of this node; None for plain RTP."""
        if not generation:
            return None
        return Srtp(80, link_key(self._secrets.context_key, mountpoint, generation), generation)

    def stage_media(self, mountpoint: str) -> tuple[MountpointMedia, ...]:
        """Media and ports of a stage; empty when it is not there."""
        answer = self.if_there(streaming.info(mountpoint, self.keys(mountpoint)))
        return streaming.read_info(answer).media if answer else ()

    def drop_context(self, janus_id: str) -> None:
        """Remove a room, mix or mountpoint. Of a mix, stop the links first and detach people's handles."""
        builder = {Kind.VR: videoroom.destroy, Kind.AB: audiobridge.destroy, Kind.ST: streaming.destroy}[self.kind]
        self.if_there(builder(janus_id, self.keys(janus_id)))

    def contexts(self) -> tuple[str, ...]:
        """Ids of every context of the node's plugin."""
        key = self._secrets.admin_key
        if self.kind is Kind.ST:
            return streaming.read_mountpoints(self._ask(streaming.list_mountpoints(key)))
        if self.kind is Kind.AB:
            return tuple(row.room for row in audiobridge.read_rooms(self._ask(audiobridge.list_rooms(key))))
        return tuple(row.room for row in videoroom.read_rooms(self._ask(videoroom.list_rooms(key))))

    def kick(self, janus_id: str, participant: str) -> None:
        """Put a publisher, talker or link out of a room; one who is not there is fine."""
        builder = videoroom.kick if self.kind is Kind.VR else audiobridge.kick
        gone = {videoroom.NO_SUCH_FEED, audiobridge.NO_SUCH_USER}
        self.if_there(builder(janus_id, self.keys(janus_id), participant), gone)

    # ---- forwarders

    def forwarders(self, janus_id: str) -> tuple[ForwarderInfo, ...]:
        """Every forwarder of a room (VR) or mix (AB); none when the context is not there."""
        if self.kind is Kind.AB:
            answer = self.if_there(audiobridge.list_forwarders(janus_id, self.keys(janus_id)))
            return audiobridge.read_forwarders(answer) if answer else ()
        return tuple(each.info() for each in self._room_forwarders(janus_id))

    def stop_forwarder(self, janus_id: str, forwarder: ForwarderInfo) -> None:
        """Stop one; one that is gone is fine."""
        keys = self.keys(janus_id)
        if self.kind is Kind.AB:
            self.if_there(audiobridge.stop_rtp_forward(janus_id, keys, forwarder.stream_id), {audiobridge.NO_SUCH_ROOM})
        else:
            body = videoroom.stop_rtp_forward(janus_id, keys, forwarder.publisher, forwarder.stream_id)
            self.if_there(body, {videoroom.NO_SUCH_FEED})

    def stop_towards(self, janus_id: str, host: str, ports: set[int], publisher: str = "") -> int:
        """Stop every forwarder of a context to these ports of ``host`` (of one ``publisher`` only); how many."""
        found = [f for f in self.forwarders(janus_id) if f.host == host and f.port in ports]
        stopped = [f for f in found if not publisher or f.publisher == publisher]
        for each in stopped:
            self.stop_forwarder(janus_id, each)
        return len(stopped)

    def start_slot(
        self,
        room: str,
        publisher: str,
        mid: str,
        *,
        simulcast: bool,
        target_ip: str,
        target: MountpointMedia,
        srtp: Srtp | None = None,
        anew: bool = False,
    ) -> None:
        """Forward a publisher's video into a slot and ask a keyframe.

        Adopts a forward that is complete and of this key; stops any other of this room into the same slot first (two
        sources in one port are garbage). ``anew`` stops the complete one too: its far end was made again and rtcp must
        latch afresh.
        """
        ports, seal = slot_ports(target), srtp.seal if srtp else 0
        here = [f for f in self._room_forwarders(room) if f.host == target_ip and f.port in ports]
        ours = all((f.publisher, f.seal) == (publisher, seal) for f in here)
        if not anew and {f.port for f in here} == ports and ours:
            self._ask_keyframe(here)
            return
        for each in here:
            self.stop_forwarder(room, each.info())
        streams = videoroom.slot_streams(mid, simulcast, target, fresh_ssrc(srtp))
        body = videoroom.rtp_forward(room, self.keys(room), publisher, target_ip, streams, srtp=srtp)
        self._ask_keyframe(videoroom.read_forwarders(self._forward(body)))

    def ask_keyframe(self, room: str, publisher: str) -> None:
        """Ask a publisher for a keyframe through his forwarders."""
        self._ask_keyframe([f for f in self._room_forwarders(room) if f.publisher == publisher])

    def start_mix(self, room: str, target_ip: str, port: int, *, srtp: Srtp | None = None, anew: bool = False) -> None:
        """Forward the mix to a stage's audio port."""
        there = [f for f in self.forwarders(room) if (f.host, f.port) == (target_ip, port)]
        if not anew and [f.seal for f in there] == [srtp.seal if srtp else 0]:
            return
        for each in there:
            self.stop_forwarder(room, each)
        keys = self.keys(room)
        self._ask(audiobridge.rtp_forward(room, keys, target_ip, port, ssrc=fresh_ssrc(srtp), srtp=srtp))

    # ---- a publisher's audio (the other end is in ``voice``)

    def start_voice(
        self,
        room: str,
        publisher: str,
        mid: str,
        target_ip: str,
        port: int,
        *,
        ssrc: int = 0,
        srtp: Srtp | None = None,
        keep: frozenset[tuple[str, int]] = frozenset(),
        found_within_s: float = FOUND_WITHIN_S,
    ) -> None:
        """Forward a publisher's audio to the RTP participant that ``voice.join_voice`` made.

        Other forwards of his audio are stopped, but those to ``keep``. ``ssrc`` and ``srtp``: for the detour, whose
        far end takes no other ssrc. Nothing is adopted then.
        """
        for each in self._room_forwarders(room):
            if each.publisher == publisher and each.type == "audio" and (each.host, each.port) not in keep:
                if (each.host, each.port) == (target_ip, port) and not srtp:
                    return
                self.stop_forwarder(room, each.info())
        streams = videoroom.audio_stream(mid, port, OPUS_PT, ssrc or fresh_ssrc())
        body = videoroom.rtp_forward(room, self.keys(room), publisher, target_ip, streams, srtp=srtp)
        self._forward(body, found_within_s)

    def stop_voice_forward(self, room: str, publisher: str, *, keep: frozenset[tuple[str, int]] = frozenset()) -> None:
        """Stop forwarding a publisher's audio, but to ``keep``."""
        for each in self._room_forwarders(room):
            if each.publisher == publisher and each.type == "audio" and (each.host, each.port) not in keep:
                self.stop_forwarder(room, each.info())

    # ---- inside

    def keys(self, janus_id: str) -> ContextKeys:
        """Admin key of the node, secret and pin of a context."""
        key = self._secrets.context_key
        return ContextKeys(self._secrets.admin_key, context_secret(key, janus_id), context_pin(key, janus_id))

    def _room_forwarders(self, room: str) -> tuple[videoroom.Forwarder, ...]:
        answer = self.if_there(videoroom.list_forwarders(room, self.keys(room)))
        return videoroom.read_forwarders(answer) if answer else ()

    def _ask_keyframe(self, forwarders: tuple[videoroom.Forwarder, ...] | list[videoroom.Forwarder]) -> None:
        ports = [each.local_rtcp_port for each in forwarders if each.local_rtcp_port]
        if ports:
            self._pli(self._pli_ip, ports[0])

    def _ask(self, body: Json) -> Json:
        return self.admin.plugin(self.kind, body)

    def _forward(self, body: Json, found_within_s: float = FOUND_WITHIN_S) -> Json:
        """Forward a publisher; a remote one is not always found at once (after 7 ms at the latest, measured)."""
        until_s = time.monotonic() + found_within_s
        while True:
            try:
                return self._ask(body)
            except NodeRefused as refused:
                if refused.code != videoroom.NO_SUCH_FEED or time.monotonic() > until_s:
                    raise
            time.sleep(0.005)

    def _make(self, body: Json) -> Json | None:
        """The answer, or None when it exists already."""
        try:
            return self._ask(body)
        except NodeRefused as refused:
            if refused.code == EXISTS[self.kind]:
                return None
            raise

    def if_there(self, body: Json, also: set[int] | None = None) -> Json | None:
        """The answer, or None when the context (or what ``also`` names) is not there."""
        try:
            return self._ask(body)
        except NodeRefused as refused:
            if refused.code == NOT_THERE[self.kind] or refused.code in (also or ()):
                return None
            raise


def slot_ports(media: MountpointMedia) -> set[int]:
    """Ports that media for this slot is sent to."""
    return {port for port in (media.port, media.port_2, media.port_3) if port}
