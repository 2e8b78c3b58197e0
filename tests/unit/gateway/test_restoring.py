"""A participant is taken over once, whoever asks for it at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from gateway.client.events import Data
from gateway.client.identity import hash_of
from gateway.client.layers import Layers
from gateway.client.membership import State
from gateway.host import Host
from gateway.limits import Buckets, Gate
from gateway.members import Members
from gateway.protocol import Problem
from rtcdn.model import Codec, Kind, Leg, ParticipantIntent, Role
from tests.unit.gateway.talk import SLOTS

KEY = "k" * 32 + "." + Codec.VP8.value


class Site:
    """A gateway's members over nodes and a broker that answer when ``go`` is set."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.lives: list[Any] = []
        leg = Leg("view", Kind.ST, node="st1", context="demo/stage-st1", slots=SLOTS, generation=1, janus_session=7)
        self.intent = ParticipantIntent(role=Role.VIEWER, legs=(leg,), generation=1, resume=hash_of(KEY))
        broker, nodes, mesh, house = (MagicMock() for _ in range(4))
        broker.holder = AsyncMock(return_value=self.intent)
        broker.leave, broker.media_up = AsyncMock(), AsyncMock()
        nodes.claim = self.claim
        house.layers, house.region = Layers, "eu"
        self.leave, self.media_up = broker.leave, broker.media_up
        mesh.there = lambda gateway: gateway in ("1", "2")
        gate = Gate(Buckets(100, 100), asyncio.Semaphore(1), 100)
        self.members = Members("1", broker, nodes, mesh, house=house, gate=gate)

    async def claim(self, _: Leg) -> Any:
        """A leg that says nothing."""
        await self.go.wait()
        live = MagicMock()
        live.handle.events.get = asyncio.Event().wait
        live.end = AsyncMock()
        self.lives.append(live)
        return live

    def restore(self) -> asyncio.Task[Any]:
        """A client resumes."""
        return asyncio.create_task(self.members.restore("demo", "bob", KEY, "a"))


async def test_two_resumes_and_an_adoption_at_once() -> None:
    """They find the same participant, of whom nothing was ended."""
    site = Site()
    tasks = [site.restore(), site.restore(), asyncio.create_task(site.members.adopt("demo", "bob", site.intent))]
    await asyncio.sleep(0)
    site.go.set()
    one, two, _ = await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert one is two
    assert not one.over
    assert len(site.lives) == 1
    site.leave.assert_not_called()
    await site.members.close(0)


async def test_who_is_let_go_while_he_is_adopted_is_not_held_twice() -> None:
    """A gateway that is back adopts him, and he resumes at another: its word waits for the claims, and ends nothing."""
    site = Site()
    site.media_up.side_effect = Problem(503, "broker-away", "it is told again")
    adopting = asyncio.create_task(site.members.adopt("demo", "bob", site.intent))
    await asyncio.sleep(0)
    letting_go = asyncio.create_task(site.members.let_go("demo", "bob"))
    await asyncio.sleep(0)
    assert not letting_go.done()
    site.go.set()
    assert await asyncio.wait_for(letting_go, 5)
    await adopting
    assert site.members.find("demo", "bob") is None
    site.lives[0].end.assert_not_called()
    await site.members.close(5)
    site.leave.assert_not_called()
    assert site.media_up.await_count == 1  # not again: he is not held here any more


@pytest.mark.parametrize(("holder", "held"), [("2", False), ("1", True), ("gone", True), ("", True)])
async def test_who_has_resumed_elsewhere_is_not_adopted(holder: str, held: bool) -> None:
    """An order to adopt that comes late takes nothing from a gateway that has him now."""
    site = Site()
    site.go.set()
    legs = tuple(replace(leg, gateway=holder) for leg in site.intent.legs)
    await site.members.adopt("demo", "bob", replace(site.intent, legs=legs))
    assert (site.members.find("demo", "bob") is not None) == held
    assert len(site.lives) == held
    await site.members.close(0)
    site.leave.assert_not_called()


async def test_who_joined_while_he_was_taken_over_stays() -> None:
    """What was claimed is ended in Janus, and not told: his join had replaced it."""
    site = Site()
    resumed = site.restore()
    await asyncio.sleep(0)
    member = MagicMock()
    member.who.session, member.who.participant = "demo", "bob"
    joined = Host(site.members, member, "a")
    site.members.register(joined)
    site.go.set()
    with pytest.raises(Problem) as caught:
        await asyncio.wait_for(resumed, 5)
    assert caught.value.status == 410
    assert site.members.find("demo", "bob") is joined
    member.end.assert_not_called()
    await asyncio.sleep(0)
    site.lives[0].end.assert_awaited_once()
    site.leave.assert_not_called()
    await site.members.close(0)


async def test_what_is_said_while_he_catches_up_comes_in_order_and_once() -> None:
    """A message that comes while his gateway learns what he missed waits for those before it."""
    site, ready = Site(), asyncio.Event()
    said = [Data(n=n, sender="ann", data=str(n)) for n in (1, 2)]
    site.members.mesh.ready = lambda _: ready.wait()  # type: ignore[method-assign, assignment]
    site.members.mesh.since = MagicMock(return_value=said)  # type: ignore[method-assign]
    site.members.mesh.state = MagicMock(return_value=State())  # type: ignore[method-assign]
    member = MagicMock()
    member.who.session, member.who.participant = "demo", "bob"
    host = Host(site.members, member, "a")
    site.members.register(host)
    site.members.catch_up(host, 0)
    site.members.data("demo", said[1])
    await asyncio.sleep(0)
    assert [call.args[0].n for call in member.say.call_args_list if isinstance(call.args[0], Data)] == []
    ready.set()
    await asyncio.sleep(0.01)
    site.members.data("demo", Data(n=3, sender="ann"))
    assert [call.args[0].n for call in member.say.call_args_list if isinstance(call.args[0], Data)] == [1, 2, 3]
