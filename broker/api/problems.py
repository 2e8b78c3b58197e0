"""Errors as RFC 9457 problem documents: the one mapping table."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from flask import Flask, Response, jsonify
from flask import request as http
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from broker.desk import Refused
from rtcdn import errors, log

_log = log.get("broker.api")
TYPE_BASE = "https://rtcdn.invalid/problems/"
RETRY_AFTER_S = 2
MEDIA_TYPE = "application/problem+json"


class Forbidden(errors.RtcdnError):
    """The caller is known and may not do this."""


class Busy(errors.RtcdnError):
    """Too many of this kind at once."""


@dataclass(frozen=True, slots=True)
class Problem:
    """How one kind of error is told: status, name, title, what to do, and whether asking again may help."""

    status: int
    name: str
    title: str
    cure: str = ""
    retry: bool = False


TABLE: tuple[tuple[type[Exception], Problem], ...] = (
    (errors.StoreAway, Problem(503, "store-away", "The store is away", "ask again; what runs goes on", retry=True)),
    (errors.NotLeader, Problem(503, "no-leader", "There is no leader now", "ask again in a moment", retry=True)),
    (errors.StoreConflict, Problem(503, "conflict", "Changed by others meanwhile", "ask again", retry=True)),
    (errors.NodeAway, Problem(503, "node-away", "A node did not answer", "ask again in a moment", retry=True)),
    (errors.NodeRefused, Problem(502, "node-refused", "A node refused", "see the broker's log")),
    (errors.UnknownSession, Problem(404, "unknown-session", "No such session", "open it by PUT /v1/sessions/{id}")),
    (
        errors.UnknownParticipant,
        Problem(404, "unknown-participant", "No such participant", "admit him by PUT …/participants/{id}"),
    ),
    (errors.InvalidRequest, Problem(400, "invalid-request", "The request is wrong")),
    (errors.BadToken, Problem(401, "bad-token", "The token is not good", "ask for a new token")),
    (Forbidden, Problem(403, "forbidden", "Not allowed")),
    (Busy, Problem(503, "busy", "Too many at once", "ask again in a moment", retry=True)),
)
REFUSALS = {  # code of a refusal -> status and cure
    "no-capacity": (503, "free or add a node, see the reasons"),
    "stage-full": (409, "wait until a speaker leaves, or open the session with more slots"),
    "screen-taken": (409, "wait until the other screen ends"),
    "codec-not-carried": (406, "offer the codec that is named"),
    "wrong-role": (403, "have the participant promoted first"),
    "may-not-speak": (403, "admit the participant with the right speak"),
    "removed": (403, "admit the participant again by PUT …/participants/{id}"),
    "session-full": (409, "change the scenario by PATCH /v1/sessions/{id}, or wait until somebody leaves"),
    "too-large": (409, "keep the scenario, or ask again when fewer are here"),
    "busy": (503, "ask again in a moment"),
    "taken-over": (409, "somebody attached later as the same participant"),
    "wrong-scenario": (409, "ask it of a session whose scenario has it"),
    "not-tappable": (409, "let him publish audio by WHIP, or tap the mix"),
    "unknown-gateway": (409, "the gateway must present itself in the store first"),
    "please-wait": (429, "ask again when it is your turn: retry_after_s"),
    "policy-failed": (500, "mend the policy that is named, or choose another: PUT the session with it"),
}


def document(status: int, name: str, title: str, detail: str, **more: Any) -> Response:
    """A problem document; members without a value are left out."""
    body = {"type": f"{TYPE_BASE}{name}", "title": title, "status": status, "detail": detail, "instance": http.path}
    answer = jsonify({**body, **{key: value for key, value in more.items() if value}})
    answer.status_code, answer.mimetype = status, MEDIA_TYPE
    if status == 503 or more.get("retry_after_s"):
        answer.headers["Retry-After"] = str(ceil(more.get("retry_after_s") or RETRY_AFTER_S))
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def of_error(error: Exception) -> Response:
    """The document of one of our errors."""
    if isinstance(error, Refused):
        return _of_refusal(error)
    for kind, problem in TABLE:
        if isinstance(error, kind):
            field = getattr(error, "field", "")
            detail = getattr(error, "reason", "") if field else str(error)
            return document(problem.status, problem.name, problem.title, detail, field=field, cure=problem.cure)
    raise error


def _of_refusal(error: Refused) -> Response:
    refusal = error.refusal
    status, cure = REFUSALS.get(refusal.code, (409, ""))
    told = {"cure": cure, "decision": refusal.id, "reasons": refusal.choices}
    turn = {"position": refusal.position, "retry_after_s": refusal.retry_after_s}
    return document(status, refusal.code, "Refused", refusal.detail, **told, **turn)


def of_validation(error: ValidationError) -> Response:
    """The document of a body, path or query that does not fit its shape: names the first field, lists all."""
    found = [{"field": ".".join(str(part) for part in each["loc"]), "reason": each["msg"]} for each in error.errors()]
    first = found[0]
    detail = f"{first['field'] or 'body'}: {first['reason']}"
    return document(400, "invalid-request", "The request is wrong", detail, field=first["field"], problems=found[:20])


def _of_http(error: HTTPException) -> Response:
    names = {400: "malformed", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "not-json"}
    status = error.code or 500
    return document(status, names.get(status, "http-error"), error.name, error.description or "")


def _of_surprise(error: Exception) -> Response:
    _log.exception("request-failed", method=http.method, path=http.path)
    return document(
        500, "internal", "Something went wrong here", "it is in the broker's log", error=type(error).__name__
    )


def install(app: Flask) -> None:
    """Answer every error of ``app`` with a problem document."""
    app.register_error_handler(errors.RtcdnError, of_error)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_surprise)
