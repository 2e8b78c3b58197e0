"""What is the same in every scenario: who a participant is, which legs he has, who took over from whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from broker.core.actions import Order
from broker.core.decisions import Decision, IntentChange
from broker.core.draft import Draft, Refused
from broker.core.requests import Admit, Attach, GatewayLost, Leave, MediaDown, MediaUp, Remove, SetRole, Talking
from broker.core.scenarios.base import Scenario
from rtcdn import keys
from rtcdn.errors import InvalidRequest, UnknownParticipant
from rtcdn.model import AttachGrant, Codec, Leg, ParticipantIntent, Role

LEGS = ("publish", "view", "talk")
SPEAKING = (Role.SPEAKER, Role.MODERATOR)
CODEC_NAMES = {Codec.VP8: "VP8", Codec.H264: "H.264 (constrained baseline, packetization-mode 1)"}
SPEAKING_LEGS = ("publish", "talk")


def without_legs(participant: ParticipantIntent, legs: Iterable[Leg]) -> ParticipantIntent | None:
    """The participant without some legs; None when nothing of him need be kept."""
    gone = tuple(legs)
    kept = tuple(leg for leg in participant.legs if leg not in gone)
    return replace(participant, legs=kept) if kept or participant.admitted else None


def _known(draft: Draft, name: str) -> ParticipantIntent:
    participant: ParticipantIntent | None = draft.view.participants.get(name)
    if participant is None:
        raise UnknownParticipant(f"session {draft.id} has no participant {name}")
    return participant


def _leg(participant: ParticipantIntent | None, leg: str, generation: int) -> Leg | None:
    """The leg a report is about, or None when a later attach took over."""
    legs = participant.legs if participant else ()
    return next((each for each in legs if each.leg == leg and each.generation == generation), None)


def _change(draft: Draft, name: str, participant: ParticipantIntent | None) -> IntentChange:
    return IntentChange(keys.participant(draft.id, name), participant)


# ---- attach ---------------------------------------------------------------------------------------


def attach(draft: Draft, scenario: Scenario, request: Attach) -> Decision:
    """Place the wanted legs. A leg he has already of that sort is taken over: its gateway ends it.

    A gateway that asks again ends its own older leg by itself, so no order is needed and no leader.
    """
    known: ParticipantIntent | None = draft.view.participants.get(request.participant)
    role = known.role if known and known.admitted else request.role
    _check_wanted(request, role)
    _check_codec(request, draft.intent.codec)
    generation = known.generation + 1 if known else 1
    taken = tuple(leg for leg in known.legs if leg.leg in request.want) if known else ()
    for leg in taken:
        if leg.leg == "publish":
            scenario.silenced(draft, request.participant)
        if leg.gateway != request.gateway:
            _end_leg(draft, request.participant, role, leg, "taken-over")
    legs = tuple(
        replace(scenario.place(draft, request, want), generation=generation, gateway=request.gateway)
        for want in request.want
    )
    kept = tuple(leg for leg in known.legs if leg not in taken) if known else ()
    participant = ParticipantIntent(
        role=role,
        rights=known.rights if known and known.admitted else request.rights,
        name=request.name or (known.name if known else ""),
        region=request.regions[0] if request.regions else "",
        place=request.place,
        gateway=request.gateway,
        legs=kept + legs,
        generation=generation,
        joined_s=draft.now_s,
        admitted=known.admitted if known else False,
    )
    draft.record(_change(draft, request.participant, participant))
    grant = AttachGrant(
        session=draft.id,
        participant=request.participant,
        role=role,
        codec=draft.intent.codec,
        generation=generation,
        legs=legs,
        decision=draft.decision_id,
    )
    return draft.decision(grant)


def _check_wanted(request: Attach, role: Role) -> None:
    if not request.want or len(set(request.want)) != len(request.want) or set(request.want) - set(LEGS):
        raise InvalidRequest("want", f"{list(request.want)} must name each at most once of {', '.join(LEGS)}")
    for want in request.want:
        if want in SPEAKING_LEGS and role not in SPEAKING:
            detail = f"a {role} may not {want}; promote the participant first, or use a speaker's token"
            raise Refused("wrong-role", detail)


def _check_codec(request: Attach, codec: Codec) -> None:
    """Before anything of his is touched: an offer that cannot be carried takes no seat and ends no earlier leg."""
    if request.codecs is not None and codec not in request.codecs:
        name = CODEC_NAMES[codec]
        raise Refused("codec-not-carried", f"video of this session is {name}; offer {name}")


# ---- media ----------------------------------------------------------------------------------------


def media_up(draft: Draft, scenario: Scenario, request: MediaUp) -> Decision:
    """A leg is up; a publisher is shown and mixed from now on."""
    participant: ParticipantIntent | None = draft.view.participants.get(request.participant)
    leg = _leg(participant, request.leg, request.generation)
    if participant is None or leg is None:
        raise Refused("taken-over", f"generation {request.generation} of this leg is over; end it")
    holder = (request.janus_session, request.handle)
    again = leg.state == "up" and holder != (leg.janus_session, leg.handle)
    up = replace(leg, state="up", janus_session=holder[0], handle=holder[1], streams=request.streams)
    legs = tuple(up if each is leg else each for each in participant.legs)
    change = _change(draft, request.participant, replace(participant, legs=legs))
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
    draft.put(_change(draft, request.participant, replace(participant, legs=legs, joined_s=joined_s)))
    if request.leg == "publish":
        scenario.silenced(draft, request.participant)
    return draft.decision()


def leave(draft: Draft, scenario: Scenario, request: Leave) -> Decision:
    """Legs end; with the last one the participant is gone, unless an application announced him."""
    participant: ParticipantIntent | None = draft.view.participants.get(request.participant)
    ended = tuple(
        leg
        for leg in (participant.legs if participant else ())
        if request.leg in ("", leg.leg) and request.generation in (0, leg.generation)
    )
    if participant is not None and ended:
        draft.put(_change(draft, request.participant, without_legs(participant, ended)))
        if any(leg.leg == "publish" for leg in ended):
            scenario.silenced(draft, request.participant)
    return draft.decision()


def talking(draft: Draft, scenario: Scenario, request: Talking) -> Decision:
    """Follow the floor, if he is still on stage."""
    if request.participant in draft.view.publishers:
        scenario.talking(draft, request.participant)
    return draft.decision()


# ---- roles ----------------------------------------------------------------------------------------


def admit(draft: Draft, scenario: Scenario, request: Admit) -> Decision:
    """Announce a participant; a role other than the one he holds now changes it."""
    known: ParticipantIntent | None = draft.view.participants.get(request.participant)
    announced = replace(known or ParticipantIntent(), rights=request.rights, name=request.name, admitted=True)
    if known is None:
        draft.record(_change(draft, request.participant, replace(announced, role=request.role)))
    else:
        _hold(draft, scenario, request.participant, announced, request.role)
    return draft.decision()


def set_role(draft: Draft, scenario: Scenario, request: SetRole) -> Decision:
    """Promote or demote; the application's word stands from now on."""
    participant = replace(_known(draft, request.participant), admitted=True)
    _hold(draft, scenario, request.participant, participant, request.role)
    return draft.decision()


