"""A conversation in a test: what is said, and what must follow; effects are answered by hand."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, to_builtins

from gateway.client import effects as fx
from gateway.client.conversation import Conversation, House
from gateway.client.effects import Finish
from gateway.client.layers import Layers
from gateway.client.member import Member
from gateway.client.wire import read
from rtcdn.errors import BadToken
from rtcdn.model import AttachGrant, Codec, Kind, Leg, Role, StreamInfo
from rtcdn.tokens import Claims

SLOTS = ("v1", "v2", "s1")
HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
HEAD += "a=fingerprint:sha-256 AA\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefgh\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=%s\r\n"
VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:%s\r\na=rtpmap:96 VP8/90000\r\na=%s\r\n"
RECEIVE = HEAD + AUDIO % "recvonly" + VIDEO % (1, "recvonly") + VIDEO % (2, "recvonly")
VOICE = HEAD + AUDIO % "sendrecv"
CAMERA = HEAD + VIDEO % (0, "sendonly")
BOTH = CAMERA + VIDEO % (1, "sendonly")
TOKENS = {
    "viewer": Claims("bob", "demo", "", Role.VIEWER, ("view",)),
    "candidate": Claims("bob", "demo", "", Role.VIEWER, ("view", "speak")),
    "free": Claims("bob", "demo", "", Role.VIEWER, ("view", "speak", "publish")),
    "speaker": Claims("bob", "demo", "", Role.SPEAKER, ("view", "speak", "publish")),
    "moderator": Claims("bob", "demo", "", Role.MODERATOR, ("view", "speak", "publish")),
    "hall": Claims("hall", "demo", "", Role.VIEWER, ("join:*", "view")),
}
OPENED = {"receive": fx.Opened("answer", (("audio", "0"), ("video", "1"), ("video", "2")))}
OPENED |= {"voice": fx.Opened("answer", (("audio", "0"),))}


def verify(token: str, session: str) -> Claims:
    """Tokens are names here."""
    if token not in TOKENS:
        raise BadToken("forged")
    return TOKENS[token]


class Talk:
    """One socket and its participant, with a clock of its own."""

    def __init__(self, token: str = "viewer", ready: bool = False) -> None:
        self.token, self.ready = token, ready
        self.now_s = 100.0
        self.said: list[dict[str, Any]] = []
        self.finished: Finish | None = None
        self.effects: list[Any] = []  # not answered or looked at yet
        self.number = self.generation = 0
        self.house = House("eu", verify, lambda: "k" * 32, lambda: "7", Layers)
        self.conversation = self.socket()

    def socket(self) -> Conversation:
        """A new socket."""
        self.finished = None
        return Conversation(self.house, self._say, self._finish, self.now_s)

    def _say(self, message: Struct) -> None:
        self.said.append(to_builtins(message))

    def _finish(self, finish: Finish) -> None:
        self.finished = finish

    @property
    def member(self) -> Member:
        """The participant."""
        assert self.conversation.acting
        return self.conversation.acting

    def hear(self, kind: str, **fields: Any) -> int:
        """A request; its number."""
        from msgspec import json

        self.number += 1
        self.conversation.hear(read(json.encode({"type": kind, "id": self.number, **fields})), self.now_s)
        self.collect()
        return self.number

    def collect(self) -> None:
        """Take what is wanted now."""
        self.effects += self.conversation.todo.take()
        if self.conversation.acting:
            self.effects += self.conversation.acting.todo.take()

    def take(self, kind: type) -> list[Any]:
        """Effects of a kind, taken away."""
        self.collect()
        found = [each for each in self.effects if isinstance(each, kind)]
        self.effects = [each for each in self.effects if not isinstance(each, kind)]
        return found

    def done(self, kind: type, outcome: Any = True) -> Any:
        """Answer the one effect of a kind."""
        (effect,) = self.take(kind)
        todo = self.conversation.todo if isinstance(effect, fx.Restore) else self.member.todo
        todo.done(effect.op, outcome, self.now_s)
        self.collect()
        return effect

    def answer(self, number: int | None = None) -> dict[str, Any]:
        """The one answer to a request (the last one)."""
        wanted = self.number if number is None else number
        (found,) = [each for each in self.said if each.get("re") == wanted]
        return found

    def problem(self) -> str:
        """Why the last request was refused."""
        return str(self.answer()["problem"]["type"]).rpartition(":")[2]

    def event(self, name: str) -> dict[str, Any] | None:
        """The newest event of a name."""
        return next((each for each in reversed(self.said) if each.get("event") == name), None)

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """A request that is answered at once."""
        return self.answer(self.hear(kind, **fields))

    def grant(self, *legs: str, role: Role | None = None) -> AttachGrant:
        """What the broker answers."""
        self.generation += 1
        kinds = {"view": Kind.ST, "talk": Kind.AB, "publish": Kind.VR}
        made = tuple(Leg(leg, kinds[leg], slots=SLOTS if leg == "view" else ()) for leg in legs)
        wanted = role or TOKENS[self.token].role
        return AttachGrant("demo", "bob", wanted, Codec.VP8, self.generation, made)

    def join(self, *legs: str, offer: str = RECEIVE) -> dict[str, Any]:
        """Join with these legs, the first is opened and up; the answer."""
        number = self.hear("join", session="demo", token=self.token, offer=offer, ready=self.ready)
        self.done(fx.Attach, self.grant(*(legs or ("view",))))
        if offer:
            self.done(fx.Open, OPENED["receive"])
            self.up("r")
        return self.answer(number)

    def up(self, letter: str) -> None:
        """Media of the newest connection flow."""
        ident = [each for each in self.member.connections.all if each[0] == letter][-1]
        self.member.connections.came_up(ident, self.now_s)
        self.collect()

    def voice(self) -> None:
        """The client offers the voice connection that it was asked for; its media flow."""
        asked = self.event("connect")
        assert asked
        assert asked["purpose"] == "voice"
        self.hear("offer", connection=asked["connection"], purpose="voice", sdp=VOICE)
        self.done(fx.Open, OPENED["voice"])
        self.up("v")

    def camera(self) -> None:
        """The client publishes its camera."""
        self.hear("offer", purpose="send", sdp=CAMERA)
        self.done(fx.Attach, self.grant("publish"))
        self.done(fx.Open, fx.Opened("answer", (("video", "0"),), (StreamInfo(mid="0", codec="vp8"),)))
        self.up("s")

    def reported(self, outcome: Any = True) -> None:
        """The broker has heard the newest report, and took those before."""
        *before, newest = self.take(fx.Report)
        for each in before:
            self.member.todo.done(each.op, True, self.now_s)
        self.member.todo.done(newest.op, outcome, self.now_s)
        self.collect()

    def later(self, seconds: float) -> None:
        """Time passes."""
        self.now_s += seconds
        self.conversation.tick(self.now_s)
        if self.conversation.acting:
            self.conversation.acting.tick(self.now_s)
        self.collect()
