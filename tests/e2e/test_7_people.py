"""People at the page: promoted and demoted, heard and seen, muted, removed, sharing a screen; in every scenario."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.people import Person, person
from tests.support.site import Site

SCENARIOS = ("archipelago", "atollo", "big_island")
MAY_SPEAK = ["view", "speak"]
HOST_HZ = 500
TWO_STAGES = 700  # viewers expected: more than one Streaming node carries
EIGHT = 8


@pytest.fixture(scope="module", params=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> str:
    """Which one: pages cannot tell."""
    return str(request.param)


@pytest.fixture(scope="module")
def session(deployment: Site, scenario: str) -> Iterator[str]:
    """A session of that scenario, for more viewers than one egress node carries where it can have so many."""
    name = f"people-{scenario.replace('_', '-')}"
    deployment.open(name, scenario=scenario, audience={"local": 10 if scenario == "atollo" else TWO_STAGES})
    yield name
    deployment.close(name)


@pytest.fixture
def site(deployment: Site, session: str) -> Site:
    """The deployment, with the session open."""
    assert session
    return deployment


@pytest.fixture
async def host(site: Site, browser: Browser, session: str) -> Person:
    """A moderator on stage."""
    made = await person(browser, site, session, "host", role="moderator", hz=HOST_HZ)
    await made.ask("await s.publish(await rtcdn.capture())")
    await made.until("window.rtcdn.session.live")
    return made


async def two_viewers(browser: Browser, site: Site, session: str) -> list[Person]:
    """Two viewers, whom different egress nodes serve if the session has two."""
    nodes = len([name for name in site.call("GET", f"/v1/sessions/{session}")["contexts"] if name.startswith("stage-")])
    found: list[tuple[str, Person]] = []
    for number in range(10):
        made = await person(browser, site, session, f"watcher-{number}", rights=MAY_SPEAK, hz=700 + 50 * number)
        legs = site.intent(session, made.participant)["legs"]
        node = next(leg["node"] for leg in legs if leg["leg"] == "view")
        if nodes > 1 and any(node == other for other, _ in found):
            await made.page.close()
        else:
            found.append((node, made))
        if len(found) == 2:
            return [each for _, each in found]
    raise AssertionError(f"all viewers went to {found[0][0]}")


async def test_a_viewer_is_promoted_and_demoted(
    site: Site, session: str, browser: Browser, host: Person, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everybody at either egress node sees and hears him, not he himself; no viewer's connection changes."""
    first, second = await two_viewers(browser, site, session)
    for each in (first, second):
        await each.sees("host")
        await each.hears(HOST_HZ)
    await first.ask("await s.prepare(await rtcdn.capture())")
    await first.ask("await s.raiseHand()")
    await host.until(f"window.rtcdn.session.hands.queue.some(hand => hand.participant === '{first.participant}')")
    await host.page.screenshot(path=pictures / "moderator-hand.png")
    before = await second.receiving()
    await second.page.evaluate("window.rtcdn.resetGap()")
    since_s = time.monotonic()
    await host.ask(f"await s.promote('{first.participant}')")
    heard = f"Math.abs(window.rtcdn.loudest({first.hz}) - {first.hz}) < 20"
    his = f"seat => seat.participant === '{first.participant}'"
    seen = f"window.rtcdn.live.includes(window.rtcdn.seats.find({his})?.slot)"
    audible_s = await second.timed("audible", since_s, heard)
    visible_s = await second.timed("visible", since_s, seen)
    await host.sees(first.participant)
    await first.sees("host")
    await first.hears(HOST_HZ)
    assert await first.page.evaluate(f"window.rtcdn.loudest({first.hz})") == 0  # never one's own voice
    await second.page.screenshot(path=pictures / "promoted.png")
    await first.page.screenshot(path=pictures / "on-stage.png")
    await host.ask(f"await s.demote('{first.participant}')")
    await second.until(f"!window.rtcdn.seats.some(seat => seat.participant === '{first.participant}')")
    await second.until(f"window.rtcdn.loudest({first.hz}) === 0")
    await first.hears(HOST_HZ)
    assert await second.receiving() == before
    gap_ms = await second.page.evaluate("window.rtcdn.longestGapMs")
    times = f"audible {audible_s * 1000:.0f} ms, visible {visible_s * 1000:.0f} ms"
    with capsys.disabled():
        print(f"\npromoted: {times}, longest gap {gap_ms:.0f} ms")
    assert browser.errors == []


