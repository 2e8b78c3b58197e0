"""The decision log: every decision a line with its reasons, whoever is in a hurry."""

from __future__ import annotations

import io
import json

from broker.core.decisions import Candidate, Choice, Decision, IntentChange, Refusal, Term
from broker.core.requests import Attach
from broker.decision_log import BACKLOG, DecisionLog
from rtcdn.model import AttachGrant, Kind, Leg, ParticipantIntent, Role

ASKED = Attach("demo", "vic", ("view",), rights=("view",), gateway="1", rtt_ms={"here": 3.5})
CHOICE = Choice("stage", "st1", (Candidate("st1", (Term("light", 95.0, 1.0),), 95.0), Candidate("st2", reason="full")))
LEG = Leg("view", Kind.ST, "st1", slots=("v1", "s1"))
YES = Decision(
    "d-1",
    AttachGrant("demo", "vic", Role.VIEWER, legs=(LEG,), decision="d-1"),
    (IntentChange("PT:demo:vic", ParticipantIntent(legs=(LEG,))), IntentChange("PT:demo:old", None)),
    choices=(CHOICE,),
)


def made() -> tuple[DecisionLog, io.StringIO]:
    stream = io.StringIO()
    return DecisionLog(stream, kept=2, now_s=lambda: 7.0), stream


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_what_was_asked_chosen_and_why() -> None:
    """And a past decision is shown as it was logged."""
    log, stream = made()
    log.decided(ASKED, YES, 12, 0.0)
    waiting = log.find("d-1")
    log.start()
    log.close()
    (line,) = lines(stream)
    assert waiting == line == log.find("d-1")
    assert line["request"] == {**ASKED.to_dict(), "type": "Attach"} | {"want": ["view"], "rights": ["view"]} | {
        "regions": [],
        "place": [],
        "sources": [],
    }
    assert line["choices"] == json.loads(json.dumps([CHOICE.to_dict()]))
    assert line["changes"] == [
        {"key": "PT:demo:vic", "value": json.loads(ParticipantIntent(legs=(LEG,)).to_json())},
        {"key": "PT:demo:old", "value": None},
    ]


def test_lines_keep_their_order_and_none_is_lost_at_the_end() -> None:
    """Also those that come while others are written."""
    log, stream = made()
    log.start()
    for number in range(500):
        log.decided(ASKED, Refusal(f"d-{number}", "no-capacity", "full", (CHOICE,)), number, 0.0)
    log.close()
    assert [line["map_revision"] for line in lines(stream)] == list(range(500))
    assert log.find("d-0") is None
    assert log.find("d-499") is not None


def test_what_nobody_writes_is_counted_and_not_kept() -> None:
    """A standard output that takes nothing must not fill the memory."""
    log, stream = made()
    for number in range(BACKLOG + 3):
        log.decided(ASKED, YES, number, 0.0)
    assert log.lost == 3
    log.start()
    log.close()
    assert len(lines(stream)) == BACKLOG
