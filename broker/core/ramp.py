"""The admission ramp: when too many come to a session at once, each is told when his turn is, and gets in then.

A token bucket: ``session_burst_legs`` viewers may come within ``burst_s``; those beyond get turns one after the other
at that rate. A turn stands in the participant's key (``turn_s``), so every replica knows it, it is the same however
often he asks, and it is gone when he got in or did not come. Speakers, and who is here already, never wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import ceil

from broker.core.decisions import IntentChange
from broker.core.draft import Draft, Refused
from broker.core.requests import Attach
from broker.core.views import SPEAKING, SessionView
from rtcdn import keys
from rtcdn.model import Leg, ParticipantIntent, Role

SOON_S = 1.0  # least that anybody is asked to wait: a client asks again by whole seconds


def let_in(draft: Draft, request: Attach, role: Role) -> None:
    """Let him by, or refuse with his turn: beyond the session's cap, or behind others who wait."""
    limits, view = draft.policy.limits, draft.view
    quiet = sum([count for _, count in view.joins]) < limits.session_burst_legs
    if (quiet and not view.waiting) or not _may_wait(draft, request, role):
        return
    known: ParticipantIntent | None = draft.view.participants.get(request.participant)
    step_s = limits.burst_s / max(1, limits.session_burst_legs)
    if known and known.turn_s > draft.now_s:
        raise _wait(draft, request, known, known.turn_s, step_s)
    joined = joined_since(draft.view, draft.now_s - limits.burst_s)
    if joined >= limits.session_burst_legs or _queue(draft):
        raise _wait(draft, request, known, max(draft.now_s, draft.view.last_turn_s) + step_s, step_s)


def spare_nodes(draft: Draft, request: Attach, role: Role, legs: Iterable[Leg]) -> None:
    """Refuse with a turn when even the best node has more grants on the way than a node shall take at once."""
    limits = draft.policy.limits
    wrappers = [draft.vmap.node(leg.node) for leg in legs]
    flooded = any(wrapper and wrapper.unreported >= limits.node_burst_legs for wrapper in wrappers)
    if flooded and _may_wait(draft, request, role):
        known = draft.view.participants.get(request.participant)
        nodes = sum(len(stages) for stages in draft.view.stages.values())
        step_s = limits.burst_s / (max(1, limits.node_burst_legs) * max(1, nodes))
        raise _wait(draft, request, known, max(draft.now_s, draft.view.last_turn_s) + step_s, step_s)


def joined_since(view: SessionView, since_s: float) -> int:
    """How many came to a session after a moment, by whole seconds."""
    return sum(count for second, count in view.joins if second >= int(since_s) + 1)


def _may_wait(draft: Draft, request: Attach, role: Role) -> bool:
    """Viewers who are not here yet and have no turn that has come."""
    known: ParticipantIntent | None = draft.view.participants.get(request.participant)
    if role in SPEAKING or (known and known.legs):
        return False
    return not (known and known.turn_s and known.turn_s <= draft.now_s)


def _queue(draft: Draft) -> bool:
    """Whether others wait whose turn is still to come."""
    return bool(draft.view.waiting) and draft.view.last_turn_s > draft.now_s


def _wait(draft: Draft, request: Attach, known: ParticipantIntent | None, turn_s: float, step_s: float) -> Refused:
    """The refusal; his turn is written down, unless it stands there."""
    wait_s = turn_s - draft.now_s
    position = max(1, ceil(round(wait_s / step_s, 6)))
    asked = known or ParticipantIntent(
        role=request.role, rights=request.rights, name=request.name, token_role=request.role, joined_s=draft.now_s
    )
    change = IntentChange(keys.participant(draft.id, request.participant), replace(asked, turn_s=turn_s))
    detail = f"many come at once; you are number {position}, ask again in {ceil(max(SOON_S, wait_s))} s"
    kept = () if known and known.turn_s == turn_s else (change,)
    return Refused("please-wait", detail, position=position, retry_after_s=max(SOON_S, wait_s), changes=kept)
