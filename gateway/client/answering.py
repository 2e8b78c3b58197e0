"""Offers of a client and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway import protocol, sdp
from gateway.client import offers
from gateway.client.connection import FINAL, LEGS, Connection, Owner, answer_of, screen_taken, unknown
from gateway.client.effects import Attach, Open, Opened, Renegotiate, Todo, Trickle, problem, told
from gateway.client.events import Media, OfferAnswer, Problem
from gateway.client.replies import Reply
from gateway.client.requests import Offer, Purpose

if TYPE_CHECKING:
    from gateway.client.connections import Connections


class Answering:
    """Of one client's connections."""

    def __init__(self, all_of_them: Connections, todo: Todo, owner: Owner) -> None:
        self._all, self._todo, self._owner = all_of_them, todo, owner

    def offer(self, request: Offer, reply: Reply, now_s: float) -> None:
        """The client offers: one that was asked for, another description of one that sends, or a new one."""
        if self._owner.screen_taken and "screen" in request.sources.values():
            reply.no(screen_taken())
        elif not request.connection:
            self._offer_new(request, reply, now_s)
        else:
            self._offer_again(request, reply, now_s)

    def _offer_again(self, request: Offer, reply: Reply, now_s: float) -> None:
        connection = self._all.all.get(request.connection)
        if connection is None:
            reply.no(unknown(request.connection))
        elif connection.state == "asked":
            parsed = self._read(connection.purpose, request.sdp, reply)
            if parsed:
                self.open(connection, parsed, request.sources, reply, now_s)
        elif connection.state == "opening":
            reply.no(problem(409, "busy", "an offer of this connection is being answered", "wait for its answer"))
        elif connection.purpose != "send":
            cure = "wait for the event connect, or offer a new one with an empty connection"
            reply.no(problem(409, "already-offered", "this connection has its answer already", cure, "connection"))
        else:
            self._renegotiate(connection, request, reply)

    def _offer_new(self, request: Offer, reply: Reply, now_s: float) -> None:
        purpose = request.purpose
        parsed = self._read(purpose, request.sdp, reply)
        if parsed is None:
            return
        if purpose in self._all.attaching:
            reply.no(problem(409, "busy", "such a connection is being made", "wait for the event connect"))
            return
        self._all.attaching.add(purpose)

        def attached(outcome: Any, now_s: float) -> None:
            self._all.attaching.discard(purpose)
            if isinstance(outcome, Problem):
                reply.no(outcome)
                return
            leg = next((each for each in outcome.legs if each.leg == LEGS[purpose]), None)
            if leg is None or not self._owner.wanted(purpose):
                self._all.give_back(outcome)
                reply.no(problem(409, "not-needed", "nothing is to be sent any more"))
                return
            self._all.learn(outcome)
            for older in [each for each in self._all.all.values() if each.purpose == purpose]:
                self._all.drop(older, "replaced", now_s, tell=False)
            new = self._all.add(purpose, leg, leg.generation or outcome.generation, "", now_s)
            self.open(new, parsed, request.sources, reply, now_s)

        codecs = protocol.offered_codecs(parsed)
        shown = set(offers.sources(parsed, request.sources).values()) if purpose == "send" else set()
        sources = tuple(sorted(shown & {"camera", "screen"}))
        self._todo.ask(lambda op: Attach(op, (LEGS[purpose],), codecs, sources=sources), attached)

    def _read(self, purpose: Purpose, text: str, reply: Reply) -> sdp.Description | None:
        try:
            return offers.read(purpose, text)
        except protocol.Problem as raised:
            reply.no(told(raised))
            return None

    def open(
        self, connection: Connection, offer: sdp.Description, sources: dict[str, Any], reply: Reply, now_s: float
    ) -> None:
        """Open a leg by an offer; ``reply`` gets the answer."""
        connection.state, connection.since_s = "opening", now_s
        connection.sources = offers.sources(offer, sources)
        ident = connection.id

        def opened(outcome: Any, now_s: float) -> None:
            if self._all.all.get(ident) is not connection:  # given up meanwhile
                self._all.end(connection, "given-up", tell=False)
                reply.no(problem(409, "given-up", "this connection is not needed any more"))
                return
            if isinstance(outcome, Problem):
                self._failed(connection, outcome, reply, now_s)
                return
            connection.state, connection.since_s = "open", now_s
            self._take(connection, outcome)
            if connection.kept or connection.complete:
                self._todo.do(Trickle(ident, tuple(connection.kept), connection.complete))
                connection.kept = []
            self._owner.opened(connection, lambda _: reply.ok(OfferAnswer, **answer_of(connection, outcome)), now_s)

        self._todo.ask(lambda op: Open(op, ident, connection.leg, connection.codec, offer.text), opened)

    def _failed(self, connection: Connection, why: Problem, reply: Reply, now_s: float) -> None:
        """Janus did not take it: an offer that cannot work may be made better, a node that is away is left."""
        reply.no(why)
        if why.status in FINAL:
            connection.state, connection.since_s = "asked", now_s
        else:
            self._all.again(connection, now_s)

    def _take(self, connection: Connection, opened: Opened) -> None:
        slots = list(connection.leg.slots)
        connection.media = []
        for kind, mid in opened.media:
            slot = slots.pop(0) if kind == "video" and slots and connection.purpose == "receive" else ""
            connection.media.append(Media(mid, slot))
        connection.streams = opened.streams

    def _renegotiate(self, connection: Connection, request: Offer, reply: Reply) -> None:
        parsed = self._read("send", request.sdp, reply)
        if parsed is None:
            return
        before = connection.state
        connection.state = "opening"

        def opened(outcome: Any, now_s: float) -> None:
            if self._all.all.get(connection.id) is not connection:  # given up meanwhile
                self._all.end(connection, "given-up", tell=False)
                reply.no(problem(409, "given-up", "this connection is not needed any more"))
                return
            if connection.state == "opening":
                connection.state = before
            if isinstance(outcome, Problem):
                reply.no(outcome)
                return
            connection.sources = offers.sources(parsed, {**connection.sources, **request.sources})
            self._take(connection, outcome)
            reply.ok(OfferAnswer, **answer_of(connection, outcome))
            self._all.report(connection)

        self._todo.ask(lambda op: Renegotiate(op, connection.id, request.sdp), opened)
