"""Sockets that break, gateways that go, clients that come twice: media never stop."""

from __future__ import annotations

import asyncio
import json

import pytest

from rtcdn.model import Role
from tests.integration.socket_world import Hall
from tests.support.gateway import until
from tests.support.socket_client import PROTOCOL, SocketClient

pytestmark = pytest.mark.real


async def on_stage(hall: Hall, at: str = "1") -> SocketClient:
    """A speaker who is heard and seen."""
    alice = hall.client("alice", Role.SPEAKER, "view", "speak", "publish", tone_hz=440, at=at)
    await alice.join()
    await alice.ask("publish")
    await alice.told("role", live=True)
    await alice.send_camera()
    await hall.broker.seen("media", "alice", count=3)
    return alice


async def more_packets(client: SocketClient, purpose: str = "receive") -> None:
    """Wait until the connection has brought more."""
    before = await client.packets(purpose)

    async def more() -> bool:
        return await client.packets(purpose) > before + 20

    await until(more, "packets go on")


async def test_a_broken_socket_is_resumed_at_the_same_gateway(hall: Hall) -> None:
    """The same participant, nothing attached anew, what was said meanwhile comes after."""
    alice, vera = await on_stage(hall), hall.client("vera")
    await vera.join()
    await more_packets(vera)
    attached = len([call for call in hall.broker.calls if call[0] == "attach"])
    vera.cut()
    await vera.closed()
    first = await alice.ask("send", data="one")
    await more_packets(vera)
    answer = await vera.resume(last=first["n"] - 1)
    assert (answer["ok"], answer["resumed"], answer["participant"]) == (True, True, "vera")
    await vera.told("data", n=first["n"], data="one")
    await vera.told("stage", seats=[{"slot": "v1", "participant": "alice"}])
    assert len([call for call in hall.broker.calls if call[0] == "attach"]) == attached
    await more_packets(vera)
    wrong = SocketClient(hall.http, vera.url, vera.token)
    await wrong.connect()
    refused = await wrong.ask("resume", session="demo", token=vera.token, participant="vera", key="x" * 20)
    assert refused["problem"]["type"] == "urn:rtcdn:problem:wrong-key"
    assert await wrong.closed() == 4401
    for each in (alice, vera):
        await each.ask("leave")
    await hall.nothing_left()


@pytest.mark.parametrize("alive", [True, False], ids=["released", "gateway-killed"])
async def test_a_client_resumes_at_another_gateway(hall: Hall, alive: bool) -> None:
    """Its legs are claimed there: packets go on, it is still live, nobody is there twice."""
    other = await hall.gateway("2")
    vera = hall.client("vera", at="2")
    await vera.join()
    alice = await on_stage(hall)
    ear = vera.ears["receive", "audio"]
    await until(lambda: ear.hears(440), "Alice is heard")
    if alive:
        alice.cut()
    else:
        await hall.gateways.pop("1").kill()
    await alice.closed()
    answer = await alice.resume(other.url)
    assert answer["resumed"], answer
    await alice.told("role", role="speaker", live=True)
    await more_packets(vera)
    await asyncio.sleep(1.2)  # a whole second of sound after the change
    assert ear.hears(440)
    assert (await alice.ask("mute"))["ok"]
    await until(lambda: not ear.hears(440), "muted through the claimed leg")
    people = (await vera.ask("participants"))["participants"]
    assert sorted(each["participant"] for each in people) == ["alice", "vera"]
    for each in (alice, vera):
        await each.ask("leave")
    await hall.nothing_left()


async def test_an_adopted_client_resumes_later(hall: Hall) -> None:
    """The order to adopt comes before his client does."""
    other = await hall.gateway("2")
    vera = hall.client("vera")
    await vera.join()
    await hall.broker.seen("media", "vera")
    await hall.gateways.pop("1").kill()
    await hall.broker.order("2", order="adopt", session="demo", participant="vera", legs=[])
    assert [host.key for host in other.gateway.members.all()] == [("demo", "vera")]
    assert (await vera.resume(other.url))["resumed"]
    await vera.ask("leave")
    await hall.nothing_left()


async def test_who_joins_again_takes_over(hall: Hall) -> None:
    """The earlier client is told, and its connection ends."""
    first = hall.client("vera")
    await first.join()
    second = hall.client("vera")
    await second.join()
    await first.told("closed", reason="taken-over")
    assert await first.closed() == 4409
    await second.ask("leave")
    await hall.nothing_left()


