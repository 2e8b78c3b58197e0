"""What every call needs: the broker's parts, who calls, and what he may."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from flask import Response, current_app, g
from flask import request as http

from broker.api.problems import Forbidden
from broker.core.views import SessionView
from broker.decision_log import DecisionLog
from broker.desk import Desk
from broker.geo import Locator
from broker.leader import Leadership
from broker.metrics import Metrics
from broker.probing import Probing
from broker.watch import MapKeeper
from rtcdn.errors import BadToken, UnknownSession
from rtcdn.model import LeaderInfo
from rtcdn.tokens import Claims, SigningKey, Verifier

Answer = Response | tuple[Response | str, int]
PEER = "rtcdn.peer"  # in the WSGI environment: CN of the client's certificate
CALLER_HEADER = "Rtcdn-Caller"  # set by a replica that forwards: whom it forwards for
BROKER = "broker"


@dataclass(frozen=True)
class Parts:
    """The broker behind the API."""

    info: LeaderInfo
    keeper: MapKeeper
    leadership: Leadership
    desk: Desk
    decisions: DecisionLog
    verifier: Verifier
    signing: SigningKey
    namespace: str = ""
    locator: Locator = field(default_factory=Locator)
    metrics: Metrics = field(default_factory=Metrics)
    probing: Probing | None = None


def parts() -> Parts:
    """The broker's parts."""
    return cast(Parts, current_app.extensions["rtcdn"])


def from_replica() -> bool:
    """Does another replica forward this?"""
    return http.environ.get(PEER) == BROKER


def caller() -> str:
    """CN of who asks; when a replica forwards, of him for whom it does."""
    peer = str(http.environ.get(PEER, ""))
    return http.headers.get(CALLER_HEADER, peer) if from_replica() else peer


def from_gateway() -> bool:
    """Does a gateway ask? It comes directly, known by its certificate."""
    return caller().startswith("gateway-")


def require_gateway() -> None:
    """Only gateways."""
    if not from_gateway():
        raise Forbidden(f"only gateways may ask this; the certificate is of {caller() or 'nobody'}")


def require_operator() -> None:
    """Only with an operator token."""
    scheme, _, token = http.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadToken("no bearer token: send 'Authorization: Bearer <operator token>'")
    claims = parts().verifier.verify(token.strip())
    if not claims.operator:
        raise Forbidden("the token has not the scope 'operator'")
    g.claims = claims


def operator() -> str:
    """Who the operator is, for the audit line."""
    claims: Claims | None = getattr(g, "claims", None)
    return claims.sub if claims else caller()


def known_session(session: str) -> SessionView:
    """The view of a session; ``UnknownSession`` when there is none."""
    view = parts().keeper.current.session(session)
    if view is None:
        raise UnknownSession(f"there is no session {session}")
    return view
