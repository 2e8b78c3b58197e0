"""The actor's part of taps: modules are told over HTTP, mixes and rooms as for any link. Each act may be repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from broker.core.actions import CreateContext, DestroyContext, RepointLink, StartLink, Step, StopForwarder, StopLink
from broker.core.decisions import IntentChange
from broker.core.tap_reconcile import held
from broker.core.virtual_map import VirtualMap
from broker.core.ways import reach, sealed
from rtcdn import keys
from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.ids import TAP, janus_context
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.remotes import Way
from rtcdn.janus.tap import send_mix, start_tap
from rtcdn.janus.voice import VoiceHold, join_voice, keep_voice, leave_voice
from rtcdn.model import ContextIntent, Kind, LinkIntent
from rtcdn.module_api import ModuleClient

if TYPE_CHECKING:
    from broker.act import Nodes


@dataclass(frozen=True, slots=True)
class _Tap:
    """A tap on its module: told of, asked, ended."""

    client: ModuleClient
    node: str
    session: str
    tap: str


@dataclass(frozen=True, slots=True)
class _Wire:
    """A tap's link with the intents of its ends."""

    session: str
    id: str
    link: LinkIntent
    source: ContextIntent | None
    target: ContextIntent | None

    def janus_id(self, end: str) -> str:
        return janus_context(self.session, end)


