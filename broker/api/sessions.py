"""Sessions: open, see, close."""

from __future__ import annotations

import time
from typing import Any

from flask import jsonify
from flask_openapi3 import APIBlueprint, Tag

from broker.api import problems
from broker.api.context import Answer, known_session, parts, require_operator
from broker.api.shapes import CloseBody, SessionBody, SessionChange, SessionPath, SessionsBody, SessionsQuery
from broker.core.decisions import Decision
from broker.core.requests import ChangeScenario, CloseSession, OpenSession
from broker.core.views import SessionView
from rtcdn.errors import RtcdnError
from rtcdn.model import SessionIntent

api = APIBlueprint("sessions", __name__, url_prefix="/v1/sessions", abp_tags=[Tag(name="sessions")])
api.before_request(require_operator)


def intent_of(body: SessionBody) -> SessionIntent:
    """The record of a body."""
    return SessionIntent(**body.model_dump(), opened_s=round(time.time(), 3))


def shown(view: SessionView) -> dict[str, Any]:
    """A session as callers see it."""
    roles: dict[str, int] = {}
    for intent in view.participants.values():
        if intent.legs:
            roles[str(intent.role)] = roles.get(str(intent.role), 0) + 1
    return {**view.to_dict(), "present": roles}


@api.put("/<string:sid>")
def open_session(path: SessionPath, body: SessionBody) -> Answer:
    """Open a session, or open it further; the same again changes nothing."""
    existed = parts().keeper.current.session(path.sid) is not None
    decision = parts().desk.handle(OpenSession(path.sid, intent_of(body)))
    answer = {**shown(known_session(path.sid)), "decision": decision.id}
    answer["remarks"] = [reason.to_dict() for reason in decision.reasons]
    return jsonify(answer), 200 if existed else 201


@api.post("")
def open_sessions(body: SessionsBody) -> Answer:
    """Open many sessions, decided together; an answer for each: its decision and remarks, or its problem."""
    requests = [OpenSession(sid, intent_of(each)) for sid, each in body.sessions.items()]
    answers = zip(body.sessions, parts().desk.change_each(requests), strict=True)
    return jsonify({"answers": {sid: answer_of(outcome) for sid, outcome in answers}})


@api.post("/close")
def close_sessions(body: CloseBody) -> Answer:
    """Close many sessions; an answer for each."""
    names = tuple(dict.fromkeys(body.sessions))
    answers = zip(names, parts().desk.change_each([CloseSession(sid) for sid in names]), strict=True)
    return jsonify({"answers": {sid: answer_of(outcome) for sid, outcome in answers}})


def answer_of(outcome: Decision | RtcdnError) -> dict[str, Any]:
    """One of many answers: the decision with its remarks, or the problem."""
    if isinstance(outcome, RtcdnError):
        return {"problem": problems.of_error(outcome).get_json()}
    return {"decision": outcome.id, "remarks": [reason.to_dict() for reason in outcome.reasons]}


@api.get("")
def list_sessions(query: SessionsQuery) -> Answer:
    """A page of sessions, in order of their ids."""
    sessions = parts().keeper.current.sessions
    names = sorted(name for name in sessions if name > query.after and sessions[name].intent)
    page = names[: query.limit]
    last = page[-1] if len(names) > len(page) else ""
    return jsonify({"sessions": [shown(sessions[name]) for name in page], "total": len(sessions), "next": last})


@api.get("/<string:sid>")
def see_session(path: SessionPath) -> Answer:
    """One session."""
    return jsonify(shown(known_session(path.sid)))


@api.patch("/<string:sid>")
def change_session(path: SessionPath, body: SessionChange) -> Answer:
    """Give a running session another scenario."""
    decision = parts().desk.handle(ChangeScenario(path.sid, body.scenario))
    remarks = [reason.to_dict() for reason in decision.reasons]
    return jsonify({**shown(known_session(path.sid)), "decision": decision.id, "remarks": remarks})


@api.delete("/<string:sid>")
def close_session(path: SessionPath) -> Answer:
    """End a session with all it holds."""
    parts().desk.handle(CloseSession(path.sid))
    return "", 204
