"""What a client is told: answers (``re``: the request's number) and events (``event``: their name).

State events (stage, roster, role, talking, muted, hands) carry the whole state and may come again; ``data`` is
numbered (``n``) without gaps per session, and what was missed comes again after a resume.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from gateway.client.requests import Purpose

Role = Literal["viewer", "speaker", "moderator"]


class Problem(Struct, kw_only=True, omit_defaults=True):
    """Why not: ``type`` is stable (urn:rtcdn:problem:<kind>), ``detail`` and ``cure`` are for people (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    cure: str = ""
    field: str = ""
    retry_after_s: int = 0


class Media(Struct, omit_defaults=True):
    """One medium of a connection on which a client receives: its mid, and the slot that is shown there."""

    mid: str
    slot: str = ""  # empty: audio


class Answer(Struct, kw_only=True):
    """The answer to a request: ``ok`` with what was asked for, or a problem."""

    re: int
    ok: bool = True


class Refused(Answer, kw_only=True):
    """Not done, and why."""

    ok: bool = False
    problem: Problem


class OfferAnswer(Answer, kw_only=True):
    """Answer to ``offer``."""

    connection: str
    sdp: str
    media: list[Media] = field(default_factory=list)


class Seat(Struct, omit_defaults=True):
    """A slot and whom it shows."""

    slot: str
    participant: str
    name: str = ""
    source: Literal["camera", "screen"] = "camera"


class Person(Struct, omit_defaults=True):
    """A participant as others see him."""

    participant: str
    name: str = ""
    role: Role = "viewer"
    hand: bool = False
    muted: bool = False
    live: bool = False  # heard, or could be: on stage


class Resumption(Struct):
    """How to go on after the socket broke: keep ``key`` secret; valid for ``within_s`` after the break."""

    key: str
    within_s: int


class Limits(Struct):
    """What a client may do: messages and data per second, bytes of a message, seconds between pings."""

    messages_ps: int
    data_ps: int
    message_bytes: int
    data_bytes: int
    ping_s: int


class Entry(Struct):
    """Where a region may be entered: when one entry is away, another one serves."""

    region: str
    url: str


class Joined(Answer, kw_only=True):
    """Answer to ``join`` and ``resume``. State events follow at once. ``receive``: answer to the offer of the join."""

    version: int
    session: str
    participant: str
    role: Role
    rights: list[str]
    name: str
    region: str
    codec: Literal["vp8", "h264"]
    slots: list[str]  # of the videos there can be: v1, v2, ... and s1 (a screen)
    resume: Resumption
    limits: Limits
    resumed: bool = False
    ice_servers: list[dict[str, Any]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    receive: OfferAnswer | None = None


class Page(Answer, kw_only=True):
    """Answer to ``participants``; ``next`` is the ``after`` of the next page, empty at the end."""

    participants: list[Person]
    total: int
    next: str = ""


class Published(Answer, kw_only=True):
    """Answer to ``publish`` and ``unpublish``: the role held now."""

    role: Role


class Sent(Answer, kw_only=True):
    """Answer to ``send``: the message's number."""

    n: int


class Event(Struct, tag_field="event", kw_only=True):
    """The base of events."""


class Connect(Event, tag="connect", kw_only=True):
    """Please make a connection and offer it. ``replaces`` goes on until this one flows (make before break)."""

    connection: str
    purpose: Purpose
    replaces: str = ""
    reason: str = ""  # moved, lost, promoted, ready
    ice_servers: list[dict[str, Any]] = field(default_factory=list)


class IceServers(Event, tag="ice-servers", kw_only=True):
    """Use these for connections from now on: those told before end soon. What is connected stays."""

    ice_servers: list[dict[str, Any]] = field(default_factory=list)


class Disconnect(Event, tag="disconnect", kw_only=True):
    """A connection has ended; with ``source`` only what it showed of that, the connection goes on."""

    connection: str
    reason: str = ""
    source: Literal["", "camera", "screen"] = ""


class RoleEvent(Event, tag="role", kw_only=True):
    """The role held now. ``live``: he is on stage and heard; ``by``: who changed it (empty: the application)."""

    role: Role
    live: bool
    by: str = ""
    reason: str = ""


class Stage(Event, tag="stage", kw_only=True):
    """Who is shown where; ``main`` is the slot of the main speaker. Nothing is renegotiated when it changes."""

    seats: list[Seat]
    main: str = "v1"


class Talking(Event, tag="talking", kw_only=True):
    """Everybody who talks now."""

    participants: list[str]


class Muted(Event, tag="muted", kw_only=True):
    """You were muted by a moderator, or your own muting was heard."""

    on: bool
    by: str = ""


class Roster(Event, tag="roster", kw_only=True):
    """How many are here, and who may speak (the first hundred of them). Told at most twice a second."""

    total: int
    viewers: int
    hands: int
    speakers: list[Person]


class Presence(Event, tag="presence", kw_only=True):
    """Who came, went or changed. In large sessions only moderators are told."""

    joined: list[Person] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    changed: list[Person] = field(default_factory=list)


class RaisedHand(Struct):
    """One hand: whose, and for how long."""

    participant: str
    name: str
    since_s: float


class Hands(Event, tag="hands", kw_only=True):
    """The hand queue, first come first. Moderators are told all, others their own place (1 is next)."""

    queue: list[RaisedHand] = field(default_factory=list)
    place: int = 0  # one's own; 0: the hand is down


class Data(Event, tag="data", kw_only=True):
    """An application's message."""

    n: int
    sender: str
    name: str = ""
    to: str = ""
    topic: str = ""
    data: str = ""


class Received(Struct, omit_defaults=True):
    """What is sent to a viewer of one slot: the layer (0 low, 1 medium, 2 high), or nothing and why."""

    slot: str
    layer: int = -1
    reason: str = ""  # window, network, load, limit, hidden


class QualityEvent(Event, tag="quality", kw_only=True):
    """How good it is: ``network`` by loss, round trip and freezes; the layers chosen."""

    network: Literal["good", "fair", "poor"]
    videos: list[Received] = field(default_factory=list)


class Closing(Event, tag="closing", kw_only=True):
    """This gateway goes: resume now; media go on."""

    reason: str = ""


class Closed(Event, tag="closed", kw_only=True):
    """It is over for good: ``left``, ``removed``, ``taken-over``, ``closed`` (the session), ``expired``."""

    reason: str
    by: str = ""
    detail: str = ""


ANSWERS: tuple[type[Answer], ...] = (Answer, Refused, OfferAnswer, Joined, Page, Published, Sent)
EVENTS: tuple[type[Event], ...] = (
    Connect,
    IceServers,
    Disconnect,
    RoleEvent,
    Stage,
    Talking,
    Muted,
    Roster,
    Presence,
    Hands,
    Data,
    QualityEvent,
    Closing,
    Closed,
)
