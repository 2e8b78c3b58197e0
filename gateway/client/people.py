"""Who is in a session: counts, hands and pages that stay cheap with very many people. Pure."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator

from msgspec import Struct

from gateway.client.between import Member
from gateway.client.events import Person, Presence, RaisedHand, Roster

SPEAKERS = 100  # told in a roster


class PeoplePage(Struct):
    """Some of those who are here, by id; ``next`` is the ``after`` of the next page, empty at the end."""

    participants: list[Person]
    total: int
    next: str = ""


class Held(Struct):
    """A participant at a gateway, and when he raised his hand."""

    person: Person
    gateway: str
    raised_s: float


class People:
    """The participants of one session, and what has changed since it was told."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._ids: list[str] = []
        self._speakers: dict[str, None] = {}
        self._hands: dict[str, float] = {}
        self._before: dict[str, Person | None] = {}  # as told last, of those who changed
        self._ghosts: dict[str, float] = {}  # told by the last home and not seen here yet -> until when they may come

    def __len__(self) -> int:
        """How many are here."""
        return len(self._held)

    def ids(self) -> list[str]:
        """Everybody, by id."""
        return list(self._ids)

    def holder(self, participant: str) -> str:
        """The gateway that has him; empty when he is not here."""
        held = self._held.get(participant)
        return held.gateway if held else ""

    def known(self, participants: list[str], until_s: float) -> None:
        """Clients were told of these: they have not joined when they come, and have left when they do not."""
        for participant in participants:
            if participant not in self._held:
                self._ghosts.setdefault(participant, until_s)

    def ghosts_due_s(self) -> float:
        """When the first of those who were known has left."""
        return min(self._ghosts.values(), default=float("inf"))

    def of(self, gateway: str) -> set[str]:
        """Everybody whom a gateway has."""
        return {participant for participant, held in self._held.items() if held.gateway == gateway}

    def put(self, gateway: str, member: Member, now_s: float) -> bool:
        """Take or renew somebody; the later gateway has him. A hand stays in its place. Was anything new?"""
        person, old = member.person, self._held.get(member.person.participant)
        raised_s = now_s - max(0.0, member.since_s)
        if old and old.person.hand and person.hand:
            raised_s = min(raised_s, old.raised_s)
        ident = person.participant
        self._held[ident] = Held(person, gateway, raised_s)
        if old is None:
            insort(self._ids, ident)
        elif old.person == person:
            return False
        self._index(ident, person, raised_s)
        if self._ghosts.pop(ident, None) is None:
            self._before.setdefault(ident, old.person if old else None)
        return True

    def drop(self, gateway: str, participant: str) -> bool:
        """Forget somebody, if that gateway has him."""
        held = self._held.get(participant)
        if held is None or held.gateway != gateway:
            return False
        del self._held[participant]
        del self._ids[bisect_right(self._ids, participant) - 1]
        self._speakers.pop(participant, None)
        self._hands.pop(participant, None)
        self._before.setdefault(participant, held.person)
        return True

    def _index(self, participant: str, person: Person, raised_s: float) -> None:
        if person.role == "viewer":
            self._speakers.pop(participant, None)
        else:
            self._speakers[participant] = None
        if person.hand:
            self._hands[participant] = raised_s
        else:
            self._hands.pop(participant, None)

    def roster(self) -> Roster:
        """How many, and who may speak."""
        speakers = [self._held[ident].person for ident, _ in zip(self._speakers, range(SPEAKERS), strict=False)]
        viewers = len(self._held) - len(self._speakers)
        return Roster(total=len(self._held), viewers=viewers, hands=len(self._hands), speakers=speakers)

    def hands(self, now_s: float) -> list[RaisedHand]:
        """The queue, first come first."""
        order = sorted(self._hands, key=lambda ident: (self._hands[ident], ident))
        return [RaisedHand(i, self._held[i].person.name, round(now_s - self._hands[i], 1)) for i in order]

    def presence(self, now_s: float) -> Presence | None:
        """Who came, went or changed since the last call; None: nobody."""
        presence = Presence(left=[ident for ident, until_s in self._ghosts.items() if until_s <= now_s])
        for ident in presence.left:
            del self._ghosts[ident]
        for ident, before in self._before.items():
            held = self._held.get(ident)
            if held is None:
                presence.left += [ident] if before else []
            elif before is None:
                presence.joined.append(held.person)
            elif before != held.person:
                presence.changed.append(held.person)
        self._before = {}
        return presence if presence.joined or presence.left or presence.changed else None

    def page(self, after: str, limit: int, search: str) -> PeoplePage:
        """Those after an id, by id; with ``search`` those whose name or id has it, in any case."""
        if not search:
            begin = bisect_right(self._ids, after) if after else 0
            ids = self._ids[begin : begin + limit]
            more = begin + limit < len(self._ids)
            return PeoplePage([self._held[i].person for i in ids], len(self._ids), ids[-1] if more else "")
        found = list(self._found(search.casefold()))
        rest = [ident for ident in found if ident > after]
        ids = rest[:limit]
        return PeoplePage([self._held[i].person for i in ids], len(found), ids[-1] if len(rest) > limit else "")

    def _found(self, part: str) -> Iterator[str]:
        for ident in self._ids:
            if part in self._held[ident].person.name.casefold() or part in ident:
                yield ident
