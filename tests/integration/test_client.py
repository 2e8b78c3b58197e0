"""The Python client against a whole CDN: on stage, promoted, muted, removed, resumed, and what others see and hear."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.client.identity import RESUME_S
from rtcdn.client import Refused, Session, connect
from rtcdn.client.received import strength
from tests.support.cdn import REGION, Cdn
from tests.support.engine import wait_for
from tests.support.front import Front

pytestmark = pytest.mark.real
ANN_HZ, BOB_HZ = 500, 1500
LOUD = 600.0
GAP_MS = 5000  # on a busy machine; the faults that are looked for cost half a minute
Join = Callable[..., Any]


@pytest.fixture
async def join(cdn: Cdn, http: httpx.Client, request: pytest.FixtureRequest) -> AsyncIterator[Join]:
    """Admit somebody into the test's own session and let him join; all leave at the end."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name)[:60].strip("-")
    session = f"{cdn.leader().url}/v1/sessions/{name}"
    wait_for(lambda: http.put(session, json={"audience": {REGION: 10}}).status_code in (200, 201), "the session opens")
    async with AsyncExitStack() as stack:

        async def enter(
            who: str, role: str, rights: list[str], gateway: int = 0, url: str = "", **options: Any
        ) -> Session:
            body = {"role": role, "rights": rights, "name": who}
            answer = await asyncio.to_thread(http.put, f"{session}/participants/{who}", json=body)
            token = answer.raise_for_status().json()["token"]
            entry = url or cdn.gateways[gateway].url
            return await stack.enter_async_context(connect(entry, token, name=who, **options))

        yield enter
    await asyncio.to_thread(http.delete, session)


async def on_stage(join: Join, **options: Any) -> Session:
    """Ann, who shows a clock and sings."""
    options = {"videos": 1, "video": True, "audio": ANN_HZ, **options}
    ann: Session = await join("ann", "speaker", ["view", "speak", "publish"], **options)
    await ann.publish()
    await ann.until(lambda known: known.live)
    return ann


def own_voice(session: Session, hz: float) -> list[float]:
    """Times at which somebody heard a tone; filled as they come."""
    heard: list[float] = []
    session.on("sound", lambda told: heard.append(told[2]) if strength(told[1], hz) > LOUD else None)
    return heard


async def test_a_speaker_is_seen_and_heard_by_viewers_of_both_gateways(join: Join, tmp_path: Path) -> None:
    """Stage, roster and talking are told; his picture and tone come; he does not hear himself."""
    ann = await on_stage(join)
    himself = own_voice(ann, ANN_HZ)
    vic, wim = [await join(who, "viewer", ["view"], gateway) for gateway, who in enumerate(("vic", "wim"))]
    vic.record(tmp_path)
    for viewer in (vic, wim):
        await viewer.media.received.sees("v1", 10)
        await viewer.media.received.hears(ANN_HZ)
        await viewer.until(lambda known: known.stage.slot_of("ann") == "v1")
        await viewer.until(lambda known: known.roster.total == 3 and known.roster.speakers)
        await viewer.until(lambda known: "ann" in known.talking)
    assert himself == []
    assert await vic.send("hello", topic="chat") == 1
    assert (await wim.participants())["total"] == 3
    await ann.mute()
    await vic.media.received.hears(0)
    await ann.mute(False)
    await vic.media.received.hears(ANN_HZ)


async def test_promoted_and_demoted_without_a_gap_for_viewers(join: Join) -> None:
    """A candidate is heard and seen after a moderator's word; pictures of others never stop meanwhile."""
    await on_stage(join)
    vic = await join("vic", "viewer", ["view"])
    mod = await join("mod", "moderator", ["view"], videos=0)
    bob = await join("bob", "viewer", ["view", "speak"], videos=1, video=True, audio=BOB_HZ)
    await vic.media.received.sees("v1", 10)
    vic.media.slot("v1").begin_anew()
    heard, himself = own_voice(vic, BOB_HZ), own_voice(bob, BOB_HZ)
    await bob.raise_hand()
    await mod.until(lambda known: [hand.participant for hand in known.hands.queue] == ["bob"])
    for _ in range(2):
        await mod.promote("bob")
        await bob.until(lambda known: known.live and known.role == "speaker")
        await vic.media.received.sees("v2", 5)
        await vic.until(lambda _: heard and heard[-1] > time.monotonic() - 1)
        await bob.media.received.hears(ANN_HZ)
        await mod.demote("bob")
        await bob.until(lambda known: not known.live and known.role == "viewer")
        await vic.until(lambda known: known.stage.slot_of("bob") == "")
        await bob.media.received.hears(ANN_HZ)
    assert himself == []
    print(f"longest gap of ann's pictures: {vic.media.slot('v1').longest_gap_ms:.0f} ms")
    assert vic.media.slot("v1").longest_gap_ms < 1500


