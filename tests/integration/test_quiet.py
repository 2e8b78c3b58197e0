"""What runs as it should is left alone: reports of real nodes agree with the intent."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import httpx
import pytest

from tests.support.cdn import Cdn
from tests.support.clients import Viewer, speaker
from tests.support.engine import wait_for

pytestmark = pytest.mark.real
SESSION = "quiet"
CALM_S = 12  # longer than a sweep of the collectors and the reconciler's own patience


def mended(cdn: Cdn) -> list[str]:
    """What leaders have mended so far."""
    return [line for broker in cdn.brokers for line in broker.log().splitlines() if " repaired " in line]


def test_a_session_with_a_speaker_and_a_viewer_needs_no_repair(cdn: Cdn, http: httpx.Client) -> None:
    """Contexts, slot, mix and voice links are all recognised in what collectors report."""
    url = f"{cdn.leader().url}/v1/sessions/{SESSION}"
    assert http.put(url, json={"audience": {"here": 10}}).status_code == 201
    tokens = {}
    for name, role in (("ann", "speaker"), ("vic", "viewer")):
        tokens[name] = http.put(f"{url}/participants/{name}", json={"role": role}).json()["token"]

    async def run() -> None:
        async with aiohttp.ClientSession() as client:
            published = await speaker(client, f"{cdn.gateways[0].url}/whip/{SESSION}", tokens["ann"])
            viewer = await Viewer.join(client, f"{cdn.gateways[1].url}/whep/{SESSION}", tokens["vic"])
            await viewer.sees()
            before, since_s = mended(cdn), time.monotonic()
            await asyncio.to_thread(
                wait_for, lambda: time.monotonic() - since_s > CALM_S, "some calm seconds", CALM_S * 2
            )
            assert mended(cdn)[len(before) :] == []
            await viewer.leave()
            await published.delete()

    try:
        asyncio.run(run())
    finally:
        wait_for(lambda: http.delete(url).status_code in (204, 404), "the session is closed", 20)
