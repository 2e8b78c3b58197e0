"""The page in every state that its demo knows (``sdk/js/page/demo``), under the policy that nginx sends."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import web
from playwright.async_api import Page, ViewportSize

from ops.testing import images
from ops.testing.commands import ROOT
from tests.support.browser import DESKTOP, Browser
from tests.support.engine import Engine, free_port

pytestmark = pytest.mark.real

PAGE = ROOT / "sdk" / "js" / "page"
LOOK = Path(__file__).with_name("page_look.js").read_text(encoding="utf-8")
NARROW = ViewportSize(width=360, height=740)
STATES = tuple(re.findall(r"^ {2}'?([a-z-]+)'?: ", (PAGE / "demo" / "states.ts").read_text(encoding="utf-8"), re.M))
TYPES = {".html": "text/html", ".css": "text/css", ".svg": "image/svg+xml"}
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
READY = "document.documentElement.dataset.demo === 'ready'"


def policy() -> str:
    """What nginx allows a page of a deployment with one entry."""
    template = (ROOT / "templates" / "nginx" / "nginx.conf.j2").read_text(encoding="utf-8")
    found = re.search(r'add_header Content-Security-Policy "([^"]+)"', template)
    assert found
    return re.sub(r" {{[^}]*}}", "", found[1])


def bundle() -> str:
    """The demo as one script."""
    tree = f"--volume={ROOT / 'sdk' / 'js'}:/tree:ro"
    command = "esbuild /tree/page/demo/main.ts --bundle --format=esm --target=es2022 --log-level=warning"
    run = ["docker", "run", "--rm", "--network=none", tree, images.ensure("test-sdk"), *command.split()]
    made = subprocess.run(run, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The demo at an address of its own."""
    script, headers = await asyncio.to_thread(bundle), {"Content-Security-Policy": policy()}

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["name"] or "index.html"
        if name == "page.js":
            return web.Response(text=script, content_type="text/javascript", headers=headers)
        path = PAGE / name
        if path.parent != PAGE or path.suffix not in TYPES or not path.is_file():
            raise web.HTTPNotFound
        return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix], headers=headers)

    app = web.Application()
    app.add_routes([web.get("/{name:[^/]*}", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}/"
    await runner.cleanup()


class Demo:
    """Opens states of the demo."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self._url = browser, url

    async def open(self, state: str, viewport: ViewportSize = DESKTOP) -> Page:
        """A page, once it is in this state."""
        page = await self.browser.open(f"{self._url}?state={state}", viewport)
        await self.until(page, READY)
        return page

    async def until(self, page: Page, condition: str) -> None:
        """Wait until an expression holds."""
        await self.browser.until(page, condition, 15)

    async def shown(self, page: Page, selector: str, text: str) -> None:
        """Wait until an element is there and says so."""
        await self.until(page, f"document.querySelector({selector!r})?.checkVisibility() ?? false")
        await self.until(page, f"document.querySelector({selector!r}).textContent.includes({text!r})")


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    """The demo in Chromium."""
    async with served() as url:
        with Engine() as engine:
            async with Browser(engine) as browser:
                yield Demo(browser, url)
                assert browser.errors == []


async def test_every_state_can_be_read_and_reached(demo: Demo) -> None:
    """Contrast of AA, dark and light; a name for each control, no double id, nothing outside a phone of 360 pixels."""
    assert len(STATES) >= 30
    found: dict[str, Any] = {}
    for viewport in (DESKTOP, NARROW):
        for state in STATES:
            page = await demo.open(state, viewport)
            for scheme in SCHEMES:
                await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                if problems := await page.evaluate(LOOK):
                    found[f"{state} at {viewport['width']}, {scheme}"] = problems
            await page.context.close()
    assert found == {}


async def test_what_is_seen_and_heard_is_measured(demo: Demo) -> None:
    """Pictures are counted by slot, gaps of the main one timed, the tone found; sound off is silence."""
    page = await demo.open("watching")
    await demo.until(page, "rtcdn.frames.v1 > 10 && rtcdn.frames.v2 > 10 && rtcdn.live.join() === 'v1,v2'")
    await demo.until(page, "Math.abs(rtcdn.tone() - 440) < 5 && Math.abs(rtcdn.loudest(440) - 440) < 5")
    assert await page.evaluate("[rtcdn.loudest(700), rtcdn.sizes.v1, rtcdn.connections, rtcdn.state]") == [
        0,
        [640, 360],
        ["c1"],
        "live",
    ]
    await page.evaluate("rtcdn.resetGap()")
    frames = await page.evaluate("rtcdn.frames.v1")
    await demo.until(page, f"rtcdn.frames.v1 > {frames + 12}")
    assert 40 < await page.evaluate("rtcdn.longestGapMs") < 2000
    await page.keyboard.press("m")
    await demo.until(page, "rtcdn.tone() === 0")
    await page.keyboard.press("m")
    await demo.until(page, "rtcdn.tone() > 0")


async def test_everything_is_reached_by_keys(demo: Demo) -> None:
    """Shortcuts, tabs by arrows, a menu by arrows, Escape; letters typed into a field are letters."""
    page = await demo.open("watching")
    await demo.until(page, "rtcdn.session !== null")
    await page.keyboard.press("p")
    await demo.shown(page, "#people", "Ada Okafor")
    await page.keyboard.press("ArrowRight")
    await demo.shown(page, "#messages", "No messages yet")
    await page.focus("#message-text")
    await page.keyboard.type("hmm, sps?")
    await page.keyboard.press("Enter")
    await demo.shown(page, "#message-list", "hmm, sps?")
    assert await page.evaluate("document.querySelector('dialog[open]') === null && rtcdn.tone() > -1")
    await page.keyboard.press("Escape")
    assert await page.is_hidden("#panel")
    assert await page.evaluate("document.activeElement.id") == "messages-button"
    await page.keyboard.press("s")
    await demo.shown(page, "#stats", "24 ms")
    await page.keyboard.press("s")
    await page.focus("#more")
    await page.keyboard.press("Enter")
    await page.keyboard.press("End")
    assert await page.evaluate("document.activeElement.textContent") == "Sound only"
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.activeElement.id") == "more"
    await page.keyboard.press("?")
    await demo.shown(page, "#help-dialog", "Full screen")


async def test_the_way_onto_the_stage_and_back(demo: Demo) -> None:
    """Invited without devices: asked, checked, on stage; muted, without camera, and off again with no light left on."""
    page = await demo.open("invited")
    await demo.shown(page, "#confirm-dialog", "invited on stage")
    await page.click("#confirm-yes")
    await demo.until(page, "document.querySelector('#preview').videoWidth > 0")
    await page.click("#devices-ok")
    await demo.until(page, "rtcdn.session.live && rtcdn.seats.some(seat => seat.participant === 'me')")
    await demo.shown(page, "#status", "On stage")
    await demo.until(page, "document.querySelector('#tile-v3').dataset.picture === 'true'")
    await page.click("#mute")
    await demo.until(page, "rtcdn.session.muted && document.querySelector('#mute').ariaLabel === 'Turn microphone on'")
    await page.keyboard.press("v")
    await demo.until(page, "!rtcdn.session.localTracks.camera")
    await page.keyboard.press("v")
    await demo.until(page, "rtcdn.session.localTracks.camera?.readyState === 'live'")
    assert await page.evaluate("rtcdn.session.muted")
    await page.evaluate("window.before = Object.values(rtcdn.session.localTracks)")
    await page.click("#live")
    await demo.until(page, "!rtcdn.session.live && before.every(track => track.readyState === 'ended')")


async def test_a_moderator_calls_and_removes(demo: Demo) -> None:
    """The next hand is taken from the queue; a removal is asked about first."""
    page = await demo.open("moderator")
    await demo.shown(page, "#hands-list", "Greta Novak")
    await page.click("#hands-list .primary >> nth=0")
    await demo.until(page, "!document.querySelector('#hands-list').textContent.includes('Greta Novak')")
    await page.click("#speakers [aria-haspopup] >> nth=1")
    await page.click("#menu .dangerous")
    await demo.shown(page, "#confirm-dialog", "Remove Bruno Keller?")
    assert "Bruno Keller" in str(await page.text_content("#speakers"))
    await page.click("#confirm-yes")
    await demo.until(page, "!document.querySelector('#speakers').textContent.includes('Bruno Keller')")


async def test_endings_say_what_to_do(demo: Demo) -> None:
    """Removed, closed, refused, blocked devices: a title each, and a button only where it helps."""
    expected = {
        "removed": ("You were removed from this session", False),
        "closed": ("The session is over", False),
        "elsewhere": ("You have joined somewhere else", True),
        "refused": ("The service is full", True),
        "unreachable": ("The service cannot be reached", True),
    }
    for state, (title, again) in expected.items():
        page = await demo.open(state)
        await demo.shown(page, "#problem-title", title)
        assert await page.is_visible("#problem-retry") == again
        await page.context.close()
    page = await demo.open("prejoin-blocked")
    await demo.shown(page, "#device-problem", "Camera and microphone are blocked.")
    await page.click("#join-without")
    await demo.until(page, "rtcdn.session !== null")
