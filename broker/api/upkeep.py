"""Ahead and afterwards: warm a session up for viewers who are to come, and reorganise what has become sparse."""

from __future__ import annotations

import time
from typing import Annotated, Any

from flask import jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from broker.api.context import Answer, known_session, parts, require_operator
from broker.api.shapes import Id, SessionPath, Shape
from broker.core.reorganise import promising
from broker.core.requests import Reorganise, Warmup
from broker.desk import Refused
from broker.probing import Probing, Proof
from rtcdn.errors import NotLeader

api = APIBlueprint("upkeep", __name__, url_prefix="/v1", abp_tags=[Tag(name="upkeep")])
api.before_request(require_operator)
MOST_S = 9.0  # a replica that forwards waits ten


class WarmupBody(Shape):
    """For how many viewers to be ready."""

    viewers: dict[Id, Annotated[int, Field(ge=0, le=10_000_000)]] = Field(
        description="viewers by region; {} takes the promise back", max_length=100
    )
    within_s: float = Field(default=8.0, ge=2.0, le=MOST_S, description="how long to wait for the proof")


class ReorganiseQuery(BaseModel):
    """Really, or what would be."""

    dry_run: bool = Field(default=False, description="list the steps and what they free; do nothing")


@api.post("/sessions/<string:sid>/warmup")
def warm_up(path: SessionPath, body: WarmupBody) -> Answer:
    """Make stages and links for so many viewers, and answer when a prober has decoded a frame of each stage."""
    began_s = time.monotonic()
    decision = parts().desk.handle(Warmup(path.sid, dict(body.viewers)))
    view = known_session(path.sid)
    regions = [region for region, count in sorted(body.viewers.items()) if count]
    stages = [name for region in regions for name in sorted(view.stages.get(region, {}).values())]
    made_ms = round(1000 * (time.monotonic() - began_s), 1)
    proofs = _probing().prove(parts().keeper.current, view, stages, began_s, began_s + body.within_s)
    ready = all(proof.proof for proof in proofs)
    answer = {"ready": ready, "made_ms": made_ms, "stages": [_shown(proof) for proof in proofs]}
    return jsonify({**answer, "decision": decision.id, "remarks": decision.reasons}), 200 if ready else 504


def _probing() -> Probing:
    found = parts().probing
    if found is None:
        raise RuntimeError("this broker was put together without probing")
    return found


def _shown(proof: Proof) -> dict[str, Any]:
    """What was proven, or why it was not."""
    told = proof.to_dict()
    return {name: value for name, value in told.items() if name != ("reason" if proof.proof else "ready_ms")}


@api.post("/sessions/<string:sid>/reorganise")
def reorganise_session(path: SessionPath, query: ReorganiseQuery) -> Answer:
    """Take the next step now; what it leaves is done by housekeeping, within the budget of moves."""
    known_session(path.sid)
    return jsonify(_reorganised(path.sid, query.dry_run))


@api.post("/reorganise")
def reorganise_all(query: ReorganiseQuery) -> Answer:
    """The same for every session in which there is something to do."""
    sessions = parts().keeper.current.sessions
    names = sorted(name for name in sessions if sessions[name].intent and promising(sessions[name]))
    found = [_reorganised(name, query.dry_run) for name in names]
    return jsonify({"sessions": [each for each in found if each["steps"] or each["decision"]]})


def _reorganised(session: str, dry_run: bool) -> dict[str, Any]:
    """The rehearsal, and unless it is a dry run its first step, done."""
    desk = parts().desk
    if not dry_run and not parts().leadership.leads:
        leader = parts().keeper.current.leader
        raise NotLeader(leader.url if leader else "")
    told = desk.rehearse(session).to_dict()
    decision, refused = "", ""
    if told["steps"] and not dry_run:
        try:
            made = desk.handle(Reorganise(session))
            decision, told["remarks"] = made.id if made.changes else "", made.reasons
        except Refused as error:
            refused = error.refusal.detail
    return {**told, "decision": decision, **({"refused": refused} if refused else {})}
