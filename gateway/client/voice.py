"""Whether a client is heard: what is wanted, what is so, and the way from one to the other.

Live on: his voice leg is resumed, then the mix stops on his view leg. Live off: the voice first, then the mix, so that
he never hears himself. One step at a time; whatever was wanted last is what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.client.connections import Connections
from gateway.client.effects import BecameLive, SetMuted, Speak, Talk, Todo
from gateway.client.events import Problem
from gateway.client.view import View

RETRY_S = 1.0


class Voice:
    """The voice of one client; ``changed`` is called when ``shown`` did."""

    def __init__(self, todo: Todo, connections: Connections, view: View, changed: Callable[[float], None]) -> None:
        self._todo, self._connections, self._view, self._changed = todo, connections, view, changed
        self.wanted = False
        self.on = ""  # the connection on which he is heard
        self.muted = False
        self._busy = False
        self._ended = ""  # a leg that ended while it was told something: what comes of that is too late
        self._since_s: float | None = None  # since it is wanted
        self._retry_s: float | None = None  # when to try again what the node did not answer
        self._unsure = ""  # until then: the connection on which he may or may not be heard

    @property
    def shown(self) -> bool:
        """Is he live, as others see it?"""
        return bool(self.on) and self.wanted

    def want(self, on: bool, now_s: float) -> None:
        """He shall be heard, or not."""
        if on != self.wanted:
            self.wanted = on
            self._since_s = now_s if on else None
        if not on and self._retry_s is not None and not self._busy:
            self._silence(now_s)
        self.settle(now_s)

    def mute(self, on: bool) -> None:
        """His microphone is muted, or not."""
        self.muted = on
        for each in self._connections.all.values():
            if each.purpose == "voice" and each.answered:
                self._todo.do(SetMuted(each.id, on))
        if on and self.on:
            self._todo.do(Talk(False))

    def settle(self, now_s: float) -> None:
        """Take the next step towards what is wanted."""
        target = self._target()
        if self._busy or target == self.on:
            return
        self._busy, self._ended, self._retry_s = True, "", None
        ident, on = (self.on, False) if self.on else (target, True)
        self._todo.ask(lambda op: Speak(op, ident, on), lambda outcome, now: self._spoken(ident, on, outcome, now))

    def _target(self) -> str:
        """The connection on which he should be heard now: of two (he is moved) the newer whose media flow."""
        legs = [each.id for each in self._connections.all.values() if (each.purpose, each.state) == ("voice", "up")]
        return legs[-1] if legs and self.wanted else ""

    def _spoken(self, ident: str, on: bool, outcome: Any, now_s: float) -> None:
        if self._ended == ident:
            on = False
        elif isinstance(outcome, Problem):
            self._busy, self._retry_s, self._unsure = False, now_s + RETRY_S, ident
            if not on or not self.wanted:
                self._silence(now_s)
            return
        self.on = ident if on else ""
        if not on:
            self._todo.do(Talk(False))
        if not on and self._target():  # he goes on at another leg
            self._busy = False
            self.settle(now_s)
        else:
            self._view.mix(not on, self._mixed, now_s)

    def _silence(self, now_s: float) -> None:
        """He shall not be heard on a leg and the node did not say so: the leg ends, then it is sure."""
        self._retry_s = None
        self._connections.lost(self._unsure, now_s)

    def _mixed(self, now_s: float) -> None:
        self._busy = False
        if self.shown and self._since_s is not None:
            self._todo.do(BecameLive(now_s - self._since_s))
            self._since_s = None
        self._changed(now_s)
        self.settle(now_s)

    def lost(self, ident: str, now_s: float) -> None:
        """A voice leg has ended: where he was heard there, he is not any more, and hears the mix."""
        if self._busy:
            self._ended = ident
            if self.on == ident:
                self.on = ""
        elif self.on == ident:
            self._busy = True
            self._spoken(ident, False, None, now_s)

    def restored(self, ident: str) -> None:
        """He was heard on it when this gateway took over."""
        self.on, self.wanted = ident, True
        self._view.hears_mix = False

    def tick(self, now_s: float) -> None:
        """Try again what did not work."""
        if self._retry_s is not None and now_s >= self._retry_s:
            self.settle(now_s)
