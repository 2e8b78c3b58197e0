"""Mixes linked by the broker's own steps on real AudioBridges: who hears whom, by the spectrum of what arrives."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from rtcdn import keys
from rtcdn.model import Kind
from tests.support.link_world import SESSION, LinkWorld, bridge, contexts, running_links, trunk
from tests.support.raw_media import Person

pytestmark = pytest.mark.real
TONES = {"ab1": 440, "ab2": 1000, "ab3": 1700, "ab4": 2600}
EVEN = 1.6  # the loudest tone is at most so much louder than the faintest


@pytest.fixture(scope="module")
def world() -> Iterator[LinkWorld]:
    with running_links(ab1=Kind.AB, ab2=Kind.AB, ab3=Kind.AB, ab4=Kind.AB) as made:
        yield made


@pytest.fixture
def mixes(world: LinkWorld) -> Iterator[LinkWorld]:
    """A mix on each node; whatever a test linked goes with them."""
    world.commit(contexts(*(f"mix-{name}" for name in TONES)))
    yield world
    view = world.vmap.sessions[SESSION]
    world.commit(dict.fromkeys([*(keys.link(SESSION, name) for name in view.links), *contexts(*view.contexts)]))
    assert {name for each in world.clients.values() for name in each.contexts()} == set()
    assert {s for each in world.clients.values() for s in each.admin.janus_sessions()} == set()


async def talkers(world: LinkWorld, stack: AsyncExitStack, *names: str) -> dict[str, Person]:
    """One person with a tone of his own at each mix."""

    async def come(name: str) -> Person:
        made = await stack.enter_async_context(Person(world.nodes[name], world.clients[name]))
        return await made.talk(f"{SESSION}/mix-{name}", f"p-{name}", TONES[name])

    return dict(zip(names, await asyncio.gather(*map(come, names)), strict=True))


async def hear_each_other(people: dict[str, Person], *, even: bool = True) -> None:
    """Everybody hears exactly the others, each once: as loud as any other."""
    tones = [TONES[name] for name in people]
    for name, person in people.items():
        others = set(tones) - {TONES[name]}

        def right(person: Person = person, others: set[int] = others) -> bool:
            levels = [level for hz, level in person.ear.spectrum(*tones).items() if hz in others]
            alike = not even or max(levels) < EVEN * min(levels)
            return person.ear.hears(*tones) == others and alike

        await person.ear.until(right, f"{name} hears exactly {sorted(others)}")


async def test_three_bridges_heal_after_one_died(mixes: LinkWorld) -> None:
    """Six one-way links: each hears exactly the other two, without echo; a killed bridge comes back with its links."""
    names = ("ab1", "ab2", "ab3")
    wanted = [bridge(a, b) for a, b in itertools.permutations(names, 2)]
    began_s = time.perf_counter()
    steps = mixes.commit({key: link for each in wanted for key, link in each.items()})
    assert len(steps) == 6
    took_s = time.perf_counter() - began_s
    async with AsyncExitStack() as stack:
        people = await talkers(mixes, stack, *names)
        began_s = time.perf_counter()
        await hear_each_other(people)
        print(f"six links {took_s * 1000:.0f} ms; all heard {(time.perf_counter() - began_s) * 1000:.0f} ms after")
        assert await asyncio.to_thread(mixes.reconcile) == []
        await people.pop("ab2").leave()
        await asyncio.to_thread(mixes.nodes["ab2"].restart)
        await hear_each_other(people)
        began_s = time.perf_counter()
        mended = await asyncio.to_thread(mixes.reconcile)
        took_s = time.perf_counter() - began_s
        assert mended[:3] == ["stop_forwarder mix-ab1", "stop_forwarder mix-ab3", "create_context mix-ab2"]
        assert {step for step in mended[3:] if step.startswith(("start", "repoint"))} == {
            f"{'start' if 'ab2-' in link else 'repoint'}_link {link}"
            for link in ("bridge-ab1-ab2", "bridge-ab3-ab2", "bridge-ab2-ab1", "bridge-ab2-ab3")
        }
        people |= await talkers(mixes, stack, "ab2")
        await hear_each_other(people)
        print(f"mended in {took_s * 1000:.0f} ms: {len(mended)} steps")
        assert await asyncio.to_thread(mixes.reconcile) == []
        forwarders = {name: len(mixes.clients[name].forwarders(f"{SESSION}/mix-{name}")) for name in names}
        assert forwarders == dict.fromkeys(names, 2)


async def test_two_hubs_pass_their_leaves_on(mixes: LinkWorld) -> None:
    """Hubs linked by bridges, a leaf at each by a trunk: everybody hears everybody once, three links away too."""
    wanted = bridge("ab1", "ab2") | bridge("ab2", "ab1") | trunk("ab1", "ab3") | trunk("ab2", "ab4")
    mixes.commit(wanted)
    async with AsyncExitStack() as stack:
        people = await talkers(mixes, stack, *TONES)
        await hear_each_other(people)
        assert await asyncio.to_thread(mixes.reconcile) == []
        await people.pop("ab3").leave()
        await asyncio.to_thread(mixes.nodes["ab3"].restart)
        mended = await asyncio.to_thread(mixes.reconcile)
        assert mended == ["create_context mix-ab3", "repoint_link trunk-ab1-ab3"]
        people |= await talkers(mixes, stack, "ab3")
        await hear_each_other(people)
        assert await asyncio.to_thread(mixes.reconcile) == []


async def test_a_trunk_whose_hub_was_made_again_is_healed(mixes: LinkWorld) -> None:
    """The leaf's end stays and is told where the hub's listens now; strays of links that are gone end."""
    mixes.commit(trunk("ab1", "ab2") | bridge("ab1", "ab3"))
    before = mixes.link("trunk-ab1-ab2")
    assert mixes.link("bridge-ab1-ab3").port
    async with AsyncExitStack() as stack:
        await asyncio.to_thread(mixes.nodes["ab1"].restart)
        mended = await asyncio.to_thread(mixes.reconcile)
        assert mended == ["create_context mix-ab1", "start_link bridge-ab1-ab3", "start_link trunk-ab1-ab2"]
        after = mixes.link("trunk-ab1-ab2")
        assert (after.janus_session, after.handle) == (before.janus_session, before.handle)
        assert after.far_session != before.far_session
        people = await talkers(mixes, stack, "ab1", "ab2")
        await hear_each_other(people)
    mixes.intend(dict.fromkeys(trunk("ab1", "ab2") | bridge("ab1", "ab3")))
    stopped = await asyncio.to_thread(mixes.reconcile)
    assert sorted(stopped) == [
        "stop_forwarder mix-ab1",
        "stop_link bridge-ab1-ab3",
        "stop_link trunk-ab1-ab2",
        "stop_link trunk-ab1-ab2",
    ]
    assert await asyncio.to_thread(mixes.reconcile) == []
