"""What the pure core wants done, and how it hears what came of it.

An effect with ``op`` is answered once, by ``Todo.done(op, outcome)``: what it says under "gives", or a ``Problem``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from gateway.client.events import Person, Problem
from gateway.client.requests import ConnectionFigures, IceCandidate
from gateway.protocol import Problem as Raised
from rtcdn.model import Codec, Leg, StreamInfo

Then = Callable[[Any, float], None]


def problem(status: int, kind: str, detail: str, cure: str = "", field: str = "", *, retry_after_s: int = 0) -> Problem:
    """A problem for a client."""
    title = kind.replace("-", " ").capitalize()
    kind = f"urn:rtcdn:problem:{kind}"
    return Problem(
        type=kind, title=title, status=status, detail=detail, cure=cure, field=field, retry_after_s=retry_after_s
    )


def told(raised: Raised) -> Problem:
    """A raised problem as a client is told it."""
    return problem(
        raised.status, raised.kind, raised.detail, raised.cure, raised.field, retry_after_s=raised.retry_after_s
    )


@dataclass(frozen=True, slots=True)
class Say:
    """Send a message to the client."""

    message: Struct


@dataclass(frozen=True, slots=True)
class Finish:
    """Close the socket after what was said."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Register:
    """He is here from now on; an earlier one of the same id is taken over."""


@dataclass(frozen=True, slots=True)
class Restore:
    """Find the participant of a resume, here or elsewhere. Gives the ``Member``."""

    op: int
    session: str
    participant: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attach:
    """Ask where his legs shall be. Gives an ``AttachGrant``. ``first``: it is his join."""

    op: int
    want: tuple[str, ...]
    codecs: list[str] | None = None
    first: bool = False
    sources: tuple[str, ...] = ()  # of who will publish


@dataclass(frozen=True, slots=True)
class Open:
    """Open a leg by the client's offer. Gives ``Opened``."""

    op: int
    connection: str
    leg: Leg
    codec: Codec
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Renegotiate:
    """Answer another offer of an open connection that sends. Gives ``Opened``."""

    op: int
    connection: str
    sdp: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """Outcome of ``Open``: the answer, (kind, mid) of the media that flow in it, a publisher's streams."""

    sdp: str = field(repr=False)
    media: tuple[tuple[str, str], ...] = ()
    streams: tuple[StreamInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Trickle:
    """Hand candidates on."""

    connection: str
    candidates: tuple[IceCandidate, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class End:
    """End a leg; ``tell`` the broker that he left it."""

    connection: str
    leg: str
    generation: int
    why: str
    tell: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the broker that media of a leg can flow, and what its streams are. Gives True once it has acted on it."""

    op: int
    connection: str
    leg: str
    generation: int
    streams: tuple[StreamInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Speak:
    """Be heard by all, or by nobody. Gives True."""

    op: int
    connection: str
    on: bool


@dataclass(frozen=True, slots=True)
class SetMuted:
    """Mute his voice leg, or not."""

    connection: str
    on: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What of one medium is sent: a slot's mid or ``a``; ``layer`` -1: leave as it is."""

    mid: str
    send: bool
    layer: int = -1


@dataclass(frozen=True, slots=True)
class Shape:
    """Say which media of a view leg are sent. Gives True."""

    op: int
    connection: str
    media: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class SetRole:
    """Ask the broker to change a role. Gives True."""

    op: int
    participant: str
    role: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Ask the broker to put somebody out. Gives True."""

    op: int
    participant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell another participant's gateway. Gives whether he is there."""

    op: int
    to: str
    what: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SayData:
    """Send an application's message. Gives its number."""

    op: int
    to: str
    topic: str
    data: str


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page of participants. Gives an object with ``participants``, ``total`` and ``next``."""

    op: int
    after: str
    limit: int
    search: str


@dataclass(frozen=True, slots=True)
class Put:
    """Others may see him so."""

    person: Person


@dataclass(frozen=True, slots=True)
class Talk:
    """He talks, or no more. ``participant`` empty: himself."""

    on: bool
    participant: str = ""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Say all that is known now, and data after ``last`` (-1: none)."""

    last: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Statistics that a client told."""

    connections: tuple[ConnectionFigures, ...]


@dataclass(frozen=True, slots=True)
class BecameLive:
    """He is on stage, so many seconds after it was decided."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Gone:
    """He is not here any more. ``over``: he left the session (not: he goes on at another gateway)."""

    why: str
    over: bool = True


class Todo:
    """Effects in order, and what goes on when one is answered."""

    def __init__(self) -> None:
        self._effects: list[Any] = []
        self._then: dict[int, Then] = {}
        self._last = 0

    def __len__(self) -> int:
        """How many are not answered yet."""
        return len(self._then)

    def do(self, *effects: Any) -> None:
        """Want something done that nobody waits for."""
        self._effects.extend(effects)

    def ask(self, make: Callable[[int], Any], then: Then) -> None:
        """Want something done; ``make`` gets its number, ``then`` the outcome and the time."""
        self._last += 1
        self._then[self._last] = then
        self._effects.append(make(self._last))

    def done(self, op: int, outcome: Any, now_s: float) -> None:
        """An effect was answered; a second answer is ignored."""
        then = self._then.pop(op, None)
        if then:
            then(outcome, now_s)

    def take(self) -> Iterable[Any]:
        """What is to be done now; each is given once."""
        taken, self._effects = self._effects, []
        return taken
