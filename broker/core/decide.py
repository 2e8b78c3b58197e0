"""Decide first: the map and a request in, what should happen out. Nothing is touched here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from broker.core import audience, participants, reorganise, roles, taps, warmup
from broker.core.decisions import Decision, IntentChange, Refusal
from broker.core.draft import Draft, Refused, Setting
from broker.core.policy.base import Policy, PolicyFailed
from broker.core.requests import (
    Admit,
    Attach,
    ChangeScenario,
    CloseSession,
    Drain,
    EndTap,
    GatewayLost,
    Leave,
    MediaDown,
    MediaUp,
    OpenSession,
    PutTap,
    Reap,
    Remove,
    Reorganise,
    Request,
    SetRole,
    Talking,
    Undrain,
    Vacate,
    Warmup,
    Watched,
)
from broker.core.scenarios.base import Scenario
from broker.core.scenarios.big_island import BigIsland
from broker.core.scenarios.change import change_scenario
from broker.core.scenarios.registry import scenario
from broker.core.virtual_map import VirtualMap
from rtcdn import keys
from rtcdn.errors import InvalidRequest, UnknownSession
from rtcdn.ids import check_id, check_participant_id
from rtcdn.model import DrainIntent


def decide(
    vmap: VirtualMap, request: Request, policy: Policy, now_s: float, *, exhaustive: bool = False
) -> Decision | Refusal:
    """The answer to a request on this map.

    ``exhaustive`` looks at every node and chooses alike (explain). Raises UnknownSession, UnknownParticipant
    or InvalidRequest for what is wrong with the request itself.
    """
    setting = Setting(vmap, request, policy, now_s, exhaustive)
    if isinstance(request, Drain | Undrain):
        return _drain(setting, request)
    draft = Draft(setting, request.session)
    try:
        if isinstance(request, OpenSession):
            return _open(draft, request)
        if isinstance(request, CloseSession):
            return _close(draft, request)
        if vmap.session(request.session) is None:
            raise UnknownSession(f"there is no session {request.session}; open it first")
        return HANDLERS[type(request)](draft, scenario(draft.intent.scenario), request)
    except Refused as refused:
        return Refusal(draft.decision_id, refused.code, refused.detail, tuple(draft.choices), **refused.more)
    except PolicyFailed as failed:
        return Refusal(draft.decision_id, "policy-failed", str(failed), tuple(draft.choices))


def _drain(setting: Setting, request: Drain | Undrain) -> Decision:
    """Set or take away a node's drain; what is there is moved by Vacate."""
    if setting.vmap.node(request.node) is None:
        raise InvalidRequest("node", f"{request.node!r} is not known; see GET /v1/nodes")
    intent = DrainIntent(request.by, request.deadline_s) if isinstance(request, Drain) else None
    return Decision(setting.decision_id(), changes=(IntentChange(keys.drain(request.node), intent),))


def _open(draft: Draft, request: OpenSession) -> Decision:
    """Open a session, or open it further; what its running media hangs on stays as it is."""
    check_id("session", request.session)
    shape = scenario(request.intent.scenario)
    shape.check(request.intent)
    known = draft.view.intent
    for name in ("scenario", "codec", "slots"):
        if known and getattr(known, name) != getattr(request.intent, name):
            cure = f"change it by PATCH /v1/sessions/{draft.id}" if name == "scenario" else "close it, or open another"
            detail = f"is {getattr(known, name)!s} in the running session; {cure}"
            raise InvalidRequest(name, detail)
    opened_s = known.opened_s if known else draft.now_s
    warm, watched = (known.warm, known.watched) if known else ({}, request.intent.watched)
    draft.put_session(replace(request.intent, opened_s=opened_s, warm=warm, watched=watched))
    shape.open(draft)
    audience.check(draft)
    return draft.decision()


def _close(draft: Draft, request: CloseSession) -> Decision:
    """End everything of a session; its own key goes last, so that a close that was cut off is seen."""
    view = draft.view
    if request.left and view.intent is not None:
        return draft.decision()
    if view.nothing_left:
        raise UnknownSession(f"there is no session {draft.id}")
    for name in sorted(view.participants):
        participants.order_removal(draft, name, view.participants[name], "closed")
    names = [
        *(keys.participant(draft.id, name) for name in sorted(view.participants)),
        *(keys.link(draft.id, name) for name in sorted(view.links)),
        *(keys.context(draft.id, name) for name in sorted(view.contexts)),
    ]
    draft.record(*(IntentChange(name, None) for name in names), IntentChange(keys.session(draft.id), None))
    return draft.decision()


def _vacate(draft: Draft, shape: Scenario, request: Vacate) -> Decision:
    shape.vacate(draft, request.node, request.lost)
    return draft.decision()


def _reap(draft: Draft, shape: Scenario, _request: Reap) -> Decision:
    shape.tidy(draft)
    return draft.decision()


def _watched(draft: Draft, shape: Scenario, request: Watched) -> Decision:
    for name in request.participants:
        check_participant_id("participants", name)
    if not isinstance(shape, BigIsland):
        detail = f"the scenario is {draft.intent.scenario}, where all who publish are shown; ask it of a big_island"
        raise Refused("wrong-scenario", detail)
    shape.watched(draft, request.participants)
    return draft.decision()


def _checked(handler: Callable[[Draft, Scenario, Any], Decision]) -> Callable[[Draft, Scenario, Any], Decision]:
    """The handler, after the participant's id was checked."""

    def check(draft: Draft, shape: Scenario, request: Any) -> Decision:
        check_participant_id("participant", request.participant)
        return handler(draft, shape, request)

    return check


HANDLERS: dict[type[Any], Callable[[Draft, Scenario, Any], Decision]] = {
    Admit: _checked(roles.admit),
    Attach: _checked(participants.attach),
    ChangeScenario: change_scenario,
    EndTap: taps.end_tap,
    GatewayLost: participants.gateway_lost,
    Leave: participants.leave,
    MediaDown: participants.media_down,
    MediaUp: participants.media_up,
    PutTap: taps.put_tap,
    Reap: _reap,
    Remove: roles.remove,
    Reorganise: reorganise.reorganise,
    SetRole: roles.set_role,
    Talking: participants.talking,
    Vacate: _vacate,
    Watched: _watched,
    Warmup: warmup.warm_up,
}
