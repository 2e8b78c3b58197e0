"""Numbers of data at a home, and how one home takes over from another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.client.between import LOG, DataLog, Hello, Said
from gateway.client.home import GRACE_S, SETTLE_S, Out
from tests.support.homes import home_of, numbers, of, put, say


def test_what_is_said_twice_has_one_number() -> None:
    """A gateway that got no answer asks again by the same key."""
    home = home_of("a")
    home.hello("a", Hello(), 0)
    assert numbers(home.say(say("one", "k1")), "a") == [(1, "one")]
    assert numbers(home.say(say("one", "k1")), "a") == [(1, "one")]
    assert numbers(home.say(say("two", "k2")), "a") == [(2, "two")]


def test_a_new_home_waits_for_those_who_were_at_the_old_one() -> None:
    """The member with the newest number is asked; what is said meanwhile comes after; each is told what it lacks."""
    home = home_of("a", "b")
    old = [Said(n, "p", data=f"d{n}") for n in range(1, 12)]
    told = home.hello("a", Hello(n=9, peers=["a", "b", "dead"]), 1)
    assert of(told, "since", "a") == [{"type": "since", "session": "demo", "n": 0}]
    assert home.say(say("new")) == []
    assert home.logged("a", old[:9], 1) == []  # b was there too
    home.hello("b", Hello(n=11, peers=["a", "b"]), 1)
    told = home.logged("b", old, 1)
    assert numbers(told, "a") == [(10, "d10"), (11, "d11"), (12, "new")]
    assert numbers(told, "b") == [(12, "new")]


def test_nobody_is_waited_for_longer_than_it_takes_to_connect() -> None:
    """A member that does not come is given up."""
    home = home_of("a", "b")
    home.hello("a", Hello(n=0, peers=["a", "b"]), 0.5)
    home.say(say("x"))
    assert numbers(home.tick(SETTLE_S - 0.1), "a") == []
    assert numbers(home.tick(SETTLE_S), "a") == [(1, "x")]


def test_one_that_is_gone_from_the_store_is_not_waited_for() -> None:
    """As soon as it is known."""
    home = home_of("a", "b")
    home.hello("a", Hello(peers=["a", "b"]), 0.5)
    home.say(say("x"))
    assert numbers(home.alive({"a", "h"}, 0.6), "a") == [(1, "x")]


@pytest.mark.parametrize(("calm", "at_once"), [(True, [(1, "x")]), (False, [])])
def test_a_first_home_numbers_at_once_in_calm_times(calm: bool, at_once: list[tuple[int, str]]) -> None:
    """When a gateway has just gone, others may have been at a home of which the first comer does not know."""
    home = home_of("a", "b", calm=calm)
    home.hello("a", Hello(), 0)
    assert numbers(home.say(say("x")), "a") == at_once


def test_a_home_that_takes_over_tells_no_half_roster() -> None:
    """What members know stays until all of them have said whom they have."""
    home = home_of("a", "b")
    told = home.hello("a", Hello(put=put("x"), peers=["a", "b"]), 0) + home.tick(1)
    assert of(told, "roster") == of(told, "hands") == []
    home.hello("b", Hello(put=put("y"), peers=["a", "b"]), 1)
    assert home.due_s() <= 1
    assert [each["total"] for each in of(home.tick(1), "roster", "a")] == [2]


def test_people_that_clients_knew_are_seen_leaving_at_a_new_home() -> None:
    """And those who are still here do not join again."""
    home = home_of("a", "b")
    home.hello("a", Hello(put=put("x"), peers=["a", "b"], known=["x", "y", "gone"]), 0)
    home.hello("b", Hello(put=put("y", "new"), peers=["a", "b"], known=["x", "y", "gone"]), 1)
    told = of(home.tick(1), "presence", "a")
    assert [p["participant"] for each in told for p in each["joined"]] == ["new"]
    assert home.due_s() <= GRACE_S
    assert [each["left"] for each in of(home.tick(GRACE_S), "presence", "a")] == [["gone"]]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(1, 600), max_size=300), max_size=4), st.integers(0, 600))
def test_merged_logs_are_in_order_without_repeats(logs: list[list[int]], since: int) -> None:
    """Whichever order they come in: the newest are kept, once each, and what stood stands."""
    log = DataLog()
    every: set[int] = set()
    for found in logs:
        newest = log.n
        news = log.merge(Said(n, "p", data=str(n)) for n in found)
        every |= set(found)
        assert [each.n for each in news] == sorted({n for n in found if n > newest})[-LOG:]
        assert log.n == max(every, default=0)
    kept = [each.n for each in log.since(since)]
    assert kept == [n for n in sorted(every)[-LOG:] if n > since]
    assert len(kept) <= LOG


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["put", "drop", "talk", "lost", "hello", "leave", "say", "tick"]),
        st.sampled_from(["a", "b", "h"]),
        st.sampled_from([f"p{n}" for n in range(6)]),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(EVENTS)
def test_the_counts_are_those_of_the_people(events: list[tuple[str, str, str, bool]]) -> None:
    """Whatever members say: counts fit the pages, hands and talkers are people who are here, numbers have no gap."""
    home = home_of("a", "b")
    told: list[Out] = []
    for at, (kind, gateway, who, on) in enumerate(events):
        match kind:
            case "put":
                told += home.change(gateway, put(who, hand=on, role="speaker" if on else "viewer"), [], at)
            case "drop":
                told += home.change(gateway, [], [who], at)
            case "talk":
                told += home.talk(gateway, who, on)
            case "lost":
                told += home.lost(gateway, at)
            case "hello":
                told += home.hello(gateway, Hello(put=put(who), talking=[who]), at)
            case "leave":
                told += home.leave(gateway, at)
            case "say":
                told += home.say(say(str(at)))
            case "tick":
                told += home.tick(at)
    told += home.hello("c", Hello(), 1000) + home.tick(2000)
    people = {each.participant: each for each in home.page("", 200, "").participants}
    roster = of(told, "roster", "c")[-1]
    assert roster["total"] == len(people)
    assert roster["viewers"] == sum(each.role == "viewer" for each in people.values())
    hands = {each["participant"] for each in of(told, "hands", "c")[-1]["queue"]}
    assert hands == {name for name, each in people.items() if each.hand}
    assert roster["hands"] == len(hands)
    assert set(of(told, "talking", "c")[-1]["participants"]) <= set(people)
    assert [n for n, _ in numbers(told, "c")] == list(range(1, home.log.n + 1))
