"""What the collector tells of people with real media: who publishes and talks, who views, who vanished."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from ops.media import whip
from rtcdn.client.picture import Picture
from rtcdn.client.tracks import ClockTrack, ToneTrack
from rtcdn.janus.plugins import PACKAGES, streaming, videoroom
from rtcdn.janus.protocol import Jsep, Json
from rtcdn.janus.ws import Handle, JanusSocket, TokenSource
from rtcdn.model import Codec, ContextInfo, Kind
from tests.support.collector import Place, running_places
from tests.support.engine import wait_for
from tests.support.etcd import running_etcd

pytestmark = pytest.mark.real
ROOM, STAGE = "people/ingress-x", "people/stage-y"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Kind, Place]]:
    with running_etcd() as etcd, running_places(etcd, tmp_path_factory.mktemp("people")) as made:
        made[Kind.VR].client.ensure_room(ROOM, Codec.VP8, 4, 1_000_000)
        made[Kind.ST].client.ensure_stage(STAGE, Codec.VP8, ("v1", "s1"))
        yield made


@asynccontextmanager
async def attached(place: Place) -> AsyncIterator[Handle]:
    """A handle on the node, its janus_session kept alive as a gateway does."""
    tokens = TokenSource(place.node.secrets.token_secret, PACKAGES[place.node.kind])
    async with JanusSocket(place.node.ws_url, PACKAGES[place.node.kind], tokens) as socket:
        session = await socket.create()
        yield await session.attach("people/somebody/leg")
        await session.destroy()


async def connect(handle: Handle, connection: RTCPeerConnection, body: Json) -> None:
    """Send an offer with ``body`` and wait until media can flow."""
    await connection.setLocalDescription(await connection.createOffer())
    offer = connection.localDescription.sdp.replace("a=setup:actpass", "a=setup:active")
    _, answer = await handle.call(body, Jsep("offer", offer))
    assert answer is not None
    up = asyncio.Event()
    connection.on("connectionstatechange", lambda: up.set() if connection.connectionState == "connected" else None)
    await connection.setRemoteDescription(RTCSessionDescription(sdp=answer.sdp, type=answer.type))
    async with asyncio.timeout(15):
        await up.wait()


async def view(place: Place, handle: Handle) -> RTCPeerConnection:
    """A viewer of the stage."""
    connection = whip.new_connection()
    for kind in ("audio", "video"):
        connection.addTransceiver(kind, direction="recvonly")
    await connect(handle, connection, streaming.watch(STAGE, place.client.keys(STAGE).pin))
    return connection


async def seen(condition: Callable[[], object], what: str, timeout_s: float = 5.0) -> None:
    """Wait for what the store says."""
    await asyncio.to_thread(wait_for, condition, what, timeout_s)


async def test_a_publisher_shows_with_his_streams_and_his_voice(places: dict[Kind, Place]) -> None:
    """From his first packet until he leaves."""
    place = places[Kind.VR]

    def context() -> ContextInfo:
        return place.context(ROOM) or ContextInfo()

    async with attached(place) as handle:
        connection = whip.new_connection()
        connection.addTransceiver(ToneTrack(440), direction="sendonly")
        connection.addTransceiver(ClockTrack(Picture("Ann")), direction="sendonly")
        body = videoroom.join_and_publish(ROOM, "ann", place.client.keys(ROOM).pin)
        await connect(handle, connection, body)
        await seen(lambda: [p.id for p in context().publishers] == ["ann"], "ann publishes")
        await seen(lambda: context().publishers[0].streams, "her streams are told")
        streams = context().publishers[0].streams
        assert [(each.type, each.codec) for each in streams] == [("audio", "opus"), ("video", "vp8")]
        await seen(lambda: place.data().talkers == {ROOM: ("ann",)}, "ann talks")
        assert place.data().handles >= 1
        await connection.close()
    await seen(lambda: context().id and not context().publishers, "ann is gone")
    await seen(lambda: place.data().talkers == {}, "nobody talks")


async def test_viewers_are_counted_as_they_come_and_go(places: dict[Kind, Place]) -> None:
    """Two come, one says goodbye, the other's gateway ends his janus_session."""
    place = places[Kind.ST]

    def viewers() -> int:
        return (place.context(STAGE) or ContextInfo(viewers=-1)).viewers

    async with attached(place) as first, attached(place) as second:
        leaving, staying = await view(place, first), await view(place, second)
        await seen(lambda: viewers() == 2, "both are counted")
        await leaving.close()
        await seen(lambda: viewers() == 1, "one has left")
    await seen(lambda: viewers() == 0, "both have left")
    await staying.close()


async def test_a_viewer_who_vanishes_is_gone_from_the_counts(places: dict[Kind, Place]) -> None:
    """His media stop without a goodbye while his gateway keeps the janus_session alive: under 40 s."""
    place = places[Kind.ST]

    def viewers() -> int:
        return (place.context(STAGE) or ContextInfo(viewers=-1)).viewers

    async with attached(place) as handle:
        connection = await view(place, handle)
        await seen(lambda: viewers() == 1, "he is counted")
        cut_off(connection)
        await seen(lambda: viewers() == 0, "he is gone", timeout_s=40)
        hangup = await asyncio.wait_for(next_event(handle, "hangup"), 5)
        assert hangup == "hangup"
        with contextlib.suppress(Exception):
            await asyncio.wait_for(connection.close(), 2)


def cut_off(connection: RTCPeerConnection) -> None:
    """Take the network away from a client: nothing comes or goes, nobody is told."""
    for transceiver in connection.getTransceivers():
        ice = transceiver.receiver.transport.transport._connection
        for protocol in ice._protocols:
            protocol.transport.abort()


async def next_event(handle: Handle, kind: str) -> str:
    """Wait for an event of this kind."""
    while True:
        event = await handle.events.get()
        if event.kind == kind:
            return event.kind