async def test_a_gateway_that_restarts_says_so(hall: Hall) -> None:
    """``closing``, then 1012; legs are left to be claimed."""
    other = await hall.gateway("2")
    vera = hall.client("vera")
    await vera.join()
    await hall.broker.seen("media", "vera")
    rig = hall.gateways.pop("1")
    await rig.gateway.sockets.close()
    await vera.told("closing")
    assert await vera.closed() == 1012
    await rig.kill()
    assert (await vera.resume(other.url))["resumed"]
    await more_packets_or_none(vera)
    await vera.ask("leave")
    await hall.nothing_left()


async def more_packets_or_none(client: SocketClient) -> None:
    """Its connection is still up."""
    states = {connection.connectionState for connection in client.connections.values()}
    assert states == {"connected"}


async def test_a_moved_viewer_keeps_the_old_connection_until_the_new_one_flows(hall: Hall) -> None:
    """Make before break, by the broker's order."""
    vera = hall.client("vera")
    await vera.join()
    old = vera.joined["receive"]["connection"]
    await hall.broker.seen("media", "vera")
    hall.broker.generation += 1
    leg = hall.broker.leg("demo", "view", "1")
    hall.broker.holders["demo", "vera"] = hall.broker.holders["demo", "vera"].from_dict(
        {**hall.broker.holders["demo", "vera"].to_dict(), "legs": [leg.to_dict()]}
    )  # type: ignore[assignment]
    order = {"order": "move", "session": "demo", "participant": "vera", "legs": [leg.to_dict()]}
    await hall.broker.order("1", **order, generation=leg.generation)
    await hall.broker.order("1", **order, generation=leg.generation)
    asked = await vera.told("connect", purpose="receive", replaces=old, reason="moved")
    assert len([each for each in vera.events if each["event"] == "connect"]) == 1
    await vera.receive(asked["connection"])
    await hall.broker.seen("media", "vera", count=2)
    assert vera.connections[old].connectionState == "connected"
    assert (await vera.ask("flowing", connection=asked["connection"]))["ok"]
    await vera.told("disconnect", connection=old)
    await until(lambda: vera.connections[old].connectionState == "closed", "the old connection ends")
    await vera.ask("leave")
    await hall.nothing_left()


async def test_limits_of_sockets(hall: Hall) -> None:
    """Sockets per address, a first message that is no join, no JSON, a bad token, a reader who does not read."""
    small = await hall.gateway("3", per_address=1)
    first = await SocketClient(hall.http, small.url, "").connect()
    async with hall.http.get(f"{small.url}/ws", headers={"Sec-WebSocket-Protocol": PROTOCOL}) as refused:
        assert refused.status == 429
    assert not (await first.ask("ping"))["ok"]
    assert await first.closed() == 4001
    url = hall.gateways["1"].url
    for text, code in (("nonsense", 4400), ("x" * 70_000, 4400), ('{"type":"ping","id":1}', 4001)):
        client = await SocketClient(hall.http, url, "").connect()
        await client.socket.send_str(text)
        assert await client.closed() == code
    client = await SocketClient(hall.http, url, "abc").connect()
    answer = await client.ask("join", session="demo", token="abc")
    assert answer["problem"]["status"] == 401
    assert await client.closed() == 4401


async def test_a_client_that_does_not_read_is_closed_and_holds_up_nobody(hall: Hall) -> None:
    """Others hear all; he is closed, and resumes."""
    slow, fast = hall.client("slow"), hall.client("fast")
    await slow.join(media=False)
    await fast.join(media=False)
    slow.socket._response.connection.transport.pause_reading()
    client = next(
        c for c in hall.gateways["1"].gateway.sockets._clients if c.conversation.member.who.participant == "slow"
    )
    data = json.dumps({"x": "y" * 15_000})
    for _ in range(40):
        for _ in range(15):
            await fast.ask("send", data=data)
        if client.finishing:
            break
        await asyncio.sleep(1.5)
    assert client.finishing == 4008
    assert len([each for each in fast.events if each["event"] == "data"]) >= 15
    slow.socket._response.connection.transport.abort()
    assert (await slow.resume())["resumed"]
