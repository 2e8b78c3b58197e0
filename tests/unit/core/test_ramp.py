"""The admission ramp: turns, in order, kept, and honest."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.core.decisions import Decision, Refusal
from broker.core.policy.base import Thresholds
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, SetRole
from broker.core.virtual_map import VirtualMap
from broker.sim.world import World
from rtcdn import keys
from rtcdn.model import Role
from tests.unit.core.worlds import attach, local, opened, speaks, watches


def crowded(cap: int = 5, burst_s: float = 10.0, **limits: int) -> World:
    """A session that lets in ``cap`` viewers in ``burst_s``."""
    policy = replace(BALANCED, limits=Thresholds(session_burst_legs=cap, burst_s=burst_s, **limits))
    world = local(policy=policy)
    opened(world, local=500)
    return world


def refused(world: World, name: str) -> Refusal:
    answer = attach(world, name)
    assert isinstance(answer, Refusal), answer
    assert answer.code == "please-wait"
    assert world.vmap.check() == []
    return answer


def test_those_beyond_the_cap_get_turns_one_after_the_other() -> None:
    """Five come in; the sixth is first in the queue, the seventh second, two seconds later."""
    world = crowded()
    for number in range(5):
        watches(world, f"guest~{number}")
    sixth, seventh = refused(world, "f"), refused(world, "g")
    assert (sixth.position, sixth.retry_after_s) == (1, 2.0)
    assert (seventh.position, seventh.retry_after_s) == (2, 4.0)
    assert "you are number 2, ask again in 4 s" in seventh.detail


def test_asking_again_neither_loses_nor_wins_a_place() -> None:
    """The turn stands; as time passes he moves up."""
    world = crowded()
    for number in range(5):
        watches(world, f"guest~{number}")
    refused(world, "f")
    assert refused(world, "g").position == 2
    again = refused(world, "g")
    assert (again.position, again.changes) == (2, ())
    world.now_s += 2.5
    assert (refused(world, "g").position, refused(world, "h").position) == (1, 2)


def test_one_who_waits_and_is_promoted_by_a_moderator_comes_as_a_speaker() -> None:
    """He has no leg yet, and was forgotten: his turn and his promotion."""
    world = crowded()
    host = Attach("demo", "host", ("view",), Role.MODERATOR, ("view", "speak"), gateway="gw")
    assert isinstance(world.ask(host), Decision)
    for number in range(5):
        attach(world, f"guest~{number}")
    asks = Attach("demo", "f", ("view",), Role.VIEWER, ("view", "speak"), gateway="gw")
    assert isinstance(world.ask(asks), Refusal)
    assert isinstance(world.ask(SetRole("demo", "f", Role.SPEAKER, by="host")), Decision)
    assert world.vmap.sessions["demo"].participants["f"].turn_s
    answer = world.ask(asks)
    assert isinstance(answer, Decision)
    assert answer.grant
    assert answer.grant.role is Role.SPEAKER
    assert "f" not in world.vmap.sessions["demo"].waiting


def test_whoever_asks_after_his_turn_gets_in() -> None:
    """Before those who come then, and his turn is forgotten."""
    world = crowded()
    for number in range(5):
        watches(world, f"guest~{number}")
    for name in "fgh":
        refused(world, name)
    world.now_s += 4.0
    refused(world, "new")
    watches(world, "f")
    watches(world, "g")
    refused(world, "h")
    assert sorted(world.vmap.sessions["demo"].waiting) == ["h", "new"]


def test_when_all_have_come_the_door_is_open() -> None:
    """Nobody waits for nothing."""
    world = crowded()
    for number in range(5):
        watches(world, f"guest~{number}")
    refused(world, "f")
    world.now_s += 11
    watches(world, "new")
    watches(world, "f")


def test_speakers_and_who_is_here_never_wait() -> None:
    """A reconnecting viewer and a speaker pass."""
    world = crowded()
    for number in range(5):
        watches(world, f"guest~{number}")
    refused(world, "f")
    watches(world, "guest~0")
    speaks(world, "ann")
    moderator = world.ask(Attach("demo", "mia", ("view",), Role.MODERATOR, gateway="gw"))
    assert isinstance(moderator, Decision)


def test_a_turn_that_nobody_takes_is_forgotten() -> None:
    """Half a minute later his key is gone: nothing is left behind by those who gave up."""
    world = crowded()
    for number in range(5):
        watches(world, f"guest~{number}")
    refused(world, "f")
    world.now_s += 2 + 29
    world.housekeep()
    assert "f" in world.vmap.sessions["demo"].participants
    world.now_s += 2
    world.housekeep()
    assert "f" not in world.vmap.sessions["demo"].participants


def test_a_node_that_has_enough_on_the_way_makes_viewers_wait() -> None:
    """The best node is flooded: there is a turn; with the next report the way is free."""
    world = crowded(cap=1000, node_burst_legs=3)
    for number in range(6):
        watches(world, f"guest~{number}")
    assert refused(world, "f").position == 1
    world.tick(4)
    watches(world, "f")


def test_a_map_read_anew_knows_turns_and_arrivals() -> None:
    """Another replica, or one that starts, tells the same."""
    world = crowded()
    for number in range(5):
        watches(world, f"guest~{number}")
    refused(world, "f")
    view = world.vmap.sessions["demo"]
    texts = {keys.participant("demo", name): record.to_json() for name, record in view.participants.items()}
    texts[keys.session("demo")] = view.intent.to_json() if view.intent else ""
    built = VirtualMap.build({key: (text, 1) for key, text in texts.items()}, world.now_s).sessions["demo"]
    assert (built.joins, built.last_turn_s, dict(built.waiting)) == (view.joins, view.last_turn_s, dict(view.waiting))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.floats(0, 3)), min_size=1, max_size=60))
def test_nobody_is_passed_by_one_who_came_later(asked: list[tuple[int, float]]) -> None:
    """Whatever the order and the times: turns are in the order of first asking, at most one each step; none is lost."""
    world = crowded(cap=2, burst_s=2.0)
    turns: dict[str, float] = {}
    for number, pause_s in asked:
        world.now_s += pause_s
        name = f"p{number}"
        answer = attach(world, name)
        turn_s = world.vmap.sessions["demo"].participants[name].turn_s
        if isinstance(answer, Decision):
            assert turn_s == 0.0
            assert turns.pop(name, 0.0) <= world.now_s
            continue
        assert turns.setdefault(name, turn_s) == turn_s
        assert all(
            turn_s >= other + 1.0 - 1e-6
            for who, other in turns.items()
            if list(turns).index(who) < list(turns).index(name)
        )
        assert abs(answer.retry_after_s - max(1.0, turn_s - world.now_s)) < 1e-6
