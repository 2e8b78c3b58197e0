"""What is the same in every scenario: who a participant is, which legs he has, who took over from whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from broker.core import ramp
from broker.core.actions import Order
from broker.core.decisions import Decision, IntentChange
from broker.core.draft import Draft, Refused
from broker.core.requests import Attach, GatewayLost, Leave, MediaDown, MediaUp, Talking
from broker.core.scenarios.base import Scenario
from broker.core.views import RANK, SPEAKING
from rtcdn import keys
from rtcdn.errors import InvalidRequest, UnknownParticipant
from rtcdn.model import AttachGrant, Codec, Leg, ParticipantIntent, Role

LEGS = ("publish", "view", "talk")
CODEC_NAMES = {Codec.VP8: "VP8", Codec.H264: "H.264 (constrained baseline, packetization-mode 1)"}
TALK_RIGHTS = ("speak", "publish")
RESUME_KEY = re.compile(r"[0-9a-f]{64}")


def without_legs(participant: ParticipantIntent, legs: Iterable[Leg]) -> ParticipantIntent | None:
    """The participant without some legs; None when nothing of him need be kept. (One removed has none to lose.)"""
    gone = tuple(legs)
    kept = tuple(leg for leg in participant.legs if leg not in gone)
    return replace(participant, legs=kept) if kept or participant.admitted else None


def may_talk(rights: Iterable[str]) -> bool:
    """Whether somebody with these rights may be heard: promoted, or by himself."""
    return any(right in TALK_RIGHTS for right in rights)


def known_participant(draft: Draft, name: str) -> ParticipantIntent:
    """The participant of that name; raises UnknownParticipant."""
    participant: ParticipantIntent | None = draft.view.participants.get(name)
    if participant is None:
        raise UnknownParticipant(f"session {draft.id} has no participant {name}")
    return participant


def _leg(participant: ParticipantIntent | None, leg: str, generation: int) -> Leg | None:
    """The leg a report is about, or None when a later attach took over."""
    legs = participant.legs if participant else ()
    return next((each for each in legs if each.leg == leg and each.generation == generation), None)


def change_of(draft: Draft, name: str, participant: ParticipantIntent | None) -> IntentChange:
    """The change of a participant's key."""
    return IntentChange(keys.participant(draft.id, name), participant)


# ---- attach ---------------------------------------------------------------------------------------


def attach(draft: Draft, scenario: Scenario, request: Attach) -> Decision:
    """Place the wanted legs. A leg he has already of that sort is taken over: its gateway ends it.

    A gateway that asks again ends its own older leg by itself, so no order is needed and no leader.
    """
    known: ParticipantIntent | None = draft.view.participants.get(request.participant)
    role = _role_held(known, request)
    rights = known.rights if known and known.admitted else request.rights
    _check_wanted(request, known, role, rights)
    _check_codec(request, draft.intent.codec)
    ramp.let_in(draft, request, role)
    legs = _placed(draft, scenario, request, role, rights)
    ramp.spare_nodes(draft, request, role, legs)
    generation = known.generation + 1 if known else 1
    legs = tuple(replace(leg, generation=generation, gateway=request.gateway) for leg in legs)
    names = [leg.leg for leg in legs]
    taken = tuple(leg for leg in known.legs if leg.leg in names) if known else ()
    kept = tuple(leg for leg in known.legs if leg not in taken) if known else ()
    participant = ParticipantIntent(
        role=role,
        rights=rights,
        name=request.name or (known.name if known else ""),
        region=request.regions[0] if request.regions else "",
        place=request.place,
        gateway=request.gateway,
        legs=kept + legs,
        generation=generation,
        joined_s=draft.now_s,
        admitted=known.admitted if known else False,
        demoted=known.demoted if known else False,
        token_role=max(known.token_role, request.role, key=RANK.__getitem__) if known else request.role,
        resume=request.resume or (known.resume if known else ""),
    )
    draft.record(change_of(draft, request.participant, participant))
    grant = AttachGrant(
        session=draft.id,
        participant=request.participant,
        role=role,
        codec=draft.intent.codec,
        generation=generation,
        legs=legs,
        decision=draft.decision_id,
        name=participant.name,
    )
    return draft.decision(grant)


