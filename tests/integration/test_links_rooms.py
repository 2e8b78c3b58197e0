"""Publishers who stand in other VideoRooms too, by the broker's own steps on real nodes: pictures and tones arrive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest

from rtcdn import keys
from rtcdn.model import Kind, LinkIntent, Record
from tests.support.link_world import SESSION, LinkWorld, contexts, links, publishing, running_links
from tests.support.raw_media import Person

pytestmark = pytest.mark.real
SLOTS = ("v1", "s1")
TONES = {"ann": 440, "bob": 1000}


@pytest.fixture(scope="module")
def world() -> Iterator[LinkWorld]:
    with running_links(vr1=Kind.VR, vr2=Kind.VR, ab1=Kind.AB, st1=Kind.ST) as made:
        yield made


@dataclass
class Hall:
    """The session with its rooms, and who comes."""

    world: LinkWorld
    stack: AsyncExitStack

    async def publisher(self, name: str, context: str) -> Person:
        """Somebody publishes, and the intent knows what."""
        person = self.someone(context)
        await person.publish(f"{SESSION}/{context}", name, TONES[name])
        assert person.session is not None
        assert person.handle is not None
        hold = person.session.id, person.handle.id
        self.world.intend(publishing(name, context, person.streams, hold))
        return person

    async def subscriber(self, context: str, feed: str) -> Person:
        """Somebody receives all of a publisher."""
        person = self.someone(context)
        self.stack.push_async_callback(person.leave)
        return await person.subscribe(f"{SESSION}/{context}", feed)

    async def viewer(self) -> Person:
        """Somebody views the stage."""
        person = self.someone("stage-st1")
        self.stack.push_async_callback(person.leave)
        return await person.view(f"{SESSION}/stage-st1")

    def someone(self, context: str) -> Person:
        """A client of the node of a context."""
        name = context.partition("-")[2]
        return Person(self.world.nodes[name], self.world.clients[name])

    async def commit(self, records: dict[str, Record | None]) -> list[str]:
        """Intent and its plan."""
        return await asyncio.to_thread(self.world.commit, records)

    async def reconcile(self) -> list[str]:
        """What is amiss is mended."""
        return await asyncio.to_thread(self.world.reconcile)


@pytest.fixture
async def hall(world: LinkWorld) -> AsyncIterator[Hall]:
    """No room yet; everything of the session ends with the test, and nothing is left on any node."""
    async with AsyncExitStack() as stack:
        yield Hall(world, stack)
    view = world.vmap.sessions[SESSION]
    world.commit(dict.fromkeys([*(keys.link(SESSION, each) for each in view.links), *contexts(*view.contexts)]))
    world.intend(dict.fromkeys(keys.participant(SESSION, each) for each in view.participants))
    assert {name for each in world.clients.values() for name in each.contexts()} == set()


async def shows(person: Person, what: str, *, hz: int = 0, since_s: float = 0.0) -> None:
    """Five more pictures are decoded, and the tone is heard; how long it took is told."""
    wanted = person.ear.frames + 5
    first = person.ear.frames + 1
    await person.ear.until(lambda: person.ear.frames >= first, f"{what}: a picture")
    if since_s:
        print(f"{what}: first picture after {(time.perf_counter() - since_s) * 1000:.0f} ms")
    await person.ear.until(lambda: person.ear.frames >= wanted, f"{what}: pictures")
    if hz:
        await person.ear.until(lambda: person.ear.hears(*TONES.values()) == {hz}, f"{what}: {hz} Hz alone")


async def test_a_mesh_of_two_rooms(hall: Hall) -> None:
    """Each of two publishers is decoded in the other's room; what is heard is his own tone."""
    await hall.commit(contexts("ingress-vr1", "ingress-vr2"))
    async with await hall.publisher("ann", "ingress-vr1"), await hall.publisher("bob", "ingress-vr2"):
        mesh = links(
            remote_ann_vr2=LinkIntent("remote", "ingress-vr1", "ingress-vr2", "ann"),
            remote_bob_vr1=LinkIntent("remote", "ingress-vr2", "ingress-vr1", "bob"),
        )
        assert await hall.commit(mesh) == ["start_link remote-ann-vr2", "start_link remote-bob-vr1"]
        print({step: f"{took_s * 1000:.1f} ms" for step, took_s in hall.world.took_s.items() if "remote" in step})
        for context, feed in (("ingress-vr2", "ann"), ("ingress-vr1", "bob")):
            began_s = time.perf_counter()
            await shows(await hall.subscriber(context, feed), f"{feed} in {context}", hz=TONES[feed], since_s=began_s)
        assert await hall.reconcile() == []
        seen = hall.world.vmap.nodes["vr1"].context(f"{SESSION}/ingress-vr1")
        assert seen is not None
        assert [(each.id, each.remote) for each in seen.publishers] == [("ann", False), ("bob", True)]
        assert [(each.id, each.publisher) for each in seen.remotes] == [("remote-ann-vr2", "ann")]
        await hall.commit(dict.fromkeys(mesh))
        await hall.reconcile()
        left = [hall.world.vmap.nodes[name].context(f"{SESSION}/ingress-{name}") for name in ("vr1", "vr2")]
        assert [(len(each.publishers), each.remotes) for each in left if each] == [(1, ()), (1, ())]


