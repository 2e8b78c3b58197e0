"""The WebSocket client on the Janus of tests and on a real one: janus_sessions, handles, claims, losses."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import PACKAGES, streaming
from rtcdn.janus.ws import JanusSocket, TokenSource
from rtcdn.model import Codec, Kind, NodeSecrets
from tests.support.engine import Engine
from tests.support.fake_janus import FakeJanus
from tests.support.janus import JanusNode, fresh_secrets, start_janus

PACKAGE = PACKAGES[Kind.ST]


@dataclass
class Place:
    """A Streaming node and how to hurt it."""

    url: str
    client: NodeClient
    secrets: NodeSecrets
    restart: Callable[[], Awaitable[object]]

    def socket(self, **options: float) -> JanusSocket:
        return JanusSocket(self.url, PACKAGE, TokenSource(self.secrets.token_secret, PACKAGE), **options)

    def stage(self) -> tuple[str, str]:
        """A stage of its own: its id and its pin."""
        janus_id = f"s-{secrets.token_hex(4)}/stage"
        self.client.ensure_stage(janus_id, Codec.VP8, ("v1",))
        return janus_id, self.client.keys(janus_id).pin


@pytest.fixture(scope="module")
def node() -> Iterator[JanusNode]:
    with Engine() as engine:
        yield start_janus(engine, Kind.ST, network=engine.network())


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.real)])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    make = _fake() if request.param == "fake" else _real(request.getfixturevalue("node"))
    async with make as found:
        yield found


@asynccontextmanager
async def _fake() -> AsyncIterator[Place]:
    fake = FakeJanus(Kind.ST, fresh_secrets())
    admin = AdminClient("http://node/admin", fake.secrets.admin_secret, transport=fake.transport())

    async def restart() -> None:
        fake.restart()

    async with fake.serve() as url:
        yield Place(url, NodeClient(Kind.ST, admin, fake.secrets, "127.0.0.1"), fake.secrets, restart)


@asynccontextmanager
async def _real(node: JanusNode) -> AsyncIterator[Place]:
    admin = AdminClient(node.admin_url, node.secrets.admin_secret)
    client = NodeClient(Kind.ST, admin, node.secrets, node.media_ip)
    yield Place(node.ws_url, client, node.secrets, lambda: asyncio.to_thread(node.restart))


async def cut(socket: JanusSocket) -> None:
    """Break the socket's connection without a goodbye, and return when the socket has noticed."""
    assert socket._connection is not None
    socket._connection.transport.abort()
    async with asyncio.timeout(5):
        while socket.connected:  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0)


async def test_a_viewer_gets_an_offer_of_every_medium(place: Place) -> None:
    """Watch without an offer is answered by one; its status is told."""
    stage, pin = place.stage()
    async with place.socket() as socket:
        handle = await (await socket.create()).attach("s/ann/view")
        data, offer = await handle.call(streaming.watch(stage, pin))
        assert data["result"] == {"status": "preparing"}
        assert offer is not None
        assert (offer.type, offer.sdp.count("m=audio"), offer.sdp.count("m=video")) == ("offer", 1, 1)
        assert offer.sdp not in repr(offer)


@pytest.mark.parametrize(("what", "code"), [("nowhere", 455), ("wrong-pin", 457)])
async def test_errors_of_the_plugin_are_refusals(place: Place, what: str, code: int) -> None:
    """With the plugin's own number; the handle goes on."""
    stage, pin = place.stage()
    async with place.socket() as socket:
        handle = await (await socket.create()).attach("s/ann/view")
        with pytest.raises(NodeRefused) as refused:
            await handle.call(streaming.watch(stage if what == "wrong-pin" else "s/nowhere", "guessed"))
        assert refused.value.code == code
        assert (await handle.call(streaming.watch(stage, pin)))[1] is not None


async def test_a_forged_token_is_refused(place: Place) -> None:
    """403 at the first request."""
    async with JanusSocket(place.url, PACKAGE, lambda: "9999999999,janus,janus.plugin.streaming:forged") as socket:
        with pytest.raises(NodeRefused) as refused:
            await socket.create()
    assert refused.value.code == 403


async def test_ending_twice_is_fine(place: Place) -> None:
    """Detach and destroy of what is gone raise nothing; a request of it is refused."""
    async with place.socket() as socket:
        session = await socket.create()
        handle = await session.attach("s/ann/view")
        await handle.detach()
        await handle.detach()
        await session.destroy()
        await session.destroy()
        with pytest.raises(NodeRefused) as refused:
            await session.attach("s/ann/view")
        assert refused.value.code == 458


async def test_a_cut_connection_is_claimed_again(place: Place) -> None:
    """The same janus_session and handle go on after the socket broke."""
    stage, pin = place.stage()
    async with place.socket() as socket:
        handle = await (await socket.create()).attach("s/ann/view")
        await handle.call(streaming.watch(stage, pin))
        await cut(socket)
        data, _ = await handle.call(streaming.pause())
        assert data["result"] == {"status": "pausing"}
        assert not handle.session.lost


async def test_another_socket_takes_a_janus_session_over(place: Place) -> None:
    """As a gateway does for one that died; the handle's id stays good."""
    stage, pin = place.stage()
    async with place.socket() as first, place.socket() as second:
        handle = await (await first.create()).attach("s/ann/view")
        await handle.call(streaming.watch(stage, pin))
        claimed = await second.claim(handle.session.id)
        data, _ = await claimed.adopt(handle.id).call(streaming.pause())
        assert data["result"] == {"status": "pausing"}
        with pytest.raises(NodeRefused) as refused:
            await second.claim(12345)
        assert refused.value.code == 458


async def test_a_restarted_node_loses_its_janus_sessions(place: Place) -> None:
    """Each handle hears of it; a new janus_session can be made on the same socket."""
    async with place.socket() as socket:
        session = await socket.create()
        handle = await session.attach("s/ann/view")
        await place.restart()
        lost = await asyncio.wait_for(handle.events.get(), 10)
        assert (lost.kind, lost.janus_session, session.lost) == ("lost", session.id, True)
        assert (await socket.create()).id != session.id


async def test_a_node_that_is_not_there_is_away() -> None:
    """A request ends with NodeAway within its time."""
    async with JanusSocket("ws://127.0.0.1:9", PACKAGE, lambda: "t", timeout_s=0.3) as socket:
        assert not socket.connected
        with pytest.raises(NodeAway):
            await socket.create()