class TapActor:
    """Performs the steps that concern modules."""

    def __init__(self, nodes: Nodes, record: Callable[[IntentChange], None]) -> None:
        self._nodes, self._record = nodes, record
        self._lock = threading.Lock()
        self._clients: dict[str, tuple[tuple[str, str], ModuleClient]] = {}

    def perform(self, step: Step, vmap: VirtualMap) -> bool:
        """Do it if it is about a tap; False when it is not."""
        match step:
            case CreateContext(after=ContextIntent(kind=Kind.AI) as after):
                self._tell(self._tap(vmap, after.node, step.session, step.id), after)
            case DestroyContext(before=ContextIntent(kind=Kind.AI) as before):
                self._there(vmap, before.node, step.session, step.id, lambda tap: tap.client.drop(tap.session, tap.tap))
            case StopForwarder() if (node := vmap.node(step.node)) and node.kind == Kind.AI:
                self._there(vmap, step.node, step.session, step.id, lambda tap: tap.client.hush(tap.session, tap.tap))
            case StartLink(after=LinkIntent(kind="tap")):
                self._start(_Wire(step.session, step.id, step.after, step.source, step.target), vmap, anew=False)
            case StopLink(before=LinkIntent(kind="tap")):
                self._stop(_Wire(step.session, step.id, step.before, step.source, step.target), vmap)
            case RepointLink(after=LinkIntent(kind="tap")):
                if step.before != step.after:
                    self._stop(_Wire(step.session, step.id, step.before, step.old_source, step.old_target), vmap)
                self._start(_Wire(step.session, step.id, step.after, step.source, step.target), vmap, anew=True)
            case _:
                return False
        return True

    # ---- modules

    def _tap(self, vmap: VirtualMap, node: str, session: str, context: str) -> _Tap:
        """A tap on a module that serves."""
        wrapper = vmap.node(node)
        if wrapper is None or wrapper.silent or not wrapper.labels.rest:
            raise NodeAway(f"module {node} is silent, or tells no address of its API (labels.rest)")
        url, version = wrapper.labels.rest, wrapper.labels.secret_version
        face = (url, version)
        with self._lock:
            known = self._clients.get(node)
            if known is None or known[0] != face:
                secret = self._nodes.secrets_of(node, version).api_secret
                known = self._clients[node] = (face, ModuleClient(url, secret))
        return _Tap(known[1], node, session, context.removeprefix(TAP))

    def _there(self, vmap: VirtualMap, node: str, session: str, context: str, act: Callable[[_Tap], Any]) -> None:
        """Act on a module that serves; on one that is gone there is nothing to end."""
        if vmap.serving(node):
            act(self._tap(vmap, node, session, context))

    @staticmethod
    def _tell(tap: _Tap, intent: ContextIntent) -> int:
        return tap.client.put(tap.session, tap.tap, intent.taps, speaks=intent.speaks)

    # ---- links

    def _start(self, wire: _Wire, vmap: VirtualMap, *, anew: bool) -> None:
        link, source, target = wire.link, wire.source, wire.target
        assert source is not None
        assert target is not None
        way = way_between(vmap, source.node, target.node)
        if way.sealed:
            raise NodeRefused(0, f"modules know no SRTP: {source.node} and {target.node} must be on one host")
        if source.kind == Kind.AI:
            tap = self._tap(vmap, source.node, wire.session, link.source)
            self._tell(tap, source)
            mix = self._nodes.client(vmap, target.node)
            tap.client.send(tap.session, tap.tap, way.host, self._join(wire, mix, link.target, two_way=False).port)
            return
        tap = self._tap(vmap, target.node, wire.session, link.target)
        port = self._tell(tap, target)
        here = self._nodes.client(vmap, source.node)
        if held(link, source, target):
            hold = self._join(wire, here, link.source, two_way=True)
            send_mix(here, hold, way.host, port)
            back = way_between(vmap, target.node, source.node)
            tap.client.send(tap.session, tap.tap, back.host, hold.port)
        elif source.kind == Kind.AB:
            here.start_mix(wire.janus_id(link.source), way.host, port, anew=anew)
        else:
            start_tap(here, wire.janus_id(link.source), link.participant, link.mid, (way.host, port), anew=anew)

    def _join(self, wire: _Wire, mix: NodeClient, context: str, *, two_way: bool) -> VoiceHold:
        """The RTP participant by which the module is heard. Ids before keeping, as for a voice link."""
        known = (wire.link.janus_session, wire.link.handle)
        hold = join_voice(mix, wire.janus_id(context), wire.id, known, two_way=two_way)
        if (hold.janus_session, hold.handle) != known:
            record = replace(wire.link, janus_session=hold.janus_session, handle=hold.handle)
            self._record(IntentChange(keys.link(wire.session, wire.id), record))
        keep_voice(mix, hold)
        return hold

    def _stop(self, wire: _Wire, vmap: VirtualMap) -> None:
        """What is left of the link; forwarders to a module that is gone are found by the reconciler."""
        link, source, target = wire.link, wire.source, wire.target
        module, mix = (source, target) if link.source.startswith(TAP) else (target, source)
        at, heard = (link.source, link.target) if module is source else (link.target, link.source)
        tap = None
        if module and vmap.serving(module.node):
            tap = self._tap(vmap, module.node, wire.session, at)
        answers = link.source.startswith(TAP) or (module is not None and module.speaks and not link.participant)
        if tap and answers:
            tap.client.hush(tap.session, tap.tap)
        if mix is None or not vmap.serving(mix.node):
            return
        here = self._nodes.client(vmap, mix.node)
        if mix.kind == Kind.AB and (answers or link.janus_session):
            leave_voice(here, wire.janus_id(heard), wire.id, link.janus_session)
        elif tap and (port := tap.client.port(tap.session, tap.tap)):
            host = way_between(vmap, mix.node, tap.node).host
            here.stop_towards(wire.janus_id(heard), host, {port}, link.participant)


def way_between(vmap: VirtualMap, source: str, target: str) -> Way:
    """How media get from one node to another, as their labels say."""
    one, other = vmap.node(source), vmap.node(target)
    if one is None or other is None:
        raise NodeAway(f"node {target if one else source} is not on the map")
    return Way(reach(one.labels, other.labels), sealed(one.labels, other.labels))


def tap_ends(vmap: VirtualMap, session: str, participant: str) -> frozenset[tuple[str, int]]:
    """Where modules take the audio of a participant, by report: whoever stops his voice must leave these."""
    view = vmap.session(session)
    found = set()
    for link in view.links.values() if view else ():
        context = view.contexts.get(link.target) if view and link.kind == "tap" else None
        source = view.contexts.get(link.source) if view else None
        wrapper = vmap.node(context.node) if context and link.participant == participant else None
        info = wrapper.context(janus_context(session, link.target)) if wrapper else None
        if context and source and info:
            host = way_between(vmap, source.node, context.node).host
            found |= {(host, medium.port) for medium in info.media}
    return frozenset(found)
