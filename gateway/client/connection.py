"""One connection of a client, and what its owner is to whoever keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from gateway.client.effects import Opened, problem
from gateway.client.events import Event, Media, Problem
from gateway.client.requests import IceCandidate, Purpose
from gateway.client.ways import Ways
from rtcdn.model import Codec, Leg, StreamInfo

LEGS: dict[Purpose, str] = {"receive": "view", "voice": "talk", "send": "publish"}
PURPOSES: dict[str, Purpose] = {leg: purpose for purpose, leg in LEGS.items()}
KEPT_CANDIDATES = 64
OFFER_S = 30.0  # a connection that was asked for and not offered by then is given back
CONNECT_S = 20.0  # one that was answered and whose media cannot flow by then is lost
REPLACED_S = 10.0  # how long an old connection lives beside the one that was answered in its stead
RETRY_S = (0.5, 8.0)
# A report that the broker refuses -> what is not shown.
REFUSED: dict[str, Literal["camera", "screen"]] = {"stage-full": "camera", "screen-taken": "screen"}
FINAL = (401, 403, 404, 406, 410)  # asking again would not help


@dataclass(slots=True)
class Connection:
    """One connection: ``asked`` of the client, ``opening`` by his offer, ``open`` (answered), ``up`` (media flow)."""

    purpose: Purpose
    leg: Leg
    generation: int
    codec: Codec
    state: str = "asked"
    replaces: str = ""
    flows: bool = False  # so the client says
    reported: bool = False  # the broker has acted on it
    reason: str = ""
    since_s: float = 0.0  # of the state
    kept: list[IceCandidate] = field(default_factory=list)
    complete: bool = False
    sources: dict[str, str] = field(default_factory=dict)
    streams: tuple[StreamInfo, ...] = ()
    media: list[Media] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Made of purpose and generation: another gateway that goes on with it names it alike."""
        return f"{self.purpose[0]}{self.generation}"

    @property
    def answered(self) -> bool:
        """Does its leg exist?"""
        return self.state in ("open", "up")


class Owner(Protocol):
    """Whose connections they are."""

    @property
    def here(self) -> bool:
        """Has he a socket?"""

    @property
    def ways(self) -> Ways:
        """The ways that he is told."""

    @property
    def screen_taken(self) -> bool:
        """Does another show a screen?"""

    def say(self, event: Event) -> None:
        """Tell the client."""

    def wanted(self, purpose: Purpose) -> bool:
        """Shall such a connection be made again when it is lost?"""

    def opened(self, connection: Connection, then: Callable[[float], None], now_s: float) -> None:
        """A leg exists: do what must be done before its client hears, then ``then``."""

    def up(self, connection: Connection, now_s: float) -> None:
        """Media flow."""

    def closed(self, connection: Connection, now_s: float) -> None:
        """A leg is no more."""


def unknown(connection: str) -> Problem:
    """There is no such connection."""
    detail = f"there is no connection {connection[:16]!r}"
    return problem(404, "unknown-connection", detail, "use one that was told or answered", "connection")


def answer_of(connection: Connection, opened: Opened) -> dict[str, Any]:
    """Fields of the answer to an offer."""
    return {"connection": connection.id, "sdp": opened.sdp, "media": connection.media}


def screen_taken() -> Problem:
    """There is one screen at a time."""
    return problem(409, "screen-taken", "another screen is shown", "wait until it ends", "sources")
