"""What two replicas changed of one participant at the same time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.core.merging import merged
from rtcdn.model import DrainIntent, Leg, ParticipantIntent, Role

VIEW = Leg("view", node="st1", generation=1)
TALK = Leg("talk", node="ab1", generation=2)
BASE = ParticipantIntent(name="vic", legs=(VIEW,), generation=1, gateway="1", admitted=True)
UP = replace(VIEW, state="up", handle=7)
MOVED = replace(VIEW, node="st2", generation=2)


def changed(**fields: Any) -> ParticipantIntent:
    """The participant with changes."""
    return replace(BASE, **fields)


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        (changed(legs=(UP,)), changed(role=Role.SPEAKER), changed(legs=(UP,), role=Role.SPEAKER)),
        (
            changed(legs=(VIEW, TALK), generation=2, joined_s=5.0),
            changed(legs=(UP,), role=Role.SPEAKER),
            changed(legs=(UP, TALK), generation=2, joined_s=5.0, role=Role.SPEAKER),
        ),
        (changed(legs=(UP,)), changed(legs=(MOVED,), generation=2), changed(legs=(MOVED,), generation=2)),
        (changed(legs=(UP,)), changed(legs=()), changed(legs=())),
        (changed(legs=()), changed(legs=(UP,)), changed(legs=())),
        (changed(legs=()), changed(legs=(MOVED,), generation=2), changed(legs=(MOVED,), generation=2)),
        (changed(legs=(UP,)), changed(removed=True, legs=()), changed(removed=True, legs=())),
        (changed(legs=(VIEW, TALK)), changed(removed=True, legs=()), changed(removed=True, legs=())),
        (
            changed(role=Role.VIEWER, name="a"),
            changed(role=Role.SPEAKER, name="b"),
            changed(role=Role.SPEAKER, name="a"),
        ),
        (None, changed(role=Role.SPEAKER), changed(role=Role.SPEAKER, legs=())),
        (None, changed(admitted=False, legs=(UP,)), None),
        (None, changed(admitted=False, legs=(UP, TALK)), changed(admitted=False, legs=(TALK,))),
        (changed(legs=(UP,)), None, changed(legs=(UP,))),
        (changed(legs=(UP,)), BASE, changed(legs=(UP,))),
        (BASE, changed(legs=(UP,)), changed(legs=(UP,))),
        (None, None, None),
    ],
)
def test_what_each_of_both_changed_stands(
    ours: ParticipantIntent | None, theirs: ParticipantIntent | None, wanted: ParticipantIntent | None
) -> None:
    """A leg that is up, a role, another leg, a move, an end."""
    assert merged(BASE, ours, theirs) == wanted


def test_two_who_made_him_at_once() -> None:
    """Each of them granted a leg: he has both, and of two of a sort the later."""
    view, talk = ParticipantIntent(legs=(VIEW,), generation=1), ParticipantIntent(legs=(TALK,), generation=2)
    assert merged(None, view, talk) == ParticipantIntent(legs=(TALK, VIEW), generation=2)
    moved = ParticipantIntent(legs=(MOVED,), generation=2)
    assert merged(None, view, moved) == moved
    assert merged(None, moved, view) == moved


def test_other_records_are_not_merged() -> None:
    """Ours is written."""
    assert merged(DrainIntent("a"), DrainIntent("b"), DrainIntent("c")) == DrainIntent("b")
