"""Scenarios on one deployment: they share its nodes, a session changes its own, many come and go at once."""

from __future__ import annotations

import time

import pytest

from ops.client import CallRefused
from tests.support.browser import Browser
from tests.support.engine import wait_for
from tests.support.people import Person, person
from tests.support.site import Site

MANY = 100  # atolli at once
ALL_KINDS = {"local-vr1", "local-ab1", "local-st1", "local-st2"}


async def on_stage(browser: Browser, site: Site, session: str, name: str, hz: int) -> Person:
    """A speaker who publishes."""
    made = await person(browser, site, session, name, role="speaker", hz=hz)
    await made.ask("await s.publish(await rtcdn.capture())")
    await made.until("window.rtcdn.session.live")
    return made


async def test_an_atollo_that_outgrows_itself_becomes_an_archipelago(
    deployment: Site, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody joins again and no picture stops for long; newcomers come to other nodes; the way back is refused."""
    site, session = deployment, "grows"
    site.open(session, scenario="atollo")
    try:
        ada = await on_stage(browser, site, session, "ada", 500)
        await on_stage(browser, site, session, "bob", 700)
        watcher = await person(browser, site, session, "watcher")
        for name in ("ada", "bob"):
            await watcher.sees(name)
        before, hers = await watcher.receiving(), await ada.receiving()
        await watcher.page.evaluate("window.rtcdn.resetGap()")
        site.call("PATCH", f"/v1/sessions/{session}", {"scenario": "archipelago"})
        site.open(session, scenario="archipelago", audience={"local": 700})
        contexts = site.call("GET", f"/v1/sessions/{session}")["contexts"]
        assert len([name for name in contexts if name.startswith("stage-")]) == 2
        nodes: dict[str, Person] = {}
        for number in range(10):
            guest = await person(browser, site, session, f"new-{number}")
            legs = site.intent(session, guest.participant)["legs"]
            nodes[legs[0]["node"]] = guest
            if len(nodes) == 2:
                break
        for guest in nodes.values():
            await guest.sees("bob")
        for name in ("ada", "bob"):
            await watcher.sees(name)
        await watcher.until("window.rtcdn.loudest(500) > 0 && window.rtcdn.loudest(700) > 0")
        gap_ms = await watcher.page.evaluate("window.rtcdn.longestGapMs")
        assert (await watcher.receiving(), await ada.receiving()) == (before, hers)
        with capsys.disabled():
            print(f"\natollo -> archipelago: longest gap of the main picture {gap_ms:.0f} ms")
        with pytest.raises(CallRefused) as refused:
            site.call("PATCH", f"/v1/sessions/{session}", {"scenario": "nothing"})
        assert refused.value.status in (400, 422)
    finally:
        site.close(session)


def contexts(site: Site) -> set[str]:
    """Everything that stands in Janus, by report."""
    nodes = site.call("GET", "/v1/nodes")["nodes"]
    return {context for node in nodes for context in node["contexts"] if context.startswith("many-")}


def keys(site: Site) -> set[str]:
    """Everything of these sessions in the store."""
    return {key for key in site.store() if ":many-" in key}


def test_a_hundred_atolli_come_and_go(deployment: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Opened in one call and closed in one; nothing is left: no room, no mountpoint, no key."""
    site, names = deployment, [f"many-{number}" for number in range(MANY)]
    since_s = time.monotonic()
    opened = site.call(
        "POST", "/v1/sessions", {"sessions": {name: {"scenario": "atollo", "audience": {"local": 4}} for name in names}}
    )
    opened_s = time.monotonic() - since_s
    assert [name for name, answer in opened["answers"].items() if "problem" in answer] == []
    wait_for(lambda: len({context.split("/")[0] for context in contexts(site)}) == MANY, "all of them stand", 30, 1)
    since_s = time.monotonic()
    site.call("POST", "/v1/sessions/close", {"sessions": names})
    closed_s = time.monotonic() - since_s
    wait_for(lambda: not contexts(site), "nothing is left in Janus", 30, 1)
    assert keys(site) == set()
    with capsys.disabled():
        print(f"\n{MANY} atolli: opened in {opened_s:.2f} s, closed in {closed_s:.2f} s")


def test_all_three_share_the_nodes(deployment: Site) -> None:
    """An event has sessions of every kind at once, and each node serves several of them."""
    names = {f"mixed-{scenario.replace('_', '-')}": scenario for scenario in ("archipelago", "atollo", "big_island")}
    for name, scenario in names.items():
        deployment.open(name, scenario=scenario)
    try:
        nodes = {node["id"]: node for node in deployment.call("GET", "/v1/nodes")["nodes"]}
        assert set(names) <= set(nodes["local-vr1"]["sessions"])
        assert {node for node in nodes if set(names) & set(nodes[node]["sessions"])} <= ALL_KINDS
    finally:
        for name in names:
            deployment.close(name)
