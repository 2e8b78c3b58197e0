"""The Flask application."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Response, g, jsonify
from flask import request as http
from flask.json.provider import DefaultJSONProvider
from flask_openapi3 import Info, OpenAPI, SecurityScheme
from werkzeug.exceptions import BadRequest

from broker.api import attach, health, live, nodes, participants, problems, sessions, taps, upkeep, watched
from broker.api.context import Parts, caller, from_gateway, from_replica, operator, parts
from broker.api.forward import REVISION_HEADER, Forwarder, catch_up, settled
from rtcdn import log
from rtcdn.errors import InvalidRequest, NotLeader
from rtcdn.record import compact

_log = log.get("broker.api")
MAX_BODY_BYTES = 256 * 1024
BLUEPRINTS = (
    *(sessions.api, participants.api, attach.api, nodes.api, live.api),
    *(taps.api, watched.api, upkeep.api),
)


class Json(DefaultJSONProvider):
    """Answers are written as records are: faster than by Python, and records may stand in them."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """Compact JSON, fields in their own order."""
        return compact(obj)


def create_app(made: Parts, forwarder: Forwarder) -> Flask:
    """The API over a broker's parts."""
    info = Info(title="rtcdn broker", version="1", description="Functional requests of a real-time CDN.")
    app = OpenAPI(
        "broker",
        info=info,
        security_schemes={"operator": SecurityScheme(type="http", scheme="bearer", bearerFormat="JWT")},
        validation_error_status=400,
        validation_error_callback=problems.of_validation,
        doc_ui=False,
    )
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json = Json(app)
    app.extensions["rtcdn"] = made
    problems.install(app)
    app.register_error_handler(NotLeader, forwarder)
    app.before_request(_begin)
    app.after_request(_end)
    for blueprint in BLUEPRINTS:
        app.register_api(blueprint)
    app.register_blueprint(health.api)
    app.add_url_rule("/openapi.json", "openapi", lambda: jsonify(app.api_doc))
    return app


def _begin() -> None:
    """Note the time; see what who asks has seen already; refuse text that is no JSON before it is read as empty."""
    g.began = time.perf_counter()
    if from_replica() or from_gateway():
        catch_up(http.headers.get(REVISION_HEADER, ""))
    if http.content_length and http.method in ("PUT", "POST", "PATCH"):
        try:
            http.get_json(force=True)
        except BadRequest as error:
            cause = error.__cause__ or error.__context__
            raise InvalidRequest("body", f"is not JSON: {cause or error.description}") from None
        except RecursionError:
            raise InvalidRequest("body", "is nested too deeply") from None


def _end(answer: Response) -> Response:
    """Count, and leave an audit line of what operators changed and of what was refused."""
    metrics = parts().metrics
    metrics.requests.labels(http.method, str(answer.status_code)).inc()
    metrics.seconds.observe(time.perf_counter() - g.get("began", time.perf_counter()))
    if http.method != "GET" and (answer.status_code >= 400 or not caller().startswith("gateway-")):
        _log.info("asked", method=http.method, path=http.path, by=operator() or caller(), status=answer.status_code)
    if from_replica():
        answer.headers[REVISION_HEADER] = str(max(settled(), parts().keeper.current.revision))
    return answer
