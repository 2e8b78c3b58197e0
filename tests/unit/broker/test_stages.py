"""Who is on stage, as gateways that follow a session are told over the stream port."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from broker.core.on_stage import on_stage
from broker.core.requests import Attach, CloseSession, MediaUp, OpenSession, Remove, SetRole, Watched
from broker.core.virtual_map import VirtualMap
from broker.reconcile import wishes
from broker.stages import Following, followed_in, most_watched, watched_in
from rtcdn import keys
from rtcdn.model import PluginData, Role, SessionIntent, StreamInfo
from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig
from tests.unit.broker.test_stream import Port, heard
from tests.unit.core.worlds import local, opened

CAMERA = StreamInfo("video", "0", "vp8", source="camera")
SLOTS = ["v1", "v2", "v3", "v4", "s1"]


@pytest.fixture
def port(rig: Rig, tmp_path: Path) -> Iterator[Port]:
    made = Port(rig, tmp_path)
    yield made
    made.streams.close()


async def ask(port: Port, request: Any) -> Any:
    """Handle a request as a thread of the API does."""
    return await asyncio.to_thread(port.rig.desk.handle, request)


async def publishes(port: Port, name: str, session: str = "demo") -> None:
    """A speaker comes and shows his camera."""
    grant = (await ask(port, Attach(session, name, ("publish",), Role.SPEAKER, name=name.title(), gateway="1"))).grant
    await ask(port, MediaUp(session, name, "publish", grant.generation, 1, 2, (CAMERA,)))


async def until(socket: ClientConnection, **wanted: Any) -> dict[str, Any]:
    """The first message in which these stand."""
    while True:
        message = await heard(socket)
        if all(message.get(key) == value for key, value in wanted.items()):
            return message


async def test_a_stage_is_told_at_once_and_whenever_it_changes(port: Port) -> None:
    """Seats, names and roles in one message; talkers by report; closed at the end."""
    await ask(port, OpenSession("demo", SessionIntent()))
    async with port.hello() as socket:
        await socket.send(json.dumps({"follow": ["demo"]}))
        empty = {"stage": "demo", "open": True, "seats": {}, "talking": [], "names": {}, "roles": {}, "slots": SLOTS}
        empty["weights"] = {"st1": 10}
        assert await heard(socket) == empty
        await publishes(port, "ann")
        seats = {"v1": {"participant": "ann", "source": "camera"}}
        shown = {**empty, "seats": seats, "names": {"ann": "Ann"}, "roles": {"ann": "speaker"}}
        assert await until(socket, seats=seats) == shown
        talk = PluginData(talkers={"demo/mix-ab1": ("ann",)}).to_json()
        await asyncio.to_thread(port.rig.store.put, keys.node_field("AB", "ab1", "PLUGIN"), talk)
        assert await heard(socket) == {**shown, "talking": ["ann"]}
        await ask(port, SetRole("demo", "ann", Role.VIEWER))
        assert (await until(socket, seats={}))["roles"] == {}
        await ask(port, CloseSession("demo"))
        assert await until(socket, open=False) == {
            **empty,
            "open": False,
            "slots": [],
            "weights": {},
        }


async def test_a_stage_is_told_within_moments_of_its_commit(port: Port) -> None:
    """Not by a look now and then: the commit itself is what wakes the port."""
    await ask(port, OpenSession("demo", SessionIntent()))
    async with port.hello() as socket:
        await socket.send(json.dumps({"follow": ["demo"]}))
        await heard(socket)
        took_s = []
        for number in range(1, 21):
            name = f"p{number}"
            began_s = time.perf_counter()
            await ask(port, Attach("demo", name, ("view",), Role.SPEAKER, gateway="1"))
            assert name in (await heard(socket))["roles"]
            took_s.append(time.perf_counter() - began_s)
        print(f"attach to stage message, median: {1000 * sorted(took_s)[10]:.1f} ms")
        assert sorted(took_s)[10] < 0.1


async def test_the_hello_may_follow_and_what_is_followed_may_change(port: Port) -> None:
    """A session that is followed no more is not told; one that is not there is closed."""
    for session in ("demo", "other"):
        await ask(port, OpenSession(session, SessionIntent()))
    async with port.connect() as socket:
        await socket.send(json.dumps({"hello": "1", "follow": ["demo", "never"]}))
        told = [await heard(socket) for _ in range(2)]
        assert [(each["stage"], each["open"]) for each in told] == [("demo", True), ("never", False)]
        await socket.send(json.dumps({"follow": ["other"]}))
        assert (await heard(socket))["stage"] == "other"
        await publishes(port, "ann")
        await socket.send(json.dumps({"follow": ["demo", "other"]}))
        again = await heard(socket)
        assert (again["stage"], again["names"]) == ("demo", {"ann": "Ann"})


async def test_viewers_who_come_and_go_are_no_news(port: Port) -> None:
    """The next message is of what happened after them."""
    await ask(port, OpenSession("demo", SessionIntent()))
    async with port.hello() as socket:
        await socket.send(json.dumps({"follow": ["demo"]}))
        await heard(socket)
        for number in range(20):
            await ask(port, Attach("demo", f"guest~{number}", ("view",), gateway="1"))
        await ask(port, Attach("demo", "mia", ("view",), Role.MODERATOR, gateway="1"))
        assert (await heard(socket))["roles"] == {"mia": "moderator"}


async def test_a_replica_that_does_not_lead_tells_nothing(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway is connected to it all the same; when it leads again the gateway is told."""
    await ask(port, OpenSession("demo", SessionIntent()))
    leads = False
    monkeypatch.setattr(type(port.rig.leadership), "leads", property(lambda _: leads))
    monkeypatch.setattr("broker.stream.AGAIN_S", 0.05)
    async with port.connect() as socket:
        await socket.send(json.dumps({"hello": "1", "follow": ["demo"]}))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.3)
        leads = True
        assert (await heard(socket))["stage"] == "demo"


