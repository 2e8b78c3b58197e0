"""The answer to one request: given once, or never where nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.client.events import Answer, Problem, Refused


class Reply:
    """Answers request ``re`` through ``send``; a second answer is dropped."""

    def __init__(self, re: int, send: Callable[[Answer], None]) -> None:
        self.re = re
        self._send = send
        self.given = False

    def ok(self, kind: type[Answer] = Answer, **fields: Any) -> None:
        """Done, with what was asked for."""
        self._give(kind(re=self.re, **fields))

    def no(self, problem: Problem) -> None:
        """Not done, and why."""
        self._give(Refused(re=self.re, problem=problem))

    def _give(self, answer: Answer) -> None:
        if not self.given:
            self.given = True
            self._send(answer)


class Unheard(Reply):
    """For what is part of another request, such as the offer within a join: ``then`` gets the answer."""

    def __init__(self, then: Callable[[Answer], None]) -> None:
        super().__init__(0, then)
