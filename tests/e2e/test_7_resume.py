"""Sockets cut, gateways restarted, pages reloaded: media go on, and nobody is there twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.support.browser import Browser
from tests.support.people import Person, person
from tests.support.site import Site

SESSION = "lasting"
SPEAKER_HZ = 650
CUT_S = 10
BETWEEN_S = 0.2  # a participant may ask 30 times a second
RULES = "table inet cut { chain in { type filter hook input priority -10; tcp dport 8443 drop; }; }"


@pytest.fixture(scope="module")
def site(deployment: Site) -> Iterator[Site]:
    """The deployment with a session of its own."""
    deployment.open(SESSION)
    yield deployment
    deployment.close(SESSION)


@pytest.fixture
async def speaker(site: Site, browser: Browser) -> Person:
    """Somebody on stage."""
    made = await person(browser, site, SESSION, "speaker", role="speaker", hz=SPEAKER_HZ)
    await made.ask("await s.publish(await rtcdn.capture())")
    return made


@pytest.fixture
async def viewer(site: Site, browser: Browser, speaker: Person) -> Person:
    """Somebody who watches him."""
    made = await person(browser, site, SESSION, "viewer")
    await made.sees("speaker")
    return made


async def here(site: Site, who: Person) -> list[str]:
    """Who is in the session, as a participant is told."""
    page: dict[str, Any] = await who.ask("await s.participants({limit: 100})")
    assert page["total"] == len(page["participants"])
    return sorted(each["participant"] for each in page["participants"])


async def test_a_socket_cut_for_ten_seconds(site: Site, speaker: Person, viewer: Person) -> None:
    """Nothing of the door is reachable: pictures never stop, and both go on afterwards as the same participants."""
    before = await viewer.receiving()
    await viewer.page.evaluate("window.rtcdn.resetGap()")
    site.host.run("nft", RULES)
    cut_s = time.monotonic()
    try:
        await viewer.until("window.rtcdn.state === 'reconnecting'")
        while time.monotonic() - cut_s < CUT_S:
            await viewer.sees("speaker")
    finally:
        site.host.run("nft", "delete", "table", "inet", "cut")
    for each in (viewer, speaker):
        await each.until("window.rtcdn.state === 'live'")
    assert await viewer.receiving() == before
    assert await viewer.page.evaluate("window.rtcdn.longestGapMs") < 2000
    assert await here(site, viewer) == ["speaker", "viewer"]


@pytest.mark.parametrize("number", [1, 2])
async def test_a_gateway_is_killed(site: Site, speaker: Person, viewer: Person, number: int) -> None:
    """Whoever was there resumes at the other: pictures never stop, and nobody is there twice."""
    await viewer.page.evaluate("window.rtcdn.resetGap()")
    site.docker("kill", site.container(f"gateway_gateway-{number}"))
    for each in (viewer, speaker):
        await each.until("window.rtcdn.state === 'live'")
    await viewer.sees("speaker", 30)
    await viewer.hears(SPEAKER_HZ)
    assert await viewer.page.evaluate("window.rtcdn.longestGapMs") < 2000
    await asyncio.to_thread(site.healthy, f"gateway_gateway-{number}")
    names: list[str] = []
    until_s = time.monotonic() + 30
    while names != ["speaker", "viewer"]:
        assert time.monotonic() < until_s, f"here are {names}"
        await asyncio.sleep(BETWEEN_S)
        names = await here(site, viewer)
    await speaker.ask("await s.mute(true)")
    await viewer.hears(0)


async def test_a_page_is_reloaded(site: Site, speaker: Person, viewer: Person) -> None:
    """The same participant comes again; the one before is gone."""
    await viewer.page.reload()
    await viewer.until("window.rtcdn?.state === 'live'")
    await viewer.sees("speaker")
    assert await here(site, speaker) == ["speaker", "viewer"]


HOSTILE: dict[str, dict[str, Any]] = {
    "promote": {"participant": "viewer"},
    "demote": {"participant": "speaker"},
    "remove": {"participant": "speaker"},
    "mute": {"participant": "speaker"},
    "hand": {"participant": "speaker", "up": False},
    "publish": {},
    "offer": {"purpose": "send", "sdp": "v=0"},
}


async def answer_to(socket: aiohttp.ClientWebSocketResponse, number: int) -> dict[str, Any]:
    """The answer to a request."""
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = json.loads((await socket.receive()).data)
            if message.get("re") == number:
                return message


async def test_a_hostile_viewer_is_refused_each_act(site: Site, speaker: Person, viewer: Person) -> None:
    """By the gateway, whatever the page would allow; and nothing of it happens."""
    token = site.admit(SESSION, "hostile")
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=site.tls())) as http,
        http.ws_connect(f"{site.url}/ws?c=hostile", protocols=("rtcdn.v1",)) as socket,
    ):
        await socket.send_json({"type": "join", "id": 0, "session": SESSION, "token": token})
        assert (await answer_to(socket, 0))["ok"]
        statuses = {}
        for number, (kind, fields) in enumerate(HOSTILE.items(), start=1):
            await socket.send_json({"type": kind, "id": number, **fields})
            statuses[kind] = (await answer_to(socket, number)).get("problem", {}).get("status")
    assert statuses == dict.fromkeys(HOSTILE, 403)
    await viewer.sees("speaker")
    await viewer.hears(SPEAKER_HZ)
