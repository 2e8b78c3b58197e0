"""Who is shown in a big island: who talks, then who is watched, then who came first."""

from __future__ import annotations

import pytest

from broker.core.decisions import Decision, Refusal
from broker.core.requests import Attach, Leave, MediaUp, OpenSession, Reap, Talking, Watched
from broker.sim.world import World
from rtcdn.errors import InvalidRequest
from rtcdn.model import Role, SessionIntent
from tests.unit.core.islands import island, says
from tests.unit.core.worlds import AUDIO, CAMERA, local, opened, shown, speaks, voices


def filled(slots: int = 2) -> World:
    """Four publish; those who came first are shown."""
    world = island(slots=slots)
    for name in ("ann", "bob", "cat", "dan"):
        world.now_s += 1
        speaks(world, name)
    return world


def talks_on(world: World, *who: str, seconds: float = 3.0) -> list[object]:
    """They talk for so long; what time brings of it."""
    says(world, *who)
    world.now_s += seconds
    says(world, *who)
    asked = world.housekeep()
    assert world.vmap.check() == []
    return [request for request in asked if isinstance(request, Talking)]


def test_more_may_publish_than_are_shown_and_all_are_heard() -> None:
    """First come, first seated; voices need no slot."""
    world = filled()
    assert shown(world) == {"v1": "ann", "v2": "bob"}
    assert voices(world) == {"ann", "bob", "cat", "dan"}


def test_when_somebody_leaves_the_next_who_waits_is_shown() -> None:
    """Who waits longest."""
    world = filled()
    world.ask(Leave("demo", "ann", "publish"))
    assert set(shown(world).values()) == {"bob", "cat"}
    assert world.vmap.check() == []


def test_only_the_number_of_cameras_is_a_limit() -> None:
    """The seventh is refused where six may publish; one who comes again is not one more."""
    world = island(slots=2)
    for number in range(6):
        speaks(world, f"p{number}")
    answer = world.ask(Attach("demo", "p6", ("publish",), Role.SPEAKER, gateway="gw"))
    assert isinstance(answer, Refusal)
    assert (answer.code, "6 publish already" in answer.detail) == ("stage-full", True)
    assert isinstance(world.ask(Attach("demo", "p5", ("publish",), Role.SPEAKER, gateway="gw")), Decision)


def test_who_talks_long_enough_takes_the_slot_of_the_one_silent_longest() -> None:
    """And becomes the main speaker, since nobody there talks."""
    world = filled()
    talks_on(world, "bob")
    assert shown(world) == {"v1": "bob", "v2": "ann"}
    assert talks_on(world, "cat", seconds=1.0) == []
    assert Talking("demo", "cat") in talks_on(world, "cat")
    assert shown(world) == {"v1": "cat", "v2": "bob"}
    talks_on(world, "dan")
    assert shown(world) == {"v1": "dan", "v2": "cat"}


def test_who_talks_keeps_his_slot() -> None:
    """However many others talk; nothing goes in circles."""
    world = filled()
    assert talks_on(world, "ann", "bob", "cat", "dan") == []
    assert shown(world) == {"v1": "ann", "v2": "bob"}
    talks_on(world, "bob", "cat", "dan", seconds=2.5)
    assert shown(world) == {"v1": "bob", "v2": "cat"}


def test_one_heard_just_now_is_not_put_out_for_a_pause() -> None:
    """The slot of whoever was heard within the time it takes to be heard is kept."""
    world = filled()
    talks_on(world, "ann", "bob", "cat")
    says(world, "ann", "cat")
    assert world.housekeep() == []
    assert shown(world) == {"v1": "ann", "v2": "bob"}
    world.now_s += 2.5
    world.housekeep()
    assert shown(world) == {"v1": "ann", "v2": "cat"}


def test_tidying_moves_nobody() -> None:
    """Whoever is seated stays, whatever his name; nothing is to be done."""
    world = filled()
    talks_on(world, "dan")
    before = shown(world)
    says(world)
    world.now_s += 100
    answer = world.ask(Reap("demo"))
    assert isinstance(answer, Decision)
    assert shown(world) == before == {"v1": "dan", "v2": "ann"}
    assert not answer.changes


def test_whoever_is_watched_gets_the_slots_nobody_talks_in() -> None:
    """Most wanted first; a slot somebody was heard in lately is kept, and a less wanted one is given up."""
    world = filled()
    talks_on(world, "ann")
    world.ask(Watched("demo", ("dan", "cat")))
    assert shown(world) == {"v1": "ann", "v2": "dan"}
    says(world)
    world.now_s += 31
    world.ask(Watched("demo", ("cat", "dan")))
    assert set(shown(world).values()) == {"cat", "dan"}
    assert world.ask(Watched("demo", ("cat", "dan"))).changes == ()  # type: ignore[union-attr]
    assert world.vmap.check() == []


def test_a_word_does_not_put_out_one_heard_lately() -> None:
    """Whoever is watched and said a word just now waits as others who are watched do."""
    world = filled()
    talks_on(world, "ann", "bob")
    says(world)
    world.now_s += 10
    says(world, "dan")
    says(world)
    assert not world.housekeep()
    world.ask(Watched("demo", ("dan",)))
    assert set(shown(world).values()) == {"ann", "bob"}


def test_one_who_is_watched_already_is_shown_when_he_comes() -> None:
    """Before those who came first."""
    world = filled()
    world.ask(Watched("demo", ("eve",)))
    assert shown(world) == {"v1": "ann", "v2": "bob"}
    speaks(world, "eve")
    assert shown(world) == {"v1": "ann", "v2": "eve"}


def test_opening_further_keeps_who_is_watched() -> None:
    """It is the participants' wish, not the application's."""
    world = filled()
    world.ask(Watched("demo", ("dan",)))
    world.ask(OpenSession("demo", SessionIntent("big_island", slots=2, audience={"eu": 20})))
    intent = world.vmap.sessions["demo"].intent
    assert intent is not None
    assert intent.watched == ("dan",)


def test_who_is_watched_is_checked() -> None:
    """A name that is none is the caller's mistake; other scenarios show everyone."""
    world = filled()
    with pytest.raises(InvalidRequest, match="participants"):
        world.ask(Watched("demo", ("No Name",)))
    other = local()
    opened(other)
    answer = other.ask(Watched("demo", ("ann",)))
    assert isinstance(answer, Refusal)
    assert (answer.code, "archipelago" in answer.detail) == ("wrong-scenario", True)


def test_a_screen_needs_no_camera_slot_and_there_is_one() -> None:
    """Of one who waits it is shown at once; a second one is refused."""
    world = filled()
    screen = CAMERA.__class__("video", "2", "vp8", source="screen")
    camera = CAMERA.__class__("video", "1", "vp8", source="camera")
    speaks(world, "eve", (AUDIO, camera, screen))
    assert shown(world) == {"v1": "ann", "v2": "bob", "s1": "eve"}
    answer = world.ask(Attach("demo", "fay", ("publish",), Role.SPEAKER, gateway="gw"))
    assert isinstance(answer, Decision)
    up = world.ask(MediaUp("demo", "fay", "publish", 1, 1, 2, (AUDIO, screen)))
    assert isinstance(up, Refusal)
    assert up.code == "screen-taken"


def test_a_camera_put_off_gives_the_slot_to_the_next() -> None:
    """He publishes on and is heard."""
    world = filled()
    world.ask(MediaUp("demo", "ann", "publish", 1, 1, 2, (AUDIO,)))
    assert set(shown(world).values()) == {"bob", "cat"}
    assert "ann" in voices(world)
    assert world.vmap.check() == []
