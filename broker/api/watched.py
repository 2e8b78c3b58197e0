"""Whom participants want to see; gateways ask it for them, operators for their applications."""

from __future__ import annotations

from flask_openapi3 import APIBlueprint, Tag

from broker.api.context import Answer, caller, parts, require_operator
from broker.api.shapes import SessionPath, WatchedBody
from broker.core.requests import Watched

api = APIBlueprint("watched", __name__, url_prefix="/v1/sessions/<string:sid>", abp_tags=[Tag(name="sessions")])


@api.before_request
def gateway_or_operator() -> None:
    """A gateway, known by its certificate, or an operator's token."""
    if not caller().startswith("gateway-"):
        require_operator()


@api.put("/watched")
def watched(path: SessionPath, body: WatchedBody) -> Answer:
    """Those most wanted get the slots of a big island that nobody was heard in lately; the same again is no change."""
    parts().desk.handle(Watched(path.sid, tuple(body.participants)))
    return "", 204
