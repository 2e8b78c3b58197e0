"""Orders to gateways: numbered, kept, told again; and whom a gateway must end or claim after hello."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from broker import stream
from broker.core.actions import Order
from broker.orders import Hello, Outbox, Presented, missing_orders
from broker.stream import BAD_HELLO, LEADER_CHANGED, NOT_YOURS, TAKEN_OVER, GatewayStreams
from rtcdn import keys
from rtcdn.model import Leg, ParticipantIntent, Role, SessionIntent
from rtcdn.settings import Address
from rtcdn.store.port import put_many
from rtcdn.tls import client_context
from tests.support.engine import free_port, wait_for
from tests.support.pki import Pki
from tests.unit.broker.rig import Rig

REMOVE = Order("demo", "vic", "1", "remove", 3, reason="closed")


class Port:
    """The stream port of one replica, and gateways that connect to it."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig, self.pki = rig, Pki(folder)
        self.address = Address("127.0.0.1", free_port())
        self.streams = GatewayStreams(self.address, self.pki.issue("broker"), rig.keeper, rig.leadership)
        self.streams.start()

    def connect(self, gateway: str = "1") -> connect:
        """Not the synchronous client: its two threads on one TLS socket lose a handshake now and then."""
        context = client_context(self.pki.issue(f"gateway-{gateway}"))
        return connect(f"wss://{self.address}", ssl=context, proxy=None)

    @asynccontextmanager
    async def hello(self, gateway: str = "1") -> AsyncIterator[ClientConnection]:
        """A gateway that has said hello and is known."""
        async with self.connect(gateway) as socket:
            await socket.send(json.dumps({"hello": gateway, "last": 0, "participants": []}))
            await asyncio.to_thread(wait_for, lambda: gateway in self.streams.connected, "the gateway is known")
            yield socket


@pytest.fixture
def port(rig: Rig, tmp_path: Path) -> Iterator[Port]:
    made = Port(rig, tmp_path)
    yield made
    made.streams.close()


async def heard(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 5))
    return message


