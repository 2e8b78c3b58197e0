"""Records are read strictly and never raise."""

from __future__ import annotations

import pytest

from rtcdn.model import AttachGrant, DrainIntent, ForwarderInfo, Kind, Labels, Leg, ParticipantIntent, StreamInfo

LEG = Leg("publish", Kind.VR, "vr1", streams=(StreamInfo(),))


@pytest.mark.parametrize("record", [Labels(weight_terms={"cpu": 3.0}), LEG, AttachGrant(legs=(LEG,)), DrainIntent()])
def test_what_was_written_is_read(record: Labels | Leg | AttachGrant | DrainIntent) -> None:
    """As text and as a dict, with what is inside."""
    kind = type(record)
    assert kind.from_json(record.to_json()) == kind.from_dict(record.to_dict()) == record


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 100_000,
        '{"port":3.0}',
        '{"port":true}',
        '{"port":"3"}',
        '{"port":null}',
        '{"host":3}',
        '{"host":"\ud800"}',
        '{"else":NaN}',
    ],
)
def test_what_does_not_fit_is_no_record(text: str) -> None:
    """Nothing is made of one type what was written as another."""
    assert ForwarderInfo.from_json(text) is None


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400, "3", True])
def test_a_float_is_a_finite_number(number: object) -> None:
    """Nobody can reckon with others; a whole number is fine."""
    assert DrainIntent.from_dict({"deadline_s": number}) is None
    assert DrainIntent.from_json('{"deadline_s":5}') == DrainIntent(deadline_s=5.0)


def test_what_is_not_known_is_passed_over() -> None:
    """A newer writer may say more."""
    assert StreamInfo.from_json('{"mid":"7","newer":{"much":[1]}}') == StreamInfo(mid="7")
    assert ParticipantIntent.from_json('{"role":"emperor"}') is None
    assert ParticipantIntent.from_dict({1: object()}) is None
