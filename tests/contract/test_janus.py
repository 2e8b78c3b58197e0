"""One suite for the Janus of tests and a real one: contexts and forwarders of a node."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from rtcdn.errors import InvalidRequest, NodeAway, NodeRefused
from rtcdn.janus.operations import slot_ports
from rtcdn.janus.plugins import audiobridge, videoroom
from rtcdn.model import Kind, MountpointMedia
from tests.support.engine import Engine
from tests.support.janus import fresh_secrets
from tests.support.janus_world import KINDS, World, fake_world, make_client, make_context, make_publisher, real_world


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.real)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield fake_world()
        return
    with Engine() as engine:
        yield real_world(engine)


@pytest.fixture
def session() -> str:
    """A session of its own for each test."""
    return f"s-{secrets.token_hex(4)}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_context_made_twice_is_there_once_and_dropped_twice_is_gone(world: World, session: str, kind: Kind) -> None:
    """Exists counts as made, not there counts as removed."""
    client, janus_id = world.clients[kind], f"{session}/context"
    first = make_context(client, janus_id)
    second = make_context(client, janus_id)
    assert client.contexts().count(janus_id) == 1
    assert [slot_ports(each) for each in first] == [slot_ports(each) for each in second]
    client.drop_context(janus_id)
    client.drop_context(janus_id)
    assert janus_id not in client.contexts()


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_admin_key_makes_nothing(world: World, session: str, kind: Kind) -> None:
    """The node says unauthorized, with its own number."""
    code = {Kind.VR: 433, Kind.AB: 489, Kind.ST: 457}[kind]
    with pytest.raises(NodeRefused) as refused:
        make_context(world.other(kind, admin_key="guessed"), f"{session}/context")
    assert refused.value.code == code
    assert f"{session}/context" not in world.clients[kind].contexts()


@pytest.mark.parametrize("kind", KINDS)
def test_a_context_of_another_key_cannot_be_removed(world: World, session: str, kind: Kind) -> None:
    """Secrets of contexts come from the node's context key."""
    client, janus_id = world.clients[kind], f"{session}/context"
    make_context(client, janus_id)
    with pytest.raises(NodeRefused):
        world.other(kind, context_key="guessed").drop_context(janus_id)
    assert janus_id in client.contexts()
    client.drop_context(janus_id)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_admin_secret_is_refused(world: World, kind: Kind) -> None:
    """403, as Janus numbers it."""
    with pytest.raises(NodeRefused) as refused:
        world.other(kind, admin_secret="guessed").contexts()
    assert refused.value.code == 403


def test_a_stage_has_ports_for_every_layer_of_every_slot(world: World, session: str) -> None:
    """The mix has one port, each slot three and one for rtcp, all different."""
    client = world.clients[Kind.ST]
    media = make_context(client, f"{session}/stage")
    assert [each.mid for each in media] == ["a", "v1", "v2", "s1"]
    ports = [port for each in media for port in (*slot_ports(each), each.rtcp_port) if port]
    assert len(ports) == len(set(ports)) == 1 + 3 * 4
    assert client.stage_media(f"{session}/nowhere") == ()
    client.drop_context(f"{session}/stage")


@pytest.mark.parametrize("simulcast", [False, True])
def test_a_slot_is_forwarded_once_and_asks_a_keyframe(world: World, session: str, simulcast: bool) -> None:
    """Three forwarders; a second start adopts them; anew replaces them; each asks a keyframe."""
    room, target = f"{session}/ingress", MountpointMedia("v1", "video", 40001, 40003, 40004, 40002)
    client = world.clients[Kind.VR]
    make_context(client, room)
    make_publisher(world, room, "ann")

    def start(anew: bool = False) -> set[int]:
        world.plis.clear()
        client.start_slot(room, "ann", "1", simulcast=simulcast, target_ip="127.0.0.9", target=target, anew=anew)
        assert [host for host, port in world.plis if port] == [client.media_ip]
        found = client.forwarders(room)
        assert {(f.host, f.port, f.publisher) for f in found} == {("127.0.0.9", p, "ann") for p in slot_ports(target)}
        assert len(found) == 3
        return {each.stream_id for each in found}

    first = start()
    assert start() == first
    assert start(anew=True).isdisjoint(first)
    client.drop_context(room)


