"""What a client may ask. Every request has ``id``, its own number, and gets one answer with ``re`` of that number.

Unknown fields are ignored; an unknown ``type`` is answered with a problem. Texts are measured in characters, SDP in
bytes. Whoever changes a message changes docs/client-api.md and the SDK with it (a test compares them).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

VERSION = 1
PROTOCOL = "rtcdn.v1"  # the WebSocket's subprotocol
MAX_MESSAGE_BYTES = 64 * 1024
MAX_DATA_BYTES = 16 * 1024

Name = Annotated[str, Meta(max_length=128, description="as others see it; any script")]
Id = Annotated[str, Meta(min_length=1, max_length=96)]
ConnectionId = Annotated[str, Meta(max_length=16)]
Sdp = Annotated[str, Meta(max_length=48 * 1024, description="a whole session description")]
Source = Literal["camera", "screen", "microphone", "off"]
Purpose = Literal["receive", "voice", "send"]
RequestId = Annotated[int, Meta(ge=0, le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Number = Annotated[float, Meta(ge=0, le=1e12)]


class Request(Struct, tag_field="type", kw_only=True):
    """The base of all."""

    id: RequestId


class Join(Request, tag="join", kw_only=True):
    """First message of a new participant. ``offer`` is that of the connection on which he receives (saves a turn)."""

    version: int = VERSION
    session: Id
    token: Annotated[str, Meta(min_length=1, max_length=8192)]
    name: Name = ""
    measured_rtt: Annotated[dict[Id, Number], Meta(max_length=100)] = field(default_factory=dict)
    offer: Sdp = ""
    ready: bool = False  # devices are open: once promoted he is live without being asked
    agent: Annotated[str, Meta(max_length=200, description="SDK and its version")] = ""


class Resume(Request, tag="resume", kw_only=True):
    """First message after the socket broke: go on where it was, at any gateway. ``last``: newest ``n`` seen."""

    version: int = VERSION
    session: Id
    token: Annotated[str, Meta(min_length=1, max_length=8192)]
    participant: Id
    key: Annotated[str, Meta(min_length=16, max_length=64)]
    last: Count = 0
    hand: bool = False
    ready: bool = False
    muted: bool = False


class Offer(Request, tag="offer", kw_only=True):
    """The client's description of a connection: one that the gateway asked for, or a new one to ``send``.

    Asked again for a ``send`` connection it renegotiates it (a screen is added). ``sources``: mid -> what it sends.
    """

    connection: ConnectionId = ""  # empty: a new one to send
    purpose: Purpose = "send"
    sdp: Sdp
    sources: Annotated[dict[Annotated[str, Meta(max_length=16)], Source], Meta(max_length=16)] = field(
        default_factory=dict
    )


class IceCandidate(Struct):
    """One ICE candidate, as browsers write it."""

    candidate: Annotated[str, Meta(max_length=1024)]
    mid: Annotated[str, Meta(max_length=16)] = ""
    line: Annotated[int, Meta(ge=0, le=64)] = 0


class Candidates(Request, tag="candidates", kw_only=True):
    """ICE candidates found since."""

    connection: ConnectionId
    candidates: Annotated[list[IceCandidate], Meta(max_length=64)] = field(default_factory=list)
    complete: bool = False


class Flowing(Request, tag="flowing", kw_only=True):
    """Media of a connection flow: the one that it replaces may end."""

    connection: ConnectionId


class Sources(Request, tag="sources", kw_only=True):
    """What the send connection carries now, without renegotiation; ``off``: nothing is sent on that mid."""

    connection: ConnectionId
    sources: Annotated[dict[Annotated[str, Meta(max_length=16)], Source], Meta(max_length=16)]


class Publish(Request, tag="publish", kw_only=True):
    """Go on stage: be heard, and seen by an ``offer`` with purpose ``send``. With the right ``publish`` viewers may."""

    muted: bool = False


class Unpublish(Request, tag="unpublish", kw_only=True):
    """Leave the stage, stay in the session. Who was promoted is a viewer again."""


class Mute(Request, tag="mute", kw_only=True):
    """Mute oneself, or (moderators) another, who may unmute himself again. Nobody is unmuted by another."""

    on: bool = True
    participant: Annotated[str, Meta(max_length=96, description="empty: oneself")] = ""


class Hand(Request, tag="hand", kw_only=True):
    """Raise or lower one's hand; a moderator lowers another's. ``ready`` as in join."""

    up: bool = True
    ready: bool = True
    participant: Annotated[str, Meta(max_length=96, description="empty: one's own")] = ""


class Promote(Request, tag="promote", kw_only=True):
    """A moderator makes a viewer with the right ``speak`` a speaker."""

    participant: Id


class Demote(Request, tag="demote", kw_only=True):
    """A moderator makes a speaker a viewer; it lasts until he is promoted."""

    participant: Id


class Remove(Request, tag="remove", kw_only=True):
    """A moderator puts a participant out; he does not come back unless the application admits him again."""

    participant: Id
    reason: Annotated[str, Meta(max_length=200)] = ""


class Wanted(Struct):
    """One video that a viewer shows: its slot and the size of its window in device pixels (both 0: any size)."""

    slot: Annotated[str, Meta(max_length=8)]
    width: Annotated[int, Meta(ge=0, le=16384)] = 0
    height: Annotated[int, Meta(ge=0, le=16384)] = 0


class Layout(Request, tag="layout", kw_only=True):
    """Which videos are shown, and how large. Those not named are not sent. Before the first layout all are sent."""

    videos: Annotated[list[Wanted], Meta(max_length=32)]


class Watch(Request, tag="watch", kw_only=True):
    """Whom one would like to see. Where more publish than there are slots, these follow who talks, then whom most want.

    Replaces what was said before; empty: nobody in particular.
    """

    participants: Annotated[list[Id], Meta(max_length=16)] = field(default_factory=list)


class Quality(Request, tag="quality", kw_only=True):
    """The most that shall be received: ``auto`` (as the network and window allow), or a cap, or no video at all."""

    limit: Literal["auto", "high", "medium", "low", "audio"] = "auto"


class Stream(Struct):
    """Figures of one stream since the connection began (counters) and now."""

    mid: Annotated[str, Meta(max_length=16)]
    direction: Literal["in", "out"] = "in"
    kind: Literal["audio", "video"] = "video"
    packets: Count = 0
    lost: Annotated[int, Meta(ge=-(2**31), le=2**53)] = 0
    jitter_ms: Number = 0.0
    bytes: Count = 0
    frames: Count = 0  # decoded or encoded
    dropped: Count = 0
    freezes: Count = 0
    freeze_s: Number = 0.0
    width: Count = 0
    height: Count = 0
    fps: Number = 0.0


class ConnectionFigures(Struct):
    """Figures of one connection."""

    connection: ConnectionId
    rtt_ms: Number = 0.0
    streams: Annotated[list[Stream], Meta(max_length=40)] = field(default_factory=list)


class Statistics(Request, tag="statistics", kw_only=True):
    """Receiver and sender figures, every two seconds or so. Layers follow from them."""

    connections: Annotated[list[ConnectionFigures], Meta(max_length=8)] = field(default_factory=list)


class Participants(Request, tag="participants", kw_only=True):
    """A page of who is here, by participant id."""

    after: Annotated[str, Meta(max_length=96)] = ""
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    search: Annotated[str, Meta(max_length=64, description="part of a name, in any case")] = ""


class Send(Request, tag="send", kw_only=True):
    """An application's message, to everybody or to one, in order. Any text, such as JSON."""

    data: Annotated[str, Meta(max_length=MAX_DATA_BYTES)]
    topic: Annotated[str, Meta(max_length=64)] = ""
    to: Annotated[str, Meta(max_length=96, description="empty: everybody")] = ""


class Ping(Request, tag="ping", kw_only=True):
    """Is the socket alive? Answered at once."""


class Leave(Request, tag="leave", kw_only=True):
    """Leave the session; the socket is closed after the answer."""


FIRST = (Join, Resume)
ALL: tuple[type[Request], ...] = (
    Join,
    Resume,
    Offer,
    Candidates,
    Flowing,
    Sources,
    Publish,
    Unpublish,
    Mute,
    Hand,
    Promote,
    Demote,
    Remove,
    Layout,
    Watch,
    Quality,
    Statistics,
    Participants,
    Send,
    Ping,
    Leave,
)
