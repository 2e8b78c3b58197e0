"""Links between mixes: bridges (one way, by group) and trunks (two ways, each end hears what the other hears).

Both are plain RTP participants as voices are (``rtcdn.janus.voice``). A bridge's stands in the target and only sends;
the source forwards its group ``local``: people, voices and what trunks bring, never what other bridges bring, so a
mesh of bridges has no echo. A trunk has one at each end that gets the mix without its own part: any tree is right,
a ring is feedback.
"""

from __future__ import annotations

from rtcdn.janus.operations import NodeClient, fresh_ssrc
from rtcdn.janus.plugins import Srtp, audiobridge
from rtcdn.janus.voice import VoiceHold, rest_of

LOCAL, REMOTE = audiobridge.GROUPS


def start_bridge(node: NodeClient, mix: str, host: str, port: int, *, ssrc: int = 0, srtp: Srtp | None = None) -> None:
    """Forward the people of a mix to the RTP participant of another; what sends there already is adopted.

    ``ssrc`` and ``srtp``: for the detour, whose far end takes no other ssrc. Nothing is adopted then.
    """
    found = [f for f in node.forwarders(mix) if (f.host, f.port) == (host, port)]
    right = next((f for f in found if f.group == LOCAL and not srtp), None)
    for each in found:
        if each is not right:
            node.stop_forwarder(mix, each)
    if right is None:
        keys = node.keys(mix)
        body = audiobridge.rtp_forward(mix, keys, host, port, ssrc=ssrc or fresh_ssrc(), group=LOCAL, srtp=srtp)
        node.admin.plugin(node.kind, body)


def connect_trunk(node: NodeClient, hold: VoiceHold, host: str, port: int) -> None:
    """Let one end of a trunk send to the other, and hear only it; an end that does so already is left alone.

    After the other end was made again this one call heals the link: until then its packets come from a stranger.
    """
    info = node.admin.handle_info(hold.janus_session, hold.handle)
    if audiobridge.read_handle_rtp_peer(info) != (host, port):
        rest_of(node).call(hold.janus_session, hold.handle, audiobridge.configure_rtp(host, port))
