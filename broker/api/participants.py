"""Participants as applications see them: admit, see, promote, demote, remove. No placement shows here."""

from __future__ import annotations

import time
from typing import Any

from flask import jsonify
from flask_openapi3 import APIBlueprint, Tag

from broker.api import problems
from broker.api.context import Answer, known_session, parts, require_operator
from broker.api.shapes import AdmitBody, AdmitManyBody, ParticipantPath, RoleBody, SessionPath
from broker.core.requests import Admit, Remove, SetRole
from rtcdn.errors import InvalidRequest, RtcdnError, UnknownParticipant
from rtcdn.model import ParticipantIntent, Role
from rtcdn.tokens import JOIN_ANY, Claims

api = APIBlueprint(
    "participants", __name__, url_prefix="/v1/sessions/<string:sid>/participants", abp_tags=[Tag(name="participants")]
)
api.before_request(require_operator)
VIEWER_RIGHTS = ("view",)
SPEAKER_RIGHTS = ("publish", "view", "speak")


def rights_of(body: AdmitBody) -> tuple[str, ...]:
    """Rights asked for, or those of the role."""
    if body.rights is not None:
        rights = tuple(body.rights)
    else:
        rights = VIEWER_RIGHTS if body.role is Role.VIEWER else SPEAKER_RIGHTS
    return (*rights, JOIN_ANY) if body.shared and JOIN_ANY not in rights else rights


def shown(participant: str, intent: ParticipantIntent) -> dict[str, Any]:
    """A participant without his places."""
    legs = [{"leg": leg.leg, "state": leg.state} for leg in intent.legs]
    known = {key: getattr(intent, key) for key in ("role", "name", "region", "generation", "joined_s", "removed")}
    return {"id": participant, **known, "rights": list(intent.rights), "legs": legs}


def gateways() -> dict[str, list[str]]:
    """URLs for clients, by region."""
    found: dict[str, list[str]] = {}
    for _, info in sorted(parts().keeper.current.gateways.items()):
        urls = found.setdefault(info.region, [])
        if info.url not in urls:
            urls.append(info.url)
    return found


@api.put("/<string:pid>")
def admit(path: ParticipantPath, body: AdmitBody) -> Answer:
    """Admit a participant: where his client may go, and with what token."""
    _check_shared(body)
    known_session(path.sid)
    if not body.shared:
        parts().desk.handle(_admission(path.sid, path.pid, body))
        parts().desk.settle(path.sid)  # whoever he joins by, at whichever replica, finds him announced
    return jsonify({"gateways": gateways(), **_ticket(path.sid, path.pid, body)})


@api.post("")
def admit_many(path: SessionPath, body: AdmitManyBody) -> Answer:
    """Admit many participants, decided together; an answer for each: his token, or the problem."""
    for each in body.participants.values():
        _check_shared(each)
    known_session(path.sid)
    named = [(pid, each) for pid, each in body.participants.items() if not each.shared]
    outcomes = parts().desk.attach_each([_admission(path.sid, pid, each) for pid, each in named])
    parts().desk.settle(path.sid)
    failed = {pid: each for (pid, _), each in zip(named, outcomes, strict=True) if isinstance(each, RtcdnError)}
    answers = {
        pid: {"problem": problems.of_error(failed[pid]).get_json()} if pid in failed else _ticket(path.sid, pid, each)
        for pid, each in body.participants.items()
    }
    return jsonify({"gateways": gateways(), "answers": answers})


def _check_shared(body: AdmitBody) -> None:
    if body.shared and body.role is not Role.VIEWER:
        raise InvalidRequest("shared", "only viewers may share a link: leave it out, or role viewer")


def _admission(sid: str, pid: str, body: AdmitBody) -> Admit:
    return Admit(sid, pid, body.role, rights_of(body), body.name)


def _ticket(sid: str, pid: str, body: AdmitBody) -> dict[str, Any]:
    """The client token and when it ends."""
    expires_s = int(time.time()) + body.ttl_s
    claims = Claims(pid, sid, parts().namespace, body.role, rights_of(body), expires_s)
    return {"token": parts().signing.sign(claims), "expires_s": expires_s}


@api.get("/<string:pid>")
def see(path: ParticipantPath) -> Answer:
    """One participant."""
    return jsonify(shown(path.pid, known_participant(path.sid, path.pid)))


@api.patch("/<string:pid>")
def set_role(path: ParticipantPath, body: RoleBody) -> Answer:
    """Promote or demote."""
    parts().desk.handle(SetRole(path.sid, path.pid, body.role))
    return jsonify(shown(path.pid, known_participant(path.sid, path.pid)))


@api.delete("/<string:pid>")
def remove(path: ParticipantPath) -> Answer:
    """Remove a participant; his gateway ends what he has, and he does not come back until he is admitted again."""
    parts().desk.handle(Remove(path.sid, path.pid))
    return "", 204


def known_participant(session: str, participant: str) -> ParticipantIntent:
    """The intent of a participant; ``UnknownParticipant`` when there is none."""
    intent: ParticipantIntent | None = known_session(session).participants.get(participant)
    if intent is None:
        raise UnknownParticipant(f"there is no participant {participant} in {session}")
    return intent
