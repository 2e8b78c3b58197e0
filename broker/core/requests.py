"""Requests: what can be asked of the broker, one record each.

``attach_class`` says whether a replica that is not the leader may answer it from its map and write the
participant's key afterwards. An attach may still turn out to need a new context: then the decision's
``needs_leader`` is true, and a follower forwards the request to the leader.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.core.operations import ChangeScenario as ChangeScenario  # noqa: PLC0414  (seen from here)
from broker.core.operations import EndTap as EndTap  # noqa: PLC0414
from broker.core.operations import PutTap as PutTap  # noqa: PLC0414
from broker.core.operations import Reorganise as Reorganise  # noqa: PLC0414
from broker.core.operations import Warmup as Warmup  # noqa: PLC0414
from broker.core.operations import Watched as Watched  # noqa: PLC0414
from rtcdn.model import Codec, Record, Role, SessionIntent, StreamInfo


@dataclass(frozen=True, slots=True)
class OpenSession(Record):
    """Open a session, or open it further (a larger audience); the codec of a running session stays."""

    session: str
    intent: SessionIntent

    @property
    def attach_class(self) -> bool:
        """Contexts and links: the leader's."""
        return False


@dataclass(frozen=True, slots=True)
class CloseSession(Record):
    """End a session with all it holds. ``left``: only what an earlier close has left, not one opened since."""

    session: str
    left: bool = False

    @property
    def attach_class(self) -> bool:
        """Contexts and links: the leader's."""
        return False


@dataclass(frozen=True, slots=True)
class Admit(Record):
    """An application announces a participant: role, rights and name stay until he is removed."""

    session: str
    participant: str
    role: Role = Role.VIEWER
    rights: tuple[str, ...] = ()
    name: str = ""

    @property
    def attach_class(self) -> bool:
        """Only the participant's key."""
        return True


@dataclass(frozen=True, slots=True)
class SetRole(Record):
    """Promote or demote. ``by``: the participant who asks, empty for an application, whose word always stands."""

    session: str
    participant: str
    role: Role
    by: str = ""

    @property
    def attach_class(self) -> bool:
        """A demotion stops links: the leader's."""
        return False


@dataclass(frozen=True, slots=True)
class Remove(Record):
    """Put a participant out. ``by``: the moderator who asks, empty for an application; ``reason``: his words."""

    session: str
    participant: str
    by: str = ""
    reason: str = ""

    @property
    def attach_class(self) -> bool:
        """May stop links: the leader's."""
        return False


@dataclass(frozen=True, slots=True)
class Attach(Record):
    """A gateway asks where to lead its participant. ``want``: of publish, view, talk.

    ``regions``: nearest first; empty: anywhere. ``rtt_ms``: round trips by region, measured or estimated, where known;
    ``ordered_by``: how each region's was known, see ``places.order``. ``place_from``: who says where he is.
    ``role``, ``rights``, ``name`` come from the client token; what was set by Admit or SetRole wins.
    ``codecs``: of video, those that he can carry; None: he offers no video, or nobody told.
    ``ready``: he waits to speak; a talk leg beside what he wants, if there is room for one more to wait.
    ``sources``: what a publisher will send, ``camera``, ``screen``; empty: a camera. ``resume``: see ParticipantIntent.
    """

    session: str
    participant: str
    want: tuple[str, ...] = ("view",)
    role: Role = Role.VIEWER
    rights: tuple[str, ...] = ()
    name: str = ""
    gateway: str = ""
    regions: tuple[str, ...] = ()
    rtt_ms: dict[str, float] = field(default_factory=dict)
    ordered_by: dict[str, str] = field(default_factory=dict)
    place: tuple[float, ...] = ()
    place_from: str = ""
    codecs: tuple[Codec, ...] | None = None
    ready: bool = False
    sources: tuple[str, ...] = ()
    resume: str = ""

    @property
    def attach_class(self) -> bool:
        """Into contexts that exist; else the decision says ``needs_leader``."""
        return True


@dataclass(frozen=True, slots=True)
class MediaUp(Record):
    """The PeerConnection of a leg is up, or carries other ``streams`` now. ``generation`` is that of the grant.

    ``gateway`` holds the leg from now on; empty: who did.
    """

    session: str
    participant: str
    leg: str
    generation: int
    janus_session: int = 0
    handle: int = 0
    streams: tuple[StreamInfo, ...] = ()
    gateway: str = ""

    @property
    def attach_class(self) -> bool:
        """A publisher makes links: the leader's."""
        return self.leg != "publish"


@dataclass(frozen=True, slots=True)
class MediaDown(Record):
    """The PeerConnection of a leg is down; the leg may come up again."""

    session: str
    participant: str
    leg: str
    generation: int

    @property
    def attach_class(self) -> bool:
        """A publisher's links stop: the leader's."""
        return self.leg != "publish"


@dataclass(frozen=True, slots=True)
class Leave(Record):
    """A leg ends (idempotent; a stale generation changes nothing). An empty ``leg`` means all of them."""

    session: str
    participant: str
    leg: str = ""
    generation: int = 0  # 0: whichever

    @property
    def attach_class(self) -> bool:
        """A publisher's links stop: the leader's."""
        return self.leg not in ("publish", "")


@dataclass(frozen=True, slots=True)
class Talking(Record):
    """A speaker has held the floor long enough to be the main speaker (``due`` asks it)."""

    session: str
    participant: str

    @property
    def attach_class(self) -> bool:
        """Links: the leader's."""
        return False


@dataclass(frozen=True, slots=True)
class Drain(Record):
    """No new work for a node, then what is there moves (``due`` then asks Vacate, session by session)."""

    node: str
    by: str = ""
    deadline_s: float = 0.0

    @property
    def attach_class(self) -> bool:
        """The leader's."""
        return False


@dataclass(frozen=True, slots=True)
class Undrain(Record):
    """The node takes work again."""

    node: str

    @property
    def attach_class(self) -> bool:
        """The leader's."""
        return False


@dataclass(frozen=True, slots=True)
class Vacate(Record):
    """Move a portion of a session off a node that drains or is lost; asked again until nothing is left."""

    session: str
    node: str
    lost: bool = False

    @property
    def attach_class(self) -> bool:
        """The leader's."""
        return False


@dataclass(frozen=True, slots=True)
class Reap(Record):
    """Mend and tidy a session: missing links, slots of speakers who are gone, contexts idle too long."""

    session: str

    @property
    def attach_class(self) -> bool:
        """The leader's."""
        return False


@dataclass(frozen=True, slots=True)
class GatewayLost(Record):
    """Give a portion of a vanished gateway's participants in one session to another gateway."""

    session: str
    gateway: str

    @property
    def attach_class(self) -> bool:
        """The leader's: it sends the orders."""
        return False


Request = (
    OpenSession
    | CloseSession
    | Admit
    | SetRole
    | Remove
    | Attach
    | MediaUp
    | MediaDown
    | Leave
    | Talking
    | Drain
    | Undrain
    | Vacate
    | Reap
    | GatewayLost
    | ChangeScenario
    | PutTap
    | EndTap
    | Warmup
    | Reorganise
    | Watched
)
