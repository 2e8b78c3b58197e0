"""What gateways are told of a stage, and what is no news to them."""

from __future__ import annotations

from dataclasses import replace

from broker.core.on_stage import OnStage, Seat, on_stage, restaged
from broker.core.requests import Attach, CloseSession, Leave, MediaUp, SetRole, Talking
from broker.core.virtual_map import VirtualMap
from broker.sim.world import World
from rtcdn.model import PluginData, Role
from tests.unit.core.worlds import AUDIO, CAMERA, SCREEN, local, opened, speaks, watches


def talk(world: World, *who: str) -> None:
    """These talk in the mix, by report."""
    plugin = PluginData(world.vmap.nodes["ab1"].plugin.contexts, talkers={"demo/mix-ab1": who})
    world.vmap = world.vmap.apply([("AB:ab1:PLUGIN", plugin.to_json(), 99)], world.now_s)


def test_the_stage_is_told_with_seats_talkers_names_and_roles() -> None:
    """Of speakers and moderators who are here, and of all who are shown; viewers are not told."""
    world = local()
    opened(world, slots=2)
    answer = world.ask(Attach("demo", "ann", ("publish",), Role.SPEAKER, name="Ann", gateway="gw"))
    assert answer.grant  # type: ignore[union-attr]
    world.ask(MediaUp("demo", "ann", "publish", 1, 1, 2, (AUDIO, CAMERA, SCREEN)))
    world.ask(Attach("demo", "mia", ("view",), Role.MODERATOR, name="Mia", gateway="gw"))
    watches(world, "eve")
    talk(world, "mia", "link~voice-ann")
    assert on_stage(world.vmap, "demo") == OnStage(
        "demo",
        True,
        {"v1": Seat("ann"), "s1": Seat("ann", "screen")},
        ("ann", "mia"),
        {"ann": "Ann", "mia": "Mia"},
        {"ann": Role.SPEAKER, "mia": Role.MODERATOR},
        ("v1", "v2", "s1"),
        {"st1": 10},
    )
    assert on_stage(world.vmap, "demo").to_dict()["seats"] == {
        "s1": {"participant": "ann", "source": "screen"},
        "v1": {"participant": "ann", "source": "camera"},
    }


def test_a_session_that_is_gone_is_closed() -> None:
    """And so is one that never was."""
    world = local()
    opened(world)
    world.ask(CloseSession("demo"))
    assert on_stage(world.vmap, "demo") == OnStage("demo", open=False)
    assert on_stage(world.vmap, "never") == OnStage("never", open=False)


def test_only_what_changes_a_stage_is_news() -> None:
    """Viewers who come and go, reports of load, and another session are none."""
    world = local()
    opened(world)
    opened(world, "other")
    speaks(world, "ann")
    speaks(world, "bob")

    def news(before: VirtualMap) -> set[str]:
        return restaged(before, world.vmap)

    before = world.vmap
    watches(world, "eve")
    world.ask(Leave("demo", "eve"))
    world.tick(1)
    assert news(before) == set()
    for change in (
        lambda: world.ask(Attach("demo", "mia", ("view",), Role.MODERATOR, gateway="gw")),
        lambda: talk(world, "mia"),
        lambda: talk(world),
        lambda: world.ask(Talking("demo", "bob")),
        lambda: world.ask(SetRole("demo", "bob", Role.VIEWER)),
        lambda: world.ask(CloseSession("demo")),
    ):
        before, told = world.vmap, on_stage(world.vmap, "demo")
        change()
        assert news(before) == {"demo"}
        assert on_stage(world.vmap, "demo") != told
    opened(world)
    assert "demo" in news(before)
    assert news(VirtualMap.empty()) == {"demo", "other"}


def test_weights_of_the_stages_are_told_in_steps() -> None:
    """Rounded up, and at least one step: only another step is news, and only to sessions that stand there."""
    world = local()
    opened(world)
    opened(world, "other")
    (node,) = on_stage(world.vmap, "demo").weights

    def news(name: str, weight: float) -> set[str]:
        before = world.vmap
        wrapper = replace(before.nodes[name], reported_weight=weight)
        world.vmap = replace(before, nodes=before.nodes.set(name, wrapper))
        return restaged(before, world.vmap)

    assert news(node, 10.0) == set()
    assert news(node, 80.5) == {name for name in ("demo", "other") if node in on_stage(world.vmap, name).weights}
    assert on_stage(world.vmap, "demo").weights == {node: 90}
    assert news(node, 89.0) == set()
    assert news("ab1", 99.0) == set()
    before = world.vmap
    world.kill(node)
    assert "demo" in restaged(before, world.vmap)
    assert on_stage(world.vmap, "demo").weights == {}


def test_whose_node_falls_silent_talks_no_more() -> None:
    """Nobody knows."""
    world = local()
    opened(world)
    speaks(world, "ann")
    talk(world, "ann")
    before = world.vmap
    world.kill("ab1")
    assert restaged(before, world.vmap) == {"demo"}
    assert on_stage(world.vmap, "demo").talking == ()
