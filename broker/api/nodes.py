"""Nodes, and why they were chosen: see, drain, explain, past decisions."""

from __future__ import annotations

import time

from flask import jsonify
from flask_openapi3 import APIBlueprint, Tag

from broker.api.context import Answer, operator, parts, require_operator
from broker.api.problems import document
from broker.api.sessions import intent_of
from broker.api.shapes import CapacityQuery, DecisionPath, DrainBody, ExplainBody, NodePath, SessionBody
from broker.api.where import attributed, seen_from, told
from broker.core.requests import Attach, ChangeScenario, Drain, OpenSession, PutTap, Request, Undrain, Warmup
from rtcdn.errors import InvalidRequest

api = APIBlueprint("nodes", __name__, url_prefix="/v1", abp_tags=[Tag(name="nodes")])
api.before_request(require_operator)


@api.get("/nodes")
def list_nodes() -> Answer:
    """Every node with status and contexts."""
    nodes = parts().keeper.current.nodes
    return jsonify({"nodes": [nodes[name].to_dict() for name in sorted(nodes)]})


@api.post("/nodes/<string:nid>/drain")
def drain(path: NodePath, body: DrainBody) -> Answer:
    """No new work for a node, then what is there moves."""
    _known(path.nid)
    deadline_s = time.time() + body.deadline_s if body.deadline_s else 0.0
    parts().desk.handle(Drain(path.nid, operator(), deadline_s))
    return "", 204


@api.post("/nodes/<string:nid>/undrain")
def undrain(path: NodePath) -> Answer:
    """The node takes work again."""
    _known(path.nid)
    parts().desk.handle(Undrain(path.nid))
    return "", 204


@api.delete("/nodes/<string:nid>")
def forget(path: NodePath) -> Answer:
    """A node that went for good: its drain is taken away, and with it what every map keeps of it."""
    wrapper = parts().keeper.current.node(path.nid)
    if wrapper is None:
        return "", 204
    if wrapper.present:
        return document(409, "node-here", "Node is here", f"{path.nid} presents itself", cure="drain it, and stop it")
    if wrapper.hosting:
        detail = f"{path.nid} is silent and sessions have places on it: {', '.join(sorted(wrapper.hosting)[:5])}"
        return document(409, "node-in-use", "Node is in use", detail, cure="wait until they were moved")
    if not wrapper.drain:  # maps hear of nothing where nothing is taken away
        parts().desk.handle(Drain(path.nid, operator()))
    parts().desk.handle(Undrain(path.nid))
    return "", 204


@api.post("/explain")
def explain(body: ExplainBody) -> Answer:
    """The decision for a hypothetical request, over the full list of nodes; nothing is done."""
    request = hypothetical(body)
    return jsonify({**parts().desk.explain(request).shown(), **told(request)})


@api.get("/capacity")
def wanted(query: CapacityQuery) -> Answer:
    """Nodes wanted by region and kind, with reasons; which may go, and why none should go now."""
    return jsonify({"capacity": parts().desk.capacity(query.headroom, query.most)})


@api.get("/decisions/<string:did>")
def see_decision(path: DecisionPath) -> Answer:
    """A past decision; each replica keeps its own latest 50,000."""
    found = parts().decisions.find(path.did)
    if found is None:
        detail = f"decision {path.did} is not kept by this replica ({parts().info.broker})"
        return document(404, "unknown-decision", "No such decision", detail, cure="ask the replica that decided it")
    return jsonify(attributed(found))


@api.get("/regions")
def see_regions() -> Answer:
    """Where regions are, and the round trips between them, measured or estimated."""
    return jsonify(parts().locator.geography(parts().keeper.current).to_dict())


def hypothetical(body: ExplainBody) -> Request:
    """The record of a request that nobody made."""
    sid = body.session
    if body.request == "open":
        return OpenSession(sid, intent_of(body.intent or SessionBody()))
    if body.request == "scenario":
        return ChangeScenario(sid, body.scenario)
    if body.request == "warmup":
        return Warmup(sid, body.viewers)
    if body.request == "tap":
        return PutTap(sid, body.tap, body.source, body.speaks, body.module)
    return Attach(
        session=sid,
        participant=body.participant,
        want=tuple(body.want),
        role=body.role,
        rights=("publish", "view", "speak"),
        gateway=body.gateway,
        **seen_from(body.measured_rtt, body.gateway, body.client_address),
    )


def _known(node: str) -> None:
    if parts().keeper.current.node(node) is None:
        raise InvalidRequest("nid", f"there is no node {node}: see GET /v1/nodes")