def _role_held(known: ParticipantIntent | None, request: Attach) -> Role:
    """The role he holds wins over his token's, but for a token that gives him more than the one he came with."""
    if known is None:
        return request.role
    if known.admitted or RANK[request.role] <= RANK[known.token_role]:
        return known.role
    return max(known.role, request.role, key=RANK.__getitem__)


def _placed(draft: Draft, scenario: Scenario, request: Attach, role: Role, rights: tuple[str, ...]) -> tuple[Leg, ...]:
    """Places for the legs asked for, and in the mix for one who waits to speak; those he had of that sort end."""
    known: ParticipantIntent | None = draft.view.participants.get(request.participant)
    waits = request.ready and "talk" not in request.want and (role in SPEAKING or may_talk(rights))
    ready = scenario.ready(draft, request, role) if waits else None
    names = (*request.want, "talk") if ready else request.want
    for leg in known.legs if known else ():
        if leg.leg in names and leg.leg == "publish":
            scenario.silenced(draft, request.participant)
        if leg.leg in names and leg.gateway != request.gateway:
            _end_leg(draft, request.participant, role, leg, ("taken-over",))
    legs = tuple(scenario.place(draft, request, want) for want in request.want)
    return (*legs, ready) if ready else legs


def _check_wanted(request: Attach, known: ParticipantIntent | None, role: Role, rights: tuple[str, ...]) -> None:
    if not request.want or len(set(request.want)) != len(request.want) or set(request.want) - set(LEGS):
        raise InvalidRequest("want", f"{list(request.want)} must name each at most once of {', '.join(LEGS)}")
    if request.resume and not RESUME_KEY.fullmatch(request.resume):
        raise InvalidRequest("resume", "must be a SHA-256, 64 digits of lower-case hex")
    if known and known.removed:
        raise Refused("removed", "the participant was removed from this session; the application may admit him again")
    if role in SPEAKING:
        return
    if "publish" in request.want:
        raise Refused(
            "wrong-role", f"a {role} may not publish; promote the participant first, or use a speaker's token"
        )
    if "talk" in request.want and not may_talk(rights):
        raise Refused("may-not-speak", f"a {role} without the right speak or publish may not talk; use another token")


def _check_codec(request: Attach, codec: Codec) -> None:
    """Before anything of his is touched: an offer that cannot be carried takes no seat and ends no earlier leg."""
    if request.codecs is not None and codec not in request.codecs:
        name = CODEC_NAMES[codec]
        raise Refused("codec-not-carried", f"video of this session is {name}; offer {name}")


# ---- media ----------------------------------------------------------------------------------------


def media_up(draft: Draft, scenario: Scenario, request: MediaUp) -> Decision:
    """A leg is up, or carries other streams: what a publisher sends is shown and mixed from now on, nothing else."""
    participant: ParticipantIntent | None = draft.view.participants.get(request.participant)
    leg = _leg(participant, request.leg, request.generation)
    if participant is None or leg is None:
        raise Refused("taken-over", f"generation {request.generation} of this leg is over; end it")
    holder = (request.janus_session, request.handle)
    again = leg.state == "up" and holder != (leg.janus_session, leg.handle)
    gateway = request.gateway or leg.gateway
    up = replace(leg, state="up", janus_session=holder[0], handle=holder[1], streams=request.streams, gateway=gateway)
    legs = tuple(up if each is leg else each for each in participant.legs)
    latest = gateway if gateway != leg.gateway else participant.gateway
    change = change_of(draft, request.participant, replace(participant, legs=legs, gateway=latest))
    if gateway != leg.gateway:  # an order that went to the gateway before may have been missed
        told = (gateway, "role", participant.generation, participant.role, legs, "resumed")
        draft.order(Order(draft.id, request.participant, *told))
        # Where both claimed him at once, as one came back and he resumed at the other, the one before lets him go.
        if leg.gateway:
            gone = (leg.gateway, "remove", leg.generation, participant.role, (up,), "taken-over")
            draft.order(Order(draft.id, request.participant, *gone))
    if request.leg == "publish":
        draft.put(change)
        scenario.publishing(draft, request.participant, again)
    else:
        draft.record(change)
    return draft.decision()


