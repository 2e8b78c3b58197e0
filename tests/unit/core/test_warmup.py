"""Warm-up: what is promised is made, kept, and never promised twice."""

from __future__ import annotations

import pytest

from broker.core.decisions import Decision, Refusal
from broker.core.requests import CloseSession, OpenSession, Warmup
from broker.core.warmup import expected
from broker.sim.world import World
from rtcdn.errors import InvalidRequest
from rtcdn.model import SessionIntent
from tests.unit.core.worlds import continents, local, opened, speaks, watches


def warm(world: World, session: str = "demo", **viewers: int) -> Decision | Refusal:
    """Ask; the map stays whole whatever the answer."""
    answer = world.ask(Warmup(session, viewers))
    assert world.vmap.check() == []
    return answer


def stages(world: World, session: str = "demo") -> list[str]:
    """Names of the session's stages."""
    return sorted(world.vmap.sessions[session].duty("stage"))


def test_a_warm_up_makes_the_stages_of_each_region_and_one_mix_only() -> None:
    """500 in a region of nodes that carry some 320 viewers each: two stages there, linked to the one mix."""
    world = continents()
    opened(world, eu=10)
    answer = warm(world, eu=500, us=200)
    assert isinstance(answer, Decision)
    view = world.vmap.sessions["demo"]
    assert stages(world) == ["stage-eu-st1", "stage-eu-st2", "stage-us-st1"]
    assert len(view.duty("mix")) == len(view.duty("ingress")) == 1
    assert {link.target for link in view.links.values() if link.kind == "mix"} == set(stages(world))
    assert view.intent is not None
    assert view.intent.warm == {"eu": 500, "us": 200}
    assert [reason.code for reason in answer.reasons] == ["warm", "warm"]


def test_the_larger_of_audience_and_promise_counts() -> None:
    """Per region."""
    intent = SessionIntent(audience={"eu": 5, "us": 50}, warm={"eu": 20, "us": 10, "ap": 1})
    assert expected(intent) == {"ap": 1, "eu": 20, "us": 50}


def test_what_was_promised_stays_while_nobody_comes_and_goes_when_it_is_taken_back() -> None:
    """Housekeeping removes idle stages, but none that a promise needs."""
    world = continents()
    opened(world, eu=10)
    warm(world, eu=500, us=200)
    for _ in range(4):
        world.tick(100)
        assert world.housekeep() == []
    assert len(stages(world)) == 3
    warm(world)
    for _ in range(3):
        world.tick(100)
        world.housekeep()
    assert len(stages(world)) == 1
    assert world.vmap.check() == []


def test_a_lost_stage_of_a_promise_is_made_again_elsewhere() -> None:
    """The promise is kept by whatever nodes there are."""
    world = continents()
    opened(world, eu=10)
    warm(world, us=200)
    (lost,) = [name for name in stages(world) if "us" in name]
    world.kill(lost.removeprefix("stage-"))
    world.tick(20)
    world.housekeep()
    assert [name for name in stages(world) if "us" in name and name != lost] != []


def test_opening_a_session_further_keeps_its_promise() -> None:
    """PUT of the session says nothing of the warm-up."""
    world = continents()
    opened(world, eu=10)
    warm(world, us=200)
    opened(world, eu=20)
    intent = world.vmap.sessions["demo"].intent
    assert intent is not None
    assert (intent.warm, intent.audience) == ({"us": 200}, {"eu": 20})


@pytest.mark.parametrize(("field", "count"), [("moon", 5), ("eu", -1), ("eu", 10**9)])
def test_a_region_or_number_that_cannot_be_is_named(field: str, count: int) -> None:
    """Before anything is done."""
    world = continents()
    opened(world, eu=10)
    before = world.vmap
    with pytest.raises(InvalidRequest) as caught:
        world.ask(Warmup("demo", {"us": 5, field: count}))
    assert caught.value.field == f"viewers.{field}"
    assert world.vmap is before


def test_what_no_region_can_carry_is_refused_with_what_is_missing_and_nothing_is_done() -> None:
    """Also of the regions that could: a promise is all or nothing."""
    world = continents()
    opened(world, eu=10)
    before = world.vmap
    answer = warm(world, eu=100_000, us=20)
    assert isinstance(answer, Refusal)
    assert answer.code == "no-capacity"
    assert "eu has room for" in answer.detail
    assert "of 100000 viewers" in answer.detail
    assert world.vmap is before
    assert any(choice.duty == "stage" and not choice.chosen for choice in answer.choices)


def test_two_sessions_are_not_promised_the_same_room() -> None:
    """One node carries some 320: 300 for one session leave few to the next, until the first is closed."""
    world = local(stages=1)
    opened(world, "one", local=1)
    opened(world, "two", local=1)
    assert isinstance(warm(world, "one", local=300), Decision)
    refused = warm(world, "two", local=100)
    assert isinstance(refused, Refusal)
    assert isinstance(warm(world, "two", local=20), Decision)
    world.ask(CloseSession("one"))
    assert isinstance(warm(world, "two", local=300), Decision)


def test_a_warm_up_again_changes_nothing() -> None:
    """And one for viewers who are there already neither."""
    world = local()
    world.ask(OpenSession("demo", SessionIntent()))
    speaks(world, "alice")
    watches(world, "eve")
    warm(world, local=20)
    answer = warm(world, local=20)
    assert isinstance(answer, Decision)
    assert (answer.changes, answer.plan) == ((), ())


def test_an_atollo_that_nobody_was_announced_for_is_made_where_it_is_warmed_up() -> None:
    """It was refused for want of room while every node was empty."""
    world = continents()
    world.ask(OpenSession("demo", SessionIntent("atollo")))
    assert not world.vmap.sessions["demo"].contexts
    assert isinstance(warm(world, us=5), Decision)
    assert set(world.vmap.sessions["demo"].stages) == {"us"}
    assert world.housekeep() == []
    assert world.vmap.check() == []
