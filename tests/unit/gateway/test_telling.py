"""What the broker is told in the background, and who hears what it said."""

from __future__ import annotations

import asyncio

from gateway.protocol import Problem
from gateway.telling import Telling


async def test_what_the_broker_said_is_handed_on_once_and_in_order() -> None:
    """A broker that is away is asked again; one that says no is not."""
    telling = Telling()
    answers: list[Problem | None] = [Problem(503, "broker-away", ""), Problem(409, "screen-taken", ""), None]
    heard: list[str] = []

    async def tell() -> None:
        answer = answers.pop(0)
        if answer:
            raise answer
        heard.append("told")

    def said(problem: Problem | None) -> None:
        heard.append(problem.kind if problem else "taken")

    for _ in range(2):
        last = telling.tell(tell, "leg", said)
    await asyncio.wait_for(last, 5)
    assert (heard, answers) == (["screen-taken", "told", "taken"], [])
