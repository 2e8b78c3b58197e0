"""One socket: first ``join`` or ``resume``, then requests of the participant; each is answered once.

Pure: messages and time go in, ``todo`` and what ``send`` was given come out. Limits of what one client may say are
kept here; what a participant may do is in ``rules``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unicodedata import category

from msgspec import Struct

from gateway import protocol
from gateway.client import offers
from gateway.client.connection import PURPOSES
from gateway.client.effects import Attach, Finish, Restore, Todo, problem, told
from gateway.client.events import Answer, Entry, Joined, OfferAnswer, Problem, Refused, Role
from gateway.client.identity import RESTART, Identity, hash_of
from gateway.client.limits import IN_FLIGHT, Pace
from gateway.client.member import Member
from gateway.client.replies import Reply, Unheard
from gateway.client.requests import VERSION, Join, Request, Resume, Send
from gateway.client.view import LayersLike
from gateway.client.ways import Ways
from gateway.client.wire import Unreadable
from gateway.ice import Ice
from gateway.sdp import Description
from rtcdn import ids
from rtcdn.errors import BadToken, InvalidRequest
from rtcdn.tokens import JOIN_ANY, Claims

JOIN_S = 15.0  # a socket must have joined by then
FIRST, SLOW, BAD, TOKEN, LATE, FLOOD = 4001, 4008, 4400, 4401, 4410, 4429
REFUSED_JOINS = 5  # then the socket is closed
JOINERS = "\u200c\u200d"


@dataclass(frozen=True)
class House:
    """What every conversation of a gateway is given."""

    region: str
    verify: Callable[[str, str], Claims]  # token, session; raises BadToken
    new_key: Callable[[], str]  # a secret
    new_suffix: Callable[[], str]  # of who comes by a shared link
    layers: Callable[[tuple[str, ...]], LayersLike]
    ice: Ice = field(default_factory=Ice)
    entries: Callable[[], list[Entry]] = list

    def ways(self, who: Identity) -> Ways:
        """What one of its participants is told of ways here."""
        return Ways(self.ice, self.entries, who)


class Conversation:
    """What is said on one socket. ``send`` and ``close`` (after what was sent) must not wait."""

    def __init__(
        self, house: House, send: Callable[[Struct], None], close: Callable[[Finish], None], now_s: float
    ) -> None:
        self._house, self._send, self._close = house, send, close
        self.todo = Todo()
        self.member: Member | None = None
        self.finished: Finish | None = None
        self._pace = Pace(now_s)
        self._since_s = now_s
        self._in_flight = 0
        self._joining: Member | None = None
        self._waiting = False
        self._refused = 0

    # ---- what comes

    def hear(self, request: Request | Unreadable, now_s: float) -> None:
        """A message of the client."""
        if self.finished:
            return
        if isinstance(request, Unreadable):
            self._unreadable(request, now_s)
            return
        reply = self._reply(request.id)
        too_many = self._pace.message(now_s) or (self._pace.data(now_s) if isinstance(request, Send) else None)
        if too_many:
            reply.no(too_many)
            if self._pace.abused(now_s):
                self.finish(Finish(FLOOD, "too many messages"))
        elif self._in_flight > IN_FLIGHT:
            reply.no(problem(429, "too-many-requests", f"{IN_FLIGHT} requests wait for answers", "wait for them"))
        elif self.member:
            self.member.heard(request, reply, now_s)
        elif self._waiting:
            reply.no(problem(409, "joining", "the join is not answered yet", "wait for its answer"))
        elif isinstance(request, Join):
            self._join(request, reply, now_s)
        elif isinstance(request, Resume):
            self._resume(request, reply, now_s)
        else:
            reply.no(problem(409, "join-first", "the first message is join or resume", "join"))
            self.finish(Finish(FIRST, "join first"))

    def _unreadable(self, message: Unreadable, now_s: float) -> None:
        too_many = self._pace.message(now_s)
        if message.re is None:
            self.finish(Finish(BAD, message.problem.detail[:100]))
            return
        self._reply(message.re).no(too_many or message.problem)
        if self._pace.abused(now_s):
            self.finish(Finish(FLOOD, "too many messages"))
        elif self.member is None and not self._waiting:
            self._count_refusal()

    def closed(self, now_s: float) -> None:
        """The socket is gone."""
        self.finished = self.finished or Finish(0, "gone")
        if self.member:
            self.member.detach(self._hand_on, now_s)

    def tick(self, now_s: float) -> None:
        """What time brings."""
        if self.member is None and not self._waiting and now_s - self._since_s > JOIN_S:
            self.finish(Finish(FIRST, "no join"))

    def close_down(self) -> None:
        """This gateway goes."""
        if self.member:
            self.member.close_down()
        self.finish(Finish(RESTART, "restart"))

    def finish(self, finish: Finish) -> None:
        """Close the socket after what was said."""
        if self.finished is None:
            self.finished = finish
            self._close(finish)

    # ---- what goes

    def _reply(self, number: int) -> Reply:
        self._in_flight += 1
        return Reply(number, self._answer)

    def _answer(self, answer: Answer) -> None:
        self._in_flight -= 1
        if self.finished is None:
            self._send(answer)

    def _hand_on(self, message: Struct) -> None:
        if self.finished is None:
            self._send(message)

    # ---- join

    def _join(self, join: Join, reply: Reply, now_s: float) -> None:
        claims = self._admitted(join.session, join.token, join.version, reply)
        if claims is None:
            return
        who = self._identity(join, claims)
        member = Member(who, self._house.layers, self._house.ways(who))
        member.ready = join.ready
        offer: Description | None = None
        try:
            offer = offers.read("receive", join.offer) if join.offer else None
            codecs = protocol.offered_codecs(offer) if offer else None
        except protocol.Problem as raised:
            self._refuse(reply, told(raised))
            return
        self._waiting, self._joining = True, member

        def attached(outcome: Any, now_s: float) -> None:
            if isinstance(outcome, Problem):
                self._waiting, self._joining = False, None
                self._refuse(reply, outcome)
                return
            self._waiting, self._joining, self.member = False, None, member
            member.joined(outcome, now_s)
            if self.finished:
                member.connections.give_back(outcome)
                member.abandon()
                return
            member.attach(self._hand_on, self.finish)
            self._enter(member, outcome, offer, reply, now_s)

        member.todo.ask(lambda op: Attach(op, ("view",), codecs, first=True), attached)

    @property
    def acting(self) -> Member | None:
        """Whose effects are to be performed for this socket, also while he joins."""
        return self.member or self._joining

    def _enter(self, member: Member, grant: Any, offer: Description | None, reply: Reply, now_s: float) -> None:
        """Answer the join, with the answer to its offer."""
        connections = member.connections
        legs = {leg.leg: leg for leg in grant.legs if leg.leg in PURPOSES}
        view = legs.get("view")
        if offer is None or view is None:
            reply.ok(Joined, **member.welcome())
            member.begin(-1, now_s)
            connections.granted(grant, "ready", now_s)
            return
        connections.learn(grant)
        connection = connections.add("receive", view, view.generation or grant.generation, "", now_s)

        def answered(answer: Answer) -> None:
            if isinstance(answer, Refused):
                member.abandon()
                self.member = None
                self._refuse(reply, answer.problem)
                return
            assert isinstance(answer, OfferAnswer)
            reply.ok(Joined, **member.welcome(receive=answer))
            member.begin(-1, now_s)
            connections.granted(grant, "ready", now_s, only="voice")

        connections.answering.open(connection, offer, {}, Unheard(answered), now_s)

    def _identity(self, join: Join, claims: Claims) -> Identity:
        participant = f"{claims.sub}~{self._house.new_suffix()}" if claims.shared else claims.sub
        role: Role = claims.role.value
        rights = tuple(right for right in claims.rights if right != JOIN_ANY)
        key, name = self._house.new_key(), _clean(join.name)
        shown = (join.session, participant, role, rights, name, self._house.region, claims.shared)
        who = Identity(*shown, key, hash_of(key))
        who.measured_rtt = dict(join.measured_rtt)
        return who

    def _admitted(self, session: str, token: str, version: int, reply: Reply) -> Claims | None:
        """What a good token says; else the request is answered."""
        if version < VERSION:
            self._refuse(reply, problem(400, "unknown-version", f"version {version}", f"speak version {VERSION}"))
            return None
        try:
            ids.check_id("session", session)
        except InvalidRequest as error:
            self._refuse(reply, problem(400, "bad-id", error.reason, "check the link", "session"))
            return None
        try:
            claims = self._house.verify(token, session)
        except BadToken as error:
            reply.no(problem(401, "bad-token", str(error), "ask the application for a new link", "token"))
            self.finish(Finish(TOKEN, "bad token"))
            return None
        if not claims.sid:
            reply.no(problem(403, "not-a-client-token", "this token is for no session", "use a client token"))
            self.finish(Finish(TOKEN, "not a client token"))
            return None
        return claims

    def _refuse(self, reply: Reply, why: Problem) -> None:
        reply.no(why)
        self._count_refusal()

    def _count_refusal(self) -> None:
        self._refused += 1
        if self._refused >= REFUSED_JOINS:
            self.finish(Finish(FIRST, "no join"))

    # ---- resume

    def _resume(self, resume: Resume, reply: Reply, now_s: float) -> None:
        claims = self._admitted(resume.session, resume.token, resume.version, reply)
        if claims is None:
            return
        own = resume.participant == claims.sub
        if not own and not (claims.shared and resume.participant.startswith(f"{claims.sub}~")):
            reply.no(problem(403, "not-yours", "this participant is another", "resume with his own token"))
            self.finish(Finish(TOKEN, "another participant"))
            return
        self._waiting = True

        def restored(outcome: Any, now_s: float) -> None:
            self._waiting = False
            if isinstance(outcome, Problem):
                self._not_restored(reply, outcome)
                return
            self.member = outcome
            if self.finished:
                self.member = None  # he stays without a socket for a while
                return
            outcome.attach(self._hand_on, self.finish)
            outcome.resumed(resume, reply, now_s)

        self.todo.ask(lambda op: Restore(op, resume.session, resume.participant, resume.key), restored)

    def _not_restored(self, reply: Reply, why: Problem) -> None:
        reply.no(why)
        if why.status == 403:
            self.finish(Finish(TOKEN, "wrong key"))
        elif why.status == 410:
            self.finish(Finish(LATE, "too late"))
        else:
            self._count_refusal()


def _clean(name: str) -> str:
    """A name without control characters and those that only steer the display; joiners of scripts and emoji stay."""
    kept = (char if char.isprintable() or char in JOINERS else "" if category(char) == "Cf" else " " for char in name)
    return " ".join("".join(kept).split())
