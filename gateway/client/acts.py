"""What becomes of each request of a participant who may make it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gateway.client.connection import screen_taken, unknown
from gateway.client.effects import Figures, PageOf, Remove, SayData, SetRole, Tell, problem
from gateway.client.events import Muted, Page, Problem, Published, Role, Sent
from gateway.client.replies import Reply
from gateway.client.requests import (
    MAX_DATA_BYTES,
    Candidates,
    Demote,
    Flowing,
    Hand,
    Layout,
    Leave,
    Mute,
    Offer,
    Participants,
    Ping,
    Promote,
    Publish,
    Quality,
    Request,
    Send,
    Sources,
    Statistics,
    Unpublish,
    Watch,
)
from gateway.client.requests import Remove as RemoveRequest

if TYPE_CHECKING:
    from gateway.client.member import Member

Act = Callable[[Any, Reply, float], None]


class Acts:
    """Acts of one member."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._acts: dict[type[Request], Act] = {
            Offer: member.connections.answering.offer,
            Candidates: lambda r, reply, _: member.connections.candidates(r, reply),
            Flowing: self._flowing,
            Sources: self._sources,
            Publish: self._publish,
            Unpublish: self._unpublish,
            Mute: self._mute,
            Hand: self._hand,
            Promote: lambda r, reply, _: self._role(r.participant, "speaker", reply),
            Demote: lambda r, reply, _: self._role(r.participant, "viewer", reply),
            RemoveRequest: self._remove,
            Layout: self._layout,
            Watch: self._watch,
            Quality: self._quality,
            Statistics: self._statistics,
            Participants: self._participants,
            Send: self._send,
            Ping: lambda _, reply, __: reply.ok(),
            Leave: self._leave,
        }

    def perform(self, request: Request, reply: Reply, now_s: float) -> None:
        """Do it, or say why not."""
        act = self._acts.get(type(request))
        if act is None:
            reply.no(problem(409, "joined-already", "you are in the session already", "leave first"))
        else:
            act(request, reply, now_s)

    # ---- stage

    def on_stage(self, now_s: float) -> None:
        """He became a speaker: his voice leg is made if it is not there; who is ready goes live."""
        self._member.hand = False
        self._member.connections.ensure("voice", "promoted", now_s)
        if self._member.ready:
            self._member.voice.want(True, now_s)

    def off_stage(self, now_s: float) -> None:
        """He is heard and seen no more; his voice leg waits, suspended."""
        self._member.voice.want(False, now_s)
        for each in [c for c in self._member.connections.all.values() if c.purpose == "send"]:
            self._member.connections.drop(each, "off-stage", now_s)
        self._member.show()

    def _publish(self, request: Publish, reply: Reply, now_s: float) -> None:
        member, orders = self._member, self._member.orders
        member.ready = True

        def go(now_s: float) -> None:
            if request.muted != member.voice.muted:
                member.voice.mute(request.muted)
            member.hand = False
            member.connections.ensure("voice", "promoted", now_s)
            member.voice.want(True, now_s)
            member.tell_role()
            reply.ok(Published, role=member.role)

        def changed(outcome: Any, now_s: float) -> None:
            if isinstance(outcome, Problem):
                reply.no(outcome)
            elif member.over:
                reply.no(problem(410, "left", "you have left"))
            elif member.role == "viewer" and member.orders != orders:
                reply.no(problem(403, "wrong-role", "a moderator demoted you meanwhile", "raise your hand"))
            else:
                member.role = "speaker" if member.role == "viewer" else member.role
                go(now_s)

        if member.role == "viewer":
            member.todo.ask(lambda op: SetRole(op, member.who.participant, "speaker"), changed)
        else:
            go(now_s)

    def _unpublish(self, _: Unpublish, reply: Reply, now_s: float) -> None:
        member, orders = self._member, self._member.orders
        member.ready = False
        self.off_stage(now_s)

        def changed(outcome: Any, now_s: float) -> None:
            if isinstance(outcome, Problem) and outcome.status >= 500:
                reply.no(outcome)
                return
            member.role = member.role if member.orders != orders else "viewer"
            member.tell_role()
            reply.ok(Published, role=member.role)

        if member.role == "speaker" and member.who.role == "viewer":
            member.todo.ask(lambda op: SetRole(op, member.who.participant, "viewer"), changed)
        else:
            member.tell_role()
            reply.ok(Published, role=member.role)

    def _mute(self, request: Mute, reply: Reply, now_s: float) -> None:
        member = self._member
        if request.participant in ("", member.who.participant):
            member.voice.mute(request.on)
            member.say(Muted(on=request.on))
            member.show()
            reply.ok()
        else:
            self._tell(request.participant, {"mute": True, "by": member.who.participant}, reply)

    def _hand(self, request: Hand, reply: Reply, now_s: float) -> None:
        member = self._member
        if request.participant not in ("", member.who.participant):
            self._tell(request.participant, {"lower": True, "by": member.who.participant}, reply)
            return
        member.hand = request.up
        if request.up:
            member.ready = request.ready
            if request.ready:
                member.connections.ensure("voice", "ready", now_s)
        member.show()
        reply.ok()

    # ---- others

    def _tell(self, to: str, what: dict[str, Any], reply: Reply) -> None:
        def told(outcome: Any, _: float) -> None:
            if isinstance(outcome, Problem):
                reply.no(outcome)
            elif not outcome:
                reply.no(problem(404, "unknown-participant", "he is not here", "look at participants", "participant"))
            else:
                reply.ok()

        self._member.todo.ask(lambda op: Tell(op, to, what), told)

    def _role(self, participant: str, role: Role, reply: Reply) -> None:
        self._member.todo.ask(lambda op: SetRole(op, participant, role), _plain(reply))

    def _remove(self, request: RemoveRequest, reply: Reply, _: float) -> None:
        self._member.todo.ask(lambda op: Remove(op, request.participant, request.reason), _plain(reply))

    def _participants(self, request: Participants, reply: Reply, _: float) -> None:
        def found(outcome: Any, _: float) -> None:
            if isinstance(outcome, Problem):
                reply.no(outcome)
            else:
                reply.ok(Page, participants=outcome.participants, total=outcome.total, next=outcome.next)

        ask = request
        self._member.todo.ask(lambda op: PageOf(op, ask.after, ask.limit, ask.search), found)

    def _send(self, request: Send, reply: Reply, _: float) -> None:
        if len(request.data.encode("utf-8", "replace")) > MAX_DATA_BYTES:
            detail = f"the data have more than {MAX_DATA_BYTES} bytes"
            reply.no(problem(413, "data-too-large", detail, "send smaller messages", "data"))
            return

        def said(outcome: Any, _: float) -> None:
            if isinstance(outcome, Problem):
                reply.no(outcome)
            else:
                reply.ok(Sent, n=outcome)

        self._member.todo.ask(lambda op: SayData(op, request.to, request.topic, request.data), said)

    # ---- media

    def _flowing(self, request: Flowing, reply: Reply, now_s: float) -> None:
        if self._member.connections.flows(request.connection, now_s):
            reply.ok()
        else:
            reply.no(unknown(request.connection))

    def _sources(self, request: Sources, reply: Reply, _: float) -> None:
        connection = self._member.connections.all.get(request.connection)
        if connection is None or connection.purpose != "send":
            reply.no(unknown(request.connection))
            return
        if self._member.screen_taken and "screen" in request.sources.values():
            reply.no(screen_taken())
            return
        known = {mid: source for mid, source in request.sources.items() if mid in connection.sources}
        connection.sources |= known
        self._member.connections.report(connection)
        reply.ok()

    def _layout(self, request: Layout, reply: Reply, now_s: float) -> None:
        self._member.view.layout(request.videos, now_s)
        reply.ok()

    def _watch(self, request: Watch, reply: Reply, _: float) -> None:
        self._member.watches = tuple(dict.fromkeys(request.participants))
        reply.ok()

    def _quality(self, request: Quality, reply: Reply, now_s: float) -> None:
        self._member.view.limit(request.limit, now_s)
        reply.ok()

    def _statistics(self, request: Statistics, reply: Reply, now_s: float) -> None:
        self._member.view.statistics(request.connections, now_s)
        self._member.todo.do(Figures(tuple(request.connections)))
        reply.ok()

    def _leave(self, _: Leave, reply: Reply, __: float) -> None:
        reply.ok()
        self._member.end("left")


def _plain(reply: Reply) -> Callable[[Any, float], None]:
    def done(outcome: Any, _: float) -> None:
        if isinstance(outcome, Problem):
            reply.no(outcome)
        else:
            reply.ok()

    return done