def test_a_slot_changes_hands_without_two_sources(world: World, session: str) -> None:
    """The newcomer's forwarders replace the other's into the same ports, not those into other slots."""
    room = f"{session}/ingress"
    one, two = MountpointMedia("v1", "video", 41001, 41003, 41004, 41002), MountpointMedia("v2", "video", 41005)
    client = world.clients[Kind.VR]
    make_context(client, room)
    for name in ("ann", "bob"):
        make_publisher(world, room, name)
    for target in (one, two):
        client.start_slot(room, "ann", "1", simulcast=False, target_ip="127.0.0.9", target=target)
    client.start_slot(room, "bob", "1", simulcast=False, target_ip="127.0.0.9", target=one)
    owners = {f.port: f.publisher for f in client.forwarders(room)}
    assert owners == {41001: "bob", 41003: "bob", 41004: "bob", 41005: "ann"}
    assert client.stop_towards(room, "127.0.0.9", slot_ports(one), "ann") == 0
    assert client.stop_towards(room, "127.0.0.9", slot_ports(one)) == 3
    assert [f.port for f in client.forwarders(room)] == [41005]
    client.stop_forwarder(room, client.forwarders(room)[0])
    assert client.forwarders(room) == ()
    client.drop_context(room)


def test_forwarding_somebody_who_is_not_there_is_refused(world: World, session: str) -> None:
    """428 for an unknown publisher; a room that is not there has no forwarders."""
    room, client = f"{session}/ingress", world.clients[Kind.VR]
    assert client.forwarders(room) == ()
    make_context(client, room)
    with pytest.raises(NodeRefused) as refused:
        client.start_slot(
            room, "ghost", "1", simulcast=False, target_ip="127.0.0.9", target=MountpointMedia("v1", "video", 42001)
        )
    assert refused.value.code == videoroom.NO_SUCH_FEED
    client.kick(room, "ghost")
    client.drop_context(room)


def test_a_mix_is_forwarded_once_to_each_stage(world: World, session: str) -> None:
    """Told apart by host and port; made anew when asked."""
    mix, client = f"{session}/mix", world.clients[Kind.AB]
    make_context(client, mix)
    for port in (43001, 43001, 43003):
        client.start_mix(mix, "127.0.0.9", port)
    before = {f.port: f.stream_id for f in client.forwarders(mix)}
    assert sorted(before) == [43001, 43003]
    client.start_mix(mix, "127.0.0.9", 43001, anew=True)
    after = {f.port: f.stream_id for f in client.forwarders(mix)}
    assert after[43003] == before[43003]
    assert after[43001] != before[43001]
    assert client.stop_towards(mix, "127.0.0.9", {43001, 43003}) == 2
    client.drop_context(mix)


def test_what_kills_janus_is_never_sent(world: World, session: str) -> None:
    """Suspend through the Admin API is stopped here: 1.4.1 dies of it."""
    client = world.clients[Kind.AB]
    with pytest.raises(InvalidRequest):
        client.admin.plugin(Kind.AB, audiobridge.suspend(f"{session}/mix", "ann"))
    client.admin.ping()


def test_a_node_tells_its_version(world: World) -> None:
    """As the labels of the node show it."""
    assert world.clients[Kind.VR].admin.version() == "1.4.1"


def test_a_node_that_is_not_there_is_away() -> None:
    """No answer is NodeAway, and says where nobody answered."""
    own = fresh_secrets()
    gone = make_client(Kind.VR, "http://127.0.0.1:9/admin", "http://127.0.0.1:9/janus", own, None, [])
    with pytest.raises(NodeAway, match=r"127\.0\.0\.1:9"):
        gone.contexts()
