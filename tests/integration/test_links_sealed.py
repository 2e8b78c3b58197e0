"""Links between two hosts, on real nodes: what is on the wire says nothing, and all of it is seen and heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from broker.core.ways import detour_context
from rtcdn import keys
from rtcdn.errors import NodeRefused
from rtcdn.janus.plugins import Srtp
from rtcdn.model import ContextInfo, ForwarderInfo, Kind, LinkIntent, Record
from rtcdn.secrets import fresh_key
from tests.support.link_world import SESSION, LinkWorld, bridge, contexts, links, publishing, running_links, trunk
from tests.support.raw_media import Person
from tests.support.wire import Wiretap

pytestmark = pytest.mark.real
HOSTS = {"vr1": "here", "ab1": "here", "vr2": "there", "ab2": "there", "st2": "there", "vr3": "there"}
SLOTS = ("v1", "s1")
NOISE_BITS = 3.5  # the first bytes of codecs' payloads have less than 3, random ones of 40 packets 5
HZ = {"ann": 440, "bob": 1000}


@pytest.fixture(scope="module")
def world() -> Iterator[LinkWorld]:
    kinds = {name: Kind(name[:2].upper()) for name in HOSTS}
    with running_links(HOSTS, **kinds) as made:
        yield made


class Hall:
    """The session, and who comes."""

    def __init__(self, world: LinkWorld, stack: AsyncExitStack) -> None:
        self.world, self.stack = world, stack

    async def commit(self, records: dict[str, Record | None]) -> list[str]:
        """Intent and its plan."""
        return await asyncio.to_thread(self.world.commit, records)

    async def reconcile(self) -> list[str]:
        """What is amiss is mended."""
        return await asyncio.to_thread(self.world.reconcile)

    async def settled(self) -> None:
        """Nothing is amiss any more."""
        assert await self.reconcile() == []

    def someone(self, node: str) -> Person:
        """A client of a node, who leaves with the test."""
        person = Person(self.world.nodes[node], self.world.clients[node])
        self.stack.push_async_callback(person.leave)
        return person

    async def publisher(self, name: str, node: str) -> Person:
        """Somebody publishes a tone and a picture, and the intent knows what."""
        person = await self.someone(node).publish(f"{SESSION}/ingress-{node}", name, HZ[name])
        assert person.session is not None
        assert person.handle is not None
        hold = person.session.id, person.handle.id
        self.world.intend(publishing(name, f"ingress-{node}", person.streams, hold))
        return person

    def forwarders(self, node: str, context: str) -> tuple[ForwarderInfo, ...]:
        """Those of a context, as the node tells them."""
        return self.world.clients[node].forwarders(f"{SESSION}/{context}")

    def seen(self, node: str, context: str) -> ContextInfo | None:
        """A context, as it was reported last."""
        return self.world.vmap.nodes[node].context(f"{SESSION}/{context}")


@pytest.fixture
async def hall(world: LinkWorld) -> AsyncIterator[Hall]:
    """Everything of the session ends with the test, and nothing is left on any node."""
    async with AsyncExitStack() as stack:
        yield Hall(world, stack)
    view = world.vmap.sessions[SESSION]
    world.commit(dict.fromkeys([*(keys.link(SESSION, each) for each in view.links), *contexts(*view.contexts)]))
    world.intend(dict.fromkeys(keys.participant(SESSION, each) for each in view.participants))
    world.reconcile()
    assert {name for each in world.clients.values() for name in each.contexts()} == set()
    held = {s for name, each in world.clients.items() if name[:2] == "ab" for s in each.admin.janus_sessions()}
    assert held == set()


def stage(key: int = 1) -> dict[str, Record | None]:
    """The stage there, as the core makes it: with a key."""
    made = contexts("stage-st2", slots=SLOTS)
    return {name: replace(record, key=key) for name, record in made.items()}  # type: ignore[type-var]


SHOWN = links(
    a_slot=LinkIntent("slot", "ingress-vr1", "stage-st2", "ann", "1", slot="v1"),
    a_mix=LinkIntent("mix", "mix-ab1", "stage-st2", slot="a"),
)


async def sees(person: Person, what: str) -> None:
    """Five more pictures."""
    began_s, wanted = time.perf_counter(), person.ear.frames + 5
    await person.ear.until(lambda: person.ear.frames >= wanted, f"{what}: pictures")
    print(f"{what}: {(time.perf_counter() - began_s) * 1000:.0f} ms")


async def hears(person: Person, hz: int, what: str) -> None:
    """This tone and no other."""
    await person.ear.until(lambda: person.ear.hears(*HZ.values()) == {hz}, f"{what}: {hz} Hz alone")


async def sees_nothing(person: Person, for_s: float = 1.5, within_s: float = 15.0) -> None:
    """Pictures cease: what had arrived is decoded yet, then nothing new is for a while."""
    async with asyncio.timeout(within_s):
        while True:
            before = person.ear.frames
            try:
                await person.ear.until(lambda before=before: person.ear.frames > before, "a picture", for_s)
            except AssertionError:
                return


async def test_a_stage_on_another_host(hall: Hall) -> None:
    """Picture and mix arrive; the wire shows neither; a wrong key, or none, shows nothing; the right one does again."""
    await hall.commit(contexts("ingress-vr1", "mix-ab1") | stage())
    await hall.publisher("ann", "vr1")
    bob = await hall.someone("ab1").talk(f"{SESSION}/mix-ab1", "bob", HZ["bob"])
    assert bob.session
    await hall.commit(SHOWN)
    viewer = await hall.someone("st2").view(f"{SESSION}/stage-st2")
    await sees(viewer, "over SRTP")
    await hears(viewer, HZ["bob"], "the mix over SRTP")
    await hall.settled()
    media = {each.mid: each for each in hall.world.clients["st2"].stage_media(f"{SESSION}/stage-st2")}
    tap = Wiretap(hall.world.nodes["st2"].media_ip)
    with tap:
        await tap.until({media["v1"].port, media["a"].port})
    assert min(tap.first_byte_bits(media[mid].port) for mid in ("v1", "a")) > NOISE_BITS
    near, room = hall.world.clients["vr1"], f"{SESSION}/ingress-vr1"
    target = {"simulcast": False, "target_ip": hall.world.nodes["st2"].media_ip, "target": media["v1"]}
    for key in (Srtp(80, fresh_key(), 1), None):
        near.start_slot(room, "ann", "1", srtp=key, anew=True, **target)  # type: ignore[arg-type]
        await sees_nothing(viewer)
    with tap:
        tap.payloads.clear()
        await tap.until({media["v1"].port})
    assert tap.first_byte_bits(media["v1"].port) < NOISE_BITS  # what plain RTP looks like
    assert await hall.reconcile() == [*["stop_forwarder ingress-vr1"] * 3, "start_link a-slot"]  # those without a seal
    await sees(viewer, "with the right key again")


async def test_a_stage_that_was_killed_gets_another_key(hall: Hall) -> None:
    """Its links are made again with it, though the old forwarders still send to the same ports."""
    await hall.commit(contexts("ingress-vr1", "mix-ab1") | stage())
    await hall.publisher("ann", "vr1")
    await hall.someone("ab1").talk(f"{SESSION}/mix-ab1", "bob", HZ["bob"])
    await hall.commit(SHOWN)
    await asyncio.to_thread(hall.world.nodes["st2"].restart)
    mended = await hall.reconcile()
    assert mended[-3:] == ["create_context stage-st2", "repoint_link a-mix", "repoint_link a-slot"]
    assert hall.world.vmap.sessions[SESSION].contexts["stage-st2"].key == 2
    seals = {each.seal for name in ("ingress-vr1", "mix-ab1") for each in hall.forwarders(name[-3:], name)}
    assert seals == {Srtp(80, "", 2).seal}
    viewer = await hall.someone("st2").view(f"{SESSION}/stage-st2")
    await sees(viewer, "after the stage was killed")
    await hears(viewer, HZ["bob"], "after the stage was killed")
    await hall.settled()


async def test_forwarders_of_an_old_key_are_made_again(hall: Hall) -> None:
    """A leader that dies between the stage and its links leaves forwarders that nobody can decrypt."""
    await hall.commit(contexts("ingress-vr1") | stage())
    await hall.publisher("ann", "vr1")
    slot = {name: link for name, link in SHOWN.items() if "slot" in name}
    await hall.commit(slot)
    await asyncio.to_thread(hall.world.nodes["st2"].restart)
    hall.world.intend(stage(key=2))
    found = hall.world.vmap.sessions[SESSION].contexts["stage-st2"]
    hall.world.clients["st2"].ensure_stage(f"{SESSION}/stage-st2", found.codec, found.slots, 2)
    mended = await hall.reconcile()
    assert mended[-1] == "start_link a-slot"
    assert set(mended[:-1]) == {"stop_forwarder ingress-vr1"}
    await sees(await hall.someone("st2").view(f"{SESSION}/stage-st2"), "with the second key")
    await hall.settled()


async def test_a_publisher_in_a_room_on_another_host(hall: Hall) -> None:
    """Seen and heard; made again, with a new key, he is seen and heard again."""
    await hall.commit(contexts("ingress-vr1", "relay-vr2"))
    await hall.publisher("ann", "vr1")
    remote = LinkIntent("remote", "ingress-vr1", "relay-vr2", "ann")
    await hall.commit(links(remote_ann_vr2=remote))
    for what in ("remote", "made again"):
        listener = await hall.someone("vr2").subscribe(f"{SESSION}/relay-vr2", "ann")
        await sees(listener, what)
        await hears(listener, HZ["ann"], what)
        remote = replace(remote, generation=remote.generation + 1)
        assert await hall.commit(links(remote_ann_vr2=remote)) == ["repoint_link remote-ann-vr2"]
    await hall.settled()


async def test_a_voice_takes_the_detour(hall: Hall) -> None:
    """Encrypted to a VideoRoom on the mix's host, plain from there; each part that dies is made again with the rest."""
    await hall.commit(contexts("ingress-vr1", "mix-ab2"))
    await hall.publisher("ann", "vr1")
    assert await hall.commit(links(voice_ann=LinkIntent("voice", "ingress-vr1", "mix-ab2", "ann", "0")))
    listener = await hall.someone("ab2").talk(f"{SESSION}/mix-ab2", "bob", HZ["bob"])
    await hears(listener, HZ["ann"], "by the detour")
    await hall.settled()
    link = hall.world.link("voice-ann")
    assert (link.via, link.port > 0, link.via_port > 0) == ("vr2", True, True)
    assert [(each.host, each.port) for each in hall.forwarders("vr1", "ingress-vr1")] == [
        (hall.world.nodes["vr2"].media_ip, link.via_port)
    ]
    for node, port, encrypted in (("vr2", link.via_port, True), ("ab2", link.port, False)):
        with Wiretap(hall.world.nodes[node].media_ip) as tap:
            await tap.until({port})
        assert (tap.first_byte_bits(port) > NOISE_BITS) == encrypted
    # who adopts it changes nothing
    before = hall.forwarders("vr1", "ingress-vr1")
    await asyncio.to_thread(start_again, hall.world, "voice-ann")
    assert hall.forwarders("vr1", "ingress-vr1") == before
    # the VideoRoom on the way dies
    await asyncio.to_thread(hall.world.nodes["vr2"].restart)
    assert await hall.reconcile() == ["stop_forwarder ingress-vr1", "start_link voice-ann"]
    assert hall.world.link("voice-ann").via_port > 0
    await hears(listener, HZ["ann"], "after the VideoRoom on the way died")
    await hall.settled()
    # the mix dies
    await listener.leave()
    await asyncio.to_thread(hall.world.nodes["ab2"].restart)
    mended = await hall.reconcile()
    assert mended[-2:] == ["create_context mix-ab2", "repoint_link voice-ann"]
    listener = await hall.someone("ab2").talk(f"{SESSION}/mix-ab2", "bob", HZ["bob"])
    await hears(listener, HZ["ann"], "after the mix died")
    await hall.settled()
    # the last link of a room takes the room with it
    await hall.commit(dict.fromkeys(links(voice_ann=link)))
    assert await hall.reconcile() == [f"destroy_context {detour_context('vr2')}"]
    assert hall.forwarders("vr1", "ingress-vr1") == ()
    await hall.settled()


