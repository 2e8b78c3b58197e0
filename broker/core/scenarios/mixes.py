"""The mixes of a big island: where a talk leg goes, what hears which mix, and which mix is one too many."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from broker.core.decisions import Reason
from broker.core.draft import Draft, Refused
from broker.core.plan import AMONG_MIXES
from broker.core.requests import Attach
from broker.core.scenarios import moves
from broker.core.scenarios.archipelago import MIX_LOAD
from broker.core.scenarios.bridges import Mix, bridges
from broker.core.scenarios.stage import Wiring
from broker.core.views import SPEAKING, context_of
from broker.core.virtual_map import out_of_work, rungs
from broker.core.ways import sealed_nodes
from broker.core.wrappers import NodeWrapper, talk_load
from rtcdn.model import Leg

if TYPE_CHECKING:
    from broker.core.scenarios.archipelago import Archipelago

UNKNOWN_MS = 1e6  # to a region that nobody measured
STAYS = 0.7  # a stage changes from one mix of elsewhere to another for a way this much shorter, not for less


def most_live(draft: Draft, mix: str) -> int:
    """How many who may speak a mix takes: the policy's number, or what its node carries if that is less."""
    limits = draft.policy.limits
    wrapper = draft.vmap.node(draft.view.contexts[mix].node)
    carries = wrapper.labels.capacity.participants if wrapper else 0
    return min(limits.talkers_per_mix, int(carries * limits.full_weight / 100)) if carries else limits.talkers_per_mix


def voices(draft: Draft) -> Counter[str]:
    """Publishers' voices in each mix."""
    return Counter(link.target for link in draft.view.links.values() if link.kind == "voice")


# ---- talk legs ------------------------------------------------------------------------------------


def place(shape: Archipelago, draft: Draft, request: Attach, live: bool, *, more: bool = True) -> Leg | None:
    """A mix of the nearest region with room, a new one there when all are full, then the regions farther away.

    ``live``: he may speak now, else he waits suspended. Without ``more`` only a region's first mix is made.
    """
    free = _with_room(draft, request.participant, live)
    need = shape.need(draft, "mix", talk_load(live), request.regions, rtt_ms=request.rtt_ms)
    taken = frozenset(context.node for context in draft.view.duty("mix").values())
    regions = {_region(draft, node) for node in taken}
    for rung in rungs(draft.vmap, request.regions):
        found = []
        for region in rung:
            nodes = free.get(region)
            choice = draft.choose_serving(need, region, nodes) if nodes else None
            if nodes and choice and choice.chosen:
                found.append((-choice.candidates[0].total, choice.chosen, nodes[choice.chosen]))
        if found:
            _, node, name = min(found)
            return shape.leg(draft, "talk", draft.vmap.nodes[node], name)
        if not more and regions & set(rung):
            continue
        node = draft.choose(replace(need, load=MIX_LOAD, within=frozenset(rung), avoid=taken))
        if node:
            name = shape.stand(draft, "mix", node)
            shape.rewire(draft)
            return shape.leg(draft, "talk", draft.vmap.nodes[node], name)
    return None


def _with_room(draft: Draft, participant: str, live: bool) -> dict[str, dict[str, str]]:
    """Mixes that take one more, by region and node; the leg that he has already is not counted."""
    view, heard = draft.view, voices(draft)
    known = view.participants.get(participant)
    own = [context_of(leg) for leg in known.legs if leg.leg == "talk"] if known else []
    own_live = known is not None and known.role in SPEAKING
    found: dict[str, dict[str, str]] = {}
    for name, context in view.duty("mix").items():
        if out_of_work(draft.vmap, context.node):
            continue
        speaking, mine = view.live.get(name, 0), name in own
        if live:
            room = speaking - (mine and own_live) + heard[name] < most_live(draft, name)
        else:
            waiting = view.attached.get(name, 0) - speaking - (mine and not own_live)
            room = waiting < draft.policy.limits.candidates
        if room:
            found.setdefault(_region(draft, context.node), {})[context.node] = name
    return found


def _region(draft: Draft, node: str) -> str:
    wrapper = draft.vmap.node(node)
    return wrapper.region if wrapper else ""


# ---- what hears what ------------------------------------------------------------------------------


def wired(draft: Draft, base: Wiring) -> Wiring:
    """The wiring with the mix of each stage, the mix of each ingress's voices, and the links among mixes."""
    mixes = _in_use(draft)
    links = draft.view.links
    hears = {link.target: link.source for link in links.values() if link.kind == "mix"}
    enters = {link.source: link.target for link in links.values() if link.kind == "voice"}
    fed: Counter[str] = Counter()
    entered = Counter({name: mix.people for name, mix in mixes.items()})
    stages = {name: _nearest(draft, name, mixes, hears.get(name, ""), fed) for name in draft.view.duty("stage")}
    speak = {name: _nearest(draft, name, mixes, enters.get(name, ""), entered) for name in draft.view.duty("ingress")}
    among = bridges(mixes, links, _mesh_most(draft, mixes))
    others = {name: link for name, link in base.between.items() if link.kind not in AMONG_MIXES}
    return replace(base, mixes={**base.mixes, **stages}, voices={**base.voices, **speak}, between={**others, **among})