async def test_who_was_removed_is_told_by_whom_and_why(port: Port) -> None:
    """In the order, with the moderator's words."""
    await ask(port, OpenSession("demo", SessionIntent()))
    for name, role in (("mia", Role.MODERATOR), ("vic", Role.VIEWER)):
        await ask(port, Attach("demo", name, ("view",), role, gateway="1"))
    async with port.hello() as socket:
        decision = await ask(port, Remove("demo", "vic", "mia", "spam"))
        port.streams.send(decision.plan[0])
        told = await until(socket, order="remove")
        assert (told["participant"], told["reason"], told["by"], told["detail"]) == ("vic", "moderator", "mia", "spam")


def test_only_the_newest_is_told() -> None:
    """However often it changed while the gateway did not listen."""
    vmap = VirtualMap.build({"SS:demo": (SessionIntent().to_json(), 1)}, 0.0)
    following = Following(("demo",))
    assert following.next(vmap, 0.0) is not None
    assert following.next(vmap, 0.0) is None
    for name in ("ann", "bob"):
        vmap = vmap.apply([(keys.session("demo"), SessionIntent(slots=len(name)).to_json(), 2)], 1.0)
        assert following.changed({"demo", "other"})
    assert not following.changed({"other"})
    told = following.next(vmap, 1.0)
    assert told is not None
    assert told.slots == ("v1", "v2", "v3", "s1")
    following.changed({"demo"})
    assert following.next(vmap, 1.0) is None
    following.follow(())
    assert not following.changed({"demo"})


def test_weights_alone_are_told_at_most_every_five_seconds() -> None:
    """The newest of them, when their time has come; whatever else changes is told at once, with them."""
    world = local(stages=1)
    opened(world)
    following = Following(("demo",))

    def weighs(weight: int, slots: int = 4) -> VirtualMap:
        node = world.vmap.nodes["st1"]
        world.vmap = replace(world.vmap, nodes=world.vmap.nodes.set("st1", replace(node, reported_weight=weight)))
        view = world.vmap.sessions["demo"]
        shown = replace(view, intent=SessionIntent(slots=slots))
        world.vmap = replace(world.vmap, sessions=world.vmap.sessions.set("demo", shown))
        following.changed({"demo"})
        return world.vmap

    first = following.next(weighs(5), 0.0)
    assert first is not None
    assert following.next(weighs(95), 1.0) is None
    assert following.next(weighs(85), 4.9) is None
    later = following.next(world.vmap, 5.0)
    assert later is not None
    assert later.weights == {"st1": 90}
    assert following.next(weighs(20, slots=2), 6.0) == on_stage(world.vmap, "demo")
    assert following.next(weighs(95, slots=2), 7.0) is None
    assert following.next(weighs(20, slots=2), 8.0) is None
    assert following.next(world.vmap, 60.0) is None
    following.next(weighs(95, slots=2), 61.0)
    following.follow(())
    assert following.next(world.vmap, 90.0) is None


@pytest.mark.parametrize(
    ("message", "sessions"),
    [
        ({"follow": ["a", "b"]}, ("a", "b")),
        ({"follow": []}, ()),
        ({"follow": ["a", 1, "../x", None]}, ("a",)),
        ({"follow": "a"}, None),
        ({"follow": ["a"] * 10_001}, None),
        ({"ack": 1}, None),
        (["follow"], None),
    ],
)
def test_what_to_follow_is_read_with_care(message: Any, sessions: tuple[str, ...] | None) -> None:
    """Names that are none are left out; anything else is not understood."""
    assert followed_in(message) == sessions


def test_wishes_of_several_gateways_are_added_up() -> None:
    """The most wanted first, equal ones by name; what is no wish is left out."""
    one = {"follow": [], "watched": {"isle": {"ada": 2, "bob": 1}, "other": {"eve": 1}}}
    two = {
        "follow": [],
        "watched": {"isle": {"bob": 2, "cy": 2, "BAD ID": 3, "dan": "x", "fay": 0, "gus": True}, "NO": {}},
    }
    told = [watched_in(json.loads(json.dumps(message))) for message in (one, two, {"follow": []}, [], {"watched": 3})]
    assert most_watched(told) == {"isle": ("bob", "ada", "cy"), "other": ("eve",)}


def test_no_more_are_wanted_than_there_can_be_slots() -> None:
    """A crowd's wishes are cut to the sixteen that most have."""
    crowd = {"isle": {f"p{number:02}": number + 1 for number in range(40)}}
    assert most_watched([crowd])["isle"][:2] == ("p39", "p38")
    assert len(most_watched([crowd])["isle"]) == 16


async def test_wishes_reach_the_sessions_that_have_too_few_slots(port: Port) -> None:
    """As long as the gateway is connected; only who publishes in a big island is asked for."""
    await ask(port, OpenSession("isle", SessionIntent(scenario="big_island")))
    await publishes(port, "ann", session="isle")
    told = {"isle": {"ann": 3, "nobody": 9}, "demo": {"ann": 1}}
    async with port.hello() as socket:
        await socket.send(json.dumps({"follow": [], "watched": told}))
        await asyncio.to_thread(wait_for, lambda: port.streams.watched, "the wishes are heard")
        assert port.streams.watched == {"isle": ("nobody", "ann"), "demo": ("ann",)}
        vmap = port.rig.keeper.current
        assert wishes(vmap, port.streams.watched) == [Watched("isle", ("ann",))]
    await asyncio.to_thread(wait_for, lambda: not port.streams.watched, "the wishes went with the gateway")
