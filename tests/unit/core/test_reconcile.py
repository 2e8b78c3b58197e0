"""Is against should-be: what a restarted, robbed or littered node gets."""

from __future__ import annotations

from dataclasses import replace

from broker.core.reconcile import CAUGHT_UP_S, reconcile
from broker.core.requests import CloseSession, Leave
from broker.sim.world import World
from rtcdn.model import ContextInfo, ContextIntent, ForwarderInfo, Kind
from tests.unit.core.worlds import local, opened, short, shown, speaks


def running() -> World:
    """Two stages, two speakers, everything performed and reported."""
    world = local(stages=2, handles=20)
    opened(world, local=30)
    speaks(world, "alice")
    speaks(world, "bob")
    world.tick(CAUGHT_UP_S)
    return world


def test_what_is_as_it_should_be_needs_nothing() -> None:
    """Also right after a change, before reports have caught up."""
    world = running()
    assert world.reconcile() == ()
    world.ask(Leave("demo", "bob"))
    world.nodes["vr1"].unpublish("demo/ingress-vr1", "bob")
    world.tick(1)
    assert world.reconcile() == ()
    world.tick(CAUGHT_UP_S)
    assert world.reconcile() == ()


def test_a_plan_that_was_never_performed_is_performed() -> None:
    """The leader died between commit and act: the intent says all."""
    world = local()
    world.act = False
    opened(world)
    world.act = True
    world.tick(CAUGHT_UP_S)
    assert [short(step) for step in world.reconcile()] == [
        "create_context stage-st1",
        "create_context mix-ab1",
        "create_context ingress-vr1",
        "repoint_link mix-st1",
    ]
    world.tick(CAUGHT_UP_S)
    assert world.reconcile() == ()


def test_a_restarted_egress_is_provisioned_again() -> None:
    """Mountpoint first; every link into it anew, though its ports may be the same as before."""
    world = running()
    world.nodes["st1"].restart()
    world.tick(1)
    found = [short(step) for step in world.reconcile()]
    assert found[-4:] == [
        "create_context stage-st1",
        "repoint_link mix-st1",
        "repoint_link v1-st1",
        "repoint_link v2-st1",
    ]
    assert {step.split()[0] for step in found[:-4]} == {"stop_forwarder"}
    world.tick(CAUGHT_UP_S)
    assert world.reconcile() == ()


def test_a_restarted_mix_gets_its_voices_and_stages_back() -> None:
    """Both directions."""
    world = running()
    world.nodes["ab1"].restart()
    world.tick(1)
    assert [short(step) for step in world.reconcile()] == [
        "stop_forwarder ingress-vr1",
        "stop_forwarder ingress-vr1",
        "create_context mix-ab1",
        "start_link mix-st1",
        "start_link mix-st2",
        "repoint_link voice-alice",
        "repoint_link voice-bob",
    ]
    world.tick(CAUGHT_UP_S)
    assert world.reconcile() == ()


def test_a_restarted_ingress_gets_its_room_and_waits_for_its_speakers() -> None:
    """There is nothing to forward until they are back."""
    world = running()
    world.nodes["vr1"].restart()
    world.tick(1)
    assert [short(step) for step in world.reconcile()] == ["create_context ingress-vr1"]
    assert shown(world) == {"v1": "alice", "v2": "bob"}


def test_a_lost_forwarder_is_made_again() -> None:
    """One link, not all."""
    world = running()
    fake = world.nodes["vr1"]
    info = fake.contexts["demo/ingress-vr1"]
    end = world.nodes["st2"].contexts["demo/stage-st2"]
    slot = next(medium for medium in end.media if medium.mid == "v2")
    lost = {(world.nodes["st2"].host, port) for port in (slot.port, slot.port_2, slot.port_3)}
    kept = tuple(each for each in info.forwarders if (each.host, each.port) not in lost)
    assert len(info.forwarders) - len(kept) == 3
    fake.contexts["demo/ingress-vr1"] = replace(info, forwarders=kept)
    world.tick(1)
    assert [short(step) for step in world.reconcile()] == ["start_link v2-st2"]
    world.tick(CAUGHT_UP_S)
    assert world.reconcile() == ()


def test_what_is_ours_and_in_no_intent_is_removed() -> None:
    """By the pattern of its name; rooms of others are let alone."""
    world = running()
    world.nodes["st1"].create("gone/stage-st1", ContextIntent("st1", Kind.ST, "stage"))
    world.nodes["st1"].contexts["somebody's room"] = ContextInfo("somebody's room")
    world.tick(1)
    assert [(short(step), step.session) for step in world.reconcile()] == [("destroy_context stage-st1", "gone")]
    world.tick(1)
    assert world.reconcile() == ()
    assert "somebody's room" in world.nodes["st1"].contexts


def test_a_forwarder_of_ours_that_no_link_covers_is_stopped() -> None:
    """And a stray RTP participant in a mix."""
    world = running()
    fake = world.nodes["vr1"]
    info = fake.contexts["demo/ingress-vr1"]
    stray = ForwarderInfo(999, "198.51.100.1", 5000, "video", "alice")
    fake.contexts["demo/ingress-vr1"] = replace(info, forwarders=(*info.forwarders, stray))
    world.nodes["ab1"].join("demo/mix-ab1", "voice-ghost")
    world.tick(1)
    assert [short(step) for step in world.reconcile()] == ["stop_forwarder ingress-vr1", "stop_link voice-ghost"]
    world.tick(1)
    assert world.reconcile() == ()


def test_a_closed_session_leaves_nothing() -> None:
    """Even when none of its plan was performed."""
    world = running()
    world.act = False
    world.ask(CloseSession("demo"))
    world.act = True
    world.tick(1)
    assert {short(step).split()[0] for step in world.reconcile()} == {"destroy_context"}
    assert [name for fake in world.nodes.values() for name in fake.contexts] == []


def test_contexts_of_an_unreadable_session_are_let_alone() -> None:
    """What cannot be read is no order to tear down."""
    world = running()
    world.vmap = world.vmap.build(
        {key: (text, 1) for fake in world.nodes.values() for key, text in fake.report()} | {"SS:demo": ("{", 1)},
        world.now_s,
    )
    assert world.reconcile() == ()


def test_a_session_repaired_a_moment_ago_is_let_alone() -> None:
    """Reports of two nodes do not come at the same time."""
    world = running()
    world.nodes["st1"].restart()
    world.tick(1)
    assert reconcile(world.vmap, world.now_s, {"demo": world.now_s - 1}) == ()
    assert reconcile(world.vmap, world.now_s, {"demo": world.now_s - CAUGHT_UP_S}) != ()
