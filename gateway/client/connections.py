"""A client's connections: made, moved, lost and made again. One per purpose, two while it is moved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from gateway.client import offers
from gateway.client.answering import Answering
from gateway.client.connection import (
    CONNECT_S,
    FINAL,
    KEPT_CANDIDATES,
    LEGS,
    OFFER_S,
    PURPOSES,
    REFUSED,
    REPLACED_S,
    RETRY_S,
    Connection,
    Owner,
    unknown,
)
from gateway.client.effects import Attach, End, Report, Todo, Trickle, problem
from gateway.client.events import Connect, Disconnect, Problem
from gateway.client.replies import Reply
from gateway.client.requests import Candidates, Purpose
from rtcdn.model import AttachGrant, Codec, Leg


class Connections:
    """All of one client, newest last."""

    def __init__(self, todo: Todo, owner: Owner, codec: Codec = Codec.VP8) -> None:
        self._todo, self._owner = todo, owner
        self.answering = Answering(self, todo, owner)
        self.all: dict[str, Connection] = {}
        self.codec = codec
        self.attaching: set[Purpose] = set()
        self._retry: dict[Purpose, tuple[float, float, str]] = {}  # at, pause, reason

    def of(self, purpose: Purpose) -> Connection | None:
        """The newest of a purpose."""
        return next((each for each in reversed(self.all.values()) if each.purpose == purpose), None)

    def flowing(self, purpose: Purpose) -> Connection | None:
        """The newest of a purpose whose leg exists."""
        return next((e for e in reversed(self.all.values()) if e.purpose == purpose and e.answered), None)

    # ---- made because the gateway wants it

    def up_to(self, leg: str, generation: int | None) -> list[Connection]:
        """Connections of a leg (empty: of all) that were there at that generation."""
        found = (each for each in self.all.values() if leg in ("", each.leg.leg))
        return [each for each in found if generation is None or each.generation <= generation]

    def ensure(self, purpose: Purpose, reason: str, now_s: float) -> None:
        """Ask for one unless there is one, or one is on its way."""
        if self.of(purpose) is None and purpose not in self.attaching:
            self._attach(purpose, reason, now_s)

    def granted(self, grant: AttachGrant, reason: str, now_s: float, *, only: Purpose | None = None) -> None:
        """Legs of a grant: ask the client for an offer to each."""
        self.learn(grant)
        for leg in grant.legs:
            purpose = PURPOSES.get(leg.leg)
            if purpose and only in (None, purpose):
                self.ask(self.add(purpose, leg, leg.generation or grant.generation, reason, now_s))

    def moved(self, legs: Sequence[Leg], generation: int, now_s: float) -> None:
        """The broker has another place for legs: make new connections, keep the old ones until these flow."""
        for leg in legs:
            purpose = PURPOSES.get(leg.leg)
            if purpose is None:
                continue
            old = self.of(purpose)
            if old and old.generation >= (leg.generation or generation):
                continue  # ordered before
            flowing = self.flowing(purpose)
            if old and not old.answered:
                self.drop(old, "moved", now_s, tell=False)
            new = self.add(purpose, leg, leg.generation or generation, "moved" if flowing else "lost", now_s)
            new.replaces = flowing.id if flowing else ""
            self.ask(new)

    def add(self, purpose: Purpose, leg: Leg, generation: int, reason: str, now_s: float) -> Connection:
        """A new connection."""
        connection = Connection(purpose, leg, generation, self.codec, reason=reason, since_s=now_s)
        self.all[connection.id] = connection
        return connection

    def ask(self, connection: Connection) -> None:
        """Ask the client for an offer."""
        event = Connect(connection=connection.id, purpose=connection.purpose)
        event.replaces, event.reason = connection.replaces, connection.reason
        event.ice_servers = self._owner.ways.ice_servers()
        self._owner.say(event)

    def ask_again(self) -> None:
        """The client is back: what was asked of him meanwhile, he may not have heard."""
        for connection in self.all.values():
            if connection.state == "asked":
                self.ask(connection)

    def _attach(self, purpose: Purpose, reason: str, now_s: float) -> None:
        self.attaching.add(purpose)
        _, pause_s, _ = self._retry.pop(purpose, (0.0, RETRY_S[0], ""))

        def attached(outcome: Any, now_s: float) -> None:
            self.attaching.discard(purpose)
            if not isinstance(outcome, Problem):
                if self._owner.wanted(purpose):
                    self.granted(outcome, reason, now_s, only=purpose)
                else:
                    self.give_back(outcome)
            elif outcome.status not in FINAL:
                self._retry[purpose] = (now_s + pause_s, min(2 * pause_s, RETRY_S[1]), reason)

        self._todo.ask(lambda op: Attach(op, (LEGS[purpose],)), attached)

    def give_back(self, grant: AttachGrant) -> None:
        """Nobody needs a grant any more."""
        for leg in grant.legs:
            self._todo.do(End("", leg.leg, leg.generation or grant.generation, "not-needed"))

    def learn(self, grant: AttachGrant) -> None:
        """What every grant tells."""
        self.codec = grant.codec

    # ---- while it lives

    def candidates(self, request: Candidates, reply: Reply) -> None:
        """Candidates: handed on, or kept until there is a leg to hand them to."""
        connection = self.all.get(request.connection)
        if connection is None:
            reply.no(unknown(request.connection))
        elif connection.answered:
            self._todo.do(Trickle(connection.id, tuple(request.candidates), request.complete))
            reply.ok()
        elif len(connection.kept) + len(request.candidates) > KEPT_CANDIDATES:
            detail = f"more than {KEPT_CANDIDATES} candidates before the offer is answered"
            reply.no(problem(409, "too-many-candidates", detail, "offer first, then send candidates"))
        else:
            connection.kept += request.candidates
            connection.complete = connection.complete or request.complete
            reply.ok()

    def report(self, connection: Connection) -> None:
        """Tell the broker what flows."""
        if connection.state == "up":
            streams = offers.with_sources(connection.streams, connection.sources)
            leg = LEGS[connection.purpose]
            ident, generation = connection.id, connection.generation
            self._todo.ask(lambda op: Report(op, ident, leg, generation, streams), partial(self._reported, ident))

    def _reported(self, ident: str, outcome: Any, now_s: float) -> None:
        """The broker has done what a report was for: a speaker who was moved is shown from his new place."""
        connection = self.all.get(ident)
        if connection:
            connection.reported = True
            self._end_replaced(connection, now_s)
            if isinstance(outcome, Problem):
                self._refused(connection, outcome.type.rpartition(":")[2], now_s)

    def _refused(self, connection: Connection, kind: str, now_s: float) -> None:
        """The broker does not show what was reported: that source is off; with no other the connection ends."""
        ident, source = connection.id, REFUSED.get(kind)
        mids = [mid for mid, each in connection.sources.items() if each == source] if source else []
        if source is None or not mids:
            return  # it was switched off meanwhile
        connection.sources |= dict.fromkeys(mids, "off")
        if set(connection.sources.values()) & set(REFUSED.values()):
            self._owner.say(Disconnect(connection=ident, reason=kind, source=source))
            self.report(connection)
        else:
            self.drop(connection, kind, now_s)

    def came_up(self, ident: str, now_s: float) -> None:
        """Media of a leg can flow."""
        connection = self.all.get(ident)
        if connection and connection.state != "up":
            connection.state, connection.since_s = "up", now_s
            self.report(connection)
            self._owner.up(connection, now_s)

    def flows(self, ident: str, now_s: float) -> bool:
        """Media of it flow at the client: what it replaces may end. False: there is no such connection."""
        connection = self.all.get(ident)
        if connection:
            connection.flows = True
            self._end_replaced(connection, now_s)
        return connection is not None

    def _end_replaced(self, connection: Connection, now_s: float) -> None:
        """End what it replaces; a camera that others see from there still goes on until they see the new one."""
        if connection.flows and (connection.reported or connection.purpose != "send"):
            self._drop_replaced(connection, now_s)

    def _drop_replaced(self, connection: Connection, now_s: float) -> None:
        old, connection.replaces = self.all.get(connection.replaces), ""
        if old:
            self._drop_replaced(old, now_s)  # he was moved again before that flowed
            self.drop(old, "moved", now_s)

    def lost(self, ident: str, now_s: float) -> None:
        """Its leg has died by itself."""
        connection = self.all.get(ident)
        if connection:
            self.again(connection, now_s)

    def take_away(self, connections: Sequence[Connection], now_s: float) -> None:
        """The broker has ended legs; what is still wanted is asked for again."""
        for connection in connections:
            self.drop(connection, "removed", now_s, tell=False)
        for purpose in {connection.purpose for connection in connections}:
            self._make_again(purpose, now_s)

    def again(self, connection: Connection, now_s: float) -> None:
        """One is lost: end it, and make another where it is wanted."""
        self.drop(connection, "lost", now_s)
        self._make_again(connection.purpose, now_s)

    def _make_again(self, purpose: Purpose, now_s: float) -> None:
        if self._owner.here and self._owner.wanted(purpose) and self.of(purpose) is None:
            _, pause_s, _ = self._retry.get(purpose, (0.0, RETRY_S[0], ""))
            self._retry[purpose] = (now_s, pause_s, "lost")
            self._look(now_s)

    def drop(self, connection: Connection, reason: str, now_s: float, *, tell: bool = True) -> None:
        """End one, and say so to the client."""
        if self.all.pop(connection.id, None) is None:
            return
        if connection.state != "opening":  # then ``opened`` ends what came of it
            self.end(connection, reason, tell=tell)
        elif tell:
            self._todo.do(End("", LEGS[connection.purpose], connection.generation, reason))
        self._owner.say(Disconnect(connection=connection.id, reason=reason))
        self._owner.closed(connection, now_s)

    def end(self, connection: Connection, why: str, *, tell: bool) -> None:
        """End its leg."""
        self._todo.do(End(connection.id, LEGS[connection.purpose], connection.generation, why, tell))

    def end_all(self, why: str, *, tell: bool) -> None:
        """He goes."""
        for connection in self.all.values():
            if connection.state != "opening":
                self.end(connection, why, tell=tell)
            elif tell:
                self._todo.do(End("", LEGS[connection.purpose], connection.generation, why))
        self.all.clear()

    # ---- time

    def tick(self, now_s: float) -> None:
        """What time brings."""
        for connection in tuple(self.all.values()):
            age_s = now_s - connection.since_s
            if connection.state == "asked" and self._owner.here and age_s > OFFER_S:
                self.drop(connection, "not-offered", now_s)
            elif connection.state == "open" and age_s > CONNECT_S:
                self.again(connection, now_s)
            elif connection.replaces and connection.answered and age_s > REPLACED_S:
                self._drop_replaced(connection, now_s)
        self._look(now_s)

    def _look(self, now_s: float) -> None:
        for purpose, (at_s, _, reason) in tuple(self._retry.items()):
            if not self._owner.wanted(purpose) or self.of(purpose):
                del self._retry[purpose]
            elif now_s >= at_s and self._owner.here and purpose not in self.attaching:
                self._attach(purpose, reason, now_s)
