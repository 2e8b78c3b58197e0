"""One suite for the Janus of tests and a real one: links between rooms and between mixes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from rtcdn.errors import NodeRefused
from rtcdn.janus.bridges import LOCAL, REMOTE, connect_trunk, start_bridge
from rtcdn.janus.detour import detour_stands, entered, open_detour
from rtcdn.janus.plugins import Srtp, audiobridge, videoroom
from rtcdn.janus.remotes import End, has_remote, remotes_of, remove_remote, start_remote, stop_sending
from rtcdn.janus.voice import find_voice, join_voice, leave_voice
from rtcdn.model import Kind, Leg, MountpointMedia, StreamInfo
from rtcdn.secrets import fresh_key
from tests.support.engine import Engine, wait_for
from tests.support.janus_world import World, fake_world, make_context, make_publisher, participants, real_world

LEG = Leg("publish", Kind.VR, streams=(StreamInfo("audio", "0", "opus"), StreamInfo("video", "1", "vp8")))


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.real)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield fake_world()
        return
    with Engine() as engine:
        yield real_world(engine)


@pytest.fixture
def rooms(world: World) -> Iterator[tuple[End, End]]:
    """Two rooms, on one node."""
    client, session = world.clients[Kind.VR], f"s-{secrets.token_hex(4)}"
    ends = End(client, f"{session}/ingress-a"), End(client, f"{session}/ingress-b")
    for end in ends:
        make_context(client, end.room)
    yield ends
    for end in ends:
        client.drop_context(end.room)


@pytest.fixture
def mixes(world: World) -> Iterator[tuple[str, str]]:
    """Two mixes, on one node; no janus_session is left behind."""
    client, session = world.clients[Kind.AB], f"s-{secrets.token_hex(4)}"
    before = set(client.admin.janus_sessions())
    ends = f"{session}/mix-a", f"{session}/mix-b"
    for mix in ends:
        make_context(client, mix)
    yield ends
    for mix in ends:
        client.drop_context(mix)
    assert set(client.admin.janus_sessions()) == before


def test_one_who_is_remote_himself_is_not_sent_on(world: World, rooms: tuple[End, End]) -> None:
    """Janus refuses with 430; half a link is not left behind."""
    source, target = rooms
    make_publisher(world, source.room, "ann")
    with pytest.raises(NodeRefused) as refused:
        start_remote(source, target, "ann", "remote-ann-b", LEG)
    assert refused.value.code == 430
    assert not has_remote(target, "ann")
    assert has_remote(source, "ann")


def test_one_who_is_not_there_or_sends_nothing_is_not_sent(rooms: tuple[End, End]) -> None:
    """428 either way, and nothing stands at the target."""
    source, target = rooms
    for leg in (LEG, Leg("publish")):
        with pytest.raises(NodeRefused) as refused:
            start_remote(source, target, "ghost", "remote-ghost-b", leg)
        assert refused.value.code == videoroom.NO_SUCH_FEED
        assert not has_remote(target, "ghost")
    assert remotes_of(source, "ghost") == ()


def test_ending_what_is_not_there_is_fine(world: World, rooms: tuple[End, End]) -> None:
    """Publisher, remote publisher or the room itself may be gone."""
    source, target = rooms
    make_publisher(world, target.room, "ann")
    for _ in range(2):
        stop_sending(source, "ann", "remote-ann-b")
        remove_remote(target, "ann")
        assert not has_remote(target, "ann")
    nowhere = End(source.node, f"{source.room}-nowhere")
    stop_sending(nowhere, "ann", "remote-ann-b")
    remove_remote(nowhere, "ann")
    assert not has_remote(nowhere, "ann")


def test_a_bridge_sends_the_people_once(world: World, mixes: tuple[str, str]) -> None:
    """A second start adopts; whatever else sends to that port is stopped; other ports are left alone."""
    client = world.clients[Kind.AB]
    hold = join_voice(client, mixes[1], "bridge-a-b", group=REMOTE)
    assert find_voice(client, mixes[1], "bridge-a-b") == hold
    client.start_mix(mixes[0], client.media_ip, hold.port)
    client.start_mix(mixes[0], "127.0.0.9", 45001)
    start_bridge(client, mixes[0], client.media_ip, hold.port)
    first = {each.port: (each.stream_id, each.group) for each in client.forwarders(mixes[0])}
    assert {port: group for port, (_, group) in first.items()} == {hold.port: LOCAL, 45001: ""}
    start_bridge(client, mixes[0], client.media_ip, hold.port)
    assert {each.port: (each.stream_id, each.group) for each in client.forwarders(mixes[0])} == first
    leave_voice(client, mixes[1], "bridge-a-b", hold.janus_session)
    wait_for(lambda: not participants(client, mixes[1]), "the bridge's participant is gone")


def test_a_detour_is_opened_adopted_and_closed(world: World, rooms: tuple[End, End]) -> None:
    """A remote publisher of the link's name goes on to the participant; opened again it is another, with a new key."""
    room = End(world.clients[Kind.VR], f"{rooms[0].room}-detour")
    to = "127.0.0.9", 45010
    assert not detour_stands(room, "voice-ann", to)
    first = open_detour(room, "voice-ann", to)
    assert detour_stands(room, "voice-ann", to)
    assert not detour_stands(room, "voice-ann", ("127.0.0.9", 45012))
    other = open_detour(room, "voice-bob", ("127.0.0.9", 45012))
    again = open_detour(room, "voice-ann", to)
    assert len({each.srtp.crypto for each in (first, other, again)}) == 3
    assert again.port != other.port
    sent = [(f.publisher, f.port, f.seal) for f in room.node.forwarders(room.room)]
    assert sorted(sent) == [("voice-ann", 45010, 0), ("voice-bob", 45012, 0)]
    remove_remote(room, "voice-ann")
    remove_remote(room, "voice-ann")
    assert not detour_stands(room, "voice-ann", to)
    assert detour_stands(room, "voice-bob", ("127.0.0.9", 45012))
    room.node.drop_context(room.room)


