"""Debian's Chromium in a container (tests/images/browser), driven by Playwright over its debugging port.

    async with Browser(engine) as browser:
        page = await browser.open("https://127.0.0.1:8443/#session=demo&token=…")
        await browser.until(page, "window.rtcdn.frames.v1 > 30")

With host networking (the default) pages of 127.0.0.1 are secure contexts, so that the fake camera works over http too.
Certificates are not checked.
"""

from __future__ import annotations

import asyncio
import os
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from playwright.async_api import Page, Playwright, ViewportSize, async_playwright

from tests.support.engine import Engine, Network, free_port, wait_for

IMAGE = "rtcdn/test-browser"
FOLDER = Path(__file__).parent.parent / "images" / "browser"
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=844)
POLL_S = 0.1
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--ignore-certificate-errors",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--user-data-dir=/tmp/profile",
)
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"


def image(engine: Engine) -> str:
    """The browser's image, built when it is not here."""
    if not engine.has_image(IMAGE):
        base = os.environ.get("RTCDN_TEST_BASE") or engine.newest_image("rtcdn/base") or "dev/base:trixie"
        engine.client.images.build(path=str(FOLDER), tag=IMAGE, buildargs={"BASE": base}, rm=True)
    return IMAGE


class Browser:
    """One Chromium. ``autoplay`` false: sound wants a click first, as for a person who opens a link."""

    def __init__(
        self, engine: Engine, *, network: Network | None = None, autoplay: bool = True, flags: tuple[str, ...] = ()
    ) -> None:
        self._engine, self._network = engine, network
        self._flags = (*FLAGS, *((AUTOPLAY,) if autoplay else ()), *flags)
        self._playwright: Playwright | None = None
        self.container: Any = None
        self.errors: list[str] = []

    async def __aenter__(self) -> Browser:
        await asyncio.to_thread(self._start)
        self._playwright = await async_playwright().start()
        self.chromium = await self._playwright.chromium.connect_over_cdp(self._endpoint)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._playwright:
            await self._playwright.stop()
        if self.container:
            await asyncio.to_thread(self.container.remove, force=True)

    def _start(self) -> None:
        """Start Chromium and wait for its debugging port, which it opens on its own loopback only."""
        port = free_port()
        address = self._network.address() if self._network else None
        command = ["chromium", *self._flags, f"--remote-debugging-port={port}", "about:blank"]
        if address:
            relay = f"TCP-LISTEN:{port},bind={address},fork,reuseaddr"
            command = ["sh", "-c", f'socat {relay} TCP:127.0.0.1:{port} & exec "$@"', "sh", *command]
        self.container = self._engine.run(
            image(self._engine), command, name="browser", network=self._network, address=address, shm_size="256m"
        )
        self._endpoint = f"http://{address or '127.0.0.1'}:{port}"
        wait_for(lambda: _answers(f"{self._endpoint}/json/version"), "Chromium answers on its debugging port")

    async def open(self, url: str, viewport: ViewportSize = DESKTOP, script: str = "") -> Page:
        """A page of its own profile at ``url``; what it logs as an error is kept in ``errors``.

        ``script`` runs in it before its own.
        """
        context = await self.chromium.new_context(viewport=viewport, ignore_https_errors=True)
        page = await context.new_page()
        if script:
            await page.add_init_script(script)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        await page.goto(url)
        return page

    async def until(self, page: Page, condition: str, timeout_s: float = 60.0) -> None:
        """Wait until a JavaScript expression is true; the error shows what ``window.rtcdn`` was.

        Asked from here again and again: the page's own policy forbids what Playwright would do inside it.
        """
        until_s = time.monotonic() + timeout_s
        while not await page.evaluate(condition):
            if time.monotonic() > until_s:
                state = "JSON.stringify({...window.rtcdn, connection: undefined, figures: undefined})"
                shown = await page.evaluate(f"window.rtcdn ? {state} : document.body.innerText")
                raise AssertionError(f"not within {timeout_s} s: {condition}\n{shown}\n{self.errors[-5:]}")
            await asyncio.sleep(POLL_S)

    def freeze(self) -> None:
        """Stop it dead, without a goodbye to anybody."""
        self.container.pause()

    def kill(self) -> None:
        """SIGKILL."""
        self.container.kill()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
