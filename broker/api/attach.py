"""What gateways ask: places for their clients, and what became of them."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask_openapi3 import APIBlueprint, Tag

from broker.api import problems
from broker.api.context import Answer, caller, known_session, parts, require_gateway
from broker.api.participants import known_participant
from broker.api.shapes import (
    AttachBody,
    AttachManyBody,
    LeaveQuery,
    MediaBody,
    ParticipantPath,
    RemoveByBody,
    RoleByBody,
    SessionPath,
)
from broker.api.where import seen_from
from broker.core.decisions import Decision
from broker.core.requests import Attach, Leave, MediaDown, MediaUp, Remove, SetRole
from rtcdn.errors import RtcdnError
from rtcdn.model import StreamInfo

api = APIBlueprint("attach", __name__, url_prefix="/v1/sessions/<string:sid>", abp_tags=[Tag(name="gateways")])
api.before_request(require_gateway)


def request_of(session: str, participant: str, body: AttachBody) -> Attach:
    """The record of a body."""
    gateway = body.gateway or caller().removeprefix("gateway-")
    return Attach(
        session=session,
        participant=participant,
        want=tuple(dict.fromkeys(body.want)),
        role=body.role,
        rights=tuple(body.rights),
        name=body.name,
        gateway=gateway,
        **seen_from(body.measured_rtt, gateway, body.client_address),
        codecs=None if body.codecs is None else tuple(body.codecs),
        ready=body.ready,
        sources=tuple(body.sources),
        resume=body.resume,
    )


@api.post("/participants/<string:pid>/attach")
def attach(path: ParticipantPath, body: AttachBody) -> Answer:
    """Where to lead a client: the grant."""
    decision = parts().desk.handle(request_of(path.sid, path.pid, body))
    assert decision.grant is not None
    return jsonify(decision.grant)


@api.post("/attach")
def attach_many(path: SessionPath, body: AttachManyBody) -> Answer:
    """Many at once: an answer for each, in order, ``{"grant"}`` or ``{"problem"}``."""
    known_session(path.sid)
    requests = [request_of(path.sid, each.participant, each) for each in body.attaches]
    return jsonify({"answers": [_answer(each) for each in parts().desk.attach_each(requests)]})


def _answer(outcome: Decision | RtcdnError) -> dict[str, Any]:
    if isinstance(outcome, RtcdnError):
        return {"problem": problems.of_error(outcome).get_json()}
    return {"grant": outcome.grant}


@api.get("/participants/<string:pid>/attach")
def who_holds(path: ParticipantPath) -> Answer:
    """Who holds a participant, with his legs and their janus_sessions."""
    return jsonify(known_participant(path.sid, path.pid))


@api.post("/participants/<string:pid>/media")
def media(path: ParticipantPath, body: MediaBody) -> Answer:
    """Media of a leg is up or down."""
    if body.state == "down":
        parts().desk.handle(MediaDown(path.sid, path.pid, body.leg, body.generation))
        return "", 204
    streams = tuple(StreamInfo(**stream.model_dump()) for stream in body.streams)
    held = (body.janus_session, body.handle, streams, body.gateway)
    parts().desk.handle(MediaUp(path.sid, path.pid, body.leg, body.generation, *held))
    return "", 204


@api.post("/participants/<string:pid>/role")
def set_role(path: ParticipantPath, body: RoleByBody) -> Answer:
    """A participant promotes or demotes somebody, or himself, as far as he may."""
    parts().desk.handle(SetRole(path.sid, path.pid, body.role, body.by))
    return "", 204


@api.post("/participants/<string:pid>/remove")
def remove(path: ParticipantPath, body: RemoveByBody) -> Answer:
    """A moderator puts somebody out, for good."""
    parts().desk.handle(Remove(path.sid, path.pid, body.by, body.reason))
    return "", 204


@api.delete("/participants/<string:pid>/attach")
def leave(path: ParticipantPath, query: LeaveQuery) -> Answer:
    """A leg ends; again, or of an older generation, changes nothing."""
    parts().desk.handle(Leave(path.sid, path.pid, query.leg, query.generation))
    return "", 204
