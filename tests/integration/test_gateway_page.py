"""The page in Chromium, before a gateway and real Janus nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rtcdn.model import Role
from tests.integration.gateway_world import World
from tests.support.browser import PHONE, Browser
from tests.support.clients import speaker
from tests.support.engine import Engine

pytestmark = pytest.mark.real


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium that plays sound at once."""
    with Engine() as engine:
        async with Browser(engine) as made:
            yield made


def link(world: World, participant: str, role: Role = Role.VIEWER) -> str:
    """What a person is sent."""
    return f"{world.gateway.url}/#session=demo&token={world.gateway.token(participant, 'demo', role)}"


async def test_the_stage_follows_speakers_without_renegotiation(world: World, browser: Browser) -> None:
    """Empty, one, two, one again: always the same resource; the tone is heard; nothing is logged as an error."""
    page = await browser.open(link(world, "bob"))
    await browser.until(page, "window.rtcdn.state === 'live'")
    assert await page.text_content("#empty-title") == "Nobody is on stage yet"
    resource = await page.evaluate("rtcdn.resource")
    token = world.gateway.token("alice", role=Role.SPEAKER)
    alice = await speaker(world.http, f"{world.gateway.url}/whip/demo", token, label="Alice")
    await browser.until(page, "rtcdn.frames.v1 > 5 && Math.abs(rtcdn.tone() - 440) < 5")
    carol = await speaker(
        world.http, f"{world.gateway.url}/whip/demo", world.gateway.token("carol", role=Role.SPEAKER), tone_hz=1000
    )
    await browser.until(page, "rtcdn.frames.v2 > 5 && rtcdn.live.join() === 'v1,v2'")
    await carol.delete()
    await browser.until(page, "rtcdn.live.join() === 'v1'")
    assert await page.evaluate("[rtcdn.resource, rtcdn.reconnects]") == [resource, 0]
    assert browser.errors == []
    await alice.delete()


async def test_the_page_comes_again_when_its_resource_ends(world: World, browser: Browser) -> None:
    """Moved by the broker: another resource, pictures go on."""
    alice = await speaker(world.http, f"{world.gateway.url}/whip/demo", world.gateway.token("alice", role=Role.SPEAKER))
    page = await browser.open(link(world, "bob"))
    await browser.until(page, "window.rtcdn?.frames?.v1 > 5")
    resource, frames = await page.evaluate("[rtcdn.resource, rtcdn.frames.v1]")
    await world.broker.order(order="move", session="demo", participant="bob")
    await browser.until(page, f"rtcdn.reconnects === 1 && rtcdn.frames.v1 > {frames + 10}")
    assert await page.evaluate("rtcdn.resource") != resource
    await alice.delete()


async def test_a_speaker_goes_live_from_the_page(world: World, browser: Browser) -> None:
    """Preview first, then camera in three qualities; Stop ends it."""
    speaking = await browser.open(link(world, "dora", Role.SPEAKER))
    await browser.until(speaking, "document.getElementById('preview').videoWidth > 0")
    assert world.broker.calls == []
    await speaking.click("#live")
    await browser.until(speaking, "rtcdn.state === 'live'")
    told = await world.broker.seen("media", "dora")
    assert [s["simulcast"] for s in told["streams"] if s["type"] == "video"] == [True]
    watching = await browser.open(link(world, "bob"), PHONE)
    await browser.until(watching, "window.rtcdn?.frames?.v1 > 5")
    assert await watching.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    await speaking.click("#live")
    await world.broker.seen("leave", "dora")
    await browser.until(speaking, "rtcdn.state === 'idle'")


async def test_what_goes_wrong_is_said_in_words(world: World, browser: Browser) -> None:
    """A bad link, no link, a session that is not there: a title, a reason, a cure."""
    page = await browser.open(f"{world.gateway.url}/#session=demo&token=abc")
    await page.wait_for_selector("#problem:not([hidden])")
    assert await page.text_content("#problem-title") == "This link is not valid any more"
    assert await page.text_content("#problem-cure") == "Ask for a new link."
    assert await page.text_content("#status") == "Stopped"
    start = await browser.open(f"{world.gateway.url}/")
    await start.wait_for_selector("#start:not([hidden])")
    await start.fill("#join-session", "demo")
    await start.fill("#join-token", world.gateway.token("bob"))
    await asyncio.gather(
        start.wait_for_function("window.rtcdn?.state === 'live'"), start.press("#join-session", "Enter")
    )


