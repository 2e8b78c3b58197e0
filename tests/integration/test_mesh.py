"""Three gateways in one process over real sockets: one home per session, wherever it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.client.events import Data
from gateway.protocol import Problem
from tests.support.gateways import Places, person, places, until

NAMES = ("a", "b", "c")


@pytest.fixture
async def three() -> AsyncIterator[Places]:
    async with places() as found:
        await found.start(*NAMES)
        yield found


async def everybody_in(three: Places, session: str) -> None:
    """One participant at each gateway, and all know it."""
    for name, place in three.all.items():
        place.mesh.put(session, person(f"p-{name}"))
    for place in three.all.values():
        await until(lambda place=place: place.heard.total == len(three.all), "all are in the roster")  # type: ignore[misc]
        assert await place.mesh.ready(session)


def says(sender: str, text: str) -> Data:
    return Data(n=0, sender=sender, data=text)


async def flood(three: Places, session: str, name: str, count: int) -> list[int]:
    """Say so many things at one gateway, one after the other; the numbers they got."""
    return [await three[name].mesh.say(session, says(f"p-{name}", f"{name}{at}")) for at in range(count)]


async def test_data_have_one_order_everywhere(three: Places) -> None:
    """Said at three gateways at once: the same order at each, numbers without a gap."""
    session = three.session_of("a")
    await everybody_in(three, session)
    told = await asyncio.gather(*(flood(three, session, name, 50) for name in NAMES))
    assert sorted(n for numbers in told for n in numbers) == list(range(1, 151))
    for place in three.all.values():
        await until(lambda place=place: len(place.heard.datas) == 150, "all was heard")  # type: ignore[misc]
        assert place.heard.numbers == list(range(1, 151))
        assert place.heard.texts == three["a"].heard.texts
        assert [each.data for each in place.mesh.since(session, 100)] == place.heard.texts[100:]


async def test_who_is_here_is_known_everywhere(three: Places) -> None:
    """Roster, presence, hands in their order, talking, pages with search; until they go."""
    session = three.session_of("b")
    await everybody_in(three, session)
    three["a"].mesh.put(session, person("p-a", hand=True, role="speaker"))
    await until(lambda: [each.participant for each in three["c"].heard.queue] == ["p-a"], "the hand is up")
    three["c"].mesh.put(session, person("p-c", hand=True))
    await until(lambda: [each.participant for each in three["a"].heard.queue] == ["p-a", "p-c"], "both hands are up")
    three["c"].mesh.talk(session, "p-c", True)
    await until(lambda: three["a"].heard.talkers == ["p-c"], "he talks")
    page = await three["c"].mesh.page(session, limit=2)
    assert ([each.participant for each in page.participants], page.total, page.next) == (["p-a", "p-b"], 3, "p-b")
    page = await three["c"].mesh.page(session, after="p-b")
    assert ([each.participant for each in page.participants], page.next) == (["p-c"], "")
    found = await three["a"].mesh.page(session, search="P-B")
    assert [each.participant for each in found.participants] == ["p-b"]
    three["c"].mesh.drop(session, "p-c")
    await until(lambda: three["a"].heard.total == 2, "he is gone")
    await until(lambda: any("p-c" in told.left for told, _ in three["a"].heard.presences), "he was seen leaving")
    assert three["a"].heard.talkers == []
    roster = three["a"].mesh.state(session).roster
    assert (roster.viewers, roster.hands, [each.participant for each in roster.speakers]) == (1, 1, ["p-a"])


async def test_somebody_is_told_wherever_he_is(three: Places) -> None:
    """By his home; one who is not here is not told. A participant is released by the gateway that holds him."""
    session = three.session_of("a")
    await everybody_in(three, session)
    for name in NAMES:
        assert await three["b"].mesh.tell(session, f"p-{name}", {"mute": True, "by": "p-b"})
        await until(lambda name=name: len(three[name].heard.tells) == 1, "he was told")  # type: ignore[misc]
        assert three[name].heard.tells == [(f"p-{name}", {"mute": True, "by": "p-b"})]
    assert not await three["b"].mesh.tell(session, "nobody", {"mute": True})
    assert await three["b"].mesh.release("c", session, "p-c")
    assert await three["b"].mesh.release("b", session, "p-b")
    assert (three["c"].heard.letting_go, three["b"].heard.letting_go) == (["p-c"], ["p-b"])
    assert not await three["b"].mesh.release("gone", session, "p-c")


@pytest.mark.parametrize("homes", [("a", "b"), ("a", "d")], ids=["a member is next", "no member is next"])
async def test_a_home_that_dies_loses_no_number(homes: tuple[str, str]) -> None:
    """Killed in the middle of a flood: what anybody heard keeps its number, nothing comes twice, nobody is lost."""
    async with places() as four:
        await four.start(*NAMES, "d")
        session = four.session_of(*homes)
        for name in NAMES:
            four[name].mesh.put(session, person(f"p-{name}", hand=name == "c"))
        b, c = four["b"], four["c"]
        await until(lambda: b.heard.total == c.heard.total == 3, "all are in the roster")
        floods = [asyncio.create_task(flood(four, session, name, 300)) for name in ("b", "c")]
        await until(lambda: len(b.heard.datas) > 60, "the flood runs")
        await four.kill("a")
        told = [n for each in floods for n in await each]
        assert sorted(told) == list(range(1, 601))
        await until(lambda: len(b.heard.datas) == len(c.heard.datas) == 600, "all was heard")
        assert b.heard.numbers == c.heard.numbers == list(range(1, 601))
        assert b.heard.texts == c.heard.texts
        assert len(set(b.heard.texts)) == 600
        await until(lambda: b.heard.total == c.heard.total == 2, "who was there is gone after the grace")
        await until(lambda: any("p-a" in told.left for told, _ in b.heard.presences), "and was seen leaving")
        assert [each.participant for each in b.heard.queue] == ["p-c"]
        joined = [each.participant for told, _ in b.heard.presences for each in told.joined]
        assert len(joined) == len(set(joined))


async def test_a_new_gateway_takes_its_homes_over(three: Places) -> None:
    """While everybody speaks: the old home hands over what it has, the order stays one."""
    session = three.session_of("d", "a")
    await everybody_in(three, session)
    floods = [asyncio.create_task(flood(three, session, name, 200)) for name in NAMES]
    await until(lambda: len(three["b"].heard.datas) > 50, "the flood runs")
    await three.start("d")
    told = [n for each in floods for n in await each]
    assert sorted(told) == list(range(1, 601))
    for name in NAMES:
        heard = three[name].heard
        await until(lambda heard=heard: len(heard.datas) == 600, "all was heard")  # type: ignore[misc]
        assert heard.numbers == list(range(1, 601))
        assert heard.texts == three["a"].heard.texts
        await until(lambda heard=heard: heard.rosters[-1].total == 3, "all are here")  # type: ignore[misc]
        totals = [each.total for each in heard.rosters]
        assert totals == sorted(totals)  # nobody was away for a moment
    three["d"].mesh.put(session, person("p-d"))
    assert await three["d"].mesh.ready(session)
    assert three["d"].heard.datas == []  # what was said before he came is for those who resume
    assert [each.n for each in three["d"].mesh.since(session, 590)] == list(range(591, 601))


async def test_a_member_that_dies_takes_its_people_with_it(three: Places) -> None:
    """After a grace, unless another gateway has them by then."""
    session = three.session_of("a")
    await everybody_in(three, session)
    three["c"].mesh.put(session, person("q-c"))
    await until(lambda: three["a"].heard.total == 4, "four are here")
    await three.kill("c")
    three["b"].mesh.put(session, person("q-c"))
    await until(lambda: three["a"].heard.total == 3, "one of them is gone")
    page = await three["a"].mesh.page(session)
    assert [each.participant for each in page.participants] == ["p-a", "p-b", "q-c"]
    assert not any("q-c" in told.left for told, _ in three["b"].heard.presences)


async def test_nothing_waits_for_ever(three: Places) -> None:
    """A home that is dead and still in the store: every question ends, and says why."""
    session = three.session_of("a", "b")
    await everybody_in(three, session)
    dead = three.all.pop("a")
    await dead.kill()
    failing = three["c"].mesh.say(session, says("p-c", "lost?"))
    told, found = await asyncio.gather(
        three["c"].mesh.tell(session, "p-b", {"mute": True}), three["c"].mesh.page(session), return_exceptions=True
    )
    assert told is False
    assert isinstance(found, Problem)
    with pytest.raises(Problem, match="home-away"):
        await failing
    dead.vanish()
    await three["c"].sees("b", "c")
    assert await three["c"].mesh.say(session, says("p-c", "again")) == 1
    await until(lambda: three["b"].heard.texts == ["again"], "it goes on")


async def test_strangers_at_the_door_are_sent_away(three: Places) -> None:
    """What is no message of a gateway changes nothing."""
    session = three.session_of("a")
    await everybody_in(three, session)
    address = three["b"].registry.gateways["a"].address
    http = three["b"].mesh._links._http
    async with http.ws_connect(f"http://{address}/peer") as socket:
        await socket.send_str("hello")
        message = await socket.receive(timeout=5)
        assert socket.close_code == 4000, message
    async with http.ws_connect(f"http://{address}/peer") as socket:
        await socket.send_json({"type": "hello", "gateway": "z"})
        for text in ("[", "[]", "{}", '{"type":"say","session":5}', '{"type":"members","session":"demo","put":7}'):
            await socket.send_str(text)
        for kind in ("members", "talk", "say", "log", "leave", "page", "tell", "nothing"):
            await socket.send_json({"type": kind, "session": session, "k": 1, "data": 5, "put": [5, {}], "drop": [[]]})
        await socket.send_json({"type": "page", "session": session, "k": "last"})
        while (await socket.receive_json(timeout=5)).get("k") != "last":
            pass
    assert await three["b"].mesh.say(session, says("p-b", "still here")) == 1
