"""The broker over HTTP, against an empty endpoint that is served the same way: same server, TLS and threads.

A second peer checks path and body as the broker does and then decides nothing: what is left of the distance to it is
the price of the decision with its log, its place in the map and its key in the store. What is asked is an attach of a
viewer, a decision each, one by one and in batches. Clients are processes of their own that write ready-made requests
into TLS sockets, so that they cost little beside the server (a quarter of its CPU at most).
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from typing import Any

from flask import Flask, Response, jsonify
from flask import request as http
from flask_openapi3 import OpenAPI

from bench.load import Clients
from bench.stand import SESSION, standing
from broker import settings
from broker.api.shapes import AttachBody, ParticipantPath
from broker.serve import Server

SECONDS = 3.0
TURNS = 3  # each in turn, and the medians compared
BATCH = 200
PEOPLE = 1_000  # viewers who attach again and again


def empty_app() -> Flask:
    """The peers: one reads the body, the other checks it too; both answer a constant of the size of a grant."""
    app = OpenAPI("empty", doc_ui=False)
    answer = {"session": SESSION, "participant": "somebody", "legs": [{"leg": "view", "context": "x" * 300}]}

    @app.route("/empty", methods=["POST"])
    def empty() -> Response:
        http.get_json()
        return jsonify(answer)

    @app.post("/checked/<string:sid>/participants/<string:pid>/attach")
    def checked(path: ParticipantPath, body: AttachBody) -> Response:
        return jsonify({**answer, "participant": path.pid, "role": body.role})

    app.add_url_rule("/readyz", "readyz", lambda: jsonify({"status": "ready"}))
    return app


def run() -> list[dict[str, Any]]:
    """Rows: single calls against the peers, and decisions in batches against single calls."""
    with standing() as stand, Clients(stand.etcd.tls("gateway-1")) as clients:
        processes = [stand.replica("broker-1"), stand.replica("empty", module="bench.http")]
        broker, empty = (process.address for process in processes)
        peer, checked, single, batched = [], [], [], []
        try:
            clients.rate(broker, _attach_calls()[:50], 1.0)  # everything is imported and cached before it counts
            for _ in range(TURNS):
                peer.append(clients.rate(empty, [_call("/empty", _body())], SECONDS))
                checked.append(clients.rate(empty, _attach_calls("/checked"), SECONDS))
                single.append(clients.rate(broker, _attach_calls(), SECONDS))
                batched.append(clients.rate(broker, _batch_calls(), SECONDS) * BATCH)
        finally:
            for process in processes:
                process.kill()
    one, none, alike, many = (statistics.median(each) for each in (single, peer, checked, batched))
    return [
        _row("http: attach, one by one", one, ("empty endpoint", none), ">= 0.90 x", one >= 0.9 * none),
        _row("http: attach, one by one", one, ("checks, decides nothing", alike)),
        _row("http: attach, in batches", many, ("one by one", one), ">= 10 x", many >= 10 * one),
    ]


def _row(
    name: str, value: float, peer: tuple[str, float], budget: str | None = None, met: bool | None = None
) -> dict[str, Any]:
    figures = {"value": round(value), "unit": "1/s", "peer": peer[0], "peer_value": round(peer[1])}
    return {"name": name, **figures, "ratio": round(value / peer[1], 2), "budget": budget, "met": met}


def _body(**more: Any) -> dict[str, Any]:
    return {"want": ["view"], "role": "viewer", "rights": ["view"], "name": "Somebody", "gateway": "1", **more}


def _attach_calls(under: str = "/v1/sessions") -> list[bytes]:
    path = f"{under}/{SESSION}/participants"
    return [_call(f"{path}/v{n}/attach", _body()) for n in range(PEOPLE)]


def _batch_calls() -> list[bytes]:
    groups = range(0, PEOPLE, BATCH)
    many = [[_body(participant=f"v{first + n}") for n in range(BATCH)] for first in groups]
    return [_call(f"/v1/sessions/{SESSION}/attach", {"attaches": attaches}) for attaches in many]


def _call(path: str, body: dict[str, Any]) -> bytes:
    text = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: broker\r\nContent-Type: application/json\r\nContent-Length: {len(text)}"
    return head.encode() + b"\r\n\r\n" + text


if __name__ == "__main__":
    Server(settings.read(os.environ), empty_app, lambda: None).run()
    sys.exit(0)