def test_an_encrypted_forward_tells_its_seal(world: World, rooms: tuple[End, End], mixes: tuple[str, str]) -> None:
    """Of a room and of a mix, by their lists; another seal, or none, is another forward and is made anew."""
    ab, (room, _) = world.clients[Kind.AB], rooms
    make_publisher(world, room.room, "ann")
    room.node.start_voice(room.room, "ann", "0", "127.0.0.9", 45019, found_within_s=5)  # known from now on
    room.node.stop_voice_forward(room.room, "ann")
    slot = MountpointMedia("v1", "video", 45021, 45022, 45023)
    for generation in (1, 2, 2, 300):
        srtp = Srtp(80, fresh_key(), generation)
        ab.start_mix(mixes[0], "127.0.0.9", 45020, srtp=srtp)
        room.node.start_slot(room.room, "ann", "1", simulcast=False, target_ip="127.0.0.9", target=slot, srtp=srtp)
        assert [f.seal for f in ab.forwarders(mixes[0])] == [srtp.seal]
        assert [f.seal for f in room.node.forwarders(room.room)] == [srtp.seal] * 3
    ab.start_mix(mixes[0], "127.0.0.9", 45020)
    assert [f.seal for f in ab.forwarders(mixes[0])] == [0]
    assert entered(room.node, room.room, "127.0.0.9", 45021)
    assert not entered(ab, mixes[0], "127.0.0.9", 45020)


def test_each_end_of_a_trunk_is_told_of_the_other(world: World, mixes: tuple[str, str]) -> None:
    """By name alone they are adopted; one who only sends says ok and stays deaf, as 1.4.1 does."""
    client = world.clients[Kind.AB]
    near, far = (join_voice(client, mix, "trunk-a-b", group=LOCAL, two_way=True) for mix in mixes)
    for hold, other in ((near, far), (far, near)):
        for _ in range(2):
            connect_trunk(client, hold, client.media_ip, other.port)
        info = client.admin.handle_info(hold.janus_session, hold.handle)
        assert audiobridge.read_handle_rtp_peer(info) == (client.media_ip, other.port)
    assert join_voice(client, mixes[0], "trunk-a-b", two_way=True) == near
    deaf = join_voice(client, mixes[0], "bridge-b-a", group=REMOTE)
    connect_trunk(client, deaf, client.media_ip, 45003)
    assert audiobridge.read_handle_rtp_peer(client.admin.handle_info(deaf.janus_session, deaf.handle)) == ("", 0)
    for mix in mixes:
        for link in ("trunk-a-b", "bridge-b-a"):
            leave_voice(client, mix, link)
        wait_for(lambda mix=mix: not participants(client, mix), "no link is left")