TELL_BUTTON = """addEventListener('DOMContentLoaded', () => {
  const button = document.getElementById('sound-start');
  const tell = () => button.hidden || console.log('sound-start shows');
  if (button) new MutationObserver(tell).observe(button, {attributes: true});
});"""


async def test_sound_waits_for_a_click_where_the_browser_wants_one(world: World) -> None:
    """A button says so; after the click the tone is heard."""
    alice = await speaker(world.http, f"{world.gateway.url}/whip/demo", world.gateway.token("alice", role=Role.SPEAKER))
    with Engine() as engine:
        async with Browser(engine, autoplay=False) as browser:
            # Whatever Playwright evaluates in the page counts as a click: the page itself says when the button shows.
            page = await browser.open("about:blank")
            await page.add_init_script(TELL_BUTTON)
            async with page.expect_console_message(lambda message: message.text == "sound-start shows"):
                await page.goto(link(world, "bob"))
            await browser.until(page, "window.rtcdn?.frames?.v1 > 5")
            await page.click("#sound-start")
            await browser.until(page, "Math.abs(rtcdn.tone() - 440) < 5")
            assert await page.is_hidden("#sound-start")
    await alice.delete()


RESTART = """async token => {
  const pc = rtcdn.connection.pc, take = (sdp, name) => sdp.match(new RegExp(`a=${name}:(.*)`))[1].trim();
  const before = take(pc.currentRemoteDescription.sdp, 'ice-ufrag');
  pc.restartIce();
  await pc.setLocalDescription(await pc.createOffer());
  const ours = pc.localDescription.sdp;
  const body = `a=ice-ufrag:${take(ours, 'ice-ufrag')}\\r\\na=ice-pwd:${take(ours, 'ice-pwd')}\\r\\n`;
  const headers = {
    Authorization: `Bearer ${token}`, 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*',
  };
  const answer = await fetch(rtcdn.resource, {method: 'PATCH', headers, body});
  const fragment = await answer.text();
  const candidates = fragment.match(/a=candidate:.*/g).map(line => line.trim() + '\\r\\n').join('');
  const sdp = pc.currentRemoteDescription.sdp.replace(/a=candidate:.*\\r\\n|a=end-of-candidates\\r\\n/g, '')
    .replace(/a=ice-ufrag:.*/g, `a=ice-ufrag:${take(fragment, 'ice-ufrag')}`)
    .replace(/a=ice-pwd:.*\\r\\n/g, `a=ice-pwd:${take(fragment, 'ice-pwd')}\\r\\n${candidates}`);
  await pc.setRemoteDescription({type: 'answer', sdp});
  return [answer.status, before, take(fragment, 'ice-ufrag')];
}"""
PAIR = """async () => [...(await rtcdn.connection.pc.getStats()).values()]
  .filter(each => each.type === 'transport').map(each => each.selectedCandidatePairChanges)[0]"""


async def test_a_publisher_restarts_ice_and_stays_on_stage(world: World, browser: Browser) -> None:
    """New credentials on both sides, another pair chosen, pictures go on in the same resource."""
    speaking = await browser.open(link(world, "dora", Role.SPEAKER))
    await browser.until(speaking, "document.getElementById('preview').videoWidth > 0")
    await speaking.click("#live")
    await browser.until(speaking, "rtcdn.state === 'live'")
    watching = await browser.open(link(world, "bob"))
    await browser.until(watching, "window.rtcdn?.frames?.v1 > 5")
    resource, changes = await speaking.evaluate("rtcdn.resource"), await speaking.evaluate(PAIR)
    status, before, after = await speaking.evaluate(RESTART, world.gateway.token("dora", "demo", Role.SPEAKER))
    assert status == 200
    assert before != after
    await browser.until(speaking, f"({PAIR})().then(changes => changes > {changes})")
    frames = await watching.evaluate("rtcdn.frames.v1")
    await browser.until(watching, f"rtcdn.frames.v1 > {frames + 5}")
    assert await speaking.evaluate("[rtcdn.state, rtcdn.resource, rtcdn.reconnects]") == ["live", resource, 0]