async def tree(hall: Hall) -> dict[str, Record | None]:
    """ann's room, a relay, a stage, and the links between; the relay's come first whatever their names are."""
    await hall.commit(contexts("ingress-vr1", "relay-vr2", "stage-st1", slots=SLOTS))
    return links(
        a_slot=LinkIntent("slot", "relay-vr2", "stage-st1", "ann", "1", slot="v1"),
        remote_ann_vr2=LinkIntent("remote", "ingress-vr1", "relay-vr2", "ann"),
    )


async def test_a_relay_feeds_a_stage(hall: Hall) -> None:
    """Room, relay, stage: a viewer decodes at once, one who comes later too, as his request for a keyframe gets up."""
    wanted = await tree(hall)
    async with await hall.publisher("ann", "ingress-vr1"):
        began_s = time.perf_counter()
        assert await hall.commit(wanted) == ["start_link remote-ann-vr2", "start_link a-slot"]
        print(f"relay and slot started in {(time.perf_counter() - began_s) * 1000:.1f} ms")
        for number in range(3):
            began_s = time.perf_counter()
            await shows(await hall.viewer(), f"viewer {number + 1} behind the relay", since_s=began_s)
        assert await hall.reconcile() == []


async def test_a_relay_that_was_made_again_goes_on(hall: Hall) -> None:
    """A killed relay gets its room, its remote publisher and what he feeds in one turn; so does one who came again."""
    wanted = await tree(hall)
    async with await hall.publisher("ann", "ingress-vr1") as ann:
        await hall.commit(wanted)
        viewer = await hall.viewer()
        await shows(viewer, "before")
        await asyncio.to_thread(hall.world.nodes["vr2"].restart)
        began_s = time.perf_counter()
        assert await hall.reconcile() == [
            "create_context relay-vr2",
            "repoint_link remote-ann-vr2",
            "start_link a-slot",
        ]
        await shows(viewer, "after the relay was killed", since_s=began_s)
        assert await hall.reconcile() == []
        await ann.leave()
        async with await hall.publisher("ann", "ingress-vr1"):
            remote = hall.world.link("remote-ann-vr2")
            began_s = time.perf_counter()
            again = await hall.commit(links(remote_ann_vr2=replace(remote, generation=remote.generation + 1)))
            assert again == ["repoint_link remote-ann-vr2", "repoint_link a-slot"]
            await shows(viewer, "after the publisher came again", since_s=began_s)
            assert await hall.reconcile() == []


async def mended(hall: Hall) -> list[str]:
    """What is mended, once the node shows what is missing: it answers before it has removed a publisher."""
    async with asyncio.timeout(5):
        while not (found := await hall.reconcile()):
            pass
        return found


async def stands(hall: Hall, name: str, publisher: str) -> None:
    """A node lists a remote publisher: it answers before it has added him, and a kick until then is for nobody."""
    async with asyncio.timeout(5):
        while True:
            await asyncio.to_thread(hall.world.report, name)
            contexts = hall.world.vmap.nodes[name].plugin.contexts
            if publisher in {each.id for context in contexts for each in context.publishers}:
                return


async def test_half_a_remote_link_is_made_whole(hall: Hall) -> None:
    """Either end may be gone; what no link covers is removed, and nobody who publishes himself is."""
    await hall.commit(contexts("ingress-vr1", "ingress-vr2"))
    async with await hall.publisher("ann", "ingress-vr1"):
        mesh = links(remote_ann_vr2=LinkIntent("remote", "ingress-vr1", "ingress-vr2", "ann"))
        await hall.commit(mesh)
        rooms = {name: f"{SESSION}/ingress-{name}" for name in ("vr1", "vr2")}
        near, far = hall.world.clients["vr1"], hall.world.clients["vr2"]
        await stands(hall, "vr2", "ann")
        far.kick(rooms["vr2"], "ann")
        assert await mended(hall) == ["start_link remote-ann-vr2"]
        await stands(hall, "vr2", "ann")
        body = {"request": "unpublish_remotely", "room": rooms["vr1"], "secret": near.keys(rooms["vr1"]).secret}
        near.admin.plugin(Kind.VR, body | {"publisher_id": "ann", "remote_id": "remote-ann-vr2"})
        assert await mended(hall) == ["start_link remote-ann-vr2"]
        await stands(hall, "vr2", "ann")
        await shows(await hall.subscriber("ingress-vr2", "ann"), "whole again")
        assert await hall.reconcile() == []
        hall.world.intend(dict.fromkeys(mesh))
        assert await hall.reconcile() == ["stop_link remote-ann-vr2", "stop_link remote-ann-vr2"]
        assert await hall.reconcile() == []
        async with await hall.publisher("bob", "ingress-vr2"):
            stray = {
                "request": "remove_remote_publisher",
                "room": rooms["vr2"],
                "secret": far.keys(rooms["vr2"]).secret,
            }
            assert far.if_there(stray | {"id": "bob"}, {428}) is None
            await shows(await hall.subscriber("ingress-vr2", "bob"), "bob")
