"""Between hosts whose network is not private: keys of stages, detours into mixes; and addresses by network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.core.decisions import Decision, Refusal
from broker.core.requests import Attach, Drain, MediaUp, OpenSession, PutTap, Undrain
from broker.core.scenarios.tap_links import MIX
from broker.core.ways import detour_context, detour_node, reach, same_host, sealed
from broker.sim.node import FakeNode
from broker.sim.world import World
from rtcdn import keys
from rtcdn.model import SRTP, DrainIntent, Labels, Role, SessionIntent, seal
from tests.unit.core.islands import SMALL
from tests.unit.core.worlds import opened, short, speaks, watches

HERE = Labels(media_ip="10.0.0.1", public_ip="203.0.113.1", host="here", links=SRTP)
THERE = Labels(media_ip="10.0.0.2", public_ip="203.0.113.2", host="there", links=SRTP)


def test_a_node_of_another_network_is_reached_publicly() -> None:
    """Of one's own at its private address; where another has no public address there is nothing else to try."""
    assert reach(HERE, THERE) == "10.0.0.2"
    far = replace(THERE, network="far")
    assert (reach(HERE, far), reach(far, HERE)) == ("203.0.113.2", "203.0.113.1")
    assert reach(HERE, replace(far, public_ip="")) == "10.0.0.2"


def test_links_are_plain_on_one_host_or_where_both_ends_say_so() -> None:
    """Nodes that do not say on which host they are share one if they share an address."""
    assert sealed(HERE, THERE)
    assert sealed(replace(HERE, links="plain"), THERE)
    assert not sealed(replace(HERE, links="plain"), replace(THERE, links="plain"))
    assert not sealed(HERE, replace(THERE, host="here"))
    nameless = replace(HERE, host="")
    assert same_host(nameless, nameless)
    assert not same_host(nameless, replace(nameless, network="far"))
    assert not same_host(nameless, HERE)


def two_hosts(*more: tuple[str, str, str]) -> World:
    """VideoRoom and egress here; VideoRoom, mix and egress there. Nothing between them is plain."""
    rows = [("vr1", "VR", "here"), ("st1", "ST", "here"), ("vr2", "VR", "there"), ("ab2", "AB", "there")]
    nodes = [
        FakeNode(name, kind, "local", f"192.0.2.{number}", machine=machine, links=SRTP)
        for number, (name, kind, machine) in enumerate((*rows, ("st2", "ST", "there"), *more), 1)
    ]
    world = World(nodes)
    world.gateway("gw", "local")
    opened(world, local=10)
    return world


def mended(world: World) -> list[str]:
    """What reconciling does, once reports have caught up."""
    world.tick(20)
    return [short(step) for step in world.reconcile()]


def settled(world: World) -> None:
    """Nothing more is to be mended, and the map is whole."""
    assert mended(world) == []
    assert world.vmap.check() == []


@pytest.fixture
def world() -> World:
    """Ann speaks in the VideoRoom here (the other one drains until she is in), and somebody watches."""
    made = two_hosts()
    made.vmap = made.vmap.apply([(keys.drain("vr2"), DrainIntent(by="test").to_json(), 2)], made.now_s)
    assert speaks(made, "ann") == "vr1"
    made.vmap = made.vmap.apply([(keys.drain("vr2"), None, 3)], made.now_s)
    watches(made, "vera")
    if not made.vmap.sessions["demo"].links["voice-ann"].via:
        mended(made)
    settled(made)
    return made


def voice(world: World) -> tuple[str, int, int]:
    """The way of ann's voice: VideoRoom, its port, the port in the mix."""
    link = world.vmap.sessions["demo"].links["voice-ann"]
    return link.via, link.via_port, link.port


