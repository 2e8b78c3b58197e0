"""What a participant knows of his session, kept from answers and events. Pure: no clock, no socket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rtcdn.record import Record

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seat(Record):
    """A slot and whom it shows."""

    slot: str
    participant: str
    name: str = ""
    source: str = "camera"


@dataclass(frozen=True, slots=True)
class Person(Record):
    """A participant as others see him."""

    participant: str
    name: str = ""
    role: str = "viewer"
    hand: bool = False
    muted: bool = False
    live: bool = False


@dataclass(frozen=True, slots=True)
class Roster(Record):
    """How many are here, and who may speak."""

    total: int = 0
    viewers: int = 0
    hands: int = 0
    speakers: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class RaisedHand(Record):
    """One hand: whose, and for how long."""

    participant: str
    name: str = ""
    since_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Hands(Record):
    """The hand queue as told to this participant; ``place`` is his own, 0 while his hand is down."""

    queue: tuple[RaisedHand, ...] = ()
    place: int = 0


@dataclass(frozen=True, slots=True)
class Stage(Record):
    """Who is shown where, and the slot of the main speaker."""

    seats: tuple[Seat, ...] = ()
    main: str = "v1"

    def slot_of(self, participant: str, source: str = "camera") -> str:
        """The slot that shows somebody; empty when none does."""
        return next((s.slot for s in self.seats if (s.participant, s.source) == (participant, source)), "")


@dataclass
class State:
    """All of it. ``joined`` and ``told`` change it; everybody else only reads."""

    session: str
    participant: str = ""
    name: str = ""
    role: str = "viewer"
    rights: tuple[str, ...] = ()
    region: str = ""
    codec: str = "vp8"
    slots: tuple[str, ...] = ()
    live: bool = False
    muted: bool = False
    hand: bool = False
    stage: Stage = Stage()
    roster: Roster = Roster()
    hands: Hands = Hands()
    talking: frozenset[str] = frozenset()
    last: int = 0  # number of the newest data message
    key: str = field(default="", repr=False)
    within_s: float = 0.0
    ping_s: float = 10.0
    closed: str = ""  # why it is over for good

    def joined(self, answer: Json) -> None:
        """Take the answer to a join or a resume."""
        self.participant, self.name, self.role = answer["participant"], answer["name"], answer["role"]
        self.rights, self.slots = tuple(answer["rights"]), tuple(answer["slots"])
        self.region, self.codec = answer["region"], answer["codec"]
        self.key, self.within_s = answer["resume"]["key"], answer["resume"]["within_s"]
        self.ping_s = answer["limits"]["ping_s"]
        if not answer.get("resumed"):
            self.live, self.last = False, 0

    def told(self, event: Json) -> None:
        """Take an event; one that is not known changes nothing."""
        match event.get("event"):
            case "role":
                self.role, self.live = event["role"], event["live"]
            case "stage":
                self.stage = Stage.from_dict(event) or self.stage
            case "roster":
                self.roster = Roster.from_dict(event) or self.roster
            case "hands":
                self.hands = Hands.from_dict(event) or self.hands
                self.hand = self.hands.place > 0
            case "talking":
                self.talking = frozenset(event["participants"])
            case "muted":
                self.muted = event["on"]
            case "data":
                self.last = max(self.last, event["n"])
            case "closed":
                self.closed = event["reason"]

    def greeting(self) -> Json:
        """The fields of a resume that only this state knows."""
        own = {"participant": self.participant, "key": self.key, "last": self.last}
        return {**own, "hand": self.hand, "muted": self.muted}
