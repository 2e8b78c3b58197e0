"""The home of a small session: the one host its contexts stand on, and which of them are those in use.

Kept nowhere but in the contexts. A session leaves a host as a whole as soon as one of its nodes there drains or is
lost: what stands on that host is left, what stands elsewhere is home. So a move goes on from any interrupted middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from broker.core.draft import Draft
from broker.core.policy.base import Filter, Need, Policy, Thresholds
from broker.core.policy.registry import PACK
from broker.core.policy.terms import NamedFilter
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import NodeWrapper, kind_for


def place_of(vmap: VirtualMap, node: str) -> str:
    """The host of a node; a node that names none, or is not known, is a host of its own."""
    wrapper = vmap.node(node)
    return (wrapper.labels.host if wrapper else "") or f"node {node}"


def lost(draft: Draft, node: str) -> bool:
    """Whether a node is unknown, or silent for longer than the grace."""
    wrapper = draft.vmap.node(node)
    if wrapper is None:
        return True
    return not wrapper.present and wrapper.silent_since_s + draft.policy.limits.lost_after_s <= draft.now_s


def leaving(draft: Draft) -> frozenset[str]:
    """Hosts that the session leaves."""
    nodes = {context.node for context in draft.view.contexts.values()}
    return frozenset(place_of(draft.vmap, node) for node in nodes if lost(draft, node) or _drains(draft, node))


def _drains(draft: Draft, node: str) -> bool:
    wrapper = draft.vmap.node(node)
    return wrapper is not None and wrapper.draining


def home(draft: Draft) -> dict[str, str]:
    """Duty -> the context in use: where people are, and beside the ingress if there are several."""
    view, left = draft.view, leaving(draft)
    places = {name: place_of(draft.vmap, context.node) for name, context in view.contexts.items()}
    staying = [name for name in sorted(places) if places[name] not in left]
    ingresses = [name for name in staying if view.contexts[name].duty == "ingress"]
    centre = places[min(ingresses, key=lambda name: (not view.attached.get(name), name))] if ingresses else ""
    found: dict[str, str] = {}
    for name in sorted(staying, key=lambda name: (places[name] != centre, not view.attached.get(name), name)):
        found.setdefault(view.contexts[name].duty, name)
    return found


def beside(draft: Draft, anchor: NodeWrapper, kind: str) -> dict[str, str]:
    """Nodes of a kind on the host of ``anchor`` that may work."""
    host = anchor.labels.host
    found = (wrapper for wrapper in _ready(draft, kind, anchor.region) if host and wrapper.labels.host == host)
    return {wrapper.id: wrapper.id for wrapper in found}


def packing(draft: Draft, left: frozenset[str]) -> Policy:
    """The session's policy turned to filling hosts: the fullest that has all kinds and leaves a margin.

    ``left``: hosts that may not be chosen.
    """
    stays = NamedFilter("host", lambda wrapper, *_: "leaving" if place_of(draft.vmap, wrapper.id) in left else None)
    whole = NamedFilter("whole_host", _whole(draft))
    margin = NamedFilter("margin", _margin)
    policy = draft.policy
    preferences: tuple[Filter, ...] = (whole, margin)
    filters = (*policy.filters, stays)
    return replace(policy, filters=filters, preferences=preferences, scores=PACK.scores, heaviest_first=True)


def _margin(wrapper: NodeWrapper, need: Need, limits: Thresholds) -> str | None:
    after = wrapper.weight + need.load.cost(wrapper.labels.capacity)
    return None if after <= limits.full_weight - limits.pack_margin else "margin"


def _whole(draft: Draft) -> Filter:
    """Whether a node's host has nodes of all kinds that a session needs, none of them full."""
    limit = draft.policy.limits.full_weight - draft.policy.limits.pack_margin
    hosts: list[set[str]] = []
    for duty in ("stage", "mix"):
        kind = kind_for(draft.vmap.kinds, duty)
        regions = [region for of_kind, region in draft.vmap.shelves if of_kind == kind]
        ready = (wrapper for region in regions for wrapper in _ready(draft, kind, region))
        hosts.append({wrapper.labels.host for wrapper in ready if wrapper.weight <= limit})
    complete = hosts[0] & hosts[1] - {""}
    return NamedFilter("whole_host", lambda wrapper, *_: None if wrapper.labels.host in complete else "host")


def _ready(draft: Draft, kind: str, region: str) -> Iterator[NodeWrapper]:
    """Nodes of a kind and region that may work, lightest first."""
    shelf = draft.vmap.shelves.get((kind, region))
    for *_, name in shelf.lightest(100.0) if shelf else ():
        yield draft.vmap.nodes[name]