def test_a_voice_enters_the_mixs_host_by_a_videoroom(world: World) -> None:
    """The source sends there, encrypted; from there it goes on; the link says by which and where."""
    via, entrance, port = voice(world)
    assert via == "vr2"
    sent = [f for f in world.nodes["vr1"].contexts["demo/ingress-vr1"].forwarders if f.type == "audio"]
    assert [(f.host, f.port, f.seal > 0) for f in sent] == [(world.nodes["vr2"].host, entrance, True)]
    told = world.vmap.nodes["vr2"].to_dict()
    assert (told["contexts"], told["publishers"], told["detours"]) == ([], 0, 1)  # a drain does not wait for it
    room = world.nodes["vr2"].contexts[f"demo/{detour_context('vr2')}"]
    assert [(f.publisher, f.host, f.port) for f in room.forwarders] == [("voice-ann", world.nodes["ab2"].host, port)]


def test_stages_have_keys_and_their_forwarders_the_seal_of_them(world: World) -> None:
    """A stage that is made again gets the next key, and so do the links to it."""
    stages = world.vmap.sessions["demo"].duty("stage")
    assert {context.key for context in stages.values()} == {1}
    node = next(iter(stages.values())).node
    world.nodes[node].restart()
    assert f"create_context stage-{node}" in mended(world)
    assert world.vmap.sessions["demo"].contexts[f"stage-{node}"].key == 2
    settled(world)
    host = world.nodes[node].host
    found = {
        f.seal for each in world.nodes.values() for c in each.contexts.values() for f in c.forwarders if f.host == host
    }
    assert found == {seal(2)}


def test_forwarders_with_an_old_key_are_made_again(world: World) -> None:
    """A leader that died after the stage was made again has left them: nobody can decrypt what they send."""
    view = world.vmap.sessions["demo"]
    name, context = next(iter(view.duty("stage").items()))
    world.revision += 1
    changed = replace(context, key=7)
    world.vmap = world.vmap.apply([(keys.context("demo", name), changed.to_json(), world.revision)], world.now_s)
    found = mended(world)
    assert any(step.startswith("start_link") for step in found)
    assert any(step.startswith("stop_forwarder") for step in found)
    settled(world)


@pytest.mark.parametrize("lost", ["vr1", "vr2", "ab2"])
def test_a_detour_is_one_link_whichever_part_is_lost(world: World, lost: str) -> None:
    """All of it is made again; nothing of the old one is left, and nothing is mended for ever."""
    before = voice(world)
    publishing = world.vmap.sessions["demo"].participants["ann"].legs[0].context
    world.nodes[lost].restart()
    world.tick(20)
    if lost == "vr1":
        world.reconcile()
        world.nodes["vr1"].publish(publishing, "ann")
    for _ in range(3):
        mended(world)
    settled(world)
    assert voice(world)[0] == "vr2"
    room = world.nodes["vr2"].contexts[f"demo/{detour_context('vr2')}"]
    assert [each.id for each in room.publishers] == ["voice-ann"]
    assert lost == "vr1" or voice(world) != before


def test_a_silent_videoroom_on_the_way_is_waited_for(world: World) -> None:
    """Silent is not ill: nothing is done within the grace; then another one on that host is taken, if there is one."""
    world.kill("vr2")
    world.now_s += 5
    world.report("vr1", "ab2", "st1", "st2")
    assert [short(step) for step in world.reconcile() if "voice" in short(step)] == []
    world.tick(20)
    assert "start_link voice-ann" in [short(step) for step in world.reconcile()]


def test_a_videoroom_on_the_way_that_was_forgotten_is_made_good(world: World) -> None:
    """It left the map while a link still passed there: another one on that host is taken, or it is waited for."""
    world.kill("vr2")
    world.ask(Drain("vr2", "op"))
    world.ask(Undrain("vr2"))
    assert world.vmap.node("vr2") is None
    world.tick(20)
    assert "start_link voice-ann" in [short(step) for step in world.reconcile()]


