"""Health, readiness, leadership, metrics, public keys: for anyone inside."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from broker.api.context import Answer, parts
from broker.api.problems import document

api = Blueprint("health", __name__)


@api.get("/healthz")
def healthy() -> Answer:
    """The process lives."""
    return jsonify({"status": "ok", "broker": parts().info.broker})


@api.get("/readyz")
def ready() -> Answer:
    """It has a map to answer from; a stale one is said to be, and does."""
    keeper = parts().keeper
    if not keeper.ready:
        return document(503, "not-ready", "Not ready", "this broker has not seen the store yet")
    return jsonify({"status": "ready", "map_revision": keeper.current.revision, "map_age_s": round(keeper.age_s, 3)})


@api.get("/leader")
def leader() -> Answer:
    """Who leads, and whether that is this replica."""
    info = parts().keeper.current.leader
    return jsonify({"leader": info.to_dict() if info else None, "here": parts().leadership.leads})


@api.get("/metrics")
def metrics() -> Answer:
    """For Prometheus."""
    return Response(parts().metrics.text(), mimetype="text/plain; version=0.0.4")


@api.get("/v1/jwks")
def jwks() -> Answer:
    """Public key of the client tokens signed here."""
    return jsonify(parts().signing.jwks())
