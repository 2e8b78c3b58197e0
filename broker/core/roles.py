"""Roles: who may be made what by whom, what is kept of it, and what ends with it.

An application's word always stands. Participants ask through their gateways, which say on whose behalf (``by``);
whether he may is decided here, on the map.
"""

from __future__ import annotations

from dataclasses import replace

from broker.core.actions import Order
from broker.core.decisions import Decision
from broker.core.draft import Draft, Refused
from broker.core.participants import change_of, known_participant, may_talk, order_removal
from broker.core.requests import Admit, Remove, SetRole
from broker.core.scenarios.base import Scenario
from broker.core.views import RANK, SPEAKING
from rtcdn.ids import is_shared
from rtcdn.model import Leg, ParticipantIntent, Role

APPLICATION, MODERATOR, OWN = "application", "moderator", "own"  # reasons of orders: on whose word


def admit(draft: Draft, scenario: Scenario, request: Admit) -> Decision:
    """Announce a participant, or let one who was removed come back; a role other than the one held changes it."""
    known: ParticipantIntent | None = draft.view.participants.get(request.participant)
    announced = replace(
        known or ParticipantIntent(),
        rights=request.rights,
        name=request.name,
        admitted=True,
        removed=False,
        demoted=False,
        token_role=request.role,
    )
    if known is None:
        draft.record(change_of(draft, request.participant, replace(announced, role=request.role)))
    else:
        _hold(draft, scenario, SetRole(draft.id, request.participant, request.role), announced)
    return draft.decision()


def set_role(draft: Draft, scenario: Scenario, request: SetRole) -> Decision:
    """Promote or demote. An application's word stands from now on, and so does a demotion by others."""
    known = known_participant(draft, request.participant)
    if known.removed:
        raise Refused("removed", f"{request.participant} was removed; admit him again first")
    if request.by:
        _check_by(draft, request, known)
    if request.by != request.participant:
        known = _by_others(request, known)
    _hold(draft, scenario, request, known)
    return draft.decision()


def _by_others(request: SetRole, known: ParticipantIntent) -> ParticipantIntent:
    """What is remembered of a change by others: that he was demoted, also when he leaves and comes again."""
    step = RANK[request.role] - RANK[known.role]
    demoted = step < 0 or (known.demoted and step == 0)
    above = RANK[known.token_role] > RANK[request.role] or "publish" in known.rights
    kept = (not request.by or (demoted and above)) and not is_shared(request.participant)
    return replace(known, demoted=demoted, admitted=known.admitted or kept)


def _check_by(draft: Draft, request: SetRole, known: ParticipantIntent) -> None:
    """Whether the participant who asks may: a moderator, or he himself within his rights."""
    if request.by == request.participant:
        gives_up = RANK[request.role] <= RANK[known.role]
        may = request.role is Role.SPEAKER and "publish" in known.rights and not known.demoted
        if not gives_up and not may:
            raise Refused("wrong-role", f"{request.by} has not the right to become a {request.role}; ask a moderator")
        return
    _check_moderator(draft, request.by)
    if request.role is Role.MODERATOR and known.role is not Role.MODERATOR:
        raise Refused("wrong-role", "only the application makes somebody a moderator")
    if RANK[request.role] > RANK[known.role] and not may_talk(known.rights):
        raise Refused("may-not-speak", f"{request.participant} has neither the right speak nor publish")


def _check_moderator(draft: Draft, by: str) -> None:
    moderator: ParticipantIntent | None = draft.view.participants.get(by)
    if moderator is None or moderator.role is not Role.MODERATOR:
        raise Refused("wrong-role", f"{by} is not a moderator of this session")


def _hold(draft: Draft, scenario: Scenario, request: SetRole, participant: ParticipantIntent) -> None:
    """Let a participant hold a role: legs it does not allow end, his gateways are told."""
    name, role = request.participant, request.role
    ended = tuple(leg for leg in participant.legs if not _allowed(leg, role, participant.rights))
    kept = tuple(leg for leg in participant.legs if leg not in ended)
    record = replace(participant, role=role, legs=kept)
    stays = kept or record.admitted or record.turn_s  # who waits for his turn keeps it
    draft.put(change_of(draft, name, record if stays else None))
    if any(leg.leg == "publish" for leg in ended):
        scenario.silenced(draft, name)
    if role == participant.role and not ended:
        return
    reason = (OWN if request.by == name else MODERATOR) if request.by else APPLICATION
    for gateway in sorted({leg.gateway for leg in participant.legs}):
        draft.order(Order(draft.id, name, gateway, "role", participant.generation, role, kept, reason, request.by))


def _allowed(leg: Leg, role: Role, rights: tuple[str, ...]) -> bool:
    """Whether a leg may stay: who keeps the right to speak waits, suspended, in the mix."""
    return leg.leg == "view" or role in SPEAKING or (leg.leg == "talk" and may_talk(rights))


def remove(draft: Draft, scenario: Scenario, request: Remove) -> Decision:
    """Put a participant out and end all his legs. It is kept, but for one by a shared link, whose name is not his."""
    known = known_participant(draft, request.participant)
    if request.by:
        _check_moderator(draft, request.by)
    if known.removed:
        return draft.decision()
    out = None if is_shared(request.participant) else replace(known, legs=(), removed=True, admitted=False, resume="")
    draft.put(change_of(draft, request.participant, out))
    if any(leg.leg == "publish" for leg in known.legs):
        scenario.silenced(draft, request.participant)
    reason = MODERATOR if request.by else APPLICATION
    order_removal(draft, request.participant, known, reason, request.by, request.reason)
    return draft.decision()
