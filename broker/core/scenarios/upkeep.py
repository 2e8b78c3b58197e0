"""Keeping a session tidy: mend what is missing, free what nobody holds any more, remove what is idle too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from broker.core.decisions import Reason
from broker.core.draft import Draft, Refused
from broker.core.participants import without_legs
from broker.core.scenarios import gather
from broker.core.scenarios.home import home
from broker.core.scenarios.stage import Lineup
from broker.core.views import context_of
from broker.core.virtual_map import out_of_work
from broker.core.warmup import expected
from rtcdn.ids import janus_context
from rtcdn.model import ContextIntent

if TYPE_CHECKING:
    from broker.core.scenarios.archipelago import Archipelago


def seat_all(draft: Draft, lineup: Lineup) -> None:
    """All who are up have a slot, as far as there are slots."""
    for name in sorted(draft.view.publishers):
        leg = next(leg for leg in draft.view.participants[name].legs if leg.leg == "publish")
        if leg.state == "up":
            lineup.take(name, context_of(leg), leg.streams, draft.intent.slots)


def tidy(shape: Archipelago, draft: Draft, seat: Callable[[Draft, Lineup], None] = seat_all) -> None:
    """Put the session in order; changes nothing when it is. ``seat``: who is shown of those who publish."""
    _drop_stale_legs(draft)
    try:
        shape.open(draft)
    except Refused as refused:
        draft.reasons.append(Reason(refused.code, refused.detail))
    _mend_stage(shape, draft, seat)
    gather.gather(shape, draft)
    _reap_idle(shape, draft)


def _drop_stale_legs(draft: Draft) -> None:
    """Legs that did not come up in time, or lead to a context that is gone, hold no place."""
    oldest_s = draft.now_s - draft.policy.limits.grant_life_s
    for name in sorted(name for name, turn_s in draft.view.waiting.items() if turn_s < oldest_s):
        missed = replace(draft.view.participants[name], turn_s=0.0)
        draft.put_participant(name, missed if missed.admitted or missed.removed else None)
    late = {name for name, joined_s in draft.view.pending.items() if joined_s < oldest_s}
    for name in sorted(late | draft.view.publishers):
        participant = draft.view.participants[name]
        stale = tuple(
            leg
            for leg in participant.legs
            if (leg.state != "up" and name in late) or context_of(leg) not in draft.view.contexts
        )
        if stale:
            draft.put_participant(name, without_legs(participant, stale))


def _mend_stage(shape: Archipelago, draft: Draft, seat: Callable[[Draft, Lineup], None]) -> None:
    """Seats and voices only of those who publish from a context that is there; all who are up have theirs."""
    view = draft.view
    lineup = Lineup(view.links)
    ingresses = view.duty("ingress")
    lineup.forget(lambda seat: seat.participant not in view.publishers or seat.source not in ingresses)
    seat(draft, lineup)
    shape.rewire(draft, lineup)


def _reap_idle(shape: Archipelago, draft: Draft) -> None:
    """Mark contexts that nobody uses and nothing needs; remove those marked long enough ago."""
    surplus = frozenset(gather.surplus(shape, draft))
    feeding = frozenset(link.source for link in draft.view.links.values())
    for name in sorted(draft.view.contexts):
        context = draft.view.contexts[name]
        idle = context.duty not in ("mix", "tap") or name in surplus
        if not idle or out_of_work(draft.vmap, context.node):
            continue
        if _used(draft, name, context, feeding) or _needed(shape, draft, name, context, surplus):
            if context.idle_since_s:
                draft.put_context(name, replace(context, idle_since_s=0.0))
        elif not context.idle_since_s:
            draft.put_context(name, replace(context, idle_since_s=draft.now_s))
        elif context.idle_since_s + draft.policy.limits.idle_s <= draft.now_s:
            links = draft.view.links
            draft.put_links({n: link for n, link in links.items() if name not in (link.source, link.target)})
            draft.put_context(name, None)


def _used(draft: Draft, name: str, context: ContextIntent, feeding: frozenset[str]) -> bool:
    """Whether anybody is there, by intent or by report, or is seen or heard from there."""
    if draft.view.attached.get(name) or name in feeding:
        return True
    wrapper = draft.vmap.node(context.node)
    info = wrapper.context(janus_context(draft.id, name)) if wrapper else None
    return info is not None and (info.viewers > 0 or not all(each.remote for each in info.publishers))


def _needed(shape: Archipelago, draft: Draft, name: str, context: ContextIntent, surplus: frozenset[str]) -> bool:
    """The last of its duty stays, but for a relay, and as many stages as the audience of the region was promised."""
    if draft.intent.scenario == "atollo":
        return name in home(draft).values()
    if context.duty == "relay" or name in surplus:
        return False
    others = any(
        peer.duty == context.duty and other != name and not out_of_work(draft.vmap, peer.node)
        for other, peer in draft.view.contexts.items()
    )
    if not others:
        return True
    if context.duty != "stage":
        return False
    audience = expected(draft.intent)
    promised = audience.get(draft.vmap.nodes[context.node].region, 0)
    return shape.room(draft, draft.vmap.nodes[context.node].region, but=name) < promised or shape.room(
        draft, "", but=name
    ) < sum(audience.values())
