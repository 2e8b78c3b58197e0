"""One participant, from his join until he is gone, with or without a socket: what he asks, hears, and is.

Pure: requests, news and time go in, effects (``todo``) come out. Who may do what is in ``rules``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from gateway.client import events, rules
from gateway.client.acts import Acts
from gateway.client.connection import Connection
from gateway.client.connections import Connections
from gateway.client.effects import CatchUp, Finish, Gone, Put, Register, SetMuted, Talk, Todo
from gateway.client.identity import OVER, RESTART, RESUME_S, TAKEN_OVER, WHOLE, Identity, key_for
from gateway.client.limits import LIMITS
from gateway.client.replies import Reply
from gateway.client.requests import VERSION, Purpose, Request, Resume
from gateway.client.view import LayersLike, View
from gateway.client.voice import Voice
from gateway.client.ways import Ways
from rtcdn.ids import speaker_of
from rtcdn.model import AttachGrant

SCREEN = "s1"


class Member:
    """The participant."""

    def __init__(self, who: Identity, layers: Callable[[tuple[str, ...]], LayersLike], ways: Ways) -> None:
        self.who, self.ways = who, ways
        self.role: events.Role = who.role
        self.ready = self.hand = self.over = False
        self.slots: list[str] = []
        self.watches: tuple[str, ...] = ()  # whom he would like to see
        self.orders = 0  # how often the broker ordered a role
        self.todo = Todo()
        self.connections = Connections(self.todo, self)
        self.view = View(self.todo, self.connections, self.say, layers)
        self.voice = Voice(self.todo, self.connections, self.view, self._voice_changed)
        self.acts = Acts(self)
        self._send: Callable[[Struct], None] | None = None
        self._finish: Callable[[Finish], None] | None = None
        self._gone_s: float | None = None  # since when he has no socket
        self._screen = ""  # whose screen is shown
        self._place = 0
        self._shown: events.Person | None = None

    # ---- how others see him, and what he hears

    @property
    def here(self) -> bool:
        """Has he a socket?"""
        return self._send is not None

    def say(self, event: events.Event) -> None:
        """Tell the client; without a socket it is told when he resumes, or was of the moment."""
        if self._send:
            self._send(event)

    def person(self) -> events.Person:
        """As others see him."""
        return events.Person(
            self.who.participant, self.who.name, self.role, self.hand, self.voice.muted, self.voice.shown
        )

    def show(self) -> None:
        """Let others see what changed."""
        person = self.person()
        if person != self._shown and not self.over:
            self._shown = person
            self.todo.do(Put(person))

    def tell_role(self, by: str = "", reason: str = "") -> None:
        """Tell the client what he is, and others too."""
        self.say(events.RoleEvent(role=self.role, live=self.voice.shown, by=by, reason=reason))
        self.show()

    def _voice_changed(self, now_s: float) -> None:
        if not self.over:
            self.tell_role()

    # ---- Owner of connections

    def wanted(self, purpose: Purpose) -> bool:
        """Shall such a connection be made again when it is lost?"""
        if self.over:
            return False
        if purpose == "send":
            return self.role != "viewer"
        return purpose == "receive" or rules.may_speak(self.role, self.who.rights)

    def opened(self, connection: Connection, then: Callable[[float], None], now_s: float) -> None:
        """A leg is there; its client hears when it is shaped."""
        if connection.purpose == "receive":
            self.view.started(connection, then, now_s)
            return
        if connection.purpose == "voice" and self.voice.muted:
            self.todo.do(SetMuted(connection.id, on=True))
        then(now_s)

    @property
    def screen_taken(self) -> bool:
        """Does another show a screen?"""
        return self._screen not in ("", self.who.participant)

    def up(self, connection: Connection, now_s: float) -> None:
        """Media flow: who waited for his voice goes live."""
        if connection.purpose == "voice":
            self.voice.settle(now_s)

    def closed(self, connection: Connection, now_s: float) -> None:
        """A leg is no more."""
        if connection.purpose == "voice":
            self.voice.lost(connection.id, now_s)

    # ---- socket

    def joined(self, grant: AttachGrant, now_s: float) -> None:
        """He was let in."""
        self.role = grant.role.value
        self.who.name = self.who.name or grant.name
        self.slots = [slot for leg in grant.legs if leg.leg == "view" for slot in leg.slots]
        self._gone_s = now_s
        self.todo.do(Register())

    def kept(self, now_s: float) -> None:
        """Taken over from another gateway: he is here, without a socket, and his media flow."""
        self._gone_s = now_s
        self.todo.do(Register())
        for connection in self.connections.all.values():
            self.connections.report(connection)
        if self.connections.flowing("receive"):
            self.view.resume()
        self.show()

    def attach(self, send: Callable[[Struct], None], finish: Callable[[Finish], None]) -> None:
        """A socket: messages for him go there. One he had is closed: it was taken over."""
        if self._finish:
            self._finish(Finish(TAKEN_OVER, "resumed elsewhere"))
        self._send, self._finish, self._gone_s = send, finish, None

    def detach(self, send: Callable[[Struct], None], now_s: float) -> None:
        """A socket broke; he is kept for a while, unless he has another one."""
        if self._send == send:  # bound methods are equal, not the same
            self._send = self._finish = None
            self._gone_s = now_s

    def welcome(self, **more: Any) -> dict[str, Any]:
        """Fields of the answer to ``join`` and ``resume``."""
        who = self.who
        fields: dict[str, Any] = {"version": VERSION, "session": who.session, "participant": who.participant}
        fields |= {"role": self.role, "rights": [r for r in who.rights if r != "join:*"], "name": who.name}
        fields |= {"region": who.region, "codec": self.connections.codec.value, "slots": self.slots, "limits": LIMITS}
        fields |= {"resume": events.Resumption(key_for(who.key, self.connections.codec), int(RESUME_S))}
        return fields | self.ways.welcome() | more

    def resumed(self, request: Resume, reply: Reply, now_s: float) -> None:
        """His client is back: what he missed follows."""
        self.ready = request.ready
        reply.ok(events.Joined, **self.welcome(resumed=True))
        if request.muted != self.voice.muted:
            self.voice.mute(request.muted)
        self.hand = request.hand and rules.may_speak(self.role, self.who.rights)
        self.begin(request.last, now_s)
        if self.voice.muted:
            self.say(events.Muted(on=True))
        self.view.again()
        self.connections.ask_again()
        self.connections.ensure("receive", "lost", now_s)
        if self.voice.wanted:
            self.connections.ensure("voice", "lost", now_s)

    def begin(self, last: int, now_s: float) -> None:
        """State events, after the answer to the first request."""
        self.tell_role()
        self.todo.do(CatchUp(last))
        self.voice.settle(now_s)

    def heard(self, request: Request, reply: Reply, now_s: float) -> None:
        """A request of his."""
        refused = rules.check(request, self.who.participant, self.role, self.who.rights)
        if self.over:
            reply.no(events.Problem(type="urn:rtcdn:problem:left", title="Left", status=410, detail="you have left"))
        elif refused:
            reply.no(refused)
        else:
            self.acts.perform(request, reply, now_s)

    # ---- news

    def ordered_role(self, role: events.Role, by: str, now_s: float) -> None:
        """The broker says what he is."""
        before, self.role, self.orders = self.role, role, self.orders + 1
        if role == "viewer":
            self.acts.off_stage(now_s)
            if not self.wanted("voice"):
                for each in [c for c in self.connections.all.values() if c.purpose == "voice"]:
                    self.connections.drop(each, "demoted", now_s)
        elif before == "viewer":
            self.acts.on_stage(now_s)
        if before != role:
            self.tell_role(by, "promoted" if before == "viewer" else "demoted" if role == "viewer" else "")

    def ordered_remove(
        self, leg: str, generation: int | None, reason: str, by: str, now_s: float, *, detail: str = ""
    ) -> None:
        """Legs were taken from him, or he is out; what was attached later is not meant."""
        meant = self.connections.up_to(leg, generation)
        whole = WHOLE.get(reason) or ("" if leg else "removed")
        if leg == "view" and reason == "taken-over" and not self.connections.attaching:
            whole = "taken-over" if meant else ""
        if not whole:
            self.connections.take_away(meant, now_s)
        elif meant or not self.connections.all:
            self.end(whole, by=by, tell=whole == "taken-over", detail=detail)

    def told(self, what: dict[str, Any], now_s: float) -> None:
        """What a moderator wants of him, by his gateway."""
        by = str(what.get("by", ""))
        if what.get("mute") is True and not self.voice.muted:
            self.voice.mute(True)
            self.say(events.Muted(on=True, by=by))
        self.hand = self.hand and what.get("lower") is not True
        self.show()

    def talks(self, ident: str, on: bool) -> None:
        """The mix says who talks: himself, or a publisher whose voice comes by a link. Others' gateways tell theirs."""
        if self.voice.on and (speaker_of(ident) != ident or ident == self.who.participant):
            self.todo.do(Talk(on, speaker_of(ident)))

    def stage(self, stage: events.Stage) -> None:
        """Who is shown where."""
        self._screen = next((seat.participant for seat in stage.seats if seat.slot == SCREEN), "")
        self.say(stage)

    def hears(self, data: events.Data) -> bool:
        """Is an application's message for him?"""
        return data.to in ("", self.who.participant) or data.sender == self.who.participant

    def hands(self, queue: Sequence[events.RaisedHand]) -> events.Hands | None:
        """What he is told of the hand queue: a moderator all, others their own place."""
        place = next((n for n, each in enumerate(queue, 1) if each.participant == self.who.participant), 0)
        if self.role == "moderator":
            return events.Hands(queue=list(queue), place=place)
        changed, self._place = place != self._place, place
        return events.Hands(place=place) if changed else None

    # ---- ends

    def end(self, reason: str, *, by: str = "", tell: bool = True, detail: str = "") -> None:
        """It is over for good."""
        if self.over:
            return
        self.over = True
        self.connections.end_all(reason, tell=tell)
        self.say(events.Closed(reason=reason, by=by, detail=detail))
        self._close(TAKEN_OVER if reason == "taken-over" else OVER, reason)
        self.todo.do(Gone(reason))

    def abandon(self) -> None:
        """His join came to nothing: what was granted is given back, the socket stays."""
        self.over = True
        self.connections.end_all("left", tell=True)
        self._send = self._finish = None
        self.todo.do(Gone("left"))

    def let_go(self) -> None:
        """Another gateway goes on with him: nothing is ended."""
        self.over = True
        self.connections.all.clear()
        self._close(TAKEN_OVER, "resumed elsewhere")
        self.todo.do(Gone("let-go", over=False))

    def close_down(self) -> None:
        """This gateway goes."""
        self.say(events.Closing(reason="restart"))
        self._close(RESTART, "restart")

    def _close(self, code: int, reason: str) -> None:
        if self._finish:
            self._finish(Finish(code, reason))
        self._send = self._finish = None

    def tick(self, now_s: float) -> None:
        """What time brings."""
        if self._gone_s is not None and now_s - self._gone_s > RESUME_S and not self.over:
            self.end("expired")
        if not self.over:
            self.connections.tick(now_s)
            self.view.tick(now_s)
            self.voice.tick(now_s)
            if self.here and (news := self.ways.due(now_s)):
                self.say(news)
