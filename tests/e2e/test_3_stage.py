"""What viewers of the page and of players see and hear while speakers come and go."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Page

from ops.media.whip import Resource
from tests.support.browser import PHONE, Browser
from tests.support.clients import Viewer, speaker
from tests.support.engine import wait_for
from tests.support.site import Site

DEMO_TONE_HZ = 440
TWO_STAGES = 700  # viewers expected: more than one Streaming node carries
MANY = 20
GONE_S = 40
TRIES = 10
VIEW_AND_HANG = textwrap.dedent("""
    import asyncio, ssl, sys
    import aiohttp
    from tests.support.clients import Viewer
    async def main():
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=sys.argv[2]))
        async with aiohttp.ClientSession(connector=connector) as http:
            viewer = await Viewer.join(http, sys.argv[1], sys.stdin.readline().strip())
            await viewer.sees()
            print("seen", flush=True)
            await asyncio.Event().wait()
    asyncio.run(main())
""")


@pytest.fixture(scope="module")
def site(deployment: Site) -> Site:
    """The deployment with the demo opened for more viewers than one egress node carries."""
    deployment.open("demo", audience={"local": TWO_STAGES})
    return deployment


@pytest.fixture
async def http(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that trusts the deployment."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=site.tls())) as made:
        yield made


def page_url(site: Site, session: str, viewer: str) -> str:
    return f"{site.url}/#session={session}&token={site.admit(session, viewer)}"


async def hears(browser: Browser, page: Page, tone_hz: int) -> None:
    """Wait until the loudest tone of the page's sound is ``tone_hz``."""
    await browser.until(page, f"Math.abs(window.rtcdn.tone() - {tone_hz}) < 15")


async def connections(page: Page) -> list[str]:
    """What a renegotiation or a new connection would change."""
    script = "(async () => (await window.rtcdn.session.statistics()).connections.map(each => each.connection))()"
    return list(await page.evaluate(script))


async def test_pages_at_two_egress_nodes_see_and_hear(site: Site, browser: Browser, pictures: Path) -> None:
    """Pages served by different Streaming nodes decode the speaker's pictures and hear his tone."""
    pages: dict[str, Page] = {}  # by the node that serves it: the lighter one at that moment
    for number in range(TRIES):
        page = await browser.open(page_url(site, "demo", f"page-{number}"))
        await browser.until(page, f"window.rtcdn?.frames?.v1 > {MANY}")
        legs = site.intent("demo", f"page-{number}")["legs"]
        node = next(leg["node"] for leg in legs if leg["leg"] == "view")
        if node in pages:
            await page.close()
        pages.setdefault(node, page)
        if len(pages) == 2:
            break
    assert sorted(pages) == ["local-st1", "local-st2"]
    for node, page in pages.items():
        await hears(browser, page, DEMO_TONE_HZ)
        await page.screenshot(path=pictures / f"demo-at-{node}.png")
    assert browser.errors == []


async def test_the_page_fits_a_phone(site: Site, browser: Browser, pictures: Path) -> None:
    """At a phone's width nothing is cut off at the side."""
    page = await browser.open(page_url(site, "demo", "phone"), PHONE)
    await browser.until(page, f"window.rtcdn?.frames?.v1 > {MANY}")
    await page.screenshot(path=pictures / "demo-phone.png")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_a_late_joiner_sees_at_once(site: Site, browser: Browser) -> None:
    """Hours after the speaker began, the first picture does not wait for his next regular keyframe."""
    page = await browser.open(page_url(site, "demo", "late"))
    await browser.until(page, "window.rtcdn?.state === 'live'", timeout_s=10)
    await browser.until(page, "window.rtcdn.frames.v1 > 0", timeout_s=2)


async def test_a_second_speaker_comes_and_goes(
    site: Site, browser: Browser, http: aiohttp.ClientSession, pictures: Path
) -> None:
    """He appears in a slot, leaves it, and the next one gets it, while viewers keep their connection untouched."""
    page = await browser.open(page_url(site, "demo", "faithful"))
    await browser.until(page, f"window.rtcdn?.frames?.v1 > {MANY}")
    before = await connections(page)
    for number, tone_hz in enumerate((880, 1320)):
        name = f"guest-{number}"
        token = site.admit("demo", name, "speaker")
        guest = await speaker(http, f"{site.url}/whip/demo", token, tone_hz=tone_hz, label=name)
        await browser.until(page, "window.rtcdn.live.length === 2")
        assert await page.evaluate("window.rtcdn.live.join()") == "v1,v2"
        seen = await page.evaluate("window.rtcdn.frames.v2")
        await browser.until(page, f"window.rtcdn.frames.v2 > {seen + MANY}")
        await page.screenshot(path=pictures / f"{name}.png")
        assert await guest.delete() in (200, 204)
        await browser.until(page, "window.rtcdn.live.length === 1")
    assert await connections(page) == before


async def test_a_player_of_one_video_always_sees_somebody(site: Site, http: aiohttp.ClientSession) -> None:
    """The first video medium follows whoever is on stage, also when the main speaker leaves."""
    site.open("solo")
    try:
        async with AsyncExitStack() as stack:
            url = f"{site.url}/whip/solo"
            speakers: list[Resource] = []
            for name, tone_hz in (("first", 500), ("second", 700)):
                speakers.append(await speaker(http, url, site.admit("solo", name, "speaker"), tone_hz=tone_hz))
                stack.push_async_callback(speakers[-1].delete)
            viewer = await Viewer.join(http, f"{site.url}/whep/solo", site.admit("solo", "player"))
            stack.push_async_callback(viewer.leave)
            await viewer.sees(MANY)
            await speakers[0].delete()
            await viewer.sees(MANY)
            await viewer.hears(700)
    finally:
        site.close("solo")


async def test_a_viewer_cut_off_leaves_the_counts(site: Site) -> None:
    """A viewer who vanishes without a goodbye is counted no more after 40 s."""
    site.open("cut")
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=site.tls())) as http:
            source = await speaker(http, f"{site.url}/whip/cut", site.admit("cut", "source", "speaker"))
            words = [sys.executable, "-c", VIEW_AND_HANG, f"{site.url}/whep/cut", str(site.state() / "pki" / "ca.crt")]
            victim = await asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE)
            assert victim.stdin is not None
            assert victim.stdout is not None
            victim.stdin.write(site.admit("cut", "victim").encode() + b"\n")
            try:
                assert await victim.stdout.readline() == b"seen\n"
                await asyncio.to_thread(wait_for, lambda: sum(site.attached("cut").values()) == 1, "the viewer counted")
            finally:
                victim.kill()
                await victim.wait()
            gone = lambda: sum(site.attached("cut").values()) == 0  # noqa: E731
            await asyncio.to_thread(wait_for, gone, "the vanished viewer gone from the counts", GONE_S, 1)
            await source.delete()
    finally:
        site.close("cut")