def _hold(draft: Draft, scenario: Scenario, name: str, participant: ParticipantIntent, role: Role) -> None:
    """Let a participant hold a role: legs it does not allow end, his gateways are told."""
    ended: tuple[Leg, ...] = ()
    if role not in SPEAKING:
        ended = tuple(leg for leg in participant.legs if leg.leg in SPEAKING_LEGS)
    kept = tuple(leg for leg in participant.legs if leg not in ended)
    draft.put(_change(draft, name, replace(participant, role=role, legs=kept)))
    if any(leg.leg == "publish" for leg in ended):
        scenario.silenced(draft, name)
    if role != participant.role:
        for gateway in sorted({leg.gateway for leg in participant.legs}):
            draft.order(Order(draft.id, name, gateway, "role", participant.generation, role, kept, "application"))


def remove(draft: Draft, scenario: Scenario, request: Remove) -> Decision:
    """Remove a participant and end all his legs."""
    participant = _known(draft, request.participant)
    draft.put(_change(draft, request.participant, None))
    if any(leg.leg == "publish" for leg in participant.legs):
        scenario.silenced(draft, request.participant)
    order_removal(draft, request.participant, participant, "application")
    return draft.decision()


def order_removal(draft: Draft, name: str, participant: ParticipantIntent, reason: str) -> None:
    """Have every gateway that holds a leg of his end it."""
    for leg in participant.legs:
        _end_leg(draft, name, participant.role, leg, reason)


def _end_leg(draft: Draft, name: str, role: Role, leg: Leg, reason: str) -> None:
    draft.order(Order(draft.id, name, leg.gateway, "remove", leg.generation, role, (leg,), reason))


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
        participant = _known(draft, name)
        adopted = tuple(replace(leg, gateway=heir) for leg in participant.legs if leg.gateway == request.gateway)
        kept = tuple(leg for leg in participant.legs if leg.gateway != request.gateway)
        gateway = heir if participant.gateway == request.gateway else participant.gateway
        draft.put(_change(draft, name, replace(participant, gateway=gateway, legs=kept + adopted)))
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