def media_down(draft: Draft, scenario: Scenario, request: MediaDown) -> Decision:
    """A leg is down and may come up again; a publisher's links stop and his slot is free."""
    participant: ParticipantIntent | None = draft.view.participants.get(request.participant)
    leg = _leg(participant, request.leg, request.generation)
    if participant is None or leg is None:
        return draft.decision()
    down = replace(leg, state="granted", janus_session=0, handle=0, streams=())
    joined_s = draft.now_s if request.leg == "publish" else participant.joined_s
    legs = tuple(down if each is leg else each for each in participant.legs)
    draft.put(change_of(draft, request.participant, replace(participant, legs=legs, joined_s=joined_s)))
    if request.leg == "publish":
        scenario.silenced(draft, request.participant)
    return draft.decision()


def leave(draft: Draft, scenario: Scenario, request: Leave) -> Decision:
    """Legs end; with the last one the participant is gone, unless he is to be remembered."""
    participant: ParticipantIntent | None = draft.view.participants.get(request.participant)
    ended = tuple(
        leg
        for leg in (participant.legs if participant else ())
        if request.leg in ("", leg.leg) and request.generation in (0, leg.generation)
    )
    if participant is not None and ended:
        draft.put(change_of(draft, request.participant, without_legs(participant, ended)))
        if any(leg.leg == "publish" for leg in ended):
            scenario.silenced(draft, request.participant)
    return draft.decision()


def talking(draft: Draft, scenario: Scenario, request: Talking) -> Decision:
    """Follow the floor, if he is still on stage."""
    if request.participant in draft.view.publishers:
        scenario.talking(draft, request.participant)
    return draft.decision()


# ---- the end ------------------------------------------------------------------------------------


def order_removal(draft: Draft, name: str, participant: ParticipantIntent, *why: str) -> None:
    """Have every gateway that holds a leg of his end it. ``why``: reason, by whom, and his words, as in Order."""
    for leg in participant.legs:
        _end_leg(draft, name, participant.role, leg, why)


def _end_leg(draft: Draft, name: str, role: Role, leg: Leg, why: tuple[str, ...]) -> None:
    draft.order(Order(draft.id, name, leg.gateway, "remove", leg.generation, role, (leg,), *why))


# ---- gateways -------------------------------------------------------------------------------------


def gateway_lost(draft: Draft, _scenario: Scenario, request: GatewayLost) -> Decision:
    """Give a portion of a vanished gateway's participants to the least laden gateway of its region."""
    prefix = f"{draft.id}:"
    clients = draft.vmap.gateway_clients.get(request.gateway) or ()
    names = sorted(client.removeprefix(prefix) for client in clients if client.startswith(prefix))
    if not names:
        return draft.decision()
    heir = _heir(draft, request.gateway)
    for name in names[: draft.policy.limits.portion]:
        participant = known_participant(draft, name)
        adopted = tuple(replace(leg, gateway=heir) for leg in participant.legs if leg.gateway == request.gateway)
        kept = tuple(leg for leg in participant.legs if leg.gateway != request.gateway)
        gateway = heir if participant.gateway == request.gateway else participant.gateway
        draft.put(change_of(draft, name, replace(participant, gateway=gateway, legs=kept + adopted)))
        generation = max(leg.generation for leg in adopted)
        draft.order(Order(draft.id, name, heir, "adopt", generation, participant.role, adopted, "gateway"))
    return draft.decision()


def _heir(draft: Draft, lost: str) -> str:
    """The gateway that takes over: of the same region if there is one, with the fewest participants."""
    info = draft.vmap.gone_gateways.get(lost)
    region = info[0].region if info else ""
    others = {name: gateway for name, gateway in draft.vmap.gateways.items() if name != lost}
    if not others and lost not in draft.vmap.gateways:
        raise Refused("unknown-gateway", f"gateway {lost} is gone and there is no other; start one")
    held = {name: len(draft.vmap.gateway_clients.get(name) or ()) for name in others}
    return min(others, key=lambda name: (others[name].region != region, held[name], name), default=lost)
