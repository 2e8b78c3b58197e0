"""Bringing a session together after a change of scenario: legs in contexts that are too many are led to those in use.

A change moves nobody. What it leaves behind goes on working: a mix that is not in use any more stays linked to the
one that is for as long as people are in it, and they are led over in portions, by upkeep. So does a mix that a drain
leaves: each is heard in the old one until he is in the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.core.draft import Draft, Refused
from broker.core.scenarios import moves
from broker.core.scenarios.bridges import Mix, bridges
from broker.core.scenarios.home import home, leaving, place_of
from broker.core.virtual_map import out_of_work
from broker.core.ways import sealed_nodes
from rtcdn.model import LinkIntent

if TYPE_CHECKING:
    from broker.core.scenarios.archipelago import Archipelago

ONE_MIX = ("archipelago", "atollo")


def surplus(shape: Archipelago, draft: Draft) -> tuple[str, ...]:
    """Contexts on nodes that may work and beside those in use.

    In an archipelago mixes beside the one for all, in an atollo all that is not at home; a big island has none.
    """
    if draft.intent.scenario == "archipelago":
        return _others(draft, shape.mix(draft))
    if draft.intent.scenario != "atollo":
        return ()
    used, left = set(home(draft).values()), leaving(draft)
    contexts = {name: context for name, context in draft.view.contexts.items() if context.duty != "tap"}
    return tuple(n for n in sorted(contexts) if n not in used and place_of(draft.vmap, contexts[n].node) not in left)


def trunks(draft: Draft, mix: str) -> dict[str, LinkIntent]:
    """Links that let the people of other mixes hear and be heard until they are in ``mix``; none on an island.

    Bridges among all of them where trunks, which know no SRTP, may not be.
    """
    contexts = draft.view.contexts
    others = _linked(draft, mix) if draft.intent.scenario in ONE_MIX else ()
    if any(sealed_nodes(draft.vmap, contexts[mix].node, contexts[other].node) for other in others):
        return bridges({name: Mix(contexts[name].node) for name in (mix, *others)}, {}, len(others) + 1)
    return {f"trunk-{contexts[mix].node}-{contexts[other].node}": LinkIntent("trunk", mix, other) for other in others}


def _linked(draft: Draft, mix: str) -> tuple[str, ...]:
    """Mixes beside this one with people in them, on nodes that work or are drained and not at the end of that."""
    mixes = draft.view.duty("mix")
    if len(mixes) < 2 or out_of_work(draft.vmap, mixes[mix].node):
        return ()
    there = {name for name, each in mixes.items() if (node := draft.vmap.node(each.node)) and not node.silent}
    kept = (name for name in mixes if name in there - {mix} and not moves.is_over(draft, mixes[name].node, lost=False))
    return tuple(name for name in kept if moves.people_in(draft, name))


def _others(draft: Draft, mix: str) -> tuple[str, ...]:
    """Mixes beside this one, if it works itself; those on drained nodes are led over by ``vacate``."""
    mixes = draft.view.duty("mix")
    if len(mixes) < 2 or out_of_work(draft.vmap, mixes[mix].node):
        return ()
    return tuple(name for name in mixes if name != mix and not out_of_work(draft.vmap, mixes[name].node))


def gather(shape: Archipelago, draft: Draft) -> None:
    """Lead a portion of those in contexts that are too many to those in use."""
    for name in surplus(shape, draft):
        if draft.view.attached.get(name):
            try:
                moves.move_legs(shape, draft, name, draft.view.contexts[name].duty, False)
            except Refused:
                continue
            shape.rewire(draft)
            return
