"""The Python client against a scripted gateway: joining, events, refusals, resuming."""

from __future__ import annotations

import asyncio
import base64
import json
import random

import msgspec
import pytest

from gateway.client import requests
from rtcdn.client import Broken, Refused, connect
from rtcdn.client.link import Reconnect
from rtcdn.client.session import session_of
from rtcdn.errors import ConfigError
from tests.unit.client.gateway import KEY, Gateway, running

TOKEN = "x." + base64.urlsafe_b64encode(json.dumps({"sid": "demo", "sub": "bob"}).encode()).decode().rstrip("=") + ".y"
QUICK = Reconnect(first_s=0.01, most_s=0.05, give_up_s=1.0)


def problem(kind: str, status: int = 403, **more: object) -> dict[str, object]:
    return {"type": f"urn:rtcdn:problem:{kind}", "title": kind, "status": status, "detail": "no", "cure": "ask", **more}


async def test_joins_and_leaves() -> None:
    """The session is the token's, the answer fills the properties, leaving is said."""
    async with running() as gateway:
        async with connect(gateway.url, TOKEN, name="Bob", videos=0) as session:
            assert (session.participant, session.role, session.live, session.state) == ("bob", "viewer", False, "live")
            assert gateway.of("join")[0]["session"] == "demo"
            assert "offer" not in gateway.of("join")[0]
        assert session.state == "closed"
        assert [asked["type"] for asked in gateway.asked] == ["join", "leave"]


async def test_events_change_what_is_known_and_are_told() -> None:
    """Listeners, the iterator and the properties see the same events."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=0) as session:
        heard: list[dict[str, object]] = []
        off = session.on("talking", heard.append)
        names: list[str] = []

        async def follow() -> None:
            async for event in session.events():
                names.append(event.name)
                if event.name == "data":
                    return

        following = asyncio.create_task(follow())
        await asyncio.sleep(0)
        seat = {"slot": "v1", "participant": "ann", "name": "Ann"}
        await gateway.say(event="stage", seats=[seat], main="v1", unknown=1)
        await gateway.say(event="talking", participants=["ann"])
        await gateway.say(event="hands", queue=[{"participant": "bob", "name": "", "since_s": 1.5}], place=1)
        await gateway.say(
            event="roster", total=3, viewers=2, hands=1, speakers=[{"participant": "ann", "role": "speaker"}]
        )
        await gateway.say(event="something-new", body=1)
        await gateway.say(event="data", n=4, sender="ann", data="hello")
        await asyncio.wait_for(following, 5)
        off()
        assert names == ["stage", "talking", "hands", "roster", "something-new", "data"]
        assert session.stage.slot_of("ann") == "v1"
        assert session.talking == {"ann"}
        assert heard == [{"event": "talking", "participants": ["ann"]}]
        assert (session.hands.place, session.known.hand, session.known.last) == (1, True, 4)
        assert (session.roster.total, session.roster.speakers[0].participant) == (3, "ann")
    with pytest.raises(ValueError, match="no event is called"):
        session.on("tlaking", heard.append)


async def test_refusals_name_the_reason() -> None:
    """A problem becomes an exception with the kind, the words and the cure; the session goes on."""
    refuse = {"promote": [problem("wrong-role")]}
    async with running(refuse=refuse) as gateway, connect(gateway.url, TOKEN, videos=0) as session:
        with pytest.raises(Refused) as caught:
            await session.promote("ann")
        assert (caught.value.reason, caught.value.status, caught.value.cure) == ("wrong-role", 403, "ask")
        assert await session.send("hello") == 7
        assert (await session.participants())["total"] == 1


async def test_a_join_that_is_refused_raises_at_once() -> None:
    """A bad token is not tried again."""
    async with running(refuse={"join": [problem("bad-token", 401)] * 9}) as gateway:
        with pytest.raises(Refused, match="bad-token"):
            async with connect(gateway.url, TOKEN, videos=0, reconnect=QUICK):
                pass
        assert len(gateway.asked) == 1


async def test_a_busy_gateway_is_asked_again() -> None:
    """503 is passing."""
    async with running(refuse={"join": [problem("busy", 503)]}) as gateway:
        async with connect(gateway.url, TOKEN, videos=0, reconnect=QUICK) as session:
            assert session.state == "live"
        assert len(gateway.of("join")) == 2


async def test_nobody_there() -> None:
    """Given up after the policy's time."""
    with pytest.raises(Broken, match="does not answer"):
        async with connect("http://127.0.0.1:9", TOKEN, videos=0, reconnect=Reconnect(0.01, 0.02, give_up_s=0.05)):
            pass


