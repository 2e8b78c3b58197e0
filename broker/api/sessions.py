"""Sessions: open, see, close."""

from __future__ import annotations

import time
from typing import Any

from flask import jsonify
from flask_openapi3 import APIBlueprint, Tag

from broker.api.context import Answer, known_session, parts, require_operator
from broker.api.shapes import SessionBody, SessionChange, SessionPath, SessionsQuery
from broker.core.requests import ChangeScenario, CloseSession, OpenSession
from broker.core.views import SessionView
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
