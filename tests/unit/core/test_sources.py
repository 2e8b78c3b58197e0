"""What an SDK's speaker sends: camera and screen, named, on and off while he is connected; his voice is in the mix."""

from __future__ import annotations

import pytest

from broker.core.decisions import Decision, Refusal
from broker.core.housekeeping import due
from broker.core.requests import Attach, Leave, MediaUp, Talking
from broker.core.scenarios.stage import camera_of, screen_of
from broker.sim.world import World
from rtcdn.model import PluginData, Role, StreamInfo
from tests.unit.core.worlds import AUDIO, local, opened, shown, speaks, steps, voices

CAM = StreamInfo("video", "0", "vp8", simulcast=True, source="camera")
DISPLAY = StreamInfo("video", "1", "vp8", source="screen")
FIRST, SECOND = StreamInfo("video", "1", "vp8"), StreamInfo("video", "2", "vp8")


@pytest.fixture
def world() -> World:
    """A session of two slots on one stage."""
    made = local(stages=1)
    opened(made, slots=2)
    return made


def sends(world: World, name: str, *streams: StreamInfo) -> Decision | Refusal:
    """He sends these now, over the leg he has."""
    generation = world.vmap.sessions["demo"].participants[name].generation
    answer = world.ask(MediaUp("demo", name, "publish", generation, 1, 2, streams))
    assert world.vmap.check() == []
    return answer


@pytest.mark.parametrize(
    ("streams", "camera", "screen"),
    [
        ((), None, None),
        ((AUDIO,), None, None),
        ((AUDIO, FIRST), FIRST, None),
        ((AUDIO, FIRST, SECOND), FIRST, SECOND),
        ((DISPLAY,), None, DISPLAY),
        ((DISPLAY, CAM), CAM, DISPLAY),
        ((FIRST, DISPLAY), FIRST, DISPLAY),
        ((FIRST, CAM), CAM, FIRST),
    ],
)
def test_which_stream_is_the_camera_and_which_the_screen(
    streams: tuple[StreamInfo, ...], camera: StreamInfo | None, screen: StreamInfo | None
) -> None:
    """By name; those without one by order, the camera first."""
    assert (camera_of(streams), screen_of(streams)) == (camera, screen)


def test_what_is_shown_follows_what_is_sent(world: World) -> None:
    """Camera on, screen on, camera off, screen off: only that slot is touched, nobody is heard from there."""
    speaks(world, "ann", ())
    assert (shown(world), voices(world)) == ({}, set())
    assert steps(sends(world, "ann", CAM)) == ["start_link v1-st1"]
    assert steps(sends(world, "ann", CAM, DISPLAY)) == ["start_link s1-st1"]
    assert steps(sends(world, "ann", DISPLAY)) == ["stop_link v1-st1"]
    assert shown(world) == {"s1": "ann"}
    assert steps(sends(world, "ann")) == ["stop_link s1-st1"]
    assert steps(sends(world, "ann", CAM)) == ["start_link v1-st1"]
    assert world.vmap.sessions["demo"].links["v1-st1"].simulcast


def test_a_camera_that_goes_off_leaves_v1_to_the_next(world: World) -> None:
    """He comes back into a free slot."""
    speaks(world, "ann", (CAM,))
    speaks(world, "bob", (CAM,))
    sends(world, "ann")
    assert shown(world) == {"v1": "bob"}
    sends(world, "ann", CAM)
    assert shown(world) == {"v1": "bob", "v2": "ann"}


def test_there_is_one_screen(world: World) -> None:
    """The second is refused and nothing else changes; it is shown once the first ends."""
    speaks(world, "ann", (CAM, DISPLAY))
    speaks(world, "bob")
    before = world.vmap.sessions["demo"]
    answer = sends(world, "bob", DISPLAY)
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.detail) == ("screen-taken", "ann shows a screen; it must end first")
    assert world.vmap.sessions["demo"] is before
    sends(world, "ann", CAM)
    sends(world, "bob", CAM, DISPLAY)
    assert shown(world) == {"v1": "ann", "v2": "bob", "s1": "bob"}


def test_a_full_stage_is_full_for_cameras_only(world: World) -> None:
    """A screen, or a camera that is off, takes no v slot; one that goes on then is refused and changes nothing."""
    for name in ("ann", "bob"):
        speaks(world, name, (CAM,))
    full = world.ask(Attach("demo", "cat", ("publish",), Role.SPEAKER, gateway="gw"))
    assert isinstance(full, Refusal)
    assert full.code == "stage-full"
    attach = Attach("demo", "cat", ("publish",), Role.SPEAKER, gateway="gw", sources=("screen",))
    assert isinstance(world.ask(attach), Decision)
    assert isinstance(sends(world, "cat", DISPLAY), Decision)
    answer = sends(world, "cat", CAM, DISPLAY)
    assert isinstance(answer, Refusal)
    assert answer.code == "stage-full"
    assert shown(world) == {"v1": "ann", "v2": "bob", "s1": "cat"}
    world.ask(Leave("demo", "bob"))
    sends(world, "cat", CAM, DISPLAY)
    assert shown(world) == {"v1": "ann", "v2": "cat", "s1": "cat"}


def test_who_has_his_camera_off_leaves_room_for_another_but_not_for_ever_more(world: World) -> None:
    """A room takes four publishers more than are shown."""
    for number in range(6):
        attach = Attach("demo", f"p{number}", ("publish",), Role.SPEAKER, gateway="gw")
        assert isinstance(world.ask(attach), Decision)
        sends(world, f"p{number}")
    answer = world.ask(Attach("demo", "p9", ("publish",), Role.SPEAKER, gateway="gw"))
    assert isinstance(answer, Refusal)
    assert answer.code == "stage-full"


def test_upkeep_leaves_an_orderly_stage_alone(world: World) -> None:
    """Screens and cameras that are off are as they should be."""
    speaks(world, "ann", (DISPLAY,))
    speaks(world, "bob", ())
    world.tick(100)
    assert world.housekeep() == []
    assert shown(world) == {"s1": "ann"}


def test_the_floor_follows_people_in_the_mix(world: World) -> None:
    """As it follows voice links: an SDK's speaker has the participant's own id there. Who only talks has no slot."""
    speaks(world, "ann", (CAM,))
    speaks(world, "bob", (AUDIO, FIRST))

    def talk(*who: str) -> None:
        plugin = PluginData(world.vmap.nodes["ab1"].plugin.contexts, talkers={"demo/mix-ab1": who})
        world.vmap = world.vmap.apply([("AB:ab1:PLUGIN", plugin.to_json(), 99)], world.now_s)

    def asked() -> list[object]:
        return list(due(world.vmap, world.policy, world.now_s))

    talk("link~voice-bob", "mia")
    world.now_s += 2
    assert asked() == [Talking("demo", "bob")]
    world.housekeep()
    assert shown(world) == {"v1": "bob", "v2": "ann"}
    talk("ann", "link~voice-bob")
    world.now_s += 2
    assert asked() == []
    talk("ann")
    assert asked() == [Talking("demo", "ann")]
