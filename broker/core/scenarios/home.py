"""The home of a small session: the one host its contexts stand on, and which of them are those in use.

Kept nowhere but in the contexts. A session leaves a host as a whole as soon as one of its nodes there drains or is
lost: what stands on that host is left, what stands elsewhere is home. So a move goes on from any interrupted middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import inf

from broker.core.draft import Draft
from broker.core.policy.base import Policy
from broker.core.policy.terms import NamedFilter, NamedScore, near
from broker.core.views import LEAVING
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import NodeWrapper, kind_for
from rtcdn.model import ContextIntent


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
    """Hosts that the session leaves. The module of a tap is none of it: taps go by themselves."""
    nodes = {context.node for context in own(draft).values()}
    return frozenset(place_of(draft.vmap, node) for node in nodes if lost(draft, node) or _drains(draft, node))


def _drains(draft: Draft, node: str) -> bool:
    wrapper = draft.vmap.node(node)
    return wrapper is not None and wrapper.draining


def own(draft: Draft) -> dict[str, ContextIntent]:
    """The contexts that make the session: all but its taps."""
    return {name: context for name, context in draft.view.contexts.items() if context.duty != "tap"}


def home(draft: Draft) -> dict[str, str]:
    """Duty -> the context in use: on the host where most people are, if it has one there, else wherever."""
    places = _staying(draft)
    middle = _middle(draft, places)
    found: dict[str, str] = {}
    view = draft.view

    def rank(name: str) -> tuple[bool, bool, bool, str]:
        emptied = LEAVING in view.contexts[name].options  # by a reorganisation that a change of scenario cut off
        return (places[name] != middle, emptied, not view.attached.get(name), name)

    for name in sorted(places, key=rank):
        found.setdefault(view.contexts[name].duty, name)
    return found


def astray(draft: Draft) -> tuple[str, list[str]]:
    """A context of the host where most people are, and the duties that are served from another host."""
    places = _staying(draft)
    middle = _middle(draft, places)
    found = home(draft)
    there = sorted(name for name in found.values() if places[name] == middle)
    return (there[0] if there else "", [duty for duty, name in sorted(found.items()) if places[name] != middle])


def _staying(draft: Draft) -> dict[str, str]:
    """Context -> its host, for those on hosts that are not left."""
    left = leaving(draft)
    places = {name: place_of(draft.vmap, context.node) for name, context in own(draft).items()}
    return {name: places[name] for name in sorted(places) if places[name] not in left}


def _middle(draft: Draft, places: Mapping[str, str]) -> str:
    """The host of most legs; of equal ones that with an ingress, then by name."""
    view = draft.view
    legs: dict[str, int] = {}
    for name, place in places.items():
        legs[place] = legs.get(place, 0) + int(view.attached.get(name, 0))
    served = {place for name, place in places.items() if view.contexts[name].duty == "ingress"}
    return min(legs, key=lambda place: (-legs[place], place not in served, place), default="")


def beside(draft: Draft, anchor: NodeWrapper, kind: str) -> dict[str, str]:
    """Nodes of a kind on the host of ``anchor`` that may work."""
    host = anchor.labels.host
    found = (wrapper for wrapper in _ready(draft, kind, anchor.region) if host and wrapper.labels.host == host)
    return {wrapper.id: wrapper.id for wrapper in found}


def policies(draft: Draft, left: frozenset[str]) -> tuple[Policy, ...]:
    """How a host is found, one after another: the fullest that leaves a margin, the lightest, and as the session says.

    A host weighs what the heaviest of its kinds does. None of ``left`` is chosen; only the last way takes a host that
    lacks a kind.
    """
    policy = draft.policy
    weights: dict[str, dict[str, float]] = {}  # by region, as far as they were asked for

    def weight(wrapper: NodeWrapper) -> float:
        if wrapper.region not in weights:
            weights[wrapper.region] = _host_weights(draft, wrapper.region)
        return weights[wrapper.region].get(wrapper.labels.host, inf)

    def below(name: str, limit: float) -> NamedFilter:
        return NamedFilter(name, lambda wrapper, *_: None if weight(wrapper) <= limit else name)

    margin = below("margin", policy.limits.full_weight - policy.limits.pack_margin)
    whole = below("whole_host", policy.limits.full_weight)
    dense = NamedScore("host_dense", lambda wrapper, *_: min(100.0, weight(wrapper)))
    light = NamedScore("host_light", lambda wrapper, *_: max(0.0, 100.0 - weight(wrapper)))
    stays = NamedFilter("host", lambda wrapper, *_: "leaving" if place_of(draft.vmap, wrapper.id) in left else None)
    usual = replace(policy, filters=(*policy.filters, stays))
    hosts = replace(usual, preferences=(), exhaustive=True)
    return (
        replace(hosts, filters=(*usual.filters, margin), scores=((near, 3.0), (dense, 1.0))),
        replace(hosts, filters=(*usual.filters, whole), scores=((near, 3.0), (light, 1.0))),
        usual,
    )


def _host_weights(draft: Draft, region: str) -> dict[str, float]:
    """Weights of a region's hosts that have nodes of all kinds a session needs: of the heaviest kind, the lightest."""
    found: dict[str, dict[str, float]] = {}
    kinds = {kind_for(draft.vmap.kinds, duty) for duty in ("ingress", "stage", "mix")}
    for kind in sorted(kinds):
        for wrapper in _ready(draft, kind, region):
            of_kind = found.setdefault(wrapper.labels.host, {})
            of_kind[kind] = min(wrapper.weight, of_kind.get(kind, inf))
    return {host: max(each.values()) for host, each in found.items() if host and len(each) == len(kinds)}


def _ready(draft: Draft, kind: str, region: str) -> Iterator[NodeWrapper]:
    """Nodes of a kind and region that may work, lightest first."""
    shelf = draft.vmap.shelves.get((kind, region))
    for *_, name in shelf.lightest(100.0) if shelf else ():
        yield draft.vmap.nodes[name]
