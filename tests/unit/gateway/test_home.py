"""The home of a session: who is in it, who talks, whose hands are up."""

from __future__ import annotations

from itertools import pairwise

from gateway.client.between import Hello, rendezvous
from gateway.client.home import GRACE_S, ROSTER_S
from tests.support.homes import home_of, of, put


def test_rendezvous_is_even_and_moves_only_what_it_must() -> None:
    """A gateway that goes gives its sessions to all others; those of others stay."""
    gateways = ["a", "b", "c", "d"]
    sessions = [f"s{at}" for at in range(2000)]
    before = {session: rendezvous(session, gateways) for session in sessions}
    after = {session: rendezvous(session, ["b", "c", "d"]) for session in sessions}
    assert all(400 < list(before.values()).count(gateway) < 600 for gateway in gateways)
    assert {session for session in sessions if before[session] != after[session]} == {
        session for session in sessions if before[session] == "a"
    }
    assert rendezvous("demo", reversed(gateways)) == rendezvous("demo", gateways)
    assert rendezvous("demo", []) == ""


def test_a_member_is_told_everything_at_once() -> None:
    """Who is there, who may speak, hands, talking, and that there are no data."""
    home = home_of("a")
    home.hello("h", Hello(put=put("m", role="moderator"), talking=["m"]), 0)
    told = home.hello("a", Hello(put=put("p", hand=True)), 1)
    assert (
        of(told, "gateways", "h")
        == of(told, "gateways", "a")
        == [{"type": "gateways", "session": "demo", "ids": ["a", "h"]}]
    )
    roster = of(told, "roster", "a")[0]
    assert (roster["total"], roster["viewers"], roster["hands"]) == (2, 1, 1)
    assert [each["participant"] for each in roster["speakers"]] == ["m"]
    assert of(told, "talking", "a")[0]["participants"] == ["m"]
    assert of(told, "hands", "a")[0]["queue"] == [{"participant": "p", "name": "P", "since_s": 0.0}]
    assert of(told, "known", "a")[0]["ids"] == ["m", "p"]
    assert of(told, "log", "a")[0]["data"] == []


def test_many_changes_are_told_seldom() -> None:
    """A hundred joins in a second: the roster at most every half second, presence every quarter."""
    home = home_of()
    home.hello("h", Hello(), 0)
    rosters, presences, joined = [], [], []
    for at in range(400):
        now_s = at / 100
        if at < 100:
            home.change("h", put(f"p{at}"), [], now_s)
        if home.due_s() <= now_s:
            out = home.tick(now_s)
            rosters += [now_s] * len(of(out, "roster"))
            presences += of(out, "presence")
            joined += [each["participant"] for told in of(out, "presence") for each in told["joined"]]
    assert len(rosters) <= 4
    assert all(later - earlier >= ROSTER_S for earlier, later in pairwise(rosters))
    assert len(presences) <= 6
    assert joined == [f"p{at}" for at in range(100)]
    assert ["large" in told for told in presences] == [False] * 2 + [True] * (len(presences) - 2)
    assert home.due_s() == float("inf")


def test_who_comes_and_goes_between_two_tellings_is_not_told() -> None:
    """Changes of one batch are one: came, went, or changed."""
    home = home_of()
    home.hello("h", Hello(put=put("a", "b")), 0)
    home.tick(0)
    home.change("h", put("c"), [], 1)
    home.change("h", put("a", muted=True), ["c"], 1)
    home.change("h", put("b", hand=True), [], 1)
    home.change("h", put("b"), [], 1)
    told = of(home.tick(2), "presence")
    assert [(each["joined"], each["left"], [p["participant"] for p in each["changed"]]) for each in told] == [
        ([], [], ["a"])
    ]


def test_hands_are_first_come_first_wherever_they_are() -> None:
    """A hand keeps its place when its owner changes, or resumes at another gateway."""
    home = home_of("a")
    home.hello("h", Hello(put=put("x", hand=True)), 0)
    home.hello("a", Hello(put=put("y", hand=True)), 5)
    home.change("a", put("x", hand=True, muted=True), [], 9)
    queue = of(home.tick(10), "hands", "a")[0]["queue"]
    assert [(each["participant"], each["since_s"]) for each in queue] == [("x", 10.0), ("y", 5.0)]
    home.change("h", [], ["x"], 11)  # the old gateway lets go: the new one has him
    assert [each["participant"] for each in of(home.hello("b", Hello(), 12), "hands", "b")[0]["queue"]] == ["x", "y"]
    home.change("a", put("x"), [], 13)
    assert [each["participant"] for each in of(home.tick(14), "hands", "a")[0]["queue"]] == ["y"]


def test_talking_is_told_at_once_and_ends_with_the_talker() -> None:
    """Only his own gateway says that somebody talks."""
    home = home_of("a")
    home.hello("a", Hello(put=put("x", "y")), 0)
    assert home.talk("h", "x", True) == []
    assert of(home.talk("a", "x", True), "talking")[0]["participants"] == ["x"]
    assert home.talk("a", "x", True) == []
    assert of(home.change("a", [], ["x"], 1), "talking")[0]["participants"] == []


def test_people_of_a_lost_gateway_are_kept_for_a_while() -> None:
    """They may come back with it, or resume at another."""
    home = home_of("a", "b")
    home.hello("h", Hello(), 0)
    home.hello("a", Hello(put=put("x", "y", "z")), 0)
    home.lost("a", 10)
    home.change("h", put("y"), [], 11)
    home.tick(10 + GRACE_S - 0.1)
    assert home.page("", 50, "").total == 3
    told = home.tick(10 + GRACE_S) + home.tick(11 + GRACE_S)
    assert [each.participant for each in home.page("", 50, "").participants] == ["y"]
    assert of(told, "presence", "h")[0]["left"] == ["x", "z"]
    assert home.holder("x") == ""
    home.hello("a", Hello(put=put("x")), 20)
    home.lost("a", 21)
    home.hello("a", Hello(put=put("x")), 22)
    home.tick(60)
    assert home.holder("x") == "a"


def test_pages_and_search() -> None:
    """By id, in any case, part of a name or id."""
    home = home_of()
    home.hello("h", Hello(put=[*put("c", "a", "b"), {"participant": "d", "name": "Ærøskøbing ÅÄÖ"}]), 0)
    first = home.page("", 3, "")
    assert ([each.participant for each in first.participants], first.total, first.next) == (["a", "b", "c"], 4, "c")
    rest = home.page(first.next, 3, "")
    assert ([each.participant for each in rest.participants], rest.next) == (["d"], "")
    assert [each.participant for each in home.page("", 3, "ÆRØ").participants] == ["d"]
    found = home.page("", 1, "")
    assert found.next == "a"
    assert home.page("zzz", 3, "").participants == []
