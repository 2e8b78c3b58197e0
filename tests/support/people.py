"""People in a session, each a page in Chromium with a picture and a tone of his own (``devices.js``).

``window.rtcdn`` of the page is what they look at: ``session`` is the SDK's.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page, ViewportSize

from tests.support.browser import DESKTOP, Browser
from tests.support.site import Site

DEVICES = Path(__file__).with_name("devices.js")
TONE_WITHIN_HZ = 20


@dataclass
class Person:
    """One page."""

    browser: Browser
    page: Page
    participant: str
    hz: int = 0
    times: dict[str, float] = field(default_factory=dict)

    async def ask(self, script: str) -> Any:
        """What a script says; ``s`` is the SDK's session."""
        return await self.page.evaluate(f"(async () => {{ const s = window.rtcdn.session; return {script}; }})()")

    async def refused(self, script: str) -> str:
        """The reason why the SDK's call is refused; empty when it is not."""
        guarded = f"await ({script}).then(() => '', error => error.reason)"
        return str(await self.page.evaluate(f"(async () => {{ const s = window.rtcdn.session; return {guarded}; }})()"))

    async def until(self, condition: str, timeout_s: float = 30.0) -> None:
        """Wait until an expression over ``window.rtcdn`` is true."""
        await self.browser.until(self.page, condition, timeout_s)

    async def sees(self, participant: str, frames: int = 5, timeout_s: float = 30.0) -> None:
        """Wait until new pictures of a participant (his camera) are decoded."""
        slot = f"window.rtcdn.seats.find(seat => seat.participant === {json.dumps(participant)})?.slot"
        await self.until(f"({slot}) !== undefined", timeout_s)
        before = await self.page.evaluate(f"window.rtcdn.frames[{slot}] ?? 0")
        await self.until(f"(window.rtcdn.frames[{slot}] ?? 0) > {before + frames}", timeout_s)

    async def hears(self, hz: int, timeout_s: float = 30.0) -> None:
        """Wait until the loudest tone of what he hears is ``hz``; 0: silence."""
        if hz == 0:
            await self.until("window.rtcdn.tone() === 0", timeout_s)
        else:
            await self.until(f"Math.abs(window.rtcdn.tone() - {hz}) < {TONE_WITHIN_HZ}", timeout_s)

    async def timed(self, what: str, since_s: float, condition: str, timeout_s: float = 30.0) -> float:
        """Seconds since ``since_s`` until a condition holds; kept in ``times``. Asked about every 10 ms."""
        while not await self.page.evaluate(condition):
            assert time.monotonic() - since_s < timeout_s, f"{self.participant}: not {what} within {timeout_s} s"
        self.times[what] = time.monotonic() - since_s
        return self.times[what]


async def person(
    browser: Browser,
    site: Site,
    session: str,
    participant: str,
    *,
    role: str = "viewer",
    rights: list[str] | None = None,
    hz: int = 440,
    viewport: ViewportSize = DESKTOP,
    more: str = "",
    **devices: Any,
) -> Person:
    """Somebody at the page of a session, connected."""
    token = site.admit(session, participant, role, **({"rights": rights} if rights else {}))
    url = f"{site.url}/#session={session}&token={token}&name={participant}{more}"
    made = await opened(browser, url, participant, hz=hz, viewport=viewport, **devices)
    await made.until("window.rtcdn?.state === 'live'")
    return made


async def opened(
    browser: Browser, url: str, participant: str, *, hz: int = 440, viewport: ViewportSize = DESKTOP, **devices: Any
) -> Person:
    """A page with devices of his own at a link."""
    settings = {"hz": hz, "hue": hz % 360, "label": participant, **devices}
    script = f"window.fakeDevices = {json.dumps(settings)};\n{DEVICES.read_text(encoding='utf-8')}"
    return Person(browser, await browser.open(url, viewport, script), participant, hz)
