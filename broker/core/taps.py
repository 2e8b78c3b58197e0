"""Taps: a module (kind AI) gets the mix or one participant's audio as RTP, and may be heard.

A tap is a context ``tap-<tap>`` on the module's node; its links follow from it (``scenarios.tap_links``), so a source
that leaves makes the tap wait and one that comes back is tapped again.
"""

from __future__ import annotations

from dataclasses import replace

from broker.core.decisions import Decision, Reason
from broker.core.draft import Draft, Refused
from broker.core.policy.base import Need
from broker.core.requests import EndTap, PutTap
from broker.core.scenarios.base import Scenario
from broker.core.scenarios.tap_links import MIX
from broker.core.virtual_map import out_of_work
from broker.core.ways import sealed_nodes
from broker.core.wrappers import Load, kind_for
from rtcdn.errors import InvalidRequest, UnknownParticipant
from rtcdn.ids import TAP, check_id, check_participant_id
from rtcdn.model import SRTP, ContextIntent, Kind

LONGEST = 50  # characters of a tap's id: names are made of it
LOAD = Load(1.0)
BESIDE = ": taps have no SRTP, so it must stand beside a mix, or the network must be private (docs/links.md)"


def put_tap(draft: Draft, shape: Scenario, request: PutTap) -> Decision:
    """Make a tap, or change what it taps, whether it speaks, or where it is; the same again changes nothing."""
    check_id("tap", request.tap)
    if len(request.tap) > LONGEST:
        raise InvalidRequest("tap", f"has {len(request.tap)} characters; use {LONGEST} at most")
    name = f"{TAP}{request.tap}"
    known: ContextIntent | None = draft.view.contexts.get(name)
    if known is None or known.taps != request.source:  # a tap that waits for its source may be asked for again
        _check_source(draft, request.source)
    node = _place(draft, request, known)
    wanted = ContextIntent(node, Kind.AI, "tap", draft.intent.codec, taps=request.source, speaks=request.speaks)
    _put(draft, shape, name, wanted)
    return draft.decision()


def end_tap(draft: Draft, shape: Scenario, request: EndTap) -> Decision:
    """Take a tap away."""
    check_id("tap", request.tap)
    if f"{TAP}{request.tap}" in draft.view.contexts:
        _drop(draft, shape, f"{TAP}{request.tap}")
    return draft.decision()


def leave_node(draft: Draft, shape: Scenario, name: str, *, lost: bool, over: bool) -> None:
    """Move a tap off a node that drains or is lost. Without another module it stays: a lost one may come back.

    One whose node must be empty now (``over``, and not lost) ends.
    """
    context = draft.view.contexts[name]
    node = draft.choose(_need(draft, frozenset((context.node,))))
    if node:
        _put(draft, shape, name, replace(context, node=node))
    elif over and not lost:
        _drop(draft, shape, name)
        draft.reasons.append(Reason("tap-ended", f"{name}: no other module may take it; add an AI node"))


def _check_source(draft: Draft, source: str) -> None:
    """A participant must be here, and have his audio where it can be had alone."""
    if source == MIX:
        return
    check_participant_id("source", source)
    if source not in draft.view.participants:
        raise UnknownParticipant(f"there is no participant {source} in {draft.id} to tap; or tap the source {MIX!r}")
    if not any(link.kind == "voice" and link.participant == source for link in draft.view.links.values()):
        detail = f"{source} has no audio that can be had alone: he must publish it by WHIP; or tap the source {MIX!r}"
        raise Refused("not-tappable", detail)


def _place(draft: Draft, request: PutTap, known: ContextIntent | None) -> str:
    """The node of a tap: the one asked for, the one it has, or the policy's choice."""
    if request.module:
        _check_module(draft, request.module)
    stays = known is not None and request.module in ("", known.node)
    if known is not None and stays and not out_of_work(draft.vmap, known.node):
        return known.node
    node = request.module or draft.choose(_need(draft, frozenset()))
    if not node:
        lack = "no module may take the tap now; add an AI node, or see the reasons per node"
        raise Refused("no-capacity", lack + (BESIDE if _far(draft) else ""))
    return node


def _check_module(draft: Draft, module: str) -> None:
    """The module that is asked for must be one, and there."""
    wrapper = draft.vmap.node(module)
    if wrapper is None:
        raise InvalidRequest("module", f"{module!r} is not known; see GET /v1/nodes, or leave it out")
    if wrapper.kind != kind_for(draft.vmap.kinds, "tap"):
        raise InvalidRequest("module", f"{module!r} is of kind {wrapper.kind}, which serves no taps; name an AI node")
    if out_of_work(draft.vmap, module):
        raise Refused("no-capacity", f"module {module} is silent or drains; leave it out to take another")
    if module in _far(draft):
        raise Refused("no-capacity", f"module {module} is on another host than the mix{BESIDE}")


def _far(draft: Draft) -> frozenset[str]:
    """Modules that stand on the host of no mix, where what leaves a host must be encrypted: they know no SRTP."""
    vmap, kind = draft.vmap, kind_for(draft.vmap.kinds, "tap")
    mixes = [context.node for context in draft.view.duty("mix").values()]
    known = [node for node in map(vmap.node, mixes) if node]
    if not any(node.labels.links == SRTP for node in known):
        return frozenset()
    modules = (name for name, node in vmap.nodes.items() if node.kind == kind)
    return frozenset(name for name in modules if all(sealed_nodes(vmap, mix, name) for mix in mixes))


def _need(draft: Draft, avoid: frozenset[str]) -> Need:
    """A module near the mix."""
    kind = kind_for(draft.vmap.kinds, "tap")
    nodes = (draft.vmap.node(context.node) for context in draft.view.duty("mix").values())
    regions = tuple(dict.fromkeys(wrapper.region for wrapper in nodes if wrapper and wrapper.region))
    return Need("tap", kind, draft.id, load=LOAD, regions=regions, avoid=avoid | _far(draft))


def _put(draft: Draft, shape: Scenario, name: str, wanted: ContextIntent) -> None:
    """Set the context and its links; a tap that changed gets links made anew."""
    if draft.view.contexts.get(name) == wanted:
        return
    before = draft.view.links
    draft.put_context(name, wanted)
    shape.rewire(draft)
    links = dict(draft.view.links.items())
    for each, link in links.items():
        if name in (link.source, link.target) and before.get(each) == link:
            links[each] = replace(link, generation=link.generation + 1, janus_session=0, handle=0)
    draft.put_links(links)


def _drop(draft: Draft, shape: Scenario, name: str) -> None:
    """Take the context away, and its links with it."""
    draft.put_context(name, None)
    shape.rewire(draft)
