"""What a gateway knows of a session that it has participants of: its own people, and what the home told. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, field

from gateway.client.between import DataLog, Member, Message, Said, convert
from gateway.client.events import Person, Presence, RaisedHand, Roster
from gateway.client.home import LARGE

IDLE_S = 10.0  # a session of which we have nobody any more is left after this
News = tuple[str, tuple[Any, ...]]


class State(Struct):
    """A session as its home told it last."""

    roster: Roster = field(default_factory=lambda: Roster(total=0, viewers=0, hands=0, speakers=[]))
    hands: list[RaisedHand] = field(default_factory=list)
    talking: list[str] = field(default_factory=list)


class Membership:
    """One session at one of its member gateways."""

    def __init__(self, session: str, now_s: float) -> None:
        self.session = session
        self.home = ""
        self.log = DataLog()
        self.state = State()
        self.peers: list[str] = []
        self.ready = False  # has the home told its data since it became ours?
        self.empty_since_s: float | None = now_s
        self.asked: dict[str, Message] = {}  # by key: what must be asked again of another home
        self._people: dict[str, tuple[Person, float]] = {}
        self._talking: set[str] = set()
        self._fresh = True  # no home ever told its data
        self._known: set[str] | None = set()  # told to clients; None: too many to keep

    def hello(self, now_s: float) -> Message:
        """Everything that a home must know of us."""
        return self._message("members") | {
            "all": True,
            "put": [Member(person, now_s - since_s).to_message() for person, since_s in self._people.values()],
            "talking": sorted(self._talking),
            "n": self.log.n,
            "peers": self.peers,
            "known": sorted(self._known or ()),
        }

    def put(self, person: Person, now_s: float) -> Message:
        """One of ours came or changed; a hand that stays up keeps its time."""
        old = self._people.get(person.participant)
        raised_s = old[1] if old and old[0].hand and person.hand else now_s
        self._people[person.participant] = (person, raised_s)
        self.empty_since_s = None
        return self._message("members") | {"put": [Member(person, now_s - raised_s).to_message()], "drop": []}

    def drop(self, participant: str, now_s: float) -> Message:
        """One of ours went."""
        self._people.pop(participant, None)
        self._talking.discard(participant)
        if not self._people:
            self.empty_since_s = now_s
        return self._message("members") | {"put": [], "drop": [participant]}

    def talk(self, participant: str, on: bool) -> Message:
        """One of ours talks, or stops."""
        (self._talking.add if on else self._talking.discard)(participant)
        return self._message("talk") | {"participant": participant, "on": on}

    def idle(self, now_s: float) -> bool:
        """Has nobody of ours been here for long, and is nothing asked?"""
        return self.empty_since_s is not None and now_s - self.empty_since_s > IDLE_S and not self.asked

    def logged(self, n: int) -> Message:
        """The data that a new home lacks."""
        return self._message("log") | {"data": [msgspec.to_builtins(each) for each in self.log.since(n)]}

    def hear(self, message: Message) -> Iterator[News]:
        """What the home says; gives the listener's method and its arguments, or ``said``, key and number."""
        kind = message["type"]
        if kind == "gateways":
            self.peers = [each for each in message.get("ids", []) if isinstance(each, str)]
        elif kind == "known" and self._known is not None:
            self._known |= {each for each in message.get("ids", []) if isinstance(each, str)}
        elif kind == "data":
            yield from self._take([message], fresh=False)
        elif kind == "log":
            self.ready, fresh, self._fresh = True, self._fresh, False
            yield from self._take(message.get("data"), fresh=fresh)
        else:
            yield from self._state(kind, message)

    def _take(self, found: Any, *, fresh: bool) -> Iterator[News]:
        """Data in order; what was said before anybody of ours was here is only kept, for those who resume."""
        for said in convert(found, list[Said]) or []:
            if self.log.append(said):
                yield "said", (said.k, said.n)
                if not fresh:
                    yield "data", (said.to_data(),)

    def _state(self, kind: str, message: Message) -> Iterator[News]:
        if kind == "roster" and (roster := convert(message, Roster)):
            self.state.roster = roster
            yield kind, (roster,)
        elif kind == "hands" and (queue := convert(message.get("queue"), list[RaisedHand])) is not None:
            self.state.hands = queue
            yield kind, (queue,)
        elif kind == "talking" and (talking := convert(message.get("participants"), list[str])) is not None:
            self.state.talking = talking
            yield kind, (talking,)
        elif kind == "presence" and (told := convert(message, Presence)):
            self._remember(told, bool(message.get("large")))
            yield kind, (told, bool(message.get("large")))

    def _remember(self, told: Presence, large: bool) -> None:
        if self._known is not None:
            self._known |= {each.participant for each in told.joined}
            self._known -= set(told.left)
            if large or len(self._known) > 2 * LARGE:
                self._known = None

    def _message(self, kind: str) -> Message:
        return {"type": kind, "session": self.session}
