"""What gateways tell each other of a session: records, and the log of numbered data. Pure."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from gateway.client.events import Data, Person

LOG = 256  # data messages of a session that are kept, at its home and at every member
Message = dict[str, Any]
T = TypeVar("T")


def rendezvous(session: str, gateways: Iterable[str]) -> str:
    """The home of a session among these gateways: the highest hash; empty when there is none."""
    return max(gateways, key=lambda gateway: hashlib.sha256(f"{session}\0{gateway}".encode()).digest(), default="")


class Member(Struct):
    """A participant, and for how long his hand has been up."""

    person: Person
    since_s: float = 0.0

    def to_message(self) -> Message:
        """One object: the person's fields and ``since_s``."""
        fields: Message = msgspec.to_builtins(self.person)
        return fields | ({"since_s": round(self.since_s, 3)} if self.person.hand else {})


class Said(Struct, omit_defaults=True):
    """A data message with its number, and the key by which its gateway knows it (empty: not known)."""

    n: int
    sender: str
    name: str = ""
    to: str = ""
    topic: str = ""
    data: str = ""
    k: str = ""

    def to_data(self) -> Data:
        """As clients are told."""
        return Data(n=self.n, sender=self.sender, name=self.name, to=self.to, topic=self.topic, data=self.data)


class Hello(Struct):
    """A member's whole state: said on connecting."""

    put: list[Message] = field(default_factory=list)
    talking: list[str] = field(default_factory=list)
    n: int = 0  # the newest data it has
    known: list[str] = field(default_factory=list)  # everybody of whom its clients were told, unless very many
    peers: list[str] = field(default_factory=list)  # gateways that were at the session's home with it


def members(found: Any) -> list[Member]:
    """Members out of a message of another gateway; what cannot be read is left out."""
    read = []
    for each in found if isinstance(found, list) else []:
        person = convert(each, Person)
        if person is not None and person.participant:
            since_s = each.get("since_s", 0.0)
            read.append(Member(person, float(since_s) if isinstance(since_s, int | float) else 0.0))
    return read


def convert(found: Any, kind: type[T]) -> T | None:
    """A record out of a message of another gateway, or None when it does not fit. Never raises."""
    try:
        return msgspec.convert(found, kind)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return None


class DataLog:
    """The newest data messages of a session by number; none is in it twice."""

    def __init__(self) -> None:
        self._all: deque[Said] = deque(maxlen=LOG)
        self.n = 0  # the newest number

    def append(self, said: Said) -> bool:
        """Take the next message; False for one that is not news."""
        if said.n <= self.n:
            return False
        self._all.append(said)
        self.n = said.n
        return True

    def merge(self, others: Iterable[Said]) -> list[Said]:
        """Take what another has; answers what is newer than all that was here, in order. What was here stands."""
        newest = self.n
        by_number = {each.n: each for each in others if each.n > 0} | {each.n: each for each in self._all}
        self._all = deque((by_number[n] for n in sorted(by_number)), maxlen=LOG)
        self.n = max(newest, self._all[-1].n) if self._all else newest
        return self.since(newest)

    def since(self, n: int) -> list[Said]:
        """Everything newer than ``n`` that is still known, in order."""
        return [each for each in self._all if each.n > n]

    def of(self, key: str) -> Said | None:
        """The message of a key: was it said before?"""
        return next((each for each in reversed(self._all) if each.k == key), None) if key else None
