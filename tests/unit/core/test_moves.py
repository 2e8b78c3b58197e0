"""Leaving a node: drains, lost nodes, by make before break."""

from __future__ import annotations

from dataclasses import replace

from broker.core.actions import Order
from broker.core.decisions import Decision
from broker.core.requests import (
    Drain,
    MediaUp,
    Undrain,
    Vacate,
)
from broker.sim.world import World
from tests.unit.core.worlds import (
    AUDIO,
    CAMERA,
    attach,
    continents,
    local,
    node,
    opened,
    short,
    shown,
    speaks,
    voices,
    watches,
)


def orders(found: list[Order], kind: str) -> list[tuple[str, str]]:
    """Orders of one kind: gateway and participant."""
    return [(order.gateway, order.id) for order in found if order.order == kind]


def test_a_drained_egress_is_left_by_make_before_break() -> None:
    """The new stage is linked before viewers move; the old one goes when nobody is reported on it."""
    world = local()
    opened(world, local=10)
    speaks(world, "alice")
    watches(world, "eve")
    stage = world.nodes["st1"].contexts
    stage["demo/stage-st1"] = replace(stage["demo/stage-st1"], viewers=1)
    world.tick(1)
    world.ask(Drain("st1", "op"))
    world.housekeep()
    assert orders(world.orders, "move") == [("gw", "eve")]
    assert world.vmap.sessions["demo"].participants["eve"].legs[0].node == "st2"
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st1", "stage-st2"]
    stage["demo/stage-st1"] = replace(stage["demo/stage-st1"], viewers=0)
    world.tick(1)
    world.housekeep()
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st2"]
    assert (shown(world), world.vmap.check()) == ({"v1": "alice"}, [])


def test_a_drain_without_another_node_waits() -> None:
    """Nothing is torn down for a drain; when there is room it goes on; undrain ends it."""
    world = local(stages=1)
    opened(world)
    watches(world, "eve")
    world.ask(Drain("st1", "op"))
    assert world.housekeep() == [Vacate("demo", "st1")]
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st1"]
    world.ask(Undrain("st1"))
    assert world.housekeep() == []


def test_a_large_stage_is_moved_in_portions() -> None:
    """So that no decision is too large; it comes to rest with everybody elsewhere."""
    world = local(stages=3, handles=200)
    opened(world)
    for number in range(60):
        attach(world, f"guest~{number}")
    world.tick(20)
    world.ask(Drain("st1", "op"))
    asked = world.housekeep()
    assert asked.count(Vacate("demo", "st1")) >= 2
    view = world.vmap.sessions["demo"]
    assert view.attached.get("stage-st1", 0) == 0
    assert sum(view.attached.values()) == 60
    assert world.vmap.check() == []


def test_a_drained_ingress_keeps_a_speaker_until_he_is_up_elsewhere() -> None:
    """He is shown from the old one all the while."""
    world = continents()
    opened(world, eu=10)
    assert speaks(world, "alice", regions=("eu",)) == "eu-vr1"
    world.ask(Drain("eu-vr1", "op"))
    world.housekeep()
    participant = world.vmap.sessions["demo"].participants["alice"]
    assert (participant.legs[0].node, shown(world)) == ("eu-vr2", {"v1": "alice"})
    world.nodes["eu-vr2"].publish("demo/ingress-eu-vr2", "alice")
    world.ask(MediaUp("demo", "alice", "publish", participant.generation, 5, 6, (AUDIO, CAMERA)))
    world.housekeep()
    view = world.vmap.sessions["demo"]
    assert sorted(view.duty("ingress")) == ["ingress-eu-vr2"]
    assert view.links["v1-eu-st1"].source == "ingress-eu-vr2"
    assert world.vmap.check() == []


