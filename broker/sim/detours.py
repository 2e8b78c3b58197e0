"""Detours in the fake world: what comes over a link from another machine enters the target's through a VideoRoom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from broker.core.virtual_map import VirtualMap
from broker.core.ways import DUTY, detour_context, detour_node
from broker.sim.node import FakeNode, ports_of
from rtcdn.ids import janus_context
from rtcdn.model import ContextIntent, ForwarderInfo, Kind, LinkIntent, PublisherInfo

FIRST_PORT = 10_000


def start(
    nodes: Mapping[str, FakeNode], vmap: VirtualMap, session: str, name: str, link: LinkIntent, *ends: ContextIntent
) -> LinkIntent:
    """Make a link from ``ends[0]`` to ``ends[1]`` by a detour, from the beginning; the link as it is recorded."""
    source, target = nodes[ends[0].node], nodes[ends[1].node]
    via = detour_node(vmap, target.id, link.via)
    stop(nodes, session, name, link, ends[0])
    info, end = (
        source.contexts.get(janus_context(session, link.source)),
        target.contexts.get(janus_context(session, link.target)),
    )
    if not via or info is None or end is None:
        return replace(link, via="", via_port=0)
    room = janus_context(session, detour_context(via))
    nodes[via].create(room, ContextIntent(via, Kind.VR, DUTY))
    (port,) = ports_of(end, link)
    known, entrance = nodes[via].contexts[room], FIRST_PORT + nodes[via].number()
    nodes[via].contexts[room] = replace(
        known,
        publishers=(*known.publishers, PublisherInfo(name, remote=True)),
        forwarders=(*known.forwarders, ForwarderInfo(nodes[via].number(), target.host, port, "audio", name)),
    )
    voice = link.kind == "voice"
    if not voice or link.participant in {each.id for each in info.publishers}:
        whose, group = (link.participant, "") if voice else ("", "local")
        sent = ForwarderInfo(source.number(), nodes[via].host, entrance, "audio", whose, group, 1)
        source.contexts[info.id] = replace(info, forwarders=(*info.forwarders, sent))
    return replace(link, via=via, via_port=entrance, port=port)


def stop(
    nodes: Mapping[str, FakeNode], session: str, name: str, link: LinkIntent, source: ContextIntent | None
) -> None:
    """End a detour, at the source and on the way; whatever is gone is fine."""
    way = nodes.get(link.via)
    if way is None:
        return
    way.remove(janus_context(session, detour_context(link.via)), name)
    info = nodes[source.node].contexts.get(janus_context(session, link.source)) if source else None
    if source and info:
        kept = tuple(e for e in info.forwarders if (e.host, e.port) != (way.host, link.via_port))
        nodes[source.node].contexts[info.id] = replace(info, forwarders=kept)