async def test_eight_speakers_pass_through_four_slots(
    site: Site, session: str, browser: Browser, host: Person, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is seen and heard in his turn; the pictures of those who stay never stop; nothing is left behind."""
    watcher = await person(browser, site, session, "eight-watcher")
    await watcher.sees("host")
    connections = await watcher.receiving()
    await watcher.page.evaluate("window.rtcdn.resetGap()")
    on_stage: list[Person] = []
    for number in range(EIGHT):
        if len(on_stage) == 3:  # with the host all four slots are taken
            gone = on_stage.pop(0)
            await host.ask(f"await s.demote('{gone.participant}')")
            await watcher.until(f"!window.rtcdn.seats.some(seat => seat.participant === '{gone.participant}')")
            await gone.page.close()
        name, hz = f"eight-{number}", 800 + 100 * number
        made = await person(browser, site, session, name, rights=MAY_SPEAK, hz=hz, width=320, height=180)
        await made.ask("await s.setQuality('audio')")
        await made.ask("await s.prepare(await rtcdn.capture())")
        await host.ask(f"await s.promote('{name}')")
        on_stage.append(made)
        await watcher.sees(name)
        await watcher.until(f"window.rtcdn.loudest({hz}) > 0")
    await watcher.page.screenshot(path=pictures / "four-slots.png")
    assert await watcher.receiving() == connections
    gap_ms = await watcher.page.evaluate("window.rtcdn.longestGapMs")
    with capsys.disabled():
        print(f"\neight speakers through four slots: longest gap of the main picture {gap_ms:.0f} ms")
    for each in on_stage:
        await each.page.close()
    await watcher.until("window.rtcdn.seats.length === 1")


async def test_the_main_slot_follows_who_talks(
    site: Site, session: str, browser: Browser, host: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """The main picture changes its speaker, there and back, and never stops; nobody connects anew."""
    guest = await person(browser, site, session, "talker", role="speaker", hz=1200)
    await guest.ask("await s.publish(await rtcdn.capture())")
    watcher = await person(browser, site, session, "floor-watcher")
    main = "window.rtcdn.seats.find(seat => seat.slot === 'v1')?.participant"
    await watcher.until(f"{main} === 'host'")
    await watcher.sees("host")
    await watcher.sees("talker")
    connections = await watcher.receiving()
    await watcher.page.evaluate("window.rtcdn.resetGap()")
    for silent, talker in ((host, guest), (guest, host)):
        await silent.ask("await s.mute(true)")
        await watcher.until(f"{main} === '{talker.participant}'")
        await watcher.sees(talker.participant, 10)
        await silent.ask("await s.mute(false)")
    gap_ms = await watcher.page.evaluate("window.rtcdn.longestGapMs")
    assert await watcher.receiving() == connections
    with capsys.disabled():
        print(f"\nmain slot to another speaker and back: longest gap {gap_ms:.0f} ms")
    await guest.ask("await s.leave()")


async def test_mute_by_oneself_and_by_a_moderator(site: Site, session: str, browser: Browser, host: Person) -> None:
    """The tone is gone for everybody; he is told; he may unmute himself."""
    guest = await person(browser, site, session, "guest", role="speaker", hz=900)
    await guest.ask("await s.publish(await rtcdn.capture())")
    watcher = await person(browser, site, session, "mute-watcher")
    await watcher.until("window.rtcdn.loudest(900) > 0")
    await guest.ask("await s.mute(true)")
    await watcher.until("window.rtcdn.loudest(900) === 0")
    await guest.ask("await s.mute(false)")
    await watcher.until("window.rtcdn.loudest(900) > 0")
    await host.ask("await s.mute(true, 'guest')")
    await guest.until("window.rtcdn.session.muted")
    await watcher.until("window.rtcdn.loudest(900) === 0")
    await watcher.hears(HOST_HZ)
    await guest.ask("await s.mute(false)")
    await watcher.until("window.rtcdn.loudest(900) > 0")
    await guest.ask("await s.leave()")


async def test_a_removed_participant_is_gone_and_told(
    site: Site, session: str, browser: Browser, host: Person, pictures: Path
) -> None:
    """His picture goes, his page says why, and his link does not bring him back."""
    guest = await person(browser, site, session, "rude", role="speaker", hz=1000)
    await guest.ask("await s.publish(await rtcdn.capture())")
    await host.sees("rude")
    await host.ask("await s.remove('rude', 'be kind')")
    await guest.until("window.rtcdn.state === 'closed'")
    await guest.page.screenshot(path=pictures / "removed.png")
    await host.until("!window.rtcdn.seats.some(seat => seat.participant === 'rude')")
    await guest.page.reload()
    await guest.page.wait_for_selector("#problem:not([hidden])")
    assert "removed" in (await guest.page.inner_text("#problem")).lower()


async def test_a_screen_is_shared_in_a_slot_of_its_own(
    site: Site, session: str, browser: Browser, host: Person, pictures: Path
) -> None:
    """Beside the camera, at its own size, without a new connection for those who watch; and it ends."""
    watcher = await person(browser, site, session, "screen-watcher")
    await watcher.sees("host")
    before = await watcher.receiving()
    await host.ask("await s.shareScreen()")
    await watcher.until("window.rtcdn.live.includes('s1')")
    await watcher.until("(window.rtcdn.sizes.s1 ?? [0])[0] >= 640")
    await watcher.page.screenshot(path=pictures / "screen.png")
    assert await watcher.receiving() == before
    await host.ask("await s.stopScreen()")
    await watcher.until("!window.rtcdn.seats.some(seat => seat.slot === 's1')")
    await watcher.sees("host")


async def test_a_viewer_gets_the_layer_he_asks_for(site: Site, browser: Browser) -> None:
    """A lower limit is seen in the size of what is decoded, and goes again."""
    site.open("layers")
    try:
        wide = await person(browser, site, "layers", "wide", role="speaker", hz=1100, width=960, height=540)
        await wide.ask("await s.publish(await rtcdn.capture())")
        watcher = await person(browser, site, "layers", "layer-watcher")
        await watcher.sees("wide")
        await watcher.until("window.rtcdn.sizes.v1[0] >= 480", timeout_s=60)
        await watcher.ask("await s.setQuality('low')")
        await watcher.until("window.rtcdn.sizes.v1[0] <= 320")
        await watcher.ask("await s.setQuality('auto')")
        await watcher.until("window.rtcdn.sizes.v1[0] >= 480", timeout_s=60)
        await asyncio.gather(wide.page.close(), watcher.page.close())
    finally:
        site.close("layers")
