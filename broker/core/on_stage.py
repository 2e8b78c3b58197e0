"""Who is on stage: what gateways are told of a session, and which sessions' answers a changed map may change."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from broker.core.scenarios.stage import SCREEN, Lineup, video_slots
from broker.core.views import SessionView
from broker.core.wrappers import NodeWrapper
from rtcdn.ids import janus_context, speaker_of, split_janus_context
from rtcdn.model import ParticipantIntent, Record, Role

if TYPE_CHECKING:
    from broker.core.virtual_map import VirtualMap

CAMERA, SHARED = "camera", "screen"
WEIGHT_STEP = 10  # a weight is told rounded up to these, so that it is told seldom


@dataclass(frozen=True, slots=True)
class Seat(Record):
    """Whom a slot shows, and what of him: his camera or his screen."""

    participant: str
    source: str = CAMERA


@dataclass(frozen=True, slots=True)
class OnStage(Record):
    """The stage of one session, named ``stage``. ``open`` is false when the session is gone; then nothing else is said.

    ``roles``: speakers and moderators who are here; ``names``: theirs and of all who are shown; ``slots``: video mids;
    ``weights``: of the nodes of its stages that are not silent, in steps of ``WEIGHT_STEP``, at least one step.
    """

    stage: str
    open: bool = True
    seats: dict[str, Seat] = field(default_factory=dict)  # slot -> whom it shows
    talking: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    slots: tuple[str, ...] = ()
    weights: dict[str, int] = field(default_factory=dict)  # node -> its weight


def on_stage(vmap: VirtualMap, session: str) -> OnStage:
    """The stage of a session as the map has it now."""
    view = vmap.session(session)
    if view is None or view.intent is None:
        return OnStage(session, open=False)
    seats = {
        slot: Seat(seat.participant, SHARED if slot == SCREEN else CAMERA)
        for slot, seat in sorted(Lineup(view.links).seats.items())
    }
    roles = {name: view.holders[name].role for name in sorted(view.holders)}
    named = sorted({*roles, *(seat.participant for seat in seats.values())})
    return OnStage(
        stage=session,
        seats=seats,
        talking=_talking(vmap, view),
        names={name: _name(view, name) for name in named},
        roles=roles,
        slots=video_slots(view.intent.slots),
        weights=_weights(vmap, view),
    )


def _name(view: SessionView, participant: str) -> str:
    found: ParticipantIntent | None = view.participants.get(participant)
    return found.name if found else ""


def _talking(vmap: VirtualMap, view: SessionView) -> tuple[str, ...]:
    """Who talk, in any mix or ingress of the session, by report."""
    found: set[str] = set()
    for name, context in view.contexts.items():
        wrapper = vmap.node(context.node) if context.duty != "stage" else None
        if wrapper is not None and not wrapper.silent:
            found.update(map(speaker_of, wrapper.talking_since_s.get(janus_context(view.id, name), ())))
    return tuple(sorted(found))


def _weights(vmap: VirtualMap, view: SessionView) -> dict[str, int]:
    """What the nodes of its stages carry: viewers there receive less when it is much."""
    nodes = sorted({context.node for context in view.contexts.values() if context.duty == "stage"})
    found = {node: _weight(vmap.node(node)) for node in nodes}
    return {node: weight for node, weight in found.items() if weight}


def _weight(wrapper: NodeWrapper | None) -> int:
    """Its weight in whole steps; 0 when it is not known."""
    if wrapper is None or wrapper.silent:
        return 0
    return WEIGHT_STEP * max(1, math.ceil(wrapper.weight / WEIGHT_STEP))


def restaged(before: VirtualMap, after: VirtualMap) -> set[str]:
    """Sessions whose stage may be another now. What did not change is not looked at: viewers come and go unseen."""
    found = set()
    for name in after.sessions.differing(before.sessions):
        old, new = before.sessions.get(name), after.sessions.get(name)
        if old is None or new is None or _shown_by(old) != _shown_by(new):
            found.add(name)
    for name in after.nodes.differing(before.nodes):
        one, two = before.nodes.get(name), after.nodes.get(name)
        heard = [wrapper.talking_since_s if wrapper and not wrapper.silent else {} for wrapper in (one, two)]
        if heard[0] is not heard[1]:
            found |= {ours[0] for context in (*heard[0], *heard[1]) if (ours := split_janus_context(context))}
        if two and _weight(one) != _weight(two):
            found |= {session for session in two.hosting if _stands_on(after, session, name)}
    return found


def _stands_on(vmap: VirtualMap, session: str, node: str) -> bool:
    """Has the session a stage on the node?"""
    view = vmap.session(session)
    return view is not None and any(node in stages for stages in view.stages.values())


def _shown_by(view: SessionView) -> tuple[int, ...]:
    """The tables that a stage is read from, by identity: an unchanged one is the same object."""
    return tuple(map(id, (view.intent, view.links, view.holders, view.contexts)))
