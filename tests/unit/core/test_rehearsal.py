"""The dry run of reorganising says what the real one then does."""

from __future__ import annotations

from dataclasses import replace

from broker.core.policy.base import Thresholds
from broker.core.policy.registry import BALANCED
from broker.core.rehearsal import rehearse
from broker.core.requests import Warmup
from tests.unit.core.test_reorganise import SWIFT, comes, counts, scattered, to_the_end


def test_it_lists_the_steps_and_what_they_free() -> None:
    """Nine viewers in portions of four at twelve a minute, then the stage, its node, and nothing on the map changed."""
    limits = Thresholds(moves_per_minute=12, settled_s=10.0, portion=4)
    world = scattered(here=9, policy=replace(BALANCED, limits=limits))
    before = world.vmap
    told = rehearse(world.vmap, "demo", world.policy, world.now_s)
    assert [(step["after_s"], step["moves"], step["portions"]) for step in told.steps] == [(0.0, 9, 3), (45.0, 0, 0)]
    assert (told.contexts, told.nodes, told.copies) == (("stage-st1",), ("st1",), 0)
    assert world.vmap is before


def test_the_real_one_frees_what_was_foretold() -> None:
    """The same contexts."""
    world = scattered(here=9)
    told = rehearse(world.vmap, "demo", world.policy, world.now_s)
    stood = set(counts(world))
    to_the_end(world)
    assert stood - set(counts(world)) == set(told.contexts) == {"stage-st1"}


def test_what_would_not_be_done_now_is_not_listed_and_the_reason_is() -> None:
    """A growing region; a promise; a session with one stage."""
    world = scattered()
    comes(world, "late")
    told = rehearse(world.vmap, "demo", SWIFT, world.now_s)
    assert (told.steps, {reason.code for reason in told.remarks}) == ((), {"growing"})
    world = scattered()
    world.ask(Warmup("demo", {"local": 500}))
    world.tick(60)
    assert rehearse(world.vmap, "demo", SWIFT, world.now_s).steps == ()
