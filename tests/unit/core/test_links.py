"""Links among VideoRooms and among mixes: the order in which they are made, and what is mended when an end is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from broker.core.decisions import IntentChange
from broker.core.plan import plan_changes
from broker.core.reconcile import CAUGHT_UP_S, SWEPT_S
from broker.sim.world import World
from rtcdn import keys
from rtcdn.model import ContextIntent, Kind, LinkIntent, PublisherInfo, Record, SessionIntent
from tests.unit.core.worlds import node, short

CONTEXTS = {
    "ingress-vr1": ContextIntent("vr1", Kind.VR, "ingress"),
    "relay-vr2": ContextIntent("vr2", Kind.VR, "relay"),
    "mix-ab1": ContextIntent("ab1", Kind.AB, "mix"),
    "mix-ab2": ContextIntent("ab2", Kind.AB, "mix"),
    "mix-ab3": ContextIntent("ab3", Kind.AB, "mix"),
    "stage-st1": ContextIntent("st1", Kind.ST, "stage", slots=("v1", "s1")),
}
LINKS = {
    "a-slot": LinkIntent("slot", "relay-vr2", "stage-st1", "ann", "1", slot="v1"),
    "bridge-ab1-ab2": LinkIntent("bridge", "mix-ab1", "mix-ab2"),
    "bridge-ab2-ab1": LinkIntent("bridge", "mix-ab2", "mix-ab1"),
    "mix-st1": LinkIntent("mix", "mix-ab2", "stage-st1", slot="a"),
    "remote-ann-vr2": LinkIntent("remote", "ingress-vr1", "relay-vr2", "ann"),
    "trunk-ab1-ab3": LinkIntent("trunk", "mix-ab1", "mix-ab3"),
    "voice-ann": LinkIntent("voice", "ingress-vr1", "mix-ab1", "ann", "0"),
}


def commit(world: World, records: Mapping[str, Record | None]) -> list[str]:
    """Intent and the steps that follow, performed."""
    changes = [IntentChange(key, record) for key, record in records.items()]
    plan = plan_changes(world.vmap, changes)
    world.commit(changes)
    world.perform(plan)
    return [short(step) for step in plan]


def links(**changed: LinkIntent | None) -> dict[str, Record | None]:
    """Keys of links; underscores of a name stand for its hyphens."""
    return {keys.link("demo", name.replace("_", "-")): link for name, link in changed.items()}


def running() -> World:
    """Everything stands and was reported."""
    nodes = [context.node for context in CONTEXTS.values()]
    world = World([node(name, name[:2].upper(), "here", number + 1) for number, name in enumerate(nodes)])
    commit(world, {keys.session("demo"): SessionIntent()})
    commit(world, {keys.context("demo", name): context for name, context in CONTEXTS.items()})
    world.nodes["vr1"].publish("demo/ingress-vr1", "ann")
    steps = commit(world, {keys.link("demo", name): link for name, link in LINKS.items()})
    assert steps[0] == "start_link remote-ann-vr2"
    assert sorted(steps) == sorted(f"start_link {name}" for name in LINKS)
    world.tick(SWEPT_S)
    assert world.reconcile() == ()
    return world


def mended(world: World) -> list[str]:
    """Steps that reconciling took, after which nothing more is amiss."""
    world.tick(SWEPT_S)
    steps = [short(step) for step in world.reconcile()]
    world.tick(SWEPT_S)
    assert world.reconcile() == ()
    return steps


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("vr2", ["create_context relay-vr2", "repoint_link remote-ann-vr2", "start_link a-slot"]),
        ("st1", ["stop_forwarder mix-ab2", "create_context stage-st1", "repoint_link a-slot", "repoint_link mix-st1"]),
        (
            "ab1",
            [
                "stop_forwarder ingress-vr1",
                "stop_forwarder mix-ab2",
                "create_context mix-ab1",
                "start_link bridge-ab1-ab2",
                "repoint_link bridge-ab2-ab1",
                "start_link trunk-ab1-ab3",
                "repoint_link voice-ann",
            ],
        ),
        ("ab3", ["create_context mix-ab3", "repoint_link trunk-ab1-ab3"]),
    ],
)
def test_a_node_that_lost_all_gets_it_back(name: str, wanted: list[str]) -> None:
    """Contexts first, a remote publisher before what he feeds, and old forwarders before a port is used again."""
    world = running()
    world.nodes[name].restart()
    assert [step for step in mended(world) if step != "stop_forwarder relay-vr2"] == wanted


def test_a_publisher_whose_room_is_new_is_waited_for() -> None:
    """His gateway brings him back; until then nothing that needs him is started, and his ghost stays where it is."""
    world = running()
    world.nodes["vr1"].restart()
    world.tick(SWEPT_S)
    assert [short(step) for step in world.reconcile()] == ["create_context ingress-vr1"]
    assert [each.id for each in world.nodes["vr2"].contexts["demo/relay-vr2"].publishers] == ["ann"]
    world.nodes["vr1"].publish("demo/ingress-vr1", "ann")
    assert mended(world) == ["start_link remote-ann-vr2", "start_link a-slot", "start_link voice-ann"]


def test_a_publisher_who_came_again_is_sent_again() -> None:
    """What he feeds follows, though it is the same link as before."""
    world = running()
    again = replace(LINKS["remote-ann-vr2"], generation=7)
    assert commit(world, links(remote_ann_vr2=again)) == ["repoint_link remote-ann-vr2", "repoint_link a-slot"]
    assert mended(world) == []


def test_a_remote_publisher_goes_after_what_he_feeds() -> None:
    """Stopping has the other order than starting, whatever the names are."""
    world = running()
    steps = commit(world, links(remote_ann_vr2=None, a_slot=None, z_slot=None))
    assert steps == ["stop_link a-slot", "stop_link remote-ann-vr2"]
    assert mended(world) == []


@pytest.mark.parametrize(("end", "room"), [("vr1", "demo/ingress-vr1"), ("vr2", "demo/relay-vr2")])
def test_half_a_remote_link_is_made_whole(end: str, room: str) -> None:
    """What no event tells is believed only when a sweep must have shown it."""
    world = running()
    if end == "vr1":
        world.nodes[end].unsend(room, "remote-ann-vr2")
    else:
        world.nodes[end].remove(room, "ann")
    a_moment_ago = replace(LINKS["voice-ann"], generation=3)
    world.commit([IntentChange(keys.link("demo", "voice-ann"), a_moment_ago)])
    world.tick(CAUGHT_UP_S)
    early = [short(step) for step in world.reconcile()]
    assert early == ([] if end == "vr1" else ["start_link remote-ann-vr2", "start_link a-slot"])
    assert mended(world) == (["start_link remote-ann-vr2", "start_link a-slot"] if end == "vr1" else [])


@pytest.mark.parametrize(("end", "mix"), [("ab1", "demo/mix-ab1"), ("ab3", "demo/mix-ab3")])
def test_half_a_trunk_is_made_whole(end: str, mix: str) -> None:
    """Whichever end is gone."""
    world = running()
    world.nodes[end].part(mix, "trunk-ab1-ab3")
    assert mended(world) == ["start_link trunk-ab1-ab3"]


def test_what_no_link_covers_is_removed() -> None:
    """At both ends; one who publishes himself under a remote one's id stays."""
    world = running()
    gone = links(remote_ann_vr2=None, a_slot=None, trunk_ab1_ab3=None, bridge_ab2_ab1=None)
    world.commit([IntentChange(key, record) for key, record in gone.items()])
    steps = mended(world)
    assert steps.count("stop_link remote-ann-vr2") == steps.count("stop_link trunk-ab1-ab3") == 2
    assert sorted(set(steps)) == [
        "stop_forwarder mix-ab2",
        "stop_forwarder relay-vr2",
        "stop_link bridge-ab2-ab1",
        "stop_link remote-ann-vr2",
        "stop_link trunk-ab1-ab3",
    ]
    world.nodes["vr2"].publish("demo/relay-vr2", "ann")
    assert mended(world) == []
    assert world.nodes["vr2"].contexts["demo/relay-vr2"].publishers == (PublisherInfo("ann"),)


def test_a_forwarder_into_another_port_is_not_the_bridge() -> None:
    """Where the RTP participant listens is recorded: mixes of one host are told apart by it."""
    world = running()
    found = next(f for f in world.nodes["ab1"].contexts["demo/mix-ab1"].forwarders if f.group)
    right = replace(LINKS["bridge-ab1-ab2"], port=found.port)
    world.commit([IntentChange(key, record) for key, record in links(bridge_ab1_ab2=right).items()])
    assert mended(world) == []
    wrong = replace(right, port=found.port + 2)
    world.commit([IntentChange(key, record) for key, record in links(bridge_ab1_ab2=wrong).items()])
    world.tick(SWEPT_S)
    assert [short(step) for step in world.reconcile()] == ["stop_forwarder mix-ab1", "start_link bridge-ab1-ab2"]
