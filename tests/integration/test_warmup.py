"""Warm-up on real media: ready means that a prober decoded a frame of each stage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import httpx
import pytest

from tests.support.cdn import REGION, Cdn, running_cdn
from tests.support.clients import Viewer, speaker
from tests.support.engine import wait_for
from tests.support.truth import contexts_wanted, differences

pytestmark = pytest.mark.real
SESSION = "show"
CROWD = 400  # one egress node of the default capacity is for some 320 viewers


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdn]:
    """A CDN with a prober."""
    with running_cdn(tmp_path_factory.mktemp("warm"), brokers=2, gateways=1, probers=1) as running:
        yield running


@pytest.fixture
def http(proven: Cdn) -> Iterator[httpx.Client]:
    with proven.api() as client:
        yield client


@pytest.fixture
def url(proven: Cdn, http: httpx.Client) -> Iterator[str]:
    """A session opened for few, at a follower; closed and seen to leave nothing."""
    url = f"{proven.follower().url}/v1/sessions/{SESSION}"
    assert http.put(url, json={"audience": {REGION: 10}}).status_code == 201
    yield url
    wait_for(lambda: http.delete(url).status_code in (204, 404), "the session is closed", 20)
    wait_for(lambda: not differences(proven, SESSION), "nothing is left on the nodes", 20, every_s=0.3)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_a_warm_up_is_proven_on_every_stage_with_nobody_on_stage(proven: Cdn, http: httpx.Client, codec: str) -> None:
    """Both egress nodes get a stage; a clip is fed, decoded and stopped; a speaker is then seen as ever."""
    name = f"{SESSION}-{codec}"
    url = f"{proven.follower().url}/v1/sessions/{name}"
    assert http.put(url, json={"audience": {REGION: 10}, "codec": codec}).status_code == 201
    began_s = time.monotonic()
    answer = http.post(f"{url}/warmup", json={"viewers": {REGION: CROWD}})
    took_s = time.monotonic() - began_s
    body = answer.json()
    print(f"warm-up of 2 stages, {codec}, fed: {took_s:.2f} s, made after {body['made_ms']} ms, {body['stages']}")
    assert answer.status_code == 200, answer.text
    assert sorted(row["node"] for row in body["stages"]) == ["st1", "st2"]
    assert all((row["proof"], row["fed"]) == ("decoded", True) for row in body["stages"])
    assert sorted(each.duty for each in contexts_wanted(proven, name).values()) == ["ingress", "mix", *["stage"] * 2]
    wait_for(lambda: not differences(proven, name), "only what was asked for is there", 20, every_s=0.3)
    if codec == "vp8":  # what our synthetic speaker sends
        asyncio.run(_seen(proven, http, url, name))
    assert http.delete(url).status_code == 204


async def _seen(cdn: Cdn, http: httpx.Client, url: str, name: str) -> None:
    """A speaker comes and a viewer sees him."""
    ann, vic = _token(http, url, "ann", "speaker"), _token(http, url, "vic", "viewer")
    async with aiohttp.ClientSession() as client:
        published = await speaker(client, f"{cdn.gateways[0].url}/whip/{name}", ann)
        viewer = await Viewer.join(client, f"{cdn.gateways[0].url}/whep/{name}", vic)
        await viewer.sees()
        await viewer.leave()
        await published.delete()


def _token(http: httpx.Client, url: str, who: str, role: str) -> str:
    return str(http.put(f"{url}/participants/{who}", json={"role": role}).json()["token"])


def test_with_a_speaker_on_stage_his_picture_is_the_proof_and_a_viewer_then_sees_him(
    proven: Cdn, http: httpx.Client, url: str
) -> None:
    """Nothing is fed into a slot that somebody is shown in."""
    ann, vic = _token(http, url, "ann", "speaker"), _token(http, url, "vic", "viewer")

    async def run() -> None:
        async with aiohttp.ClientSession() as client:
            published = await speaker(client, f"{proven.gateways[0].url}/whip/{SESSION}", ann)
            await asyncio.to_thread(wait_for, lambda: _shown(http, url), "she is shown", 20)
            answer = await asyncio.to_thread(_warm, http, url, CROWD)
            print(f"warm-up of 2 stages, with a speaker: {answer.json()}")
            assert answer.status_code == 200, answer.text
            assert [row["fed"] for row in answer.json()["stages"]] == [False, False]
            viewer = await Viewer.join(client, f"{proven.gateways[0].url}/whep/{SESSION}", vic)
            await viewer.sees()
            await viewer.leave()
            await published.delete()

    asyncio.run(run())


def _warm(http: httpx.Client, url: str, viewers: int) -> httpx.Response:
    return http.post(f"{url}/warmup", json={"viewers": {REGION: viewers}})


def _shown(http: httpx.Client, url: str) -> bool:
    return any(link["kind"] == "slot" for link in http.get(url).json()["links"].values())


def test_a_stage_whose_janus_is_frozen_is_not_called_ready(proven: Cdn, http: httpx.Client, url: str) -> None:
    """504 in time, with the reason at that stage alone; when the node is back the same request is proven."""
    assert _warm(http, url, CROWD).status_code == 200
    proven.nodes["st2"].pause()
    try:
        began_s = time.monotonic()
        answer = http.post(f"{url}/warmup", json={"viewers": {REGION: CROWD}, "within_s": 4})
        print(f"not ready after {time.monotonic() - began_s:.2f} s: {answer.text}")
        assert answer.status_code == 504
        rows = {row["node"]: row for row in answer.json()["stages"]}
        assert (rows["st1"]["proof"], rows["st2"]["proof"]) == ("decoded", "")
        assert rows["st2"]["reason"]
    finally:
        proven.nodes["st2"].unpause()
    wait_for(lambda: _warm(http, url, CROWD).status_code == 200, "ready again", 40, every_s=1.0)


def test_only_a_broker_may_ask_a_prober(proven: Cdn, http: httpx.Client, tmp_path: Path) -> None:
    """Another part's certificate is not enough, and what is no request of ours is refused."""
    with proven.api("gateway-1") as gateway:
        assert gateway.post(f"{proven.probers[0].url}/probe", json={}).status_code == 403
    with proven.api("broker") as broker:
        assert broker.post(f"{proven.probers[0].url}/probe", content="{").status_code == 400
        assert broker.post(f"{proven.probers[0].url}/probe", json={"slot": "v9"}).status_code == 400