def _mesh_most(draft: Draft, mixes: dict[str, Mix]) -> int:
    """How many mixes are linked by bridges alone: all of them where trunks, which know no SRTP, may not be."""
    first, *others = (mix.node for mix in mixes.values()) if mixes else ("",)
    if any(sealed_nodes(draft.vmap, first, node) for node in others):
        return len(mixes) + 1
    return draft.policy.limits.mesh_most


def _in_use(draft: Draft) -> dict[str, Mix]:
    """The mixes that are linked: all but those that are being left and that nobody is in any more."""
    view = draft.view
    found = {}
    for name, context in view.duty("mix").items():
        leaving = out_of_work(draft.vmap, context.node)
        people = moves.people_in(draft, name)
        if people or not leaving:
            found[name] = Mix(context.node, _region(draft, context.node), people, leaving)
    if not found:
        left = view.duty("mix")
        found = {name: Mix(left[name].node, _region(draft, left[name].node), 0, True) for name in list(left)[:1]}
    return found


def _nearest(draft: Draft, context: str, mixes: dict[str, Mix], known: str, used: Counter[str]) -> str:
    """The mix that serves a context best: in its region, else near it; the one it has if none is better."""
    if not mixes:
        return ""
    wrapper = draft.vmap.node(draft.view.contexts[context].node)

    def rank(name: str) -> tuple[bool, float, bool, int, str]:
        way_ms = _way_ms(wrapper, mixes[name].region) * (STAYS if name == known else 1.0)
        return (mixes[name].leaving, way_ms, name != known, used[name], name)

    best = min(mixes, key=rank)
    used[best] += 1
    return best


def _way_ms(wrapper: NodeWrapper | None, region: str) -> float:
    """From a node to a region, as its host measured it."""
    if wrapper is None or wrapper.region == region:
        return 0.0
    return max(1.0, wrapper.labels.rtt_ms.get(region, UNKNOWN_MS))


# ---- too many, too few ----------------------------------------------------------------------------


def relieve(shape: Archipelago, draft: Draft) -> None:
    """Lead away from a mix those who are too many to speak there, those who are silent and came last first.

    People who waited in one mix may all be promoted; the mix takes some more than it should for a moment.
    """
    heard = voices(draft)
    for name in draft.view.duty("mix"):
        surplus = draft.view.live.get(name, 0) + heard[name] - most_live(draft, name)
        if surplus <= 0 or out_of_work(draft.vmap, draft.view.contexts[name].node):
            continue
        for participant_id, leg in _speaking_in(draft, name)[: min(surplus, draft.policy.limits.portion)]:
            try:
                moves.move_leg(shape, draft, participant_id, leg)
            except Refused as refused:
                draft.reasons.append(Reason(refused.code, refused.detail))
                return


def _speaking_in(draft: Draft, mix: str) -> list[tuple[str, Leg]]:
    """Those who may speak in a mix, first those who would miss it least."""
    wrapper = draft.vmap.node(draft.view.contexts[mix].node)
    talking = set(wrapper.talking_since_s.get(f"{draft.id}/{mix}", ())) if wrapper else set()
    found = []
    for name in draft.view.holders:
        participant = draft.view.participants[name]
        found += [
            ((name in talking, -participant.joined_s, name), leg)
            for leg in participant.legs
            if leg.leg == "talk" and context_of(leg) == mix
        ]
    return [(key[2], leg) for key, leg in sorted(found, key=lambda each: each[0])]


def reap(shape: Archipelago, draft: Draft) -> None:
    """Mark mixes that nobody is in and that are not the last; remove those marked long enough ago."""
    heard = voices(draft)
    tapped = {end for link in draft.view.links.values() if link.kind == "tap" for end in (link.source, link.target)}
    for name, context in draft.view.duty("mix").items():
        if out_of_work(draft.vmap, context.node):
            continue
        others = [
            other
            for other, peer in draft.view.duty("mix").items()
            if other != name and not out_of_work(draft.vmap, peer.node)
        ]
        if draft.view.attached.get(name) or heard[name] or name in tapped or not others:
            if context.idle_since_s:
                draft.put_context(name, replace(context, idle_since_s=0.0))
        elif not context.idle_since_s:
            draft.put_context(name, replace(context, idle_since_s=draft.now_s))
        elif context.idle_since_s + draft.policy.limits.idle_s <= draft.now_s:
            draft.put_context(name, None)
            shape.rewire(draft)
