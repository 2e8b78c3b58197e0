"""A session that is mended again and again is let rest."""

from __future__ import annotations

from broker.core.reconcile import CAUGHT_UP_S
from broker.reconcile import MOST_REST, Mended


def test_rest_doubles_while_mending_helps_nothing_and_is_forgotten_when_it_does() -> None:
    """4, 8, 16 ... 64 seconds; one turn in which nothing is needed and it begins anew."""
    mended, now_s, rests = Mended(), 1_000.0, []
    for _ in range(7):
        mended.note([("demo", "repoint_link mix-st1")], now_s)
        rests.append(mended.at_s["demo"] + CAUGHT_UP_S - now_s)
        now_s = mended.at_s["demo"] + CAUGHT_UP_S
    assert rests == [CAUGHT_UP_S * times for times in (1, 2, 4, 8, 16, MOST_REST, MOST_REST)]
    mended.note([], now_s + 1)
    assert mended.at_s == {}
    mended.note([("demo", "repoint_link mix-st1")], now_s + 2)
    assert mended.at_s == {"demo": now_s + 2}


def test_others_are_not_held_up() -> None:
    """Each session rests for itself; a resting one is not forgotten."""
    mended = Mended()
    mended.note([("one", "create_context mix-ab1")], 0.0)
    mended.note([("one", "create_context mix-ab1")], CAUGHT_UP_S)
    mended.note([("two", "create_context mix-ab1")], CAUGHT_UP_S + 1)
    assert mended.at_s == {"one": 2 * CAUGHT_UP_S, "two": CAUGHT_UP_S + 1}


def test_another_fault_does_not_wait() -> None:
    """A mix that dies after a stage was mended is mended as soon as reports have caught up."""
    mended = Mended()
    mended.note([("demo", "create_context stage-st1")], 0.0)
    mended.note([("demo", "create_context mix-ab1")], CAUGHT_UP_S)
    assert mended.at_s == {"demo": CAUGHT_UP_S}
