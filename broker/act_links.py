"""The actor's links that join the same kind of node: VideoRoom to VideoRoom, mix to mix. And a publisher's voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from broker.act_taps import tap_ends
from broker.core.decisions import IntentChange
from broker.core.virtual_map import VirtualMap
from rtcdn import keys
from rtcdn.ids import janus_context
from rtcdn.janus.bridges import LOCAL, REMOTE, connect_trunk, start_bridge
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.remotes import End, remove_remote, start_remote, stop_sending
from rtcdn.janus.voice import VoiceHold, find_voice, join_voice, keep_voice, leave_voice
from rtcdn.model import ContextIntent, Leg, LinkIntent

KINDS = ("voice", "remote", "bridge", "trunk")


@dataclass(frozen=True, slots=True)
class Wire:
    """A link with the intents of its ends."""

    session: str
    id: str
    link: LinkIntent
    source: ContextIntent | None
    target: ContextIntent | None

    @property
    def source_id(self) -> str:
        """The source inside Janus."""
        return janus_context(self.session, self.link.source)

    @property
    def target_id(self) -> str:
        """The target inside Janus."""
        return janus_context(self.session, self.link.target)


class LinkActor:
    """Starts and stops links of ``KINDS``. ``record`` commits who holds their RTP participants, before they are kept:

    until then a participant dies by itself, so a crash leaves nothing behind.
    """

    def __init__(self, record: Callable[[IntentChange], None]) -> None:
        self._record = record

    def start(self, wire: Wire, vmap: VirtualMap, here: NodeClient, there: NodeClient, *, anew: bool) -> None:
        """Make it, or adopt what stands; ``anew``: its far end was made again."""
        link = wire.link
        if link.kind == "remote":
            ends = End(here, wire.source_id), End(there, wire.target_id)
            start_remote(*ends, link.participant, wire.id, publish_leg(vmap, wire.session, link.participant), anew=anew)
        elif link.kind == "trunk":
            self._start_trunk(wire, here, there)
        else:
            hold = join_voice(there, wire.target_id, wire.id, _held(link), group=_group(link))
            self._keep(wire, (there, hold))
            if link.kind == "voice":
                keep = tap_ends(vmap, wire.session, link.participant)
                here.start_voice(wire.source_id, link.participant, link.mid, there.media_ip, hold.port, keep=keep)
            else:
                if link.port not in (0, hold.port):  # whoever listens there now is not ours to speak to
                    here.stop_towards(wire.source_id, there.media_ip, {link.port})
                start_bridge(here, wire.source_id, there.media_ip, hold.port)

    def stop(self, wire: Wire, vmap: VirtualMap, here: NodeClient | None, there: NodeClient | None) -> None:
        """What is left of it; an end that is gone has nothing to stop."""
        link = wire.link
        if link.kind == "remote":
            if here:
                stop_sending(End(here, wire.source_id), link.participant, wire.id)
            if there:
                remove_remote(End(there, wire.target_id), link.participant)
            return
        if here and link.kind == "voice":
            keep = tap_ends(vmap, wire.session, link.participant)
            here.stop_voice_forward(wire.source_id, link.participant, keep=keep)
        elif here and link.kind == "trunk":
            leave_voice(here, wire.source_id, wire.id, link.far_session)
        elif here and there:
            hold = find_voice(there, wire.target_id, wire.id, _held(link))
            ports = {port for port in (link.port, hold.port if hold else 0) if port}
            here.stop_towards(wire.source_id, there.media_ip, ports)
        if there:
            leave_voice(there, wire.target_id, wire.id, link.janus_session)

    def _start_trunk(self, wire: Wire, here: NodeClient, there: NodeClient) -> None:
        """Join, join, and each is told of the other. The leaf's end is no part of what it forwards to other mixes."""
        link = wire.link
        far = link.far_session, link.far_handle
        near = join_voice(here, wire.source_id, wire.id, far, group=LOCAL, two_way=True)
        hold = join_voice(there, wire.target_id, wire.id, _held(link), group=REMOTE, two_way=True)
        self._keep(wire, (there, hold), (here, near))
        connect_trunk(there, hold, here.media_ip, near.port)
        connect_trunk(here, near, there.media_ip, hold.port)

    def _keep(self, wire: Wire, target: tuple[NodeClient, VoiceHold], *source: tuple[NodeClient, VoiceHold]) -> None:
        hold = target[1]
        held = replace(wire.link, janus_session=hold.janus_session, handle=hold.handle, port=hold.port)
        for _, near in source:
            held = replace(held, far_session=near.janus_session, far_handle=near.handle)
        if held != wire.link:
            self._record(IntentChange(keys.link(wire.session, wire.id), held))
        for node, each in (target, *source):
            keep_voice(node, each)


def publish_leg(vmap: VirtualMap, session: str, participant: str) -> Leg:
    """The leg by which a participant publishes, without streams when he does not."""
    view = vmap.session(session)
    known = view.participants.get(participant) if view else None
    return next((leg for leg in known.legs if leg.leg == "publish"), Leg("publish")) if known else Leg("publish")


def _held(link: LinkIntent) -> tuple[int, int]:
    return link.janus_session, link.handle


def _group(link: LinkIntent) -> str:
    """A voice is one of the people of its mix; what comes over a bridge goes on to nobody."""
    return LOCAL if link.kind == "voice" else REMOTE
