"""The client API on a whole CDN: real brokers, gateways, collectors and nodes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import aiohttp
import httpx
import pytest

from tests.support.cdn import Cdn
from tests.support.engine import wait_for
from tests.support.gateway import until
from tests.support.socket_client import SocketClient
from tests.support.truth import differences

pytestmark = pytest.mark.real
SESSION = "talk"


@pytest.fixture
def opened(cdn: Cdn, http: httpx.Client) -> Iterator[str]:
    """A running session; closed and checked to leave nothing."""
    url = f"{cdn.leader().url}/v1/sessions/{SESSION}"
    answer = http.put(url, json={"audience": {"here": 10}})
    assert answer.status_code == 201, answer.text
    yield url
    wait_for(lambda: http.delete(url).status_code in (204, 404), "the session is closed", 20)
    wait_for(lambda: not differences(cdn, SESSION), "nothing is left on the nodes", 20, every_s=0.3)


class Hall:
    """Makes clients."""

    def __init__(
        self, cdn: Cdn, api: httpx.Client, session: str, http: aiohttp.ClientSession, stack: contextlib.AsyncExitStack
    ) -> None:
        self.cdn, self.api, self.session, self.http, self.stack = cdn, api, session, http, stack

    def client(self, participant: str, role: str, *rights: str, tone_hz: int = 0, at: int = 0) -> SocketClient:
        """One who was admitted."""
        body = {"role": role, "rights": list(rights), "name": participant.title()}
        answer = self.api.put(f"{self.session}/participants/{participant}", json=body)
        assert answer.status_code == 200, answer.text
        token = answer.json()["token"]
        where = [f"{broker.url}/v1/sessions/{SESSION}/participants/{participant}" for broker in self.cdn.brokers]
        wait_for(lambda: all(self.api.get(url).status_code == 200 for url in where), "every replica knows him", 20)
        made = SocketClient(self.http, self.cdn.gateways[at].url, token, SESSION, tone_hz=tone_hz)
        self.stack.push_async_callback(made.end)
        return made


@pytest.fixture
async def hall(cdn: Cdn, http: httpx.Client, opened: str) -> AsyncIterator[Hall]:
    """Clients of its gateways."""
    async with contextlib.AsyncExitStack() as stack:
        yield Hall(cdn, http, opened, await stack.enter_async_context(aiohttp.ClientSession()), stack)


async def test_from_candidate_to_speaker_and_back_across_gateways(hall: Hall) -> None:
    """A viewer at one gateway hears and sees who is promoted at the other; a moderator does it all."""
    vera = hall.client("vera", "viewer", "view", at=1)
    await vera.join()
    chair = hall.client("chair", "moderator", "view", "speak")
    await chair.join(media=False)
    alice = hall.client("alice", "viewer", "view", "speak", tone_hz=440)
    joined = await alice.join(ready=True)
    assert joined["slots"]
    await until(lambda: "voice" in {each.get("purpose") for each in alice.events}, "a candidate is asked for a voice")
    assert (await alice.ask("hand"))["ok"]
    await until(lambda: [e["participant"] for e in chair.newest("hands")["queue"]] == ["alice"], "her hand is seen")
    await until(lambda: any(ident[0] == "v" for ident in alice.connections), "her voice is connected")
    promoted = await chair.ask("promote", participant="alice")
    assert promoted["ok"], promoted
    await alice.told("role", role="speaker", live=True)
    await alice.send_camera()
    await vera.told("stage", seats=[{"slot": "v1", "participant": "alice", "name": "Alice"}])
    await until(lambda: vera.ears["receive", "audio"].hears(440), "Vera hears Alice")
    await until(lambda: vera.ears["receive", "video"].frames > 5, "Vera sees Alice")
    refused = await vera.ask("publish")
    assert refused["problem"]["type"] == "urn:rtcdn:problem:may-not-publish"

    alice.cut()
    await alice.closed()
    resumed = await alice.resume(hall.cdn.gateways[1].url, ready=True)
    assert resumed["resumed"], resumed
    await alice.told("role", role="speaker", live=True)
    demoted = await chair.ask("demote", participant="alice")
    assert demoted["ok"], demoted
    await alice.told("role", role="viewer", live=False)
    await until(lambda: not vera.ears["receive", "audio"].hears(440), "Alice is not heard any more")
    await vera.told("stage", seats=[])
    removed = await chair.ask("remove", participant="alice")
    assert removed["ok"], removed
    await alice.told("closed", reason="removed")
    again = await SocketClient(hall.http, hall.cdn.gateways[0].url, alice.token, SESSION).connect()
    answer = await again.ask("join", session=SESSION, token=alice.token)
    assert answer["problem"]["type"] == "urn:rtcdn:problem:removed"
    await again.end()


async def test_gateways_are_found_and_measured(hall: Hall) -> None:
    """Regions and ping for everybody; who is here for operators inside only."""
    url = hall.cdn.gateways[0].url
    vera = hall.client("vera", "viewer", "view")
    await vera.join(media=False)
    async with hall.http.get(f"{url}/regions") as answer:
        assert [each["region"] for each in (await answer.json())["regions"]] == ["here"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    async with hall.http.get(f"{url}/ping") as answer:
        assert answer.status == 204
    async with hall.http.get(f"{url}/members") as answer:
        assert [each["participant"] for each in (await answer.json())["members"]] == ["vera"]
    async with hall.http.get(f"{url}/members", headers={"X-Forwarded-For": "192.0.2.1"}) as answer:
        assert answer.status == 404
    async with hall.http.get(f"{url}/metrics") as answer:
        text = await answer.text()
        assert "rtcdn_gateway_sockets 1.0" in text
        assert 'rtcdn_gateway_requests_total{outcome="ok",type="join"}' in text
