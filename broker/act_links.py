"""The actor's links that join the same kind of node: VideoRoom to VideoRoom, mix to mix. And a publisher's voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from broker.act_taps import tap_ends, way_between
from broker.core.decisions import IntentChange
from broker.core.plan import rewired
from broker.core.virtual_map import VirtualMap
from broker.core.ways import detour_context, detour_node
from rtcdn import keys
from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.ids import janus_context
from rtcdn.janus.bridges import LOCAL, REMOTE, connect_trunk, start_bridge
from rtcdn.janus.detour import SSRC, detour_stands, entered, open_detour
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import Srtp
from rtcdn.janus.remotes import End, remove_remote, start_remote, stop_sending
from rtcdn.janus.voice import VoiceHold, find_voice, join_voice, keep_voice, leave_voice
from rtcdn.model import ContextIntent, Leg, LinkIntent

if TYPE_CHECKING:
    from broker.act import Nodes

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

    def __init__(self, nodes: Nodes, record: Callable[[IntentChange], None]) -> None:
        self._nodes, self._record = nodes, record

    def start(self, wire: Wire, vmap: VirtualMap, here: NodeClient, there: NodeClient, *, anew: bool) -> None:
        """Make it, or adopt what stands; ``anew``: its far end was made again."""
        assert wire.source is not None
        assert wire.target is not None
        link, way = wire.link, way_between(vmap, wire.source.node, wire.target.node)
        if link.kind == "remote":
            ends, leg = (End(here, wire.source_id), End(there, wire.target_id)), publish_leg(vmap, wire)
            start_remote(*ends, link.participant, wire.id, leg, way=way, anew=anew)
        elif link.kind == "trunk":
            self._start_trunk(wire, vmap, here, there)
        elif way.sealed:
            self._start_detoured(wire, vmap, here, there, anew=anew)
        else:
            hold = join_voice(there, wire.target_id, wire.id, _held(link), group=_group(link))
            self._leave_detour(wire, vmap, here)
            self._keep(wire, (there, hold), by=("", 0))
            if link.port not in (0, hold.port) and link.kind == "bridge":  # who listens there now is not ours
                here.stop_towards(wire.source_id, way.host, {link.port})
            self._send(wire, vmap, here, (way.host, hold.port))

    def _start_detoured(self, wire: Wire, vmap: VirtualMap, here: NodeClient, there: NodeClient, *, anew: bool) -> None:
        """RTP participant, VideoRoom beside it, source: all of it stands, or it is made again with a new key."""
        assert wire.source is not None
        assert wire.target is not None
        source, target, link = wire.source.node, wire.target.node, _recorded(vmap, wire)
        wire = replace(wire, link=link)
        via = detour_node(vmap, target, link.via)
        if not via:
            raise NodeAway(f"no VideoRoom serves on the host of {target}: audio from other hosts needs one")
        room = End(self._nodes.client(vmap, via), janus_context(wire.session, detour_context(via)))
        host = way_between(vmap, source, via).host
        hold = join_voice(there, wire.target_id, wire.id, _held(link), group=_group(link))
        participant = there.media_ip, hold.port
        same = (link.via, link.port) == (via, hold.port)
        whole = same and entered(here, wire.source_id, host, link.via_port)
        if whole and not anew and detour_stands(room, wire.id, participant):
            return self._keep(wire, (there, hold), by=(via, link.via_port))
        self._leave_detour(wire, vmap, here)
        entrance = open_detour(room, wire.id, participant)
        self._keep(wire, (there, hold), by=(via, entrance.port))
        return self._send(wire, vmap, here, (host, entrance.port), entrance.srtp)

    def _leave_detour(self, wire: Wire, vmap: VirtualMap, here: NodeClient | None) -> None:
        """End what a link has of a detour, at its source and on the way."""
        link = wire.link
        if not link.via or vmap.node(link.via) is None:
            return
        if here and wire.source:
            host = way_between(vmap, wire.source.node, link.via).host
            here.stop_towards(wire.source_id, host, {link.via_port}, link.participant)
        if vmap.serving(link.via):
            room = janus_context(wire.session, detour_context(link.via))
            remove_remote(End(self._nodes.client(vmap, link.via), room), wire.id)

    def _send(
        self, wire: Wire, vmap: VirtualMap, here: NodeClient, to: tuple[str, int], srtp: Srtp | None = None
    ) -> None:
        """Let the source of a voice or a bridge send, to an RTP participant or (with a key) into a detour."""
        link, ssrc = wire.link, SSRC if srtp else 0
        if link.kind == "voice":
            keep = tap_ends(vmap, wire.session, link.participant)
            here.start_voice(wire.source_id, link.participant, link.mid, *to, ssrc=ssrc, srtp=srtp, keep=keep)
        else:
            start_bridge(here, wire.source_id, *to, ssrc=ssrc, srtp=srtp)

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
        elif here and there and wire.source and wire.target and not link.via:
            hold = find_voice(there, wire.target_id, wire.id, _held(link))
            ports = {port for port in (link.port, hold.port if hold else 0) if port}
            host = way_between(vmap, wire.source.node, wire.target.node).host
            here.stop_towards(wire.source_id, host, ports)
        self._leave_detour(wire, vmap, here)
        if there:
            leave_voice(there, wire.target_id, wire.id, link.janus_session)

    def _start_trunk(self, wire: Wire, vmap: VirtualMap, here: NodeClient, there: NodeClient) -> None:
        """Join, join, and each is told of the other. The leaf's end is no part of what it forwards to other mixes."""
        assert wire.source is not None
        assert wire.target is not None
        way, back = (way_between(vmap, *ends) for ends in _both_ways(wire.source.node, wire.target.node))
        if way.sealed:
            raise NodeRefused(0, f"a trunk has no SRTP, and {wire.source.node} and {wire.target.node} need it")
        link = wire.link
        far = link.far_session, link.far_handle
        near = join_voice(here, wire.source_id, wire.id, far, group=LOCAL, two_way=True)
        hold = join_voice(there, wire.target_id, wire.id, _held(link), group=REMOTE, two_way=True)
        self._keep(wire, (there, hold), (here, near))
        connect_trunk(there, hold, back.host, near.port)
        connect_trunk(here, near, way.host, hold.port)

    def _keep(
        self,
        wire: Wire,
        target: tuple[NodeClient, VoiceHold],
        *source: tuple[NodeClient, VoiceHold],
        by: tuple[str, int] = ("", 0),
    ) -> None:
        """Record who holds the ends and ``by`` which VideoRoom and port it comes, then let them live."""
        hold, (via, via_port) = target[1], by
        held = replace(wire.link, janus_session=hold.janus_session, handle=hold.handle, port=hold.port)
        held = replace(held, via=via, via_port=via_port)
        for _, near in source:
            held = replace(held, far_session=near.janus_session, far_handle=near.handle)
        if held != wire.link:
            self._record(IntentChange(keys.link(wire.session, wire.id), held))
        for node, each in (target, *source):
            keep_voice(node, each)


def publish_leg(vmap: VirtualMap, wire: Wire) -> Leg:
    """The leg by which the participant of a link publishes, without streams when he does not."""
    view = vmap.session(wire.session)
    known = view.participants.get(wire.link.participant) if view else None
    return next((leg for leg in known.legs if leg.leg == "publish"), Leg("publish")) if known else Leg("publish")


def _recorded(vmap: VirtualMap, wire: Wire) -> LinkIntent:
    """The link as its intent says now: a step of a plan may be older than who holds it."""
    view = vmap.session(wire.session)
    known: LinkIntent | None = view.links.get(wire.id) if view else None
    return known if known and not rewired(wire.link, known) else wire.link


def _both_ways(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)


def _held(link: LinkIntent) -> tuple[int, int]:
    return link.janus_session, link.handle


def _group(link: LinkIntent) -> str:
    """A voice is one of the people of its mix; what comes over a bridge goes on to nobody."""
    return LOCAL if link.kind == "voice" else REMOTE
