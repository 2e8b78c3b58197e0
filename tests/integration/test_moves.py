"""A node is drained while somebody on it is on stage: others see and hear him without a break."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest

from rtcdn.client import Session, connect
from rtcdn.client.received import strength
from rtcdn.model import Kind
from tests.support.cdn import REGION, Cdn, running_cdn
from tests.support.engine import wait_for
from tests.support.truth import contexts_wanted, differences, links_wanted

pytestmark = pytest.mark.real
SESSION = "moved"
TONE_HZ = 500
LOUD = 600.0  # amplitude, of 32767


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdn]:
    """One of its own, with a second ingress node and a second one for mixes."""
    also = (("vr2", Kind.VR), ("ab2", Kind.AB))
    with running_cdn(tmp_path_factory.mktemp("moves"), brokers=1, also=also) as running:
        yield running


async def _enter(stack: AsyncExitStack, cdn: Cdn, http: httpx.Client, who: str, role: str, **options: Any) -> Session:
    url = f"{cdn.leader().url}/v1/sessions/{SESSION}/participants/{who}"
    token = (await asyncio.to_thread(http.put, url, json={"role": role})).raise_for_status().json()["token"]
    return await stack.enter_async_context(connect(cdn.gateways[0].url, token, name=who, **options))


def _ingress(cdn: Cdn) -> str:
    """The node that the speaker's picture is taken from."""
    (source,) = {link.source for link in links_wanted(cdn, SESSION).values() if link.kind == "slot"}
    return source.removeprefix("ingress-")


def _mixes(cdn: Cdn) -> set[str]:
    """The nodes with a mix of the session."""
    found = contexts_wanted(cdn, SESSION).values()
    return {context.node for context in found if context.duty == "mix"}


def _drain(cdn: Cdn, http: httpx.Client, node: str, verb: str = "drain") -> None:
    http.post(f"{cdn.leader().url}/v1/nodes/{node}/{verb}", json={}).raise_for_status()


@asynccontextmanager
async def _on_stage(cdn: Cdn, http: httpx.Client) -> AsyncIterator[tuple[Session, Session]]:
    """A speaker on stage and a viewer who hears her, in a session of their own."""
    url = f"{cdn.leader().url}/v1/sessions/{SESSION}"
    wait_for(lambda: http.put(url, json={"audience": {REGION: 10}}).status_code in (200, 201), "the session opens")
    async with AsyncExitStack() as stack:
        ann = await _enter(stack, cdn, http, "ann", "speaker", videos=1, video=True, audio=TONE_HZ)
        await ann.publish()
        vic = await _enter(stack, cdn, http, "vic", "viewer", videos=1)
        await vic.media.received.hears(TONE_HZ)
        yield ann, vic
    await asyncio.to_thread(http.delete, url)


async def test_a_speaker_is_led_to_another_ingress_and_seen_all_the_while(cdn: Cdn, http: httpx.Client) -> None:
    """There and back; his old camera ends when the stages take his picture from the new place, not before."""
    async with _on_stage(cdn, http) as (ann, vic):
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


async def test_a_speaker_is_led_to_another_mix_and_heard_until_he_is_there(cdn: Cdn, http: httpx.Client) -> None:
    """There and back; he is never told that he is not live, and his picture goes on."""
    async with _on_stage(cdn, http) as (ann, vic):
        live: list[bool] = []
        ann.on("role", lambda told: live.append(told["live"]))
        heard_s = [time.monotonic()]
        vic.on("sound", lambda told: heard_s.append(time.monotonic()) if strength(told[1], TONE_HZ) > LOUD else None)
        for _ in range(2):
            (old,) = _mixes(cdn)
            await vic.media.received.sees("v1", 10)
            vic.media.slot("v1").begin_anew()
            heard_s.clear()
            await asyncio.to_thread(_drain, cdn, http, old)
            await asyncio.to_thread(wait_for, lambda: old not in _mixes(cdn), "the old mix is gone", 20, 0.1)  # noqa: B023
            await vic.media.received.sees("v1", 10)
            await vic.media.received.hears(TONE_HZ)
            silent_ms = max(round(1000 * (after - before)) for before, after in pairwise(heard_s))
            still_ms = round(vic.media.slot("v1").longest_gap_ms)
            print(f"led from {old} to {_mixes(cdn)}: silent for {silent_ms} ms, longest stand-still {still_ms} ms")
            assert False not in live
            await asyncio.to_thread(_drain, cdn, http, old, "undrain")
        await asyncio.to_thread(wait_for, lambda: not differences(cdn, SESSION), "nothing else is there", 20, 0.3)
