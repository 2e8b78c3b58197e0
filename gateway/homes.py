"""The homes that this gateway is: what members say goes in, messages for members come out. No sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gateway.client.between import DataLog, Hello, Message, Said, convert
from gateway.client.home import CALM_S, NEVER, Home, Out

FORGET_S = 60.0  # a session without members is forgotten after this
PAGE = 200  # most participants in one page


class Homes:
    """Homes of sessions, by session."""

    def __init__(self, gateway: str, now_s: Callable[[], float]) -> None:
        self._gateway, self._now_s = gateway, now_s
        self._homes: dict[str, Home] = {}
        self._alive: set[str] = set()
        self._changed_s = float("-inf")

    def hear(self, gateway: str, session: str, message: Message, log: DataLog | None) -> list[Out]:
        """What a member says of a session; ``log``: the data that this gateway has of it as a member."""
        now_s = self._now_s()
        home = self._homes.get(session)
        if home is None:
            if not message.get("all"):
                return [(gateway, {"type": "not-home", "session": session})]  # it shall say everything first
            calm = now_s - self._changed_s > CALM_S
            home = self._homes[session] = Home(session, self._gateway, now_s, calm=calm, log=log or DataLog())
            home.alive(self._alive, now_s)
        if message.get("type") in ("page", "tell"):
            return _asked(home, gateway, message)
        return _said(home, gateway, message, now_s)

    def lost(self, gateway: str) -> list[Out]:
        """A member's socket is closed."""
        now_s = self._now_s()
        return [out for home in list(self._homes.values()) for out in home.lost(gateway, now_s)]

    def alive(self, gateways: Iterable[str]) -> list[Out]:
        """The gateways there are have changed."""
        now_s, self._alive = self._now_s(), set(gateways)
        self._changed_s = now_s
        return [out for home in list(self._homes.values()) for out in home.alive(self._alive, now_s)]

    def step_down(self, ours: Callable[[str], bool]) -> list[Home]:
        """The homes that are not ours any more; they number nothing from now on."""
        gone = [home for session, home in self._homes.items() if not ours(session)]
        for home in gone:
            del self._homes[home.session]
        return gone

    def due_s(self) -> float:
        """When something is due."""
        return min((home.due_s() for home in self._homes.values()), default=NEVER)

    def tick(self) -> list[Out]:
        """What is due."""
        now_s, out = self._now_s(), []
        for home in list(self._homes.values()):
            if home.due_s() <= now_s:
                out += home.tick(now_s)
            if home.empty_since_s is not None and now_s - home.empty_since_s > FORGET_S:
                del self._homes[home.session]
        return out


def _asked(home: Home, gateway: str, message: Message) -> list[Out]:
    """Questions that have an answer of their own."""
    answer: Any = False
    out: list[Out] = []
    match message.get("type"):
        case "page":
            limit = message.get("limit")
            limit = min(max(limit, 1), PAGE) if isinstance(limit, int) else PAGE
            found = home.page(str(message.get("after", "")), limit, str(message.get("search", "")))
            answer = msgspec.to_builtins(found)
        case "tell":
            to = str(message.get("to", ""))
            holder = home.holder(to)
            if holder:
                told = {"type": "tell", "session": home.session, "to": to, "what": message.get("what")}
                out, answer = [(holder, told)], True
    return [*out, (gateway, {"type": "answer", "k": message.get("k"), "answer": answer})]


def _said(home: Home, gateway: str, message: Message, now_s: float) -> list[Out]:
    """What needs no answer of its own."""
    out: list[Out] = []
    match message.get("type"):
        case "members" if message.get("all"):
            out = home.hello(gateway, convert(message, Hello) or Hello(), now_s)
        case "members":
            out = home.change(gateway, message.get("put"), message.get("drop"), now_s)
        case "talk":
            out = home.talk(gateway, str(message.get("participant", "")), bool(message.get("on")))
        case "say":
            said = convert(message | {"n": 0}, Said)
            out = home.say(said) if said else []
        case "log":
            out = home.logged(gateway, convert(message.get("data"), list[Said]) or [], now_s)
        case "leave":
            out = home.leave(gateway, now_s)
    return out
