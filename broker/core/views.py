"""The map's view of one session: what should be, with the counts and indexes that decisions need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from broker.core.tables import Table
from rtcdn.model import ContextIntent, Leg, LinkIntent, ParticipantIntent, PlanRecord, Role, SessionIntent

V = TypeVar("V")
SPEAKING = (Role.SPEAKER, Role.MODERATOR)
RANK = {Role.VIEWER: 0, Role.SPEAKER: 1, Role.MODERATOR: 2}
LEAVING = "leaving_ms"  # option of a stage that is being emptied by a reorganisation: when its latest portion left
MANY = 8  # overlays larger than this and than an eighth of a table are merged by building it anew


def merged(table: Table[V], overlay: Mapping[str, V | None]) -> Table[V]:
    """The table with the overlay's entries put in; None takes an entry out."""
    if len(overlay) > MANY and len(overlay) * MANY > len(table):
        entries = dict(table)
        for key, value in overlay.items():
            if value is None:
                entries.pop(key, None)
            else:
                entries[key] = value
        return Table(entries)
    for key, value in overlay.items():
        table = table.drop(key) if value is None else table.set(key, value)
    return table


def context_of(leg: Leg) -> str:
    """Context id of a leg: what stands after the session in the id inside Janus."""
    return leg.context.partition("/")[2]


class Holder(NamedTuple):
    """One who is here and may speak, or moderate."""

    role: Role
    name: str


def holder_of(participant: ParticipantIntent | None) -> Holder | None:
    """The participant as holder of a role, None for one who only watches or is not here."""
    if participant is None or participant.role not in SPEAKING or not participant.legs:
        return None
    return Holder(participant.role, participant.name)


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session. Viewers are counts per context (``attached``) for whoever decides about capacity."""

    id: str
    intent: SessionIntent | None = None  # None: its SS: key is gone or cannot be read
    revision: int = 0  # of its SS: key
    contexts: Table[ContextIntent] = field(default_factory=Table)
    links: Table[LinkIntent] = field(default_factory=Table)
    participants: Table[ParticipantIntent] = field(default_factory=Table)
    plan: PlanRecord | None = None
    attached: Table[int] = field(default_factory=Table)  # context -> legs that should be there
    live: Table[int] = field(default_factory=Table)  # mix -> talk legs of those who may speak now
    pending: Table[float] = field(default_factory=Table)  # participants with a leg not up -> when they attached
    publishers: frozenset[str] = frozenset()  # participants with a publish leg
    holders: Table[Holder] = field(default_factory=Table)  # speakers and moderators who are here
    talk_legs: int = 0  # of all its mixes: those who are heard and those who wait
    stages: dict[str, dict[str, str]] = field(default_factory=dict)  # region -> node -> context
    waiting: Table[float] = field(default_factory=Table)  # participants who were asked to wait -> their turn
    last_turn_s: float = 0.0  # the latest turn given to those
    joins: tuple[tuple[int, int], ...] = ()  # by second: how many came; of the latest minute
    changed_s: float = 0.0  # when its contexts or links last changed

    @property
    def nothing_left(self) -> bool:
        """Whether no key of it stands."""
        return not (self.intent or self.contexts or self.links or self.participants or self.plan)

    def duty(self, duty: str) -> dict[str, ContextIntent]:
        """Contexts of a duty, by id, in order of id."""
        return {name: self.contexts[name] for name in sorted(self.contexts) if self.contexts[name].duty == duty}

    def to_dict(self) -> dict[str, Any]:
        """As ``GET /v1/map`` shows it; participants only as counts."""
        return {
            "id": self.id,
            "intent": self.intent.to_dict() if self.intent else None,
            "participants": len(self.participants),
            "publishers": sorted(self.publishers),
            "roles": {name: self.holders[name].role for name in sorted(self.holders)},
            "talk_legs": self.talk_legs,
            "contexts": {name: self.contexts[name].to_dict() for name in sorted(self.contexts)},
            "links": {name: self.links[name].to_dict() for name in sorted(self.links)},
            "attached": {name: self.attached[name] for name in sorted(self.attached)},
        }
