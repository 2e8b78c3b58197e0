"""Moving a session off a node: make the new place, lead participants there, then remove the old.

One call moves a portion; it can be asked again from any interrupted middle. A drained node keeps what cannot move
until its deadline; from a lost one there is nothing to keep.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from broker.core import taps
from broker.core.actions import Order
from broker.core.decisions import Reason
from broker.core.draft import Draft, Refused
from broker.core.requests import Attach
from broker.core.scenarios.stage import Lineup, camera_of
from broker.core.virtual_map import out_of_work
from rtcdn.ids import janus_context
from rtcdn.model import Leg, ParticipantIntent

if TYPE_CHECKING:
    from broker.core.scenarios.archipelago import Archipelago


def vacate(shape: Archipelago, draft: Draft, node: str, lost: bool) -> None:
    """Move a portion of the session off ``node``."""
    over = is_over(draft, node, lost)
    leave_taps(shape, draft, node, lost, over)
    for name, context in sorted(draft.view.contexts.items()):
        if context.node == node and context.duty != "tap":
            if context.duty != "relay":  # the wiring makes those it needs
                _ensure_other(shape, draft, context.duty, node)
            shape.rewire(draft)
            move_legs(shape, draft, name, context.duty, lost)
            if context.duty == "ingress":
                shape.rewire(draft)  # no copy of a speaker stands where he comes himself
            if over:
                silence(shape, draft, name)
            if not in_use(draft, name, over):
                draft.put_context(name, None)


def is_over(draft: Draft, node: str, lost: bool) -> bool:
    """Whether nothing may stay on a node that is left: it is lost, or its drain is at its end."""
    wrapper = draft.vmap.node(node)
    deadline_s = wrapper.drain.deadline_s if wrapper and wrapper.drain else 0.0
    return lost or 0 < deadline_s <= draft.now_s


def people_in(draft: Draft, name: str) -> int:
    """How many are in a mix: who should be, or who still is, since he was led elsewhere and is not there yet."""
    node, wanted = draft.view.contexts[name].node, int(draft.view.attached.get(name, 0))
    wrapper = draft.vmap.node(node)
    if wrapper is None or is_over(draft, node, wrapper.silent):
        return wanted
    info = wrapper.context(janus_context(draft.id, name))
    return max(wanted, info.participants + info.suspended) if info else wanted


def leave_taps(shape: Archipelago, draft: Draft, node: str, lost: bool, over: bool) -> None:
    """Move the taps of a module."""
    for name, context in sorted(draft.view.contexts.items()):
        if context.node == node and context.duty == "tap":
            taps.leave_node(draft, shape, name, lost=lost, over=over)


def _ensure_other(shape: Archipelago, draft: Draft, duty: str, node: str) -> None:
    """Another context of the duty on a node that may work: the session must never be without one."""
    if any(not out_of_work(draft.vmap, context.node) for context in draft.view.duty(duty).values()):
        return
    wrapper = draft.vmap.node(node)
    regions = (wrapper.region,) if wrapper else ()
    load = shape.viewer_load(draft) if duty == "stage" else shape.speaker_load(draft)
    shape.make(draft, duty, replace(shape.need(draft, duty, load, regions), avoid=frozenset((node,))))


def move_legs(shape: Archipelago, draft: Draft, name: str, duty: str, lost: bool) -> None:
    """Lead a portion of the participants of a context elsewhere, first those who are heard or seen."""
    janus_id = janus_context(draft.id, name)
    left = draft.policy.limits.portion
    if not draft.view.attached.get(name):
        return
    moved = 0
    holders = draft.view.holders
    for participant_id in sorted(draft.view.participants, key=lambda name: (name not in holders, name)):
        participant = draft.view.participants[participant_id]
        leg = next((leg for leg in participant.legs if leg.context == janus_id), None)
        if leg is None or moved >= left:
            continue
        try:
            new = _elsewhere(shape, draft, participant_id, participant, leg)
        except Refused as refused:
            if not moved:
                raise
            draft.reasons.append(Reason(refused.code, refused.detail))
            return
        moved += 1
        if lost and duty == "ingress":
            shape.silenced(draft, participant_id)
        lead(draft, participant_id, participant, leg, new)


def move_leg(shape: Archipelago, draft: Draft, participant_id: str, leg: Leg) -> None:
    """Lead one participant from a context that stays to another; refused when no other takes him."""
    participant = draft.view.participants[participant_id]
    lead(draft, participant_id, participant, leg, _elsewhere(shape, draft, participant_id, participant, leg))


def _elsewhere(shape: Archipelago, draft: Draft, participant_id: str, participant: ParticipantIntent, leg: Leg) -> Leg:
    """The place that takes over from a leg."""
    wrapper = draft.vmap.node(leg.node)
    homes = [region for region in (participant.region, wrapper.region if wrapper else "") if region]
    regions = tuple(dict.fromkeys([*homes, *(draft.around(homes[0]) if homes else ())]))
    shows = leg.state != "up" or camera_of(leg.streams)
    sources = () if shows else ("screen",)
    request = Attach(draft.id, participant_id, (leg.leg,), participant.role, regions=regions, sources=sources)
    if leg.leg == "view":
        return shape.place_view(draft, request, avoid=frozenset((leg.node,)))
    return shape.place(draft, request, leg.leg)


def lead(draft: Draft, participant_id: str, participant: ParticipantIntent, leg: Leg, new: Leg) -> None:
    """Put the new leg in the old one's place and order the gateway to lead its participant there."""
    generation = participant.generation + 1
    new = replace(new, generation=generation, gateway=leg.gateway)
    legs = tuple(new if each == leg else each for each in participant.legs)
    moved = replace(participant, legs=legs, generation=generation, joined_s=draft.now_s)
    draft.put_participant(participant_id, moved)
    draft.order(Order(draft.id, participant_id, leg.gateway, "move", generation, participant.role, (new,), "node"))


def silence(shape: Archipelago, draft: Draft, name: str) -> None:
    """Stop showing and mixing what comes from a context that is gone or must go now."""
    lineup = Lineup(draft.view.links)
    lineup.forget(lambda seat: seat.source == name)
    shape.rewire(draft, lineup)


def in_use(draft: Draft, name: str, over: bool) -> bool:
    """Whether anything still needs the context."""
    view = draft.view
    context = view.contexts[name]
    if view.attached.get(name) or any(link.source == name for link in view.links.values()):
        return True
    if context.duty != "stage":
        return any(link.target == name for link in view.links.values())
    wrapper = draft.vmap.node(context.node)
    info = wrapper.context(janus_context(draft.id, name)) if wrapper else None
    if not over and info is not None and info.viewers > 0:
        return True
    links = {link_id: link for link_id, link in view.links.items() if link.target != name}
    draft.put_links(links)
    return False