def start_again(world: LinkWorld, name: str) -> None:
    """Start a link that stands, as a new leader does that finds the step in a plan."""
    from broker.core.actions import StartLink

    view = world.vmap.sessions[SESSION]
    link = view.links[name]
    step = StartLink(SESSION, name, link, view.contexts[link.source], view.contexts[link.target])
    assert world.perform([step]) == [f"start_link {name}"]


async def test_bridges_between_hosts(hall: Hall) -> None:
    """Each way by a detour on the other host; a stray of a link that is gone ends; a trunk is refused."""
    await hall.commit(contexts("mix-ab1", "mix-ab2"))
    both = bridge("ab1", "ab2") | bridge("ab2", "ab1")
    await hall.commit(both)
    ann = await hall.someone("ab1").talk(f"{SESSION}/mix-ab1", "ann", HZ["ann"])
    bob = await hall.someone("ab2").talk(f"{SESSION}/mix-ab2", "bob", HZ["bob"])
    await hears(ann, HZ["bob"], "here")
    await hears(bob, HZ["ann"], "there")
    await hall.settled()
    vias = {hall.world.link(f"bridge-{a}-{b}").via for a, b in (("ab1", "ab2"), ("ab2", "ab1"))}
    assert vias == {"vr1", "vr2"}
    hall.world.intend(dict.fromkeys(bridge("ab1", "ab2")))
    gone = await hall.reconcile()
    assert gone[0] == "stop_forwarder mix-ab1"
    assert {"stop_link bridge-ab1-ab2", f"destroy_context {detour_context('vr2')}"} <= set(gone)
    await hall.settled()
    with pytest.raises(NodeRefused, match="a trunk has no SRTP"):
        await hall.commit(trunk("ab1", "ab2"))
