"""Taps: modules that get the mix or one participant as RTP, and may be heard."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from broker.api.context import Answer, known_session, parts, require_operator
from broker.api.problems import document
from broker.api.shapes import Id, ParticipantId, SessionPath, Shape
from broker.core.requests import EndTap, PutTap
from broker.core.scenarios.tap_links import MIX, answer_of
from broker.core.taps import LONGEST
from broker.core.views import SessionView
from rtcdn.ids import TAP, janus_context
from rtcdn.model import ContextIntent

api = APIBlueprint("taps", __name__, url_prefix="/v1/sessions/<string:sid>/taps", abp_tags=[Tag(name="taps")])
api.before_request(require_operator)


class TapPath(SessionPath):
    """Which tap."""

    tap: Id = Field(description="id of the tap", max_length=LONGEST)


class TapBody(Shape):
    """What a module gets, and whether it is heard."""

    source: ParticipantId = Field(default=MIX, description="mix, or a participant who publishes audio by WHIP")
    speaks: bool = Field(default=False, description="the module is heard in the session as tap-<id>")
    module: Id | None = Field(default=None, description="an AI node; null: where the policy says")


@api.put("/<string:tap>")
def put_tap(path: TapPath, body: TapBody) -> Answer:
    """Make a tap, or change it; the same again changes nothing."""
    name = f"{TAP}{path.tap}"
    existed = name in known_session(path.sid).contexts
    decision = parts().desk.handle(PutTap(path.sid, path.tap, body.source, body.speaks, body.module or ""))
    return jsonify({**shown(known_session(path.sid), name), "decision": decision.id}), 200 if existed else 201


@api.get("")
def list_taps(path: SessionPath) -> Answer:
    """All taps of a session."""
    view = known_session(path.sid)
    return jsonify({"taps": [shown(view, name) for name in view.duty("tap")]})


@api.get("/<string:tap>")
def see_tap(path: TapPath) -> Answer:
    """One tap."""
    view = known_session(path.sid)
    if f"{TAP}{path.tap}" not in view.contexts:
        detail = f"there is no tap {path.tap} in {path.sid}"
        return document(404, "unknown-tap", "No such tap", detail, cure="make it by PUT …/taps/{id}")
    return jsonify(shown(view, f"{TAP}{path.tap}"))


@api.delete("/<string:tap>")
def end_tap(path: TapPath) -> Answer:
    """End a tap; one that is gone is fine."""
    parts().desk.handle(EndTap(path.sid, path.tap))
    return "", 204


def shown(view: SessionView, name: str) -> dict[str, Any]:
    """A tap as callers see it. ``state``: waits (for its source), starts, flows, or away (its module is)."""
    context: ContextIntent = view.contexts[name]
    wrapper = parts().keeper.current.node(context.node)
    if wrapper is None or wrapper.silent:
        state = "away"
    elif name not in view.links:
        state = "waits"
    else:
        info = wrapper.context(janus_context(view.id, name))
        state = "flows" if info and (info.forwarders or not context.speaks) else "starts"
    heard = context.speaks and (name if context.taps == MIX else answer_of(name)) in view.links
    known = {"source": context.taps, "speaks": context.speaks, "module": context.node}
    return {"id": name.removeprefix(TAP), **known, "state": state, "talks_as": name if heard else ""}