async def test_frames_go_on_while_the_socket_is_cut(join: Join) -> None:
    """A viewer resumes and misses no message; nothing is joined twice."""
    ann = await on_stage(join)
    vic = await join("vic", "viewer", ["view"])
    await vic.media.received.sees("v1", 10)
    said: list[int] = []
    vic.on("data", lambda told: said.append(told["n"]))
    vic.cut()
    await vic.until(lambda known: known.state == "reconnecting")
    numbers = [await ann.send(str(number)) for number in range(3)]
    await vic.until(lambda known: known.state == "live" and known.known.last == numbers[-1])
    assert said == numbers
    await vic.media.received.sees("v1", 10)
    assert (await vic.participants())["total"] == 2


@pytest.mark.parametrize("purpose", ["receive", "send"])
async def test_a_connection_that_dies_unheard_is_replaced(join: Join, purpose: str) -> None:
    """His own ICE gives up and the node hears nothing, which it would wait out for half a minute: he asks himself."""
    ann = await on_stage(join)
    vic = await join("vic", "viewer", ["view"])
    await vic.media.received.sees("v1", 10)
    vic.media.slot("v1").begin_anew()
    whose = vic if purpose == "receive" else ann
    dies = next(each for each in whose.media._connections.values() if each.purpose == purpose)
    await dies.peer.getTransceivers()[0].sender.transport.transport._connection.close()
    await vic.until(lambda _: dies.id not in whose.media._connections, 20)
    await vic.media.received.sees("v1", 10, 20)
    print(f"the picture stood still for {vic.media.slot('v1').longest_gap_ms:.0f} ms")
    assert vic.media.slot("v1").longest_gap_ms < GAP_MS


async def test_a_gateway_that_is_back_at_once_takes_nobody_from_another(join: Join, cdn: Cdn) -> None:
    """It is told to adopt whom it held, while they resume elsewhere: one keeps each, and nothing ends."""
    here, there = cdn.gateways
    async with Front(there.url, here.url) as front:
        ann = await on_stage(join, url=front.url)
        vic = await join("vic", "viewer", ["view"], url=front.url)
        await vic.media.received.sees("v1", 10)
        vic.media.slot("v1").begin_anew()
        front.urls.reverse()
        front.open.clear()
        await asyncio.to_thread(there.kill)
        there.start()

        def adopted() -> bool:  # by the other one, where this machine is so busy that it is back too late
            return any("order=adopt" in each.log() for each in cdn.gateways)

        await asyncio.to_thread(wait_for, adopted, "one of them is told to adopt", 30)
        front.open.set()
        for each in (ann, vic):
            await each.until(lambda known: known.state == "live", 20)
        await asyncio.sleep(RESUME_S + 5)  # for so long the other keeps whom it adopted, and ends him then
        await vic.media.received.sees("v1", 10, 20)
        print(f"longest gap of ann's pictures: {vic.media.slot('v1').longest_gap_ms:.0f} ms")
        assert vic.media.slot("v1").longest_gap_ms < GAP_MS
    await asyncio.to_thread(there.wait_ready)


async def test_a_viewer_may_not_act_as_moderator(join: Join) -> None:
    """Each act is refused with its reason; a moderator's acts work, and who is removed stays out."""
    ann = await on_stage(join)
    eve = await join("eve", "viewer", ["view"], videos=0)
    mod = await join("mod", "moderator", ["view"], videos=0)
    for act in (eve.promote("eve"), eve.demote("ann"), eve.remove("ann"), eve.mute(True, "ann")):
        with pytest.raises(Refused) as caught:
            await act
        assert caught.value.status == 403
    await mod.mute(True, "ann")
    await ann.until(lambda known: known.known.muted)
    await mod.remove("eve", "noise")
    await eve.until(lambda known: known.state == "closed")
    assert eve.known.closed == "removed"