async def test_resumes_after_a_cut() -> None:
    """The key, the newest number, the hand and the muting go with the resume; requests wait for it."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=0, reconnect=QUICK) as session:
        await gateway.say(event="data", n=12, sender="ann", data="x")
        await session.until(lambda known: known.known.last == 12)
        await session.raise_hand()
        await session.mute()
        states: list[str] = []
        session.on("state", lambda body: states.append(body["state"]))
        session.cut()
        await session.until(lambda known: known.state == "reconnecting")
        assert await session.send("after") == 7
        resume = gateway.of("resume")[0]
        assert (resume["participant"], resume["key"], resume["last"]) == ("bob", KEY, 12)
        assert (resume["hand"], resume["muted"]) == (True, True)
        assert len(gateway.of("join")) == 1
        assert states == ["reconnecting", "live"]


async def test_joins_anew_when_there_is_nothing_to_resume() -> None:
    """A resume that is refused for good becomes a join on the same socket."""
    async with running(refuse={"resume": [problem("nothing-to-resume", 404)]}) as gateway:
        async with connect(gateway.url, TOKEN, videos=0, reconnect=QUICK) as session:
            session.cut()
            await gateway.until(lambda: len(gateway.of("join")) == 2)
            await session.until(lambda known: known.state == "live")
        assert [asked["type"] for asked in gateway.asked] == ["join", "resume", "join", "leave"]


async def test_a_closing_gateway_is_left_at_once() -> None:
    """``closing``: resume now."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=0, reconnect=QUICK):
        await gateway.say(event="closing", reason="restart")
        await gateway.until(lambda: gateway.of("resume"))


async def test_closed_is_final() -> None:
    """After ``closed`` nobody connects again; iterators end."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=0, reconnect=QUICK) as session:
        names = []

        async def follow() -> None:
            names.extend([event.name async for event in session.events()])

        following = asyncio.create_task(follow())
        await asyncio.sleep(0)
        await gateway.say(event="closed", reason="removed", by="mod")
        await gateway.sockets[-1].close()
        await asyncio.wait_for(following, 5)
        assert names == ["closed", "state"]
        assert session.known.closed == "removed"
        with pytest.raises(Broken):
            await session.send("late")
    assert gateway.of("resume") == []


async def test_requests_are_the_gateways() -> None:
    """Every request the client can make is one that the gateway reads, with no field that it does not know."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=0, reconnect=QUICK) as session:
        await session.raise_hand()
        await session.mute(True, "ann")
        await session.promote("ann")
        await session.demote("ann")
        await session.remove("ann", "rude")
        await session.send("{}", "chat", "ann")
        await session.participants("a", 10, "x")
        await session.ask("layout", videos=[{"slot": "v1", "width": 640, "height": 360}])
        session.cut()
        await session.until(lambda known: known.state == "reconnecting")
        await session.ask("ping")
        assert_known(gateway)


def assert_known(gateway: Gateway) -> None:
    known = {kind.__struct_config__.tag: kind for kind in requests.ALL}
    for asked in gateway.asked:
        kind = known[asked["type"]]
        msgspec.convert(asked, kind)
        assert set(asked) - {"type"} <= {field.encode_name for field in msgspec.structs.fields(kind)}


async def test_media_are_asked_for_by_name() -> None:
    """Who joined without media is told how to have some."""
    async with running() as gateway, connect(gateway.url, TOKEN, videos=0) as session:
        with pytest.raises(ConfigError, match="videos=1"):
            await session.publish(audio=440)


def test_the_session_of_a_token() -> None:
    """Read from the middle part; nonsense has none."""
    assert session_of(TOKEN) == "demo"
    assert [session_of(text) for text in ("", "a", "a.!.b", "a.e30.b")] == [""] * 4


def test_pauses_grow_to_the_longest() -> None:
    """At once, then twice as long each time, up to the most, less some chance."""
    policy, chance = Reconnect(), random.Random(1)
    assert [policy.pause_s(attempt, 0.0) for attempt in range(8)] == [0, 0.25, 0.5, 1, 2, 4, 8, 8]
    assert all(5.6 <= policy.pause_s(9, chance.random()) <= 8 for _ in range(100))
