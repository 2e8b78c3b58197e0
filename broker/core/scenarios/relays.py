"""The relay tree: one copy of a stream crosses to a region, and a VideoRoom there passes it on to the stages.

Which stage gets its pictures from which VideoRoom follows from the map alone, and what stands is kept where it can
be: a stage that moves from one relay to another loses its pictures for a moment. A remote publisher cannot be made
remote again, only forwarded, so a stream passes two VideoRooms at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from broker.core.decisions import Reason
from broker.core.draft import Draft, Refused
from broker.core.scenarios.home import lost
from broker.core.scenarios.stage import Lineup
from broker.core.views import LEAVING, SessionView, context_of
from broker.core.wrappers import NodeWrapper, publish_load
from rtcdn.model import ContextIntent, Leg, LinkIntent

if TYPE_CHECKING:
    from broker.core.scenarios.archipelago import Archipelago


@dataclass(slots=True)
class Tree:
    """What relays add to the wiring; a path that is not in it is direct."""

    routes: dict[tuple[str, str], str] = field(default_factory=dict)  # (ingress, stage) -> VideoRoom in between
    remotes: dict[str, LinkIntent] = field(default_factory=dict)


def grow(shape: Archipelago, draft: Draft, lineup: Lineup) -> Tree:
    """The tree for who is shown; relays it lacks are made. Where no node may take one, paths are direct."""
    tree = Tree()
    sources = {seat.source: region_of(draft, seat.source) for seat in lineup.seats.values()}
    there = _stages(draft.view, draft.vmap.nodes)
    relayed = _relayed(draft, sources, there)
    if not relayed:
        return tree
    standing, fanout = _standing(draft.view), draft.policy.limits.fanout
    for region, whole in relayed.items():
        stages = there[region]
        hubs = _hubs(shape, draft, standing, region, -(-len(stages) // fanout), relays_first=whole)
        feeds = _assigned(standing, stages.values(), hubs, fanout)
        served = [source for source in sources if whole or sources[source] != region]
        _branch(draft, tree, lineup, {source: _open_hubs(draft, lineup, source, hubs) for source in served}, feeds)
    return tree


def region_of(draft: Draft, context: str) -> str:
    """The region of a context, empty when it is not known."""
    intent = draft.view.contexts.get(context)
    wrapper = draft.vmap.node(intent.node) if intent else None
    return wrapper.region if wrapper else ""


def gone(draft: Draft, node: str) -> bool:
    """Whether nothing is left to hope of a node: unknown, lost, or at the end of its drain."""
    wrapper = draft.vmap.node(node)
    drain = wrapper.drain if wrapper else None
    return lost(draft, node) or (drain is not None and 0 < drain.deadline_s <= draft.now_s)


def copies(view: SessionView, nodes: Mapping[str, NodeWrapper]) -> dict[tuple[str, str, str], int]:
    """How often a stream of each participant goes from one region to another: (participant, from, to) -> copies.

    Of several streams of his the one that goes most often counts; a remote link carries each of them once.
    """

    def region(context: str) -> str:
        intent = view.contexts.get(context)
        return nodes[intent.node].region if intent and intent.node in nodes else ""

    streams: dict[tuple[str, str, str, str], int] = {}
    remotes: dict[tuple[str, str, str], int] = {}
    for link in view.links.values():
        ends = region(link.source), region(link.target)
        if ends[0] != ends[1] and link.kind == "slot":
            streams[link.participant, *ends, link.mid] = streams.get((link.participant, *ends, link.mid), 0) + 1
        elif ends[0] != ends[1] and link.kind == "remote":
            remotes[link.participant, *ends] = remotes.get((link.participant, *ends), 0) + 1
    found = dict(remotes)
    for (*path, _mid), count in sorted(streams.items()):
        key = (path[0], path[1], path[2])
        found[key] = max(found.get(key, 0), remotes.get(key, 0) + count)
    return found


# ---- which regions --------------------------------------------------------------------------------


def _stages(view: SessionView, nodes: Mapping[str, NodeWrapper]) -> dict[str, dict[str, str]]:
    """Stages by region and node; those too that are being emptied, which are watched until they are."""
    found = {region: dict(stages) for region, stages in view.stages.items()}
    for name, context in view.contexts.pairs():
        if context.duty == "stage" and LEAVING in context.options:
            wrapper = nodes.get(context.node)
            found.setdefault(wrapper.region if wrapper else "", {})[context.node] = name
    return {region: dict(sorted(stages.items())) for region, stages in found.items()}


def _relayed(draft: Draft, sources: Mapping[str, str], stages: Mapping[str, Mapping[str, str]]) -> dict[str, bool]:
    """Regions whose stages are fed by relays; true: those of speakers of the region itself are too."""
    limits = draft.policy.limits
    if limits.depth < 2 or not sources:
        return {}
    costs = {region: _links_into(len(nodes), limits.relay_from, limits.fanout) for region, nodes in stages.items()}
    crossing = sum(costs.values())
    found: dict[str, bool] = {}
    for region in sorted(stages):
        count = len(stages[region])
        saves = -(-count // limits.fanout) < count
        inside = any(there == region for there in sources.values())
        whole = inside and saves and count + crossing - costs[region] > limits.fanout
        if whole or (costs[region] < count and any(there != region for there in sources.values())):
            found[region] = whole
    return found


def _links_into(stages: int, relay_from: int, fanout: int) -> int:
    """Links of one stream that cross to a region with so many stages."""
    return -(-stages // fanout) if stages >= max(2, relay_from) else stages


# ---- which VideoRooms -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Standing:
    """What links and contexts say now, read once."""

    rooms: dict[str, ContextIntent]  # ingresses and relays
    fed: set[str]  # those that have copies
    feeds: dict[str, set[str]]  # stage -> VideoRooms that feed it


def _standing(view: SessionView) -> _Standing:
    rooms = {name: context for name, context in view.contexts.items() if context.duty in ("ingress", "relay")}
    found = _Standing(rooms, set(), {})
    for link in view.links.values():
        if link.kind == "remote":
            found.fed.add(link.target)
        elif link.kind == "slot":
            found.feeds.setdefault(link.target, set()).add(link.source)
    return found


def _hubs(
    shape: Archipelago, draft: Draft, standing: _Standing, region: str, count: int, *, relays_first: bool
) -> list[str]:
    """VideoRooms that feed the stages of a region: those that do, then ingresses, then relays, then new ones."""
    fed = standing.fed
    found: list[tuple[bool, bool, bool, str]] = []
    for name, context in sorted(standing.rooms.items()):
        wrapper = draft.vmap.node(context.node)
        if wrapper is None or wrapper.region != region or gone(draft, context.node):
            continue
        if name in fed or context.duty == "relay" or wrapper.weight <= draft.policy.limits.full_weight:
            late = wrapper.draining or (relays_first and context.duty == "ingress")
            found.append((late, name not in fed, context.duty == "relay", name))
    ready = _apart(draft, [name for late, *_, name in sorted(found) if not late])[:count]
    ready += _made(shape, draft, region, count - len(ready), standing.rooms)
    return _apart(draft, [*ready, *(name for late, *_, name in sorted(found) if late)])[:count]


def _apart(draft: Draft, names: Iterable[str]) -> list[str]:
    """One VideoRoom per node: remote links are named by it."""
    by_node: dict[str, str] = {}
    for name in names:
        by_node.setdefault(draft.view.contexts[name].node, name)
    return list(by_node.values())


def _made(shape: Archipelago, draft: Draft, region: str, count: int, rooms: Mapping[str, ContextIntent]) -> list[str]:
    """New relays in a region, as many as its nodes may take."""
    made: list[str] = []
    taken = {context.node for context in rooms.values()}  # one VideoRoom of the session per node
    load = publish_load(draft.intent.bitrate_bps, draft.policy.limits.fanout)
    while len(made) < count:
        try:
            need = replace(shape.need(draft, "relay", load, (region,)), within=frozenset((region,)))
            node = draft.choose(replace(need, avoid=frozenset(taken)))
        except Refused as refused:  # no kind of node serves the duty
            node, detail = "", refused.detail
        else:
            detail = "no node may take it now"
        if not node:
            cure = "streams cross to each stage by themselves; add VideoRoom nodes there"
            draft.reasons.append(Reason("no-relay", f"a relay in {region}: {detail}; {cure}"))
            break
        taken.add(node)
        made.append(shape.stand(draft, "relay", node))
    return made


# ---- which stage by which VideoRoom ---------------------------------------------------------------


def _assigned(standing: _Standing, stages: Iterable[str], hubs: list[str], fanout: int) -> dict[str, str]:
    """Stage -> the VideoRoom that feeds it: the one that does, else the least laden; none beyond the fan-out."""
    names = list(stages)
    room = dict.fromkeys(hubs, fanout)
    found: dict[str, str] = {}
    before = {stage: max((hub for hub in standing.feeds.get(stage, ()) if hub in room), default="") for stage in names}
    for stage in sorted(names, key=lambda stage: (not before[stage], stage)):
        hub = before[stage]
        if not room.get(hub):
            hub = max(hubs, key=lambda name: (room[name], -hubs.index(name)), default="")
        if room.get(hub):
            found[stage] = hub
            room[hub] -= 1
    return found


def _open_hubs(draft: Draft, lineup: Lineup, source: str, hubs: list[str]) -> set[str]:
    """Hubs that may show those of ``source``. Not one where such a publisher is about to come: his id stands there."""
    coming = {
        context_of(leg)
        for seat in lineup.seats.values()
        if seat.source == source and (leg := _publish_leg(draft, seat.participant))
    }
    return {hub for hub in hubs if hub == source or hub not in coming}


def _branch(
    draft: Draft, tree: Tree, lineup: Lineup, hubs_of: Mapping[str, set[str]], feeds: Mapping[str, str]
) -> None:
    """Routes by the hubs of one region, and the remote links that feed these."""
    used: dict[str, set[str]] = {}
    for source, hubs in hubs_of.items():
        for stage, hub in feeds.items():
            if hub in hubs and hub != source:  # his own ingress needs no copy
                tree.routes[source, stage] = hub
                used.setdefault(source, set()).add(hub)
    for seat in lineup.seats.values():
        for hub in sorted(used.get(seat.source, ())):
            name = f"remote-{seat.participant}-{draft.view.contexts[hub].node}"
            tree.remotes[name] = _remote(draft, name, seat.participant, seat.source, hub)


def _publish_leg(draft: Draft, participant: str) -> Leg | None:
    known = draft.view.participants.get(participant)
    return next((leg for leg in known.legs if leg.leg == "publish"), None) if known else None


def _remote(draft: Draft, name: str, participant: str, source: str, target: str) -> LinkIntent:
    """The link that carries all of a publisher; ``mid`` names his streams, so that it is made again with others.

    While he is led to another ingress his leg says nothing of the media that still come from the old one.
    """
    leg = _publish_leg(draft, participant)
    if leg and leg.streams and context_of(leg) == source:
        mids = ",".join(stream.mid for stream in leg.streams)
        return LinkIntent("remote", source, target, participant, mids, any(s.simulcast for s in leg.streams))
    known: LinkIntent | None = draft.view.links.get(name)
    if known and (known.source, known.target, known.participant) == (source, target, participant):
        return known
    return LinkIntent("remote", source, target, participant)
