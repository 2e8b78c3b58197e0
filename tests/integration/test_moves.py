"""A node is drained while somebody on it is on stage: others see and hear him without a break."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from rtcdn.client import Session, connect
from rtcdn.model import Kind
from tests.support.cdn import REGION, Cdn, running_cdn
from tests.support.engine import wait_for
from tests.support.truth import differences, links_wanted

pytestmark = pytest.mark.real
SESSION = "moved"
TONE_HZ = 500


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdn]:
    """One of its own, with a second ingress node."""
    with running_cdn(tmp_path_factory.mktemp("moves"), brokers=1, also=(("vr2", Kind.VR),)) as running:
        yield running


async def _enter(stack: AsyncExitStack, cdn: Cdn, http: httpx.Client, who: str, role: str, **options: Any) -> Session:
    url = f"{cdn.leader().url}/v1/sessions/{SESSION}/participants/{who}"
    token = (await asyncio.to_thread(http.put, url, json={"role": role})).raise_for_status().json()["token"]
    return await stack.enter_async_context(connect(cdn.gateways[0].url, token, name=who, **options))


def _ingress(cdn: Cdn) -> str:
    """The node that the speaker's picture is taken from."""
    (source,) = {link.source for link in links_wanted(cdn, SESSION).values() if link.kind == "slot"}
    return source.removeprefix("ingress-")


def _drain(cdn: Cdn, http: httpx.Client, node: str, verb: str = "drain") -> None:
    http.post(f"{cdn.leader().url}/v1/nodes/{node}/{verb}", json={}).raise_for_status()


async def test_a_speaker_is_led_to_another_ingress_and_seen_all_the_while(cdn: Cdn, http: httpx.Client) -> None:
    """There and back; his old camera ends when the stages take his picture from the new place, not before."""
    url = f"{cdn.leader().url}/v1/sessions/{SESSION}"
    wait_for(lambda: http.put(url, json={"audience": {REGION: 10}}).status_code in (200, 201), "the session opens")
    async with AsyncExitStack() as stack:
        ann = await _enter(stack, cdn, http, "ann", "speaker", videos=1, video=True, audio=TONE_HZ)
        await ann.publish()
        vic = await _enter(stack, cdn, http, "vic", "viewer", videos=1)
        await vic.media.received.hears(TONE_HZ)
        seen_from: list[str] = []
        ann.on("disconnect", lambda _: seen_from.append(_ingress(cdn)))
        for _ in range(2):
            old = _ingress(cdn)
            await vic.media.received.sees("v1", 10)
            vic.media.slot("v1").begin_anew()
            seen_from.clear()
            await asyncio.to_thread(_drain, cdn, http, old)
            await asyncio.to_thread(wait_for, lambda: bool(seen_from), "her old camera ends", 20, 0.1)
            await vic.media.received.sees("v1", 10)
            await vic.media.received.hears(TONE_HZ)
            gap_ms = round(vic.media.slot("v1").longest_gap_ms)
            print(f"led from {old} to {_ingress(cdn)}: longest stand-still {gap_ms} ms")
            assert old not in seen_from
            await asyncio.to_thread(_drain, cdn, http, old, "undrain")
        await asyncio.to_thread(wait_for, lambda: not differences(cdn, SESSION), "nothing else is there", 20, 0.3)
    await asyncio.to_thread(http.delete, url)