def test_at_the_deadline_a_drained_ingress_goes_with_what_is_left() -> None:
    """A WHIP client cannot be led anywhere: it ends and comes again."""
    world = continents()
    opened(world, eu=10)
    speaks(world, "alice", regions=("eu",))
    world.ask(Drain("eu-vr1", "op", world.now_s + 20))
    world.housekeep()
    assert shown(world) == {"v1": "alice"}
    world.tick(20)
    world.housekeep()
    assert (shown(world), voices(world)) == ({}, set())
    assert sorted(world.vmap.sessions["demo"].duty("ingress")) == ["ingress-eu-vr2"]
    assert world.vmap.check() == []


def test_a_drained_mix_moves_with_all_voices() -> None:
    """Every stage hears the new one before the old is gone."""
    world = continents()
    opened(world, eu=10)
    speaks(world, "alice")
    world.ask(Drain("eu-ab1", "op"))
    answer = world.ask(Vacate("demo", "eu-ab1"))
    assert isinstance(answer, Decision)
    view = world.vmap.sessions["demo"]
    assert sorted(view.duty("mix")) == ["mix-eu-ab2"]
    assert {link.source for link in view.links.values() if link.kind == "mix"} == {"mix-eu-ab2"}
    assert view.links["voice-alice"].target == "mix-eu-ab2"
    assert world.vmap.check() == []


def test_a_silent_node_is_lost_after_the_grace_and_not_before() -> None:
    """Silent is not ill: a Janus restarts within the grace."""
    world = local()
    opened(world, local=10)
    watches(world, "eve")
    world.kill("st1")
    world.tick(10)
    assert world.housekeep() == []
    world.tick(6)
    world.housekeep()
    assert orders(world.orders, "move") == [("gw", "eve")]
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st2"]
    assert world.vmap.check() == []


def test_a_lost_ingress_frees_the_slots_and_leads_its_speakers_elsewhere() -> None:
    """His media is gone; the next speaker is in v1 at once."""
    world = continents()
    opened(world, eu=10)
    speaks(world, "alice", regions=("eu",))
    speaks(world, "bob", regions=("us",))
    world.kill("eu-vr1")
    world.tick(16)
    world.housekeep()
    assert shown(world) == {"v1": "bob"}
    assert orders(world.orders, "move") == [("gw", "alice")]
    assert world.vmap.check() == []


def test_when_most_nodes_fall_silent_at_once_the_store_was_away() -> None:
    """Nothing is torn down then."""
    world = local()
    opened(world, local=10)
    for name in ("vr1", "ab1", "st1"):
        world.kill(name)
    world.tick(100)
    assert world.housekeep() == []


def test_a_lost_stage_without_another_node_is_kept_in_the_intent() -> None:
    """It is made again when its node comes back."""
    world = local(stages=1)
    opened(world)
    speaks(world, "alice")
    world.kill("st1")
    world.tick(20)
    world.housekeep()
    assert shown(world) == {"v1": "alice"}
    world.revive("st1")
    world.tick(5)
    assert [short(step) for step in world.reconcile()][-3:] == [
        "create_context stage-st1",
        "repoint_link mix-st1",
        "repoint_link v1-st1",
    ]


def test_viewers_of_a_lost_region_go_to_the_nearest_one_left() -> None:
    """Not to the lightest anywhere: the regions' places say how far they are."""
    fakes = [node("vr", "VR", "us", 1), node("ab", "AB", "us", 2)]
    for number, (region, place) in enumerate((("eu", (50.1, 8.7)), ("us", (40.7, -74.0)), ("ap", (1.3, 103.8)))):
        fake = node(f"st-{region}", "ST", region, 10 + number)
        fake.place = place
        fake.used = {"us": 40.0}.get(region, 1.0)
        fakes.append(fake)
    world = World(fakes)
    world.gateway("gw", "eu")
    opened(world, eu=5, us=5, ap=5)
    assert {watches(world, f"v{number}", regions=("eu",)) for number in range(4)} == {"st-eu"}
    world.kill("st-eu")
    world.tick(60)
    world.housekeep()
    people = world.vmap.sessions["demo"].participants
    assert {leg.node for name in people for leg in people[name].legs} == {"st-us"}
