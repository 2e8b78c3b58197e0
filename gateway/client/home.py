"""The home of one session: numbers its data, keeps who is in it, and tells its member gateways. Pure.

A home that takes over numbers nothing until those who were at the last one have said what they know (``Settling``).
Everything is answered by messages, each for a gateway; ``tick`` gives those that wait for their time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from gateway.client.between import DataLog, Hello, Member, Message, Said, members
from gateway.client.people import People, PeoplePage

ROSTER_S = 0.5
PRESENCE_S = 0.25  # hands too
GRACE_S = 5.0  # the people of a gateway that is gone: they may resume at another
SETTLE_S = 2.0  # most that a new home waits for the members of the old one
CALM_S = 3.0  # without a change among the gateways: then a home of which nobody knows is the first
LARGE = 50  # people, from which presence is for moderators only
NEVER = float("inf")
Out = tuple[str, Message]
_NO_DATA = DataLog()


class Settling(Struct):
    """Whom a new home waits for."""

    by_s: float
    calm: bool  # no gateway came or went lately
    expected: set[str]
    asked: set[str]  # for the log that they have
    waiting: list[Said]  # said meanwhile, to be numbered
    witnessed: bool = False  # a member was at the home before


class Home:
    """The state of one session at its home."""

    def __init__(self, session: str, gateway: str, now_s: float, *, calm: bool, log: DataLog = _NO_DATA) -> None:
        self.session = session
        self._gateway = gateway
        self._people = People()
        self._talking: dict[str, None] = {}
        self.log = DataLog()
        self.log.merge(log.since(0))
        self.log.n = log.n
        self._at: dict[str, int] = {}  # member gateway -> the newest data that it has
        self._alive: set[str] = set()
        self._gone: dict[str, float] = {}  # gateway -> when its people are forgotten
        self._settling: Settling | None = Settling(now_s + SETTLE_S, calm, set(), set(), [])
        self._roster_s = self._presence_s = NEVER  # when the next is due
        self._told_roster_s = self._told_presence_s = float("-inf")
        self.empty_since_s: float | None = now_s

    # ---- what members say

    def hello(self, gateway: str, hello: Hello, now_s: float) -> list[Out]:
        """A member's whole state; it is told ours."""
        self._gone.pop(gateway, None)
        found = members(hello.put)
        self._drop(gateway, self._people.of(gateway) - {each.person.participant for each in found})
        self._people.known(hello.known, now_s + GRACE_S)
        self._put(gateway, found, now_s)
        for participant in hello.talking:
            if self._people.holder(participant) == gateway:
                self._talking[participant] = None
        self._at[gateway], self.empty_since_s = hello.n, None
        self._changed(now_s)
        if self._settling:
            self._settling.witnessed |= bool(hello.peers)
            self._settling.expected = (self._settling.expected | set(hello.peers)) - {*self._at, self._gateway}
            if hello.n > self.log.n:
                self._settling.asked.add(gateway)
        out = self._to_all(self._gateways()) + self._to_all(self._talk())
        if len(self._people) <= LARGE:
            out.append((gateway, self._message("known") | {"ids": self._people.ids()}))
        if not self._quiet:
            out += [(gateway, self._roster()), (gateway, self._hands(now_s))]
        if hello.n > self.log.n:
            out.append((gateway, self._message("since") | {"n": self.log.n}))
        return out + (self._settle(now_s) if self._settling else self._missing(gateway))

    def change(self, gateway: str, put: Any, drop: Any, now_s: float) -> list[Out]:
        """Some came, changed or went at a member."""
        talking = list(self._talking)
        new = self._put(gateway, members(put), now_s)
        gone = self._drop(gateway, drop if isinstance(drop, list) else [])
        if new or gone:
            self._changed(now_s)
        return self._to_all(self._talk()) if talking != list(self._talking) else []

    def talk(self, gateway: str, participant: str, on: bool) -> list[Out]:
        """Somebody begins to talk, or stops."""
        if self._people.holder(participant) != gateway or on == (participant in self._talking):
            return []
        if on:
            self._talking[participant] = None
        else:
            del self._talking[participant]
        return self._to_all(self._talk())

    def say(self, said: Said) -> list[Out]:
        """Number a message and tell it; one that came before, by its key, keeps its number."""
        if self._settling:
            self._settling.waiting.append(said)
            return []
        known = self.log.of(said.k)
        if known:
            return [(gateway, self._data(known)) for gateway in self._at]
        return self._tell([msgspec.structs.replace(said, n=self.log.n + 1)])

    def logged(self, gateway: str, found: Iterable[Said], now_s: float) -> list[Out]:
        """The data that a member has and we asked for."""
        self.log.merge(found)
        if self._settling:
            self._settling.asked.discard(gateway)
            return self._settle(now_s)
        return [out for each in list(self._at) if self._at[each] < self.log.n for out in self._missing(each)]

    def leave(self, gateway: str, now_s: float) -> list[Out]:
        """A gateway has nobody of this session any more."""
        self._at.pop(gateway, None)
        self._drop(gateway, self._people.of(gateway))
        return self._without(gateway, now_s)

    def lost(self, gateway: str, now_s: float) -> list[Out]:
        """A gateway is not heard any more; its people are kept a while."""
        if self._at.pop(gateway, None) is None:
            return []
        self._gone[gateway] = now_s + GRACE_S
        return self._without(gateway, now_s)

    def alive(self, gateways: Iterable[str], now_s: float) -> list[Out]:
        """The gateways that there are now: no other is waited for."""
        self._alive = set(gateways)
        return self._settle(now_s)

    # ---- what is asked

    def gateways(self) -> list[str]:
        """The members, and we."""
        return sorted({*self._at, self._gateway})

    def page(self, after: str, limit: int, search: str) -> PeoplePage:
        """Some of those who are here."""
        return self._people.page(after, limit, search)

    def holder(self, participant: str) -> str:
        """The gateway that has him; empty when he is not here."""
        return self._people.holder(participant)

    # ---- time

    def due_s(self) -> float:
        """When ``tick`` has something to do."""
        settle_s = self._settling.by_s if self._settling else NEVER
        told_s = NEVER if self._quiet else min(self._roster_s, self._presence_s, self._people.ghosts_due_s())
        return min(told_s, settle_s, *self._gone.values())

    def tick(self, now_s: float) -> list[Out]:
        """What is due."""
        out: list[Out] = self._settle(now_s)
        for gateway in [each for each, at_s in self._gone.items() if at_s <= now_s]:
            del self._gone[gateway]
            if self._drop(gateway, self._people.of(gateway)):
                self._changed(now_s)
                out += self._to_all(self._talk())
        if self._quiet:
            return out
        if min(self._presence_s, self._people.ghosts_due_s()) <= now_s:
            self._presence_s, self._told_presence_s = NEVER, now_s
            presence = self._people.presence(now_s)
            if presence:
                large = {"large": True} if len(self._people) > LARGE else {}
                out += self._to_all(self._message("presence") | _plain(presence) | large)
            out += self._to_all(self._hands(now_s))
        if self._roster_s <= now_s:
            self._roster_s, self._told_roster_s = NEVER, now_s
            out += self._to_all(self._roster())
        return out

    # ---- inside

    @property
    def _quiet(self) -> bool:
        """Taking over: what members know is better than what only some of them have said."""
        return self._settling is not None and self._settling.witnessed

    def _put(self, gateway: str, found: list[Member], now_s: float) -> bool:
        new = False
        for each in found:
            if self._people.holder(each.person.participant) != gateway:  # his new gateway hears him, if he talks
                self._talking.pop(each.person.participant, None)
            new = self._people.put(gateway, each, now_s) or new
        return new

    def _drop(self, gateway: str, participants: Iterable[Any]) -> set[str]:
        """Forget those whom the gateway has; they talk no more. Who went."""
        named = sorted(each for each in participants if isinstance(each, str))
        gone = {each for each in named if self._people.drop(gateway, each)}
        for participant in gone:
            self._talking.pop(participant, None)
        return gone

    def _changed(self, now_s: float) -> None:
        self._presence_s = min(self._presence_s, max(now_s, self._told_presence_s + PRESENCE_S))
        self._roster_s = min(self._roster_s, max(now_s, self._told_roster_s + ROSTER_S))

    def _without(self, gateway: str, now_s: float) -> list[Out]:
        if self._settling:
            self._settling.asked.discard(gateway)
        if not self._at:
            self.empty_since_s = now_s
        self._changed(now_s)
        return self._to_all(self._gateways()) + self._to_all(self._talk()) + self._settle(now_s)

    def _settle(self, now_s: float) -> list[Out]:
        """Begin to number, when nobody is waited for any more."""
        settling = self._settling
        if settling is None or not (self._at or settling.by_s <= now_s):
            return []
        known = settling.witnessed or settling.calm
        if settling.by_s > now_s and (not known or settling.asked or settling.expected & self._alive):
            return []
        self._settling = None
        out = [out for gateway in list(self._at) for out in self._missing(gateway)]
        for said in settling.waiting:
            out += self.say(said)
        return out

    def _missing(self, gateway: str) -> list[Out]:
        """The data that a member does not have."""
        missing = self.log.since(self._at[gateway])
        self._at[gateway] = max(self._at[gateway], self.log.n)
        message = self._message("log") | {"data": [_plain(each) for each in missing]}
        return [(gateway, message)]

    def _tell(self, news: list[Said]) -> list[Out]:
        for said in news:
            self.log.append(said)
        self._at = dict.fromkeys(self._at, self.log.n)
        return [out for said in news for out in self._to_all(self._data(said))]

    def _to_all(self, message: Message) -> list[Out]:
        return [(gateway, message) for gateway in self._at]

    def _message(self, kind: str) -> Message:
        return {"type": kind, "session": self.session}

    def _gateways(self) -> Message:
        return self._message("gateways") | {"ids": self.gateways()}

    def _roster(self) -> Message:
        return self._message("roster") | _plain(self._people.roster())

    def _hands(self, now_s: float) -> Message:
        return self._message("hands") | {"queue": msgspec.to_builtins(self._people.hands(now_s))}

    def _talk(self) -> Message:
        return self._message("talking") | {"participants": list(self._talking)}

    def _data(self, said: Said) -> Message:
        return self._message("data") | _plain(said)


def _plain(record: Struct) -> Message:
    """A record as an object, without the tag of events."""
    fields: Message = msgspec.to_builtins(record)
    fields.pop("event", None)
    return fields
