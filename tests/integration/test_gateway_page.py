"""The page in Chromium, before a gateway and real Janus nodes: what a person does there, and what he is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from rtcdn.model import Role
from tests.integration.gateway_world import World
from tests.integration.socket_world import Hall
from tests.support.browser import PHONE, Browser
from tests.support.clients import Viewer
from tests.support.engine import Engine
from tests.support.people import DEVICES

pytestmark = pytest.mark.real
HOST_HZ, GUEST_HZ = 500, 800


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium that plays sound at once."""
    with Engine() as engine:
        async with Browser(engine) as made:
            yield made


def link(hall: Hall, participant: str, role: Role = Role.VIEWER, *rights: str) -> str:
    """What a person is sent."""
    token = hall.gateways["1"].token(participant, "demo", role, *rights)
    return f"{hall.gateways['1'].url}/#session=demo&token={token}&name={participant}"


async def opened(browser: Browser, url: str, hz: int) -> Page:
    """A page with a picture and a tone of its own."""
    devices = f"window.fakeDevices = {json.dumps({'hz': hz, 'hue': hz % 360, 'width': 960, 'height': 540})};\n"
    return await browser.open(url, script=devices + DEVICES.read_text(encoding="utf-8"))


async def on_stage(browser: Browser, hall: Hall, participant: str = "host") -> Page:
    """A moderator who checked his devices and went on stage, by clicks."""
    page = await opened(browser, link(hall, participant, Role.MODERATOR, "view", "speak", "publish"), HOST_HZ)
    await page.wait_for_selector("#prejoin:not([hidden])")
    await browser.until(page, "document.getElementById('preview').videoWidth > 0")
    assert hall.broker.calls == []
    await page.click("#join-button")
    await browser.until(page, "window.rtcdn.state === 'live'")
    await page.click("#live")
    await browser.until(page, "window.rtcdn.session.live")
    return page


async def test_a_hand_is_raised_and_its_owner_goes_on_stage(hall: Hall, browser: Browser) -> None:
    """Invited, asked for his devices, seen and heard; leaves the stage; is removed and told why."""
    host = await on_stage(browser, hall)
    guest = await opened(browser, link(hall, "guest", Role.VIEWER, "view", "speak"), GUEST_HZ)
    await browser.until(guest, f"window.rtcdn?.frames?.v1 > 5 && Math.abs(rtcdn.tone() - {HOST_HZ}) < 15")
    await guest.click("#hand")
    await host.click("#people-button")
    await host.click("#hands-list .primary")
    await guest.click("#confirm-yes")
    await guest.click("#devices-ok")
    await browser.until(guest, "rtcdn.session.live")
    await browser.until(host, f"rtcdn.live.includes('v2') && rtcdn.loudest({GUEST_HZ}) > 0")
    assert await guest.evaluate(f"rtcdn.loudest({GUEST_HZ})") == 0
    await guest.click("#live")
    await browser.until(host, "!rtcdn.seats.some(seat => seat.participant === 'guest')")
    await host.evaluate("rtcdn.session.remove('guest', 'be kind')")
    await guest.wait_for_selector("#problem:not([hidden])")
    assert "be kind" in await guest.inner_text("#problem")
    assert browser.errors == []


async def test_the_camera_comes_in_three_qualities_and_a_phone_shows_it(hall: Hall, browser: Browser) -> None:
    """Simulcast by the browser's own camera; nothing is cut off at the side of a phone."""
    await on_stage(browser, hall)
    published = lambda: [body for call, _, body in hall.broker.calls if call == "media" and body["leg"] == "publish"]  # noqa: E731
    async with hall.broker.changed, asyncio.timeout(15):
        await hall.broker.changed.wait_for(published)
    assert [each["simulcast"] for each in published()[0]["streams"]] == [True]
    watching = await browser.open(link(hall, "bob"), PHONE)
    await browser.until(watching, "window.rtcdn?.frames?.v1 > 5")
    assert await watching.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_what_goes_wrong_is_said_in_words(hall: Hall, browser: Browser) -> None:
    """A link that is none: a title, a reason, a cure. Without one: a form."""
    base = hall.gateways["1"].url
    page = await browser.open(f"{base}/#session=demo&token=abc")
    await page.wait_for_selector("#problem:not([hidden])")
    assert await page.text_content("#problem-title")
    assert await page.text_content("#problem-cure")
    assert await page.text_content("#status") == "Stopped"
    start = await browser.open(f"{base}/")
    await start.wait_for_selector("#start:not([hidden])")
    await start.fill("#join-session", "demo")
    await start.fill("#join-token", hall.gateways["1"].token("bob", "demo"))
    await start.press("#join-session", "Enter")
    await browser.until(start, "window.rtcdn?.state === 'live'")


TELL_BUTTON = """addEventListener('DOMContentLoaded', () => {
  const button = document.getElementById('sound-start');
  const tell = () => button.hidden || console.log('sound-start shows');
  if (button) new MutationObserver(tell).observe(button, {attributes: true});
});"""


async def test_sound_waits_for_a_click_where_the_browser_wants_one(hall: Hall, browser: Browser) -> None:
    """A button says so; after the click the tone is heard."""
    await on_stage(browser, hall)
    with Engine() as engine:
        async with Browser(engine, autoplay=False) as shy:
            # Whatever Playwright evaluates in the page counts as a click: the page itself says when the button shows.
            page = await shy.open("about:blank")
            await page.add_init_script(TELL_BUTTON)
            async with page.expect_console_message(lambda message: message.text == "sound-start shows"):
                await page.goto(link(hall, "bob"))
            await shy.until(page, "window.rtcdn?.frames?.v1 > 5")
            await page.click("#sound-start")
            await shy.until(page, f"Math.abs(rtcdn.tone() - {HOST_HZ}) < 15")
            assert await page.is_hidden("#sound-start")


RESTART = Path(__file__).with_name("ice_restart.js").read_text(encoding="utf-8")


async def test_a_publisher_by_whip_restarts_ice_and_stays_on_stage(world: World, browser: Browser) -> None:
    """New credentials on both sides, another pair chosen, pictures go on in the same resource."""
    speaking = await browser.open(f"{world.gateway.url}/healthz")
    token = world.gateway.token("dora", "demo", Role.SPEAKER)
    await speaking.evaluate(RESTART)
    await speaking.evaluate("token => whip.publish(token)", token)
    watching = await Viewer.join(world.http, f"{world.gateway.url}/whep/demo", world.gateway.token("bob"))
    await watching.sees()
    changes = await speaking.evaluate("whip.pairChanges()")
    status, before, after = await speaking.evaluate("token => whip.restart(token)", token)
    assert status == 200
    assert before != after
    async with asyncio.timeout(20):
        while await speaking.evaluate("whip.pairChanges()") <= changes:
            await watching.sees(1)
    await watching.sees()
    assert await speaking.evaluate("whip.pc.connectionState") == "connected"
    await watching.leave()
