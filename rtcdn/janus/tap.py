"""Taps on the Janus side: a publisher's audio to a module, and the RTP participant of a mix that sends to one."""

from __future__ import annotations

from rtcdn.errors import NodeRefused
from rtcdn.janus.operations import NodeClient, fresh_ssrc
from rtcdn.janus.plugins import OPUS_PT, videoroom
from rtcdn.janus.voice import VoiceHold


def start_tap(
    node: NodeClient, room: str, publisher: str, mid: str, to: tuple[str, int], *, anew: bool = False
) -> None:
    """Forward a publisher's audio to a module; a forward that stands is adopted, unless it shall be made ``anew``."""
    here = [f for f in node.forwarders(room) if (f.host, f.port) == to]
    if not anew and [f.publisher for f in here] == [publisher]:
        return
    for each in here:
        node.stop_forwarder(room, each)
    streams = videoroom.audio_stream(mid, to[1], OPUS_PT, fresh_ssrc())
    node.admin.plugin(node.kind, videoroom.rtp_forward(room, node.keys(room), publisher, to[0], streams))


def send_mix(node: NodeClient, hold: VoiceHold, ip: str, port: int) -> None:
    """Let the RTP participant of a mix send there what it hears: all but itself. From then on it hears only there."""
    if node.rest is None:
        raise NodeRefused(0, "the node tells no REST address (labels.rest): taps need one")
    body = {"request": "configure", "rtp": {"ip": ip, "port": port, "payload_type": OPUS_PT}}
    node.rest.call(hold.janus_session, hold.handle, body)