async def closed(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as caught:
        await asyncio.wait_for(socket.recv(), 5)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code


async def test_an_order_is_told_at_once_and_forgotten_when_acknowledged(port: Port) -> None:
    """Numbered from one."""
    async with port.hello() as socket:
        port.streams.send(REMOVE)
        told = await heard(socket)
        assert (told["n"], told["order"], told["participant"], told["generation"]) == (1, "remove", "vic", 3)
        assert port.streams.unacknowledged == 1
        await socket.send('{"ack": 1}')
        await asyncio.to_thread(wait_for, lambda: port.streams.unacknowledged == 0, "acknowledged")


async def test_an_order_for_a_gateway_that_is_not_here_waits_for_it(port: Port) -> None:
    """And is told once it comes."""
    port.streams.send(REMOVE)
    async with port.hello() as socket:
        assert (await heard(socket))["n"] == 1


async def test_what_was_not_acknowledged_is_told_again(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the same connection after a while, and over the next one."""
    monkeypatch.setattr(stream, "AGAIN_S", 0.05)
    async with port.hello() as socket:
        port.streams.send(REMOVE)
        assert await heard(socket) == await heard(socket)
    async with port.hello() as socket:
        assert (await heard(socket))["n"] == 1


async def test_a_leader_that_changes_sends_gateways_to_say_hello_again(port: Port) -> None:
    """Whom they hold now is what the new one compares with."""
    async with port.hello() as socket:
        port.streams.led(False)
        assert await closed(socket) == LEADER_CHANGED


async def test_a_second_connection_of_a_gateway_takes_over(port: Port) -> None:
    """The first was dead and did not know."""
    async with port.hello() as first, port.connect() as second:
        await second.send('{"hello": "1"}')
        assert await closed(first) == TAKEN_OVER
        port.streams.send(REMOVE)
        assert (await heard(second))["n"] == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [("{", BAD_HELLO), ("[]", BAD_HELLO), ('{"hello": 1}', BAD_HELLO), ('{"hello": "2"}', NOT_YOURS)],
)
async def test_a_bad_hello_is_refused(port: Port, said: str, code: int) -> None:
    """Unreadable, or of somebody else than the certificate."""
    async with port.connect() as socket:
        await socket.send(said)
        assert await closed(socket) == code


async def test_rubbish_after_hello_is_passed_over(port: Port) -> None:
    """The connection lives."""
    async with port.hello() as socket:
        for text in ("{", "[1]", '{"ack": "x"}', "[" * 100_000):
            await socket.send(text)
        port.streams.send(REMOVE)
        assert (await heard(socket))["n"] == 1


async def test_nobody_without_a_certificate_of_the_deployment_comes_in(port: Port, tmp_path: Path) -> None:
    """Mutual TLS."""
    other = tmp_path / "other"
    other.mkdir()
    stranger = client_context(Pki(other).issue("gateway-1"))
    stranger.load_verify_locations(port.pki.issue("broker").ca)
    with pytest.raises((OSError, ConnectionClosed)):
        async with connect(f"wss://{port.address}", ssl=stranger, proxy=None) as socket:
            await asyncio.wait_for(socket.recv(), 5)


def test_numbers_go_on_where_the_gateway_is() -> None:
    """A new leader's outbox is empty: it continues above what the gateway has seen."""
    box = Outbox()
    assert box.resumed(17) == []
    assert box.add(REMOVE)["n"] == 18
    box.acknowledged(18)
    box.add(REMOVE)
    assert [each["n"] for each in box.resumed(18)] == [19]
    assert [each["n"] for each in box.resumed(40)] == [41]
    assert box.add(REMOVE, 7) == {**box.add(REMOVE, 7), "n": 42, "revision": 7}


def test_hello_shows_whom_a_gateway_must_end_and_whom_it_must_claim(rig: Rig) -> None:
    """Orders that were lost with a leader follow from the map, leg by leg."""

    def held(*legs: tuple[str, str]) -> str:
        made = tuple(Leg(leg, state="up", generation=2, gateway=gateway) for leg, gateway in legs)
        return ParticipantIntent(Role.SPEAKER, gateway="2", legs=made, generation=2).to_json()

    people = {
        "mine": held(("view", "1")),
        "both": held(("publish", "1"), ("view", "2")),
        "lost": held(("view", "1"), ("publish", "2")),
        "moved": held(("view", "2")),
        "halved": held(("view", "1")),
    }
    texts = {keys.session("demo"): SessionIntent().to_json()}
    texts |= {keys.participant("demo", name): text for name, text in people.items()}
    revision = put_many(rig.store, texts)
    rig.keeper.wait_for(lambda vmap: vmap.revision >= revision, 5)
    shown = [Presented("demo", name, 2, ("view",)) for name in ("mine", "moved", "unwritten")]
    shown += [Presented("demo", "both", 2, ("publish",)), Presented("demo", "halved", 2, ("view", "publish"))]
    hello = Hello("1", 0, (*shown, Presented("closed", "guest", 1, ("view",))))

    def told(settled: bool) -> set[tuple[str, str, str]]:
        orders = missing_orders(rig.keeper.current, hello, settled)
        return {(each.id, each.order, ",".join(leg.leg for leg in each.legs)) for each in orders}

    at_once = {("moved", "remove", "view"), ("guest", "remove", ""), ("lost", "adopt", "view")}
    assert told(settled=False) == at_once
    late = {("unwritten", "remove", "view"), ("halved", "remove", "publish")}
    assert told(settled=True) == (at_once | late) - {("lost", "adopt", "view")}


def test_hello_shows_who_was_removed_and_whose_role_has_changed(rig: Rig) -> None:
    """A removal that is known is no matter of waiting; a gateway that names no role is told none."""
    leg = Leg("view", state="up", generation=2, gateway="1")
    people = {
        "out": ParticipantIntent(Role.SPEAKER, removed=True),
        "up": ParticipantIntent(Role.SPEAKER, legs=(leg,), generation=2),
        "same": ParticipantIntent(Role.VIEWER, legs=(leg,), generation=2),
        "silent": ParticipantIntent(Role.SPEAKER, legs=(leg,), generation=2),
    }
    texts = {keys.session("demo"): SessionIntent().to_json()}
    texts |= {keys.participant("demo", name): each.to_json() for name, each in people.items()}
    revision = put_many(rig.store, texts)
    rig.keeper.wait_for(lambda vmap: vmap.revision >= revision, 5)
    shown = tuple(Presented("demo", name, 2, ("view",), None if name == "silent" else Role.VIEWER) for name in people)
    orders = missing_orders(rig.keeper.current, Hello("1", 0, shown))
    assert [(each.id, each.order, each.role) for each in orders] == [
        ("out", "remove", Role.VIEWER),
        ("up", "role", Role.SPEAKER),
    ]
    assert [leg.leg for leg in orders[1].legs] == ["view"]
