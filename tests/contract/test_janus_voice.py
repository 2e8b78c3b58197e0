"""One suite for the Janus of tests and a real one: voice links, from a VideoRoom into a mix."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from rtcdn.janus.voice import join_voice, keep_voice, leave_voice
from rtcdn.model import Kind, MountpointMedia
from tests.support.engine import Engine, wait_for
from tests.support.janus_world import World, fake_world, make_context, make_publisher, participants, real_world


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


def test_a_voice_link_is_adopted_with_and_without_its_record(world: World, session: str) -> None:
    """One RTP participant, whoever asks again; leaving ends him and his janus_session."""
    mix, client = f"{session}/mix", world.clients[Kind.AB]
    make_context(client, mix)
    before = set(client.admin.janus_sessions())
    made = join_voice(client, mix, "voice-ann")
    keep_voice(client, made)
    assert made.port > 0
    assert join_voice(client, mix, "voice-ann", (made.janus_session, made.handle)) == made
    assert join_voice(client, mix, "voice-ann") == made
    assert join_voice(client, mix, "voice-ann", (4711, 4712)) == made
    assert participants(client, mix) == ["link~voice-ann"]
    leave_voice(client, mix, "voice-ann", made.janus_session)
    leave_voice(client, mix, "voice-ann", made.janus_session)
    wait_for(lambda: not participants(client, mix), "the link's participant is gone")
    assert set(client.admin.janus_sessions()) == before
    client.drop_context(mix)


def test_a_voice_link_is_ended_by_name_alone(world: World, session: str) -> None:
    """A broker that lost the ids finds the janus_session that holds it; another can be made at once."""
    mix, client = f"{session}/mix", world.clients[Kind.AB]
    make_context(client, mix)
    made = join_voice(client, mix, "voice-ann")
    leave_voice(client, mix, "voice-ann")
    again = join_voice(client, mix, "voice-ann", (made.janus_session, made.handle))
    assert again.janus_session != made.janus_session
    leave_voice(client, mix, "voice-ann", again.janus_session)
    client.drop_context(mix)


def test_a_voice_is_forwarded_to_one_place(world: World, session: str) -> None:
    """A second start adopts, another port replaces, stop ends; video is left alone."""
    room, client = f"{session}/ingress", world.clients[Kind.VR]
    make_context(client, room)
    make_publisher(world, room, "ann")
    client.start_slot(
        room, "ann", "1", simulcast=False, target_ip="127.0.0.9", target=MountpointMedia("v1", "video", 44001)
    )
    for port in (44010, 44010, 44012):
        client.start_voice(room, "ann", "0", "127.0.0.9", port)
    assert sorted(f.port for f in client.forwarders(room)) == [44001, 44012]
    client.stop_voice_forward(room, "ann")
    assert [f.port for f in client.forwarders(room)] == [44001]
    client.drop_context(room)
