"""A dry run of reorganising: the same decisions, put on a map in memory until nothing comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from broker.core.decide import decide
from broker.core.decisions import Decision, Reason
from broker.core.policy.base import Policy
from broker.core.reorganise import as_settled, promising
from broker.core.requests import Reorganise
from broker.core.views import SessionView
from broker.core.virtual_map import VirtualMap
from rtcdn import keys
from rtcdn.record import Record

MOST_STEPS = 1000  # of one session; each stage takes two
ENDLESS = 10**9  # a dry run has nobody to wait for: no burst, whole stages at once, no budget; times are counted beside
TICK_S = 0.01
MOST_MOVES = 2000  # that a dry run puts on its map; it takes some milliseconds of each


@dataclass(frozen=True, slots=True)
class Rehearsal(Record):
    """What would be done, at what times from now, and what is free afterwards."""

    session: str = ""
    steps: tuple[dict[str, Any], ...] = ()  # {"after_s", "moves", "portions", "remarks"}: a stage left, a stage removed
    contexts: tuple[str, ...] = ()  # that go
    nodes: tuple[str, ...] = ()  # with no context of any session left
    copies: int = 0  # streams that would cross from region to region no more
    remarks: tuple[Reason, ...] = ()  # why nothing more comes now


def rehearse(vmap: VirtualMap, session: str, policy: Policy, now_s: float) -> Rehearsal:
    """Step by step to the end, everybody arriving at once. A stage is one step, led away in so many portions."""
    if not promising(vmap.sessions[session]):
        return Rehearsal(session)
    limits = policy.limits
    portion, pace_s = max(1, min(limits.portion, limits.moves_per_minute)), 60.0 / max(1, limits.moves_per_minute)
    endless = replace(limits, burst_legs=ENDLESS, portion=ENDLESS, moves_per_minute=ENDLESS)
    steps: list[dict[str, Any]] = []
    at_s, after_s, end, rested = now_s, 0.0, as_settled(vmap, session, now_s), False
    remarks: tuple[Reason, ...] = ()
    moved = 0
    while len(steps) < MOST_STEPS:
        answer = decide(end, Reorganise(session), replace(policy, limits=endless), at_s)
        remarks = answer.reasons if isinstance(answer, Decision) else (Reason(answer.code, answer.detail),)
        if isinstance(answer, Decision) and answer.changes:
            moves = sum(keys.is_participant(change.key) for change in answer.changes)
            told = {"after_s": round(after_s, 3), "moves": moves, "portions": -(-moves // portion)}
            steps.append({**told, "remarks": remarks})
            moved += moves
            end = as_settled(end.with_changes(answer.changes, end.revision, at_s), session, at_s)
            after_s, at_s, rested = after_s + moves * pace_s, at_s + TICK_S, False
        elif not steps or rested:
            break
        elif moved > MOST_MOVES:
            remarks = (Reason("more", f"a dry run ends after {MOST_MOVES} moves; there may be more to do"),)
            break
        else:
            after_s, at_s, rested = after_s + limits.settled_s, at_s + limits.settled_s + TICK_S, True
    return _result(session, steps, remarks, vmap, end)


def _result(
    session: str, steps: list[dict[str, Any]], remarks: tuple[Reason, ...], vmap: VirtualMap, end: VirtualMap
) -> Rehearsal:
    before, after = vmap.sessions[session], end.sessions[session]
    gone = sorted(set(before.contexts) - set(after.contexts))
    left = {before.contexts[name].node for name in gone}
    nodes = sorted(node for node in left if not end.nodes[node].hosting)
    copies = len(list(_crossing(vmap, before))) - len(list(_crossing(end, after)))
    return Rehearsal(session, tuple(steps), tuple(gone), tuple(nodes), copies, remarks)


def _crossing(vmap: VirtualMap, view: SessionView) -> Iterator[str]:
    """Links whose ends are in two regions."""
    for name, link in view.links.items():
        ends = [view.contexts[end].node for end in (link.source, link.target) if end in view.contexts]
        if len({wrapper.region for node in ends if (wrapper := vmap.node(node))}) > 1:
            yield name
