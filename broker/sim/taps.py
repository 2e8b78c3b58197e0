"""Taps in the fake world: the module sends into the mix, and an RTP participant of the mix takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from broker.core.tap_reconcile import held
from broker.sim.node import FakeNode
from rtcdn.ids import janus_context
from rtcdn.model import ContextIntent, ForwarderInfo, Kind, LinkIntent

SENDS = 1  # a module sends each tap to one place
PORT = 42_000


def _ends(
    nodes: Mapping[str, FakeNode], session: str, link: LinkIntent, source: ContextIntent, target: ContextIntent
) -> tuple[FakeNode, str, FakeNode, str]:
    """Module and mix, each with the id of its context."""
    ends = [
        (nodes[source.node], janus_context(session, link.source)),
        (nodes[target.node], janus_context(session, link.target)),
    ]
    module, mix = ends if source.kind == Kind.AI else ends[::-1]
    return *module, *mix


def start(nodes: Mapping[str, FakeNode], session: str, name: str, link: LinkIntent, *ends: ContextIntent) -> bool:
    """Start a link from ``ends[0]`` to ``ends[1]`` if it is a tap that the mix holds; False when it is not."""
    source, target = ends
    if not held(link, source, target):
        return False
    module, tap, mix, room = _ends(nodes, session, link, source, target)
    mix.join(room, name)
    info = module.contexts.get(tap)
    if info:
        module.contexts[tap] = replace(info, forwarders=(ForwarderInfo(SENDS, mix.host, PORT, "audio"),))
    return True


def stop(nodes: Mapping[str, FakeNode], session: str, name: str, link: LinkIntent, *ends: ContextIntent | None) -> bool:
    """Stop a tap's link at the ends that are there; False when it is no tap, or one of plain forwarders."""
    source, target = ends
    if link.kind != "tap" or (source and target and not held(link, source, target)):
        return False
    for context, end in ((source, link.source), (target, link.target)):
        if context and context.kind == Kind.AB:
            nodes[context.node].part(janus_context(session, end), name)
        elif context and context.kind == Kind.AI:
            info = nodes[context.node].contexts.get(janus_context(session, end))
            if info:
                nodes[context.node].contexts[info.id] = replace(info, forwarders=())
    return True
