"""Taps on real parts: an echo module answers voices a second later, and outlives what may happen to either end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp
import httpx
import pytest

from ops.media import whip
from rtcdn.client.picture import Picture
from rtcdn.client.tracks import ClockTrack
from rtcdn.janus.plugins import audiobridge
from tests.support.cdn import Cdn, running_cdn
from tests.support.clients import Viewer
from tests.support.engine import wait_for
from tests.support.gateway import until
from tests.support.module import BurstTrack, Listener, ModuleProcess, running_module
from tests.support.truth import contexts_wanted, differences

pytestmark = pytest.mark.real
SESSION = "tapped"
ECHO_S = 1.0
WAY_S = 1.0  # at most, from the mix to the module and back: two jitter buffers and the host's other work


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdn]:
    """One broker, one gateway, four nodes."""
    with running_cdn(tmp_path_factory.mktemp("taps"), brokers=1, gateways=1) as running:
        yield running


@pytest.fixture(scope="module")
def echo(cdn: Cdn) -> Iterator[ModuleProcess]:
    """A module; the broker is started anew, so that it has the module's secrets."""
    with running_module(cdn, "ai1") as module:
        (broker,) = cdn.brokers
        broker.stop()
        broker.start()
        broker.wait_ready()
        cdn.leader()
        module.start()
        module.wait_registered()
        yield module


@pytest.fixture
def session(cdn: Cdn, echo: ModuleProcess, http: httpx.Client) -> Iterator[str]:
    """A running session; closed and checked to leave nothing, on the module neither."""
    url = f"{cdn.leader().url}/v1/sessions/{SESSION}"
    answer = http.put(url, json={"audience": {"here": 10}})
    assert answer.status_code == 201, answer.text
    yield url
    wait_for(lambda: http.delete(url).status_code in (204, 404), "the session is closed", 30)
    wait_for(lambda: not differences(cdn, SESSION), "nothing is left on the nodes", 20, every_s=0.3)
    wait_for(lambda: (echo.ask("/taps") or {}).get("taps") == [], "nothing is left on the module", 30)
    assert not [key for key in cdn.store.read().values if f":{SESSION}" in key]


class Room:
    """Who speaks and who listens."""

    def __init__(self, cdn: Cdn, api: httpx.Client, session: str, http: aiohttp.ClientSession) -> None:
        self._cdn, self._api, self._session, self._http = cdn, api, session, http
        self._gateway = cdn.gateways[0].url
        self.stack = contextlib.AsyncExitStack()

    async def token(self, participant: str, role: str) -> str:
        """Admit."""
        body = {"role": role}
        url = f"{self._session}/participants/{participant}"
        answer = await asyncio.to_thread(lambda: self._api.put(url, json=body))
        return str(answer.json()["token"])

    async def speaker(self, participant: str, tone_hz: int) -> BurstTrack:
        """One who is silent until he bursts, to the end of the test."""
        return await self.stack.enter_async_context(self.speaker_for_now(participant, tone_hz))

    @contextlib.asynccontextmanager
    async def speaker_for_now(self, participant: str, tone_hz: int) -> AsyncIterator[BurstTrack]:
        """One who leaves at the end of the block."""
        connection, track = whip.new_connection(), BurstTrack(tone_hz)
        connection.addTransceiver(track, direction="sendonly")
        connection.addTransceiver(ClockTrack(Picture(participant)), direction="sendonly")
        token = await self.token(participant, "speaker")
        resource = await whip.offer(self._http, f"{self._gateway}/whip/{SESSION}", token, connection)
        await resource.connected()
        await until(lambda: self._in_the_mix(participant), f"{participant} is in the mix", 30)
        yield track
        await resource.delete()

    def _in_the_mix(self, participant: str) -> bool:
        """His links are decided, and the plan that makes them has ended."""
        found = self._cdn.keys(f"LK:{SESSION}:voice-{participant}")
        return bool(found) and not self._cdn.store.read(f"PL:{SESSION}").values

    async def listener(self) -> Listener:
        """One who watches and hears."""
        viewer = await Viewer.join(self._http, f"{self._gateway}/whep/{SESSION}", await self.token("vic", "viewer"))
        self.stack.push_async_callback(viewer.leave)
        return Listener(viewer)

    async def tap(self, tap: str, **body: object) -> httpx.Response:
        """Ask for a tap."""
        return await asyncio.to_thread(lambda: self._api.put(f"{self._session}/taps/{tap}", json=body))

    async def get(self, path: str) -> dict[str, object]:
        """What the broker tells."""
        answer = await asyncio.to_thread(self._api.get, f"{self._session}{path}")
        found: dict[str, object] = answer.json()
        return found

    async def state(self, tap: str, wanted: str) -> bool:
        """Whether the broker tells this state of a tap."""
        return (await self.get(f"/taps/{tap}"))["state"] == wanted


@pytest.fixture
async def room(cdn: Cdn, http: httpx.Client, session: str) -> AsyncIterator[Room]:
    """People of the session."""
    async with aiohttp.ClientSession() as client:
        made = Room(cdn, http, session, client)
        async with made.stack:
            yield made


async def said_and_heard(track: BurstTrack, ears: Listener, tone_hz: int, times: int) -> None:
    """Burst until so many bursts are heard of one; a busy host may tear or lose one, so it is said three times."""
    for attempt in range(3):
        ears.clear()
        await until(lambda: ears.heard_s > 0.5, "the mix flows", 30)
        track.burst(0.3)
        try:
            await until(lambda: len(ears.bursts(tone_hz)) >= times, f"{tone_hz} Hz is heard {times} times", 15)
        except AssertionError as error:
            if attempt == 2:
                heard = f"bursts at {ears.bursts(tone_hz)} of {ears.heard_s:.1f} s"
                raise AssertionError(f"{error}: {heard}") from None
        else:
            return


