"""Taps on the Janus side: a publisher's audio to a module beside his voice, and RTP participants that send to one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from rtcdn.janus.tap import send_mix, start_tap
from rtcdn.janus.voice import join_voice, leave_voice
from rtcdn.model import Kind
from tests.support.engine import Engine
from tests.support.janus_world import World, fake_world, make_context, make_publisher, real_world

MODULE = ("127.0.0.9", 44100)


@pytest.fixture(scope="module")
def real() -> Iterator[World]:
    with Engine() as engine:
        yield real_world(engine)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return fake_world()
    found: World = request.getfixturevalue("real")
    return found


def test_a_tap_and_a_voice_of_one_publisher_leave_each_other_alone(world: World) -> None:
    """Each is adopted, made anew and stopped by itself, though both may end on one host."""
    room, client = f"s-{secrets.token_hex(4)}/ingress", world.clients[Kind.VR]
    make_context(client, room)
    make_publisher(world, room, "ann")
    keep = frozenset((MODULE,))
    for _ in range(2):
        start_tap(client, room, "ann", "0", MODULE)
    for port in (44010, 44012):
        client.start_voice(room, "ann", "0", MODULE[0], port, keep=keep)
    assert sorted(each.port for each in client.forwarders(room)) == [44012, 44100]
    (before,) = (each.stream_id for each in client.forwarders(room) if each.port == 44100)
    start_tap(client, room, "ann", "0", MODULE)
    assert before in {each.stream_id for each in client.forwarders(room)}
    start_tap(client, room, "ann", "0", MODULE, anew=True)
    assert before not in {each.stream_id for each in client.forwarders(room)}
    client.stop_voice_forward(room, "ann", keep=keep)
    assert [each.port for each in client.forwarders(room)] == [44100]
    client.stop_towards(room, MODULE[0], {44100}, "ann")
    assert client.forwarders(room) == ()
    client.drop_context(room)


@pytest.mark.real
def test_an_rtp_participant_is_told_its_address_after_it_joined_and_told_another_later(real: World) -> None:
    """Only one that joined for two ways takes one; Janus says ok to the other too and sends nothing."""
    mix, client = f"s-{secrets.token_hex(4)}/mix", real.clients[Kind.AB]
    make_context(client, mix)
    for two_way, wanted in ((True, [44100, 44102]), (False, [None, None])):
        hold = join_voice(client, mix, "tap-t", two_way=two_way)
        for port, told in zip((44100, 44102), wanted, strict=True):
            send_mix(client, hold, "127.0.0.9", port)
            info = client.admin.handle_info(hold.janus_session, hold.handle)
            assert info["plugin_specific"]["plain-rtp"].get("remote-port") == told
        leave_voice(client, mix, "tap-t", hold.janus_session)
    client.drop_context(mix)
