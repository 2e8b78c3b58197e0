"""Who may do what. The broker checks promotions and removals again on its own map."""

from __future__ import annotations

from collections.abc import Collection

from gateway.client.effects import problem
from gateway.client.events import Problem, Role
from gateway.client.requests import Demote, Hand, Mute, Offer, Promote, Publish, Remove, Request

MODERATOR = "only a moderator may do this"
ASK = "ask the application for the right"


def may_speak(role: Role, rights: Collection[str]) -> bool:
    """May he be heard, now or once promoted?"""
    return role != "viewer" or "speak" in rights or "publish" in rights


def check(request: Request, me: str, role: Role, rights: Collection[str]) -> Problem | None:
    """Why a request is not allowed; None: it is."""
    refused: Problem | None = None
    match request:
        case Publish() if role == "viewer" and "publish" not in rights:
            refused = problem(403, "may-not-publish", "you may not go on stage by yourself", "raise your hand")
        case Promote() | Demote() | Remove() if role != "moderator":
            refused = problem(403, "wrong-role", MODERATOR)
        case Remove(participant=who) if who == me:
            refused = problem(400, "bad-request", "nobody puts himself out", "send leave", "participant")
        case Mute(participant=who, on=on) if who not in ("", me):
            refused = _another(role, "may-not-unmute" if on is False else "")
        case Hand(participant=who, up=up) if who not in ("", me):
            refused = _another(role, "not-yours" if up else "")
        case Hand(up=True) if not may_speak(role, rights):
            refused = problem(403, "may-not-speak", "you may not speak in this session", ASK)
        case Offer(connection=""):
            refused = _offer(request, role, rights)
    return refused


def _another(role: Role, forbidden: str) -> Problem | None:
    if role != "moderator":
        return problem(403, "wrong-role", MODERATOR)
    if forbidden:
        return problem(403, forbidden, "nobody but he himself may do this", "ask him")
    return None


def _offer(request: Offer, role: Role, rights: Collection[str]) -> Problem | None:
    if request.purpose == "send" and role == "viewer":
        return problem(403, "not-on-stage", "viewers send nothing", "send publish first")
    if request.purpose == "voice" and not may_speak(role, rights):
        return problem(403, "may-not-speak", "you may not speak in this session", ASK)
    return None