def test_a_draining_videoroom_is_left_for_another_on_the_host() -> None:
    """Where there is none it is kept: it still works."""
    world = two_hosts(("vr3", "VR", "there"))
    assert detour_node(world.vmap, "ab2") == "vr2"
    assert detour_node(world.vmap, "ab2", "vr3") == "vr3"
    world.vmap = world.vmap.apply([(keys.drain("vr3"), DrainIntent(by="test").to_json(), 9)], world.now_s)
    assert detour_node(world.vmap, "ab2", "vr3") == "vr2"
    world.vmap = world.vmap.apply([(keys.drain("vr2"), DrainIntent(by="test").to_json(), 10)], world.now_s)
    assert detour_node(world.vmap, "ab2", "vr3") == "vr3"
    assert detour_node(world.vmap, "st1") == "vr1"
    assert detour_node(world.vmap, "nobody") == ""


def test_the_room_goes_with_the_last_link(world: World) -> None:
    """It is nobody's context: it is removed when no link says that it passes there."""
    view = world.vmap.sessions["demo"]
    world.revision += 1
    world.vmap = world.vmap.apply([(keys.link("demo", "voice-ann"), None, world.revision)], world.now_s)
    assert view
    assert f"destroy_context {detour_context('vr2')}" in mended(world)
    assert f"demo/{detour_context('vr2')}" not in world.nodes["vr2"].contexts


def test_a_module_must_stand_beside_the_mix() -> None:
    """Modules know no SRTP: one on another host is not chosen, and is refused by name with the cure."""
    world = two_hosts(("ai1", "AI", "here"), ("ai2", "AI", "there"))
    refused = world.ask(PutTap("demo", "words", MIX, module="ai1"))
    assert isinstance(refused, Refusal)
    assert "ai1 is on another host than the mix: taps have no SRTP" in refused.detail
    assert isinstance(world.ask(PutTap("demo", "words", MIX)), Decision)
    assert world.vmap.sessions["demo"].contexts["tap-words"].node == "ai2"
    alone = two_hosts(("ai1", "AI", "here"))
    lacking = alone.ask(PutTap("demo", "words", MIX))
    assert isinstance(lacking, Refusal)
    assert "taps have no SRTP" in lacking.detail


def wide_island(mixes: int) -> World:
    """An island with so many mixes in use, each with somebody to talk, each on a host of its own."""
    nodes = [FakeNode("vr", "VR", "eu", "192.0.2.1", machine="h0", links=SRTP)]
    nodes += [FakeNode("st", "ST", "eu", "192.0.2.2", machine="h0", links=SRTP)]
    for number in range(mixes):
        nodes += [
            FakeNode(f"{kind}{number}", kind, "eu", f"192.0.2.{10 * base + number}", machine=f"h{number}", links=SRTP)
            for base, kind in ((1, "VR"), (2, "AB"))
        ]
    for each in nodes:
        each.id = each.id.lower()
    world = World(nodes, replace(SMALL, limits=replace(SMALL.limits, talkers_per_mix=1, mesh_most=2)))
    world.gateway("gw", "eu")
    assert isinstance(
        world.ask(OpenSession("demo", SessionIntent("big_island", slots=2, audience={"eu": 5}))), Decision
    )
    for number in range(mixes):
        answer = world.ask(
            Attach("demo", f"p{number}", ("talk",), Role.SPEAKER, ("view", "speak"), gateway="gw", regions=("eu",))
        )
        assert isinstance(answer, Decision), answer
        assert answer.grant is not None
        world.ask(MediaUp("demo", f"p{number}", "talk", answer.grant.generation, 1, 2))
    return world


def test_an_island_whose_hosts_share_no_network_is_a_mesh() -> None:
    """Trunks know no SRTP: there are bridges alone, however many mixes there are, each by a detour of its own."""
    world = wide_island(4)
    for _ in range(3):
        mended(world)
    settled(world)
    links = world.vmap.sessions["demo"].links.values()
    among = [link for link in links if link.kind in ("bridge", "trunk")]
    assert len(among) == 12
    assert {link.kind for link in among} == {"bridge"}
    assert all(link.via for link in among)
