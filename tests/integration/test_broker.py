"""The broker on real parts: sessions, media, a store that goes away, nodes and gateways that die."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp
import httpx
import pytest

from rtcdn import keys
from rtcdn.store.port import put_many
from tests.support.cdn import Cdn
from tests.support.clients import Viewer, speaker
from tests.support.engine import wait_for
from tests.support.truth import contexts_wanted, differences

pytestmark = pytest.mark.real
SESSION = "show"


@contextlib.asynccontextmanager
async def client_session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def opened(cdn: Cdn, http: httpx.Client) -> Iterator[str]:
    """A running session; its URL at a follower. Closed and checked to leave nothing afterwards."""
    url = f"{cdn.follower().url}/v1/sessions/{SESSION}"
    answer = http.put(url, json={"audience": {"here": 10}})
    assert answer.status_code == 201, answer.text
    yield url
    wait_for(lambda: http.delete(url).status_code in (204, 404), "the session is closed", 20)
    wait_for(lambda: not differences(cdn, SESSION), "nothing is left on the nodes", 20, every_s=0.3)
    assert not [key for key in cdn.store.read().values if f":{SESSION}" in key]


def admit(http: httpx.Client, url: str, participant: str, role: str) -> str:
    """A client token."""
    answer = http.put(f"{url}/participants/{participant}", json={"role": role})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def attach(client: httpx.Client, broker_url: str, participant: str, session: str = SESSION) -> httpx.Response:
    """As a gateway asks for a viewer."""
    url = f"{broker_url}/v1/sessions/{session}/participants/{participant}/attach"
    return client.post(url, json={"want": ["view"], "rights": ["view"]})


def test_a_session_opened_at_a_follower_flows_and_opening_it_again_changes_nothing(
    cdn: Cdn, http: httpx.Client, opened: str
) -> None:
    """The change goes to the leader; a speaker by WHIP is seen and heard by WHEP; PUT is idempotent."""
    before = contexts_wanted(cdn, SESSION)
    assert http.put(opened, json={"audience": {"here": 10}}).status_code == 200
    assert contexts_wanted(cdn, SESSION) == before
    ann, vic = admit(http, opened, "ann", "speaker"), admit(http, opened, "vic", "viewer")

    async def run() -> None:
        async with client_session() as client:
            published = await speaker(client, f"{cdn.gateways[0].url}/whip/{SESSION}", ann)
            viewer = await Viewer.join(client, f"{cdn.gateways[1].url}/whep/{SESSION}", vic)
            await viewer.sees()
            await viewer.hears(440)
            shown = (await asyncio.to_thread(http.get, opened)).json()
            assert shown["present"] == {"speaker": 1, "viewer": 1}
            assert await asyncio.to_thread(differences, cdn, SESSION) == []
            await viewer.leave()
            await published.delete()

    asyncio.run(run())
    wait_for(lambda: http.get(opened).json()["present"] == {}, "both are gone from the counts")


def test_with_the_store_away_viewers_are_attached_changes_refused_and_nothing_torn_down(
    cdn: Cdn, http: httpx.Client, opened: str
) -> None:
    """Both replicas serve viewers from their maps; afterwards every key is there and the watch has missed nothing."""
    replicas = [broker.url for broker in cdn.brokers]
    with cdn.api("gateway-1") as gateway:
        for url in replicas:
            assert attach(gateway, url, "early").status_code == 200
        cdn.etcd.kill()
        try:
            for url in replicas:
                wait_for(lambda url=url: _age(http, url) > 0, "the replica knows that the store is away")
                for number in range(20):
                    assert attach(gateway, url, f"late-{url[-5:]}-{number}").status_code == 200
                refused = http.put(f"{url}/v1/sessions/other", json={})
                assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
                assert refused.json()["type"].endswith("store-away")
            away_since_s = time.monotonic()
            wait_for(lambda: time.monotonic() - away_since_s > 8, "longer than the collectors' leases")
            assert differences_without_store(cdn) == []
        finally:
            cdn.etcd.start()
        wait_for(lambda: len(cdn.store.read(f"PT:{SESSION}:late").values) == 40, "every participant is written", 20)
        written = put_many(cdn.store, {keys.drain(f"never-{n}"): '{"by":"test"}' for n in range(50)})
        for url in replicas:
            wait_for(lambda url=url: _revision(http, url) >= written, "the watch goes on")
        put_many(cdn.store, {}, [keys.drain(f"never-{n}") for n in range(50)])
    wait_for(lambda: http.put(opened, json={"audience": {"here": 20}}).status_code == 200, "changes pass again")
    wait_for(lambda: not differences(cdn, SESSION), "nothing changed on the nodes", 20, every_s=0.3)


def differences_without_store(cdn: Cdn) -> list[str]:
    """Contexts of the session that are not on the nodes any more."""
    have = {context for name in cdn.nodes for context in cdn.client(name).contexts()}
    kinds = {context.partition("/")[2].partition("-")[0] for context in have if context.startswith(f"{SESSION}/")}
    return sorted({"ingress", "mix", "stage"} - kinds)


def test_a_janus_that_restarts_is_provisioned_again(cdn: Cdn, http: httpx.Client, opened: str) -> None:
    """SIGKILL of the egress, then of the mix: contexts and links are made again from the intent."""
    wanted = contexts_wanted(cdn, SESSION)
    for duty in ("stage", "mix"):
        node = next(intent.node for intent in wanted.values() if intent.duty == duty)
        before = repairs(cdn)
        cdn.nodes[node].restart()
        wait_for(lambda before=before: repairs(cdn) > before, "something is mended", 20)
        wait_for(lambda: not differences(cdn, SESSION), f"{duty} is provisioned again", 20, every_s=0.3)
    assert contexts_wanted(cdn, SESSION).keys() == wanted.keys()


def repairs(cdn: Cdn) -> int:
    """How often a leader mended something."""
    return sum(broker.log().count(" repaired ") for broker in cdn.brokers)


def test_participants_of_a_killed_gateway_are_adopted_by_another(cdn: Cdn, http: httpx.Client, opened: str) -> None:
    """SIGKILL of a gateway: the other claims speaker and viewer, and the picture goes on."""
    ann, vic = admit(http, opened, "ann", "speaker"), admit(http, opened, "vic", "viewer")
    dying, other = cdn.gateways[0], cdn.gateways[1]

    async def run() -> None:
        async with client_session() as client:
            published = await speaker(client, f"{dying.url}/whip/{SESSION}", ann)
            viewer = await Viewer.join(client, f"{dying.url}/whep/{SESSION}", vic)
            await viewer.sees()
            dying.kill()
            await asyncio.to_thread(
                wait_for, lambda: holders(cdn) == {"ann": other.id, "vic": other.id}, "both are adopted", 40
            )
            await viewer.sees(frames=20)
            await viewer.hears(440)
            await viewer.connection.close()
            await published.connection.close()

    asyncio.run(run())
    dying.start()
    dying.wait_ready()


def holders(cdn: Cdn) -> dict[str, str]:
    """Which gateway holds whom, as the store says."""
    return {key.split(":")[2]: record["gateway"] for key, record in cdn.keys(f"PT:{SESSION}:").items()}


def _age(http: httpx.Client, url: str) -> float:
    return float(http.get(f"{url}/readyz").json()["map_age_s"])


def _revision(http: httpx.Client, url: str) -> int:
    return int(http.get(f"{url}/readyz").json()["map_revision"])
