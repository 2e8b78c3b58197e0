"""The actor: performs steps on nodes and gateways, each so that it may be performed again at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import httpx

from broker.act_links import KINDS as LINK_KINDS
from broker.act_links import LinkActor, Wire
from broker.act_taps import TapActor, way_between
from broker.core.actions import (
    CreateContext,
    DestroyContext,
    Order,
    RepointLink,
    StartLink,
    Step,
    StopForwarder,
    StopLink,
    step_name,
)
from broker.core.decisions import IntentChange
from broker.core.virtual_map import VirtualMap
from rtcdn import keys, log
from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.ids import janus_context
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient, slot_ports
from rtcdn.janus.rest import RestClient
from rtcdn.model import NETWORK, ContextIntent, Kind, Labels, MountpointMedia, NodeSecrets

_log = log.get("broker.act")
PUBLISHERS = 8
REMOTE_PUBLISHERS = 64  # beyond a room's own: remote ones count too, and who may publish is decided on the map
BITRATE_BPS = 1_500_000
AUDIO_MID = "a"


class Nodes:
    """Clients of nodes, made from what the map says of them and kept while that stays the same."""

    def __init__(self, secrets: Mapping[str, NodeSecrets], network: str = NETWORK) -> None:
        """``network``: ours. Nodes of another are asked at their public address."""
        self._secrets, self._network = secrets, network
        self._lock = threading.Lock()
        self._clients: dict[str, tuple[Labels, NodeClient]] = {}

    def client(self, vmap: VirtualMap, node_id: str) -> NodeClient:
        """The client of a node that serves; ``NodeAway`` when it is silent or we hold no secrets of it."""
        wrapper = vmap.node(node_id)
        if wrapper is None or not vmap.serving(node_id):
            raise NodeAway(f"node {node_id} is silent")
        labels = wrapper.labels
        secrets = self.secrets_of(node_id, labels.secret_version)
        with self._lock:
            known = self._clients.get(node_id)
            if known and _face(known[0]) == _face(labels):
                return known[1]
            try:
                made = self._make(Kind(wrapper.kind), labels, secrets)
            except (ValueError, httpx.InvalidURL) as error:
                raise NodeAway(f"node {node_id} tells an address that is none (LABELS): {error}") from error
            self._clients[node_id] = (labels, made)
            return made

    def secrets_of(self, node_id: str, version: str = "") -> NodeSecrets:
        """Secrets of a node, in the version that it presents; ``NodeAway`` when we hold none."""
        if node_id not in self._secrets:
            raise NodeAway(f"no secrets of node {node_id}: is its Docker secret given to the broker?")
        return self._secrets[node_id].of(version)

    def _make(self, kind: Kind, labels: Labels, secrets: NodeSecrets) -> NodeClient:
        admin = AdminClient(self.url(labels, labels.admin), secrets.admin_secret)
        rest = RestClient(self.url(labels, labels.rest), secrets.api_secret) if labels.rest else None
        pli_ip = labels.media_ip if labels.network == self._network else labels.public_ip
        return NodeClient(kind, admin, secrets, labels.media_ip, rest=rest, listen=labels.listen, pli_ip=pli_ip)

    def url(self, labels: Labels, url: str) -> str:
        """A URL of a node as we reach it."""
        parts = urlsplit(url)
        if labels.network == self._network or not labels.public_ip or not parts.port:
            return url
        return urlunsplit(parts._replace(netloc=f"{labels.public_ip}:{parts.port}"))


def _face(labels: Labels) -> tuple[str, ...]:
    at = labels.admin, labels.rest, labels.media_ip, labels.network, labels.public_ip, labels.listen
    return *at, labels.secret_version


class Actor:
    """Performs one step. ``record`` commits what only the act can know (ids of what holds a link into a mix)."""

    def __init__(self, nodes: Nodes, record: Callable[[IntentChange], None], send: Callable[[Order], None]) -> None:
        self._nodes, self._links, self._send = nodes, LinkActor(nodes, record), send
        self._record = record
        self._taps = TapActor(nodes, record)

    def perform(self, step: Step, vmap: VirtualMap) -> None:
        """Do it; ``NodeAway`` or ``NodeRefused`` when the node did not."""
        _log.debug("step", step=step_name(step), session=step.session, id=step.id)
        if self._taps.perform(step, vmap):
            return
        match step:
            case CreateContext():
                self._create(step, vmap)
            case DestroyContext():
                self._client_or_none(
                    vmap, step.before.node, lambda c: c.drop_context(janus_context(step.session, step.id))
                )
            case StartLink():
                self._start(Wire(step.session, step.id, step.after, step.source, step.target), vmap)
            case StopLink():
                self._stop(Wire(step.session, step.id, step.before, step.source, step.target), vmap)
            case RepointLink():
                self._repoint(step, vmap)
            case StopForwarder():
                context = janus_context(step.session, step.id)
                self._client_or_none(vmap, step.node, lambda c: c.stop_forwarder(context, step.forwarder))
            case Order():
                self._send(step)

    def _client_or_none(self, vmap: VirtualMap, node_id: str, act: Callable[[NodeClient], object]) -> None:
        """Act on a node that serves; on one that is gone there is nothing to remove."""
        if vmap.serving(node_id):
            act(self._nodes.client(vmap, node_id))

    def _create(self, step: CreateContext, vmap: VirtualMap) -> None:
        intent, context = step.after, janus_context(step.session, step.id)
        client = self._nodes.client(vmap, intent.node)
        if intent.kind is Kind.VR:
            publishers = intent.options.get("publishers", PUBLISHERS) + REMOTE_PUBLISHERS
            client.ensure_room(context, intent.codec, publishers, intent.options.get("bitrate_bps", BITRATE_BPS))
        elif intent.kind is Kind.AB:
            client.ensure_mix(context)
        else:
            client.ensure_stage(context, intent.codec, intent.slots, self._generation(step, client))

    def _generation(self, step: CreateContext, client: NodeClient) -> int:
        """Of the key of a stage: the next one for a stage that is made again, committed before it is used."""
        if step.before is None or step.before.key == step.after.key:
            return step.after.key
        if client.stage_media(janus_context(step.session, step.id)):
            return step.before.key  # it was there all the time
        self._record(IntentChange(keys.context(step.session, step.id), step.after))
        return step.after.key

    def _start(self, wire: Wire, vmap: VirtualMap, *, anew: bool = False) -> None:
        self._ready_to_start(wire, vmap, anew=anew)()

    def _ready_to_start(self, wire: Wire, vmap: VirtualMap, *, anew: bool = False) -> Callable[[], None]:
        """What starts a link; all that its far end must be asked for was asked."""
        assert wire.source is not None
        assert wire.target is not None
        here, there = self._nodes.client(vmap, wire.source.node), self._nodes.client(vmap, wire.target.node)
        link = wire.link
        if link.kind in LINK_KINDS:
            return partial(self._links.start, wire, vmap, here, there, anew=anew)
        way = way_between(vmap, wire.source.node, wire.target.node)
        srtp = there.stage_key(wire.target_id, _key_now(vmap, wire))
        if way.sealed and srtp is None:
            raise NodeRefused(0, f"mountpoint {wire.target_id} takes plain RTP alone; open the session again")
        mid = AUDIO_MID if link.kind == "mix" else link.slot
        target = _medium(there.stage_media(wire.target_id), mid, wire.target_id)
        if link.kind == "mix":
            return partial(here.start_mix, wire.source_id, way.host, target.port, srtp=srtp, anew=anew)
        return partial(
            here.start_slot,
            wire.source_id,
            link.participant,
            link.mid,
            simulcast=link.simulcast,
            target_ip=way.host,
            target=target,
            srtp=srtp,
            anew=anew,
        )

    def _stop(self, wire: Wire, vmap: VirtualMap) -> None:
        """What is left of the link; an end that is gone has nothing to stop."""
        here = self._serving(vmap, wire.source)
        there = self._serving(vmap, wire.target)
        link = wire.link
        if link.kind in LINK_KINDS:
            self._links.stop(wire, vmap, here, there)
        elif here and there and wire.source and wire.target:
            mid = AUDIO_MID if link.kind == "mix" else link.slot
            media = [each for each in there.stage_media(wire.target_id) if each.mid == mid]
            ports = {port for each in media for port in slot_ports(each)}
            host = way_between(vmap, wire.source.node, wire.target.node).host
            here.stop_towards(wire.source_id, host, ports, link.participant)

    def _serving(self, vmap: VirtualMap, context: ContextIntent | None) -> NodeClient | None:
        return self._nodes.client(vmap, context.node) if context and vmap.serving(context.node) else None

    def _repoint(self, step: RepointLink, vmap: VirtualMap) -> None:
        """Old source first: two sources in one port are garbage. The same link again means its far end is new.

        Nothing flows in between, so far nodes are asked before; where that fails the old one goes on.
        """
        again = step.before == step.after
        start = self._ready_to_start(
            Wire(step.session, step.id, step.after, step.source, step.target), vmap, anew=again
        )
        if not again:
            self._stop(Wire(step.session, step.id, step.before, step.old_source, step.old_target), vmap)
        start()


def _key_now(vmap: VirtualMap, wire: Wire) -> int:
    """Generation of the key of a link's stage, as its intent says now: a step may be older than the stage."""
    assert wire.target is not None
    view = vmap.session(wire.session)
    known: ContextIntent = view.contexts.get(wire.link.target, wire.target) if view else wire.target
    return known.key


def _medium(media: tuple[MountpointMedia, ...], mid: str, mountpoint: str) -> MountpointMedia:
    for each in media:
        if each.mid == mid:
            return each
    raise NodeRefused(0, f"mountpoint {mountpoint} is not there or has no medium {mid}")
