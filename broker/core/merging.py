"""Two replicas changed one participant at the same time: what each of them changed stands.

An attach or a report is written by whichever replica heard it, a role by the leader, and neither waits for the other.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from broker.core.participants import without_legs
from rtcdn.model import Leg, ParticipantIntent, Record

THEIRS_FIRST = frozenset({"role", "rights", "admitted", "removed", "demoted", "token_role"})  # said by who leads


def merged(base: Record | None, ours: Record | None, theirs: Record | None) -> Record | None:
    """What is to be written of a key that stood at ``base``, where we want ``ours`` and the store has ``theirs``.

    Only participants are merged; of other records ours stands. One whom they removed whole, and whom we changed, is
    as we want him.
    """
    if ours in (base, theirs):
        return theirs
    if theirs == base or not isinstance(theirs, ParticipantIntent):
        return ours
    before = base if isinstance(base, ParticipantIntent) else ParticipantIntent()
    if ours is None:
        return without_legs(theirs, [leg for leg in theirs.legs if _same(leg, before.legs)])
    return _both(before, ours, theirs) if isinstance(ours, ParticipantIntent) else ours


def _both(base: ParticipantIntent, ours: ParticipantIntent, theirs: ParticipantIntent) -> ParticipantIntent:
    found: dict[str, Any] = {}
    for field in fields(ParticipantIntent):
        was, our, their = (getattr(record, field.name) for record in (base, ours, theirs))
        changed_by_both = our not in (was, their) and their != was
        found[field.name] = their if our == was or (changed_by_both and field.name in THEIRS_FIRST) else our
    found["legs"] = () if found["removed"] else _legs(base.legs, ours.legs, theirs.legs)
    return replace(ours, **found | {"generation": max(ours.generation, theirs.generation)})


def _legs(base: tuple[Leg, ...], ours: tuple[Leg, ...], theirs: tuple[Leg, ...]) -> tuple[Leg, ...]:
    """Leg by leg: what one of both changed; where both did, the later generation, and ours of one generation."""
    kept = []
    names = dict.fromkeys(leg.leg for leg in (*theirs, *ours))
    for name in names:
        was, our, their = (next((leg for leg in legs if leg.leg == name), None) for legs in (base, ours, theirs))
        if our == was:
            chosen = their
        elif their == was:
            chosen = our
        else:
            latest = max((leg for leg in (their, our) if leg), key=lambda leg: leg.generation)
            ended = None in (our, their) and was is not None and latest.generation <= was.generation
            chosen = None if ended else our if our and our.generation == latest.generation else latest
        if chosen:
            kept.append(chosen)
    return tuple(kept)


def _same(leg: Leg, among: tuple[Leg, ...]) -> bool:
    return any((leg.leg, leg.generation) == (each.leg, each.generation) for each in among)