async def speaking(echo: ModuleProcess, tap: str = "echo") -> None:
    """Wait until the module hears and speaks, silence as it may be."""
    seen = (echo.ask(f"/taps/{SESSION}/{tap}") or {}).get("packets_said", 0)
    await until(lambda: echo.ask(f"/taps/{SESSION}/{tap}")["packets_said"] > seen + 20, "the module speaks", 30)


async def heard_twice(track: BurstTrack, ears: Listener, tone_hz: int) -> float:
    """A burst and its echo, and nothing after; the seconds between."""
    await said_and_heard(track, ears, tone_hz, 2)
    since_s = ears.heard_s
    await until(lambda: ears.heard_s > since_s + 2.5, "time for a third one passes", 30)
    found = ears.bursts(tone_hz)
    assert len(found) == 2, f"bursts at {found} s: an echo of the echo"
    return found[1] - found[0]


async def heard_once(track: BurstTrack, ears: Listener, tone_hz: int) -> None:
    """A burst without an echo."""
    await said_and_heard(track, ears, tone_hz, 1)
    since_s = ears.heard_s
    await until(lambda: ears.heard_s > since_s + 2.5, "time for an echo passes", 30)
    assert len(ears.bursts(tone_hz)) == 1


def links_of(cdn: Cdn) -> list[str]:
    """RTP participants of links in the mix."""
    name, mix = next((n, i) for n, i in contexts_wanted(cdn, SESSION).items() if i.duty == "mix")
    client = cdn.client(mix.node)
    answer = client.admin.plugin(client.kind, audiobridge.list_participants(f"{SESSION}/{name}"))
    return sorted(each.id for each in audiobridge.read_participants(answer) if each.is_link)


async def test_an_echo_answers_a_speaker_after_a_second_and_again_after_it_was_killed(
    cdn: Cdn, echo: ModuleProcess, room: Room, http: httpx.Client, session: str
) -> None:
    """The tone comes back once, not for ever; a module that was killed is told again; the end of a tap is silence."""
    ann, ears = await room.speaker("ann", 440), await room.listener()
    answer = await room.tap("echo", source="mix", speaks=True)
    assert (answer.status_code, answer.json()["module"], answer.json()["talks_as"]) == (201, "ai1", "tap-echo")
    await speaking(echo)
    delay_s = await heard_twice(ann, ears, 440)
    print(f"echo of the mix after {delay_s:.2f} s")
    assert ECHO_S - 0.04 <= delay_s < ECHO_S + WAY_S
    assert (await room.get("/taps/echo"))["state"] == "flows"
    again = await room.tap("echo", source="mix", speaks=True)
    assert again.status_code == 200

    echo.kill()
    echo.start()
    began_s = time.monotonic()
    await until(lambda: (echo.ask("/taps") or {}).get("taps"), "the module is told again", 40)
    await until(lambda: echo.ask(f"/taps/{SESSION}/echo")["send"], "and where to send", 30)
    await speaking(echo)
    print(f"heard again {time.monotonic() - began_s:.1f} s after the start")
    print(f"echo after a restart after {await heard_twice(ann, ears, 440):.2f} s")

    ended = await asyncio.to_thread(http.delete, f"{session}/taps/echo")
    assert ended.status_code == 204
    assert links_of(cdn) == ["link~voice-ann"]
    await heard_once(ann, ears, 440)


async def test_one_speaker_is_tapped_and_answered_and_no_other(cdn: Cdn, echo: ModuleProcess, room: Room) -> None:
    """Two speakers: the echo says what ann says. While she is away the tap waits."""
    bob, ears = await room.speaker("bob", 1000), await room.listener()
    async with room.speaker_for_now("ann", 440) as ann:
        assert (await room.tap("echo", source="ann", speaks=True)).status_code == 201
        assert links_of(cdn) == ["link~answer-echo", "link~voice-ann", "link~voice-bob"]
        await speaking(echo)
        print(f"echo of one speaker after {await heard_twice(ann, ears, 440):.2f} s")
        await heard_once(bob, ears, 1000)
    await until(lambda: room.state("echo", "waits"), "the tap waits for ann", 30)
    async with room.speaker_for_now("ann", 440) as ann:
        await until(lambda: room.state("echo", "flows"), "the tap flows again", 30)
        await speaking(echo)
        print(f"echo of one speaker who came back after {await heard_twice(ann, ears, 440):.2f} s")
    refused = await room.tap("more", source="vic")
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "not-tappable")


async def test_a_module_that_only_listens_gets_the_mix(cdn: Cdn, echo: ModuleProcess, room: Room) -> None:
    """A transcriber: packets come, none go; switched to one speaker it keeps its port."""
    ann, ears = await room.speaker("ann", 440), await room.listener()
    assert (await room.tap("text", source="mix")).status_code == 201
    await until(lambda: echo.ask(f"/taps/{SESSION}/text")["packets_heard"] > 50, "the module hears", 30)
    await heard_once(ann, ears, 440)
    before = echo.ask(f"/taps/{SESSION}/text")
    assert (await room.tap("text", source="ann")).status_code == 200
    seen = echo.ask(f"/taps/{SESSION}/text")["packets_heard"]
    await until(lambda: echo.ask(f"/taps/{SESSION}/text")["packets_heard"] > seen + 50, "it hears ann", 30)
    after = echo.ask(f"/taps/{SESSION}/text")
    assert (after["port"], after["source"], after["packets_said"]) == (before["port"], "ann", 0)
    assert links_of(cdn) == ["link~voice-ann"]
