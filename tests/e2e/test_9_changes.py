"""Parts are replaced while people watch: what is led away in time misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from rtcdn.client import Session, connect
from tests.support.site import STATE, TREE, Site

SESSION = "steady"
TWO_STAGES = 700  # viewers expected: more than one Streaming node carries
VIEWERS = ("vic", "wim", "zoe")
SLOW_S = 400  # of a playbook on a busy machine
GAP_MS = 1000  # a picture may stand still for so long while its viewer is led to another node
STILL_MS = 8000  # and whatever the machine does besides; who is forgotten stands still until ICE gives up, 30 s


@pytest.fixture(scope="module")
def site(deployment: Site) -> Iterator[Site]:
    """The deployment with a session of its own, on every egress node."""
    deployment.open(SESSION, audience={"local": TWO_STAGES})
    yield deployment
    deployment.close(SESSION)


@pytest.fixture
async def viewers(site: Site) -> AsyncIterator[list[Session]]:
    """Somebody on stage and three who see him, by clients that can be led to another node."""
    async with AsyncExitStack() as stack:
        ca = str(site.state() / "pki" / "ca.crt")

        async def enter(name: str, role: str, **options: object) -> Session:
            token = await asyncio.to_thread(site.admit, SESSION, name, role)
            return await stack.enter_async_context(connect(site.url, token, name=name, ca=ca, **options))

        ann = await enter("ann", "speaker", video=True, audio=600, videos=1)
        await ann.publish()
        made = [await enter(name, "viewer", videos=1) for name in VIEWERS]
        for viewer in made:
            await viewer.media.received.sees("v1", 10, timeout_s=30)
            viewer.media.slot("v1").begin_anew()
        yield made


def play(site: Site, playbook: str, *words: str) -> str:
    """Output of a playbook on the deployment, as an operator runs it by hand."""
    line = f"cd {TREE} && .venv/bin/ansible-playbook -i {STATE}/inventory {playbook} {' '.join(words)}"
    return site.host.run("sh", "-c", line, timeout_s=SLOW_S)


async def gaps(viewers: list[Session]) -> list[int]:
    """Longest stand-still of each one's picture, in ms; all of them see still."""
    for viewer in viewers:
        await viewer.media.received.sees("v1", 10, timeout_s=30)
    return [round(viewer.media.slot("v1").longest_gap_ms) for viewer in viewers]


def led_away(found: list[int]) -> bool:
    """Nobody missed much, and nobody more than those who stayed: all of them stall alike when the machine is busy."""
    return max(found) < min(found) + GAP_MS and max(found) < STILL_MS


def started(site: Site, service: str) -> str:
    """When the container of a service began."""
    return site.docker("inspect", "--format", "{{.State.StartedAt}}", site.container(service))


async def test_collectors_are_replaced_in_turns(
    site: Site, viewers: list[Session], capsys: pytest.CaptureFixture[str]
) -> None:
    """One by one where there are four; media go on, and every node takes work afterwards."""
    nodes = [node["id"] for node in site.call("GET", "/v1/nodes")["nodes"] if node["kind"] != "AI"]
    services = {f"janus_{node}_{part}" for node in nodes for part in ("janus", "collector")}
    before = {service: started(site, service) for service in services}
    chosen = '\'{"upgrade_parts": ["janus"], "janus_node_sweep_s": 9, "rtcdn_verify": false}\''
    said = await asyncio.to_thread(play, site, "ansible/upgrade.yml", "-e", chosen)
    found = await gaps(viewers)
    with capsys.disabled():
        print(f"\ncollectors replaced: longest stand-still of each viewer {found} ms")
    replaced = {service for service in services if started(site, service) != before[service]}
    assert replaced == {service for service in services if service.endswith("_collector")}
    awaited = said.count("TASK [stack : Await every task of janus_")
    assert awaited == 4 * 2 + 1  # each turn, once more for the record of what runs, and all nodes in the end
    assert {node["state"] for node in site.call("GET", "/v1/nodes")["nodes"]} == {"ready"}
    assert led_away(found)


async def test_a_node_gets_another_configuration_while_it_serves(
    site: Site, viewers: list[Session], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is drained, replaced and takes work again; the viewers were led away and see on."""
    before, service = started(site, "janus_local-st1_janus"), "janus_local-st1_janus"
    level = (
        4 if "debug_level = 3" in site.docker("exec", site.container(service), "cat", "/etc/janus/janus.jcfg") else 3
    )
    chosen = '\'{"upgrade_parts": ["local-st1"], "janus_node_drain_s": 30, "rtcdn_verify": false}\''
    said = await asyncio.to_thread(
        play, site, "ansible/upgrade.yml", "-e", chosen, "-e", f"janus_node_debug_level={level}"
    )
    found = await gaps(viewers)
    with capsys.disabled():
        print(f"\nlocal-st1 replaced: longest stand-still of each viewer {found} ms")
    assert "local-st1: empty after" in said
    assert started(site, service) != before
    assert site.node("local-st1")["state"] == "ready"
    assert led_away(found)


def presented(site: Site) -> dict[str, str]:
    """Version of its secrets that each node presents."""
    return {node["id"]: node["secret_version"] for node in site.call("GET", "/v1/nodes")["nodes"]}


async def test_a_node_gets_new_secrets_while_it_serves(
    site: Site, viewers: list[Session], capsys: pytest.CaptureFixture[str]
) -> None:
    """Brokers and gateways know them before it does: nobody is lost, newcomers see. It is as it was applied again."""
    before = presented(site)["local-st1"]
    said = await asyncio.to_thread(site.rtcdn, "rotate", "local", "node", "local-st1", timeout_s=2 * SLOW_S)
    found = await gaps(viewers)
    with capsys.disabled():
        print(f"\nsecrets of local-st1 replaced: longest stand-still of each viewer {found} ms")
    assert "local-st1 has new secrets" in said
    assert presented(site)["local-st1"] == str(int(before) + 1)
    assert led_away(found)
    token = await asyncio.to_thread(site.admit, SESSION, "late")
    async with connect(site.url, token, name="late", ca=str(site.state() / "pki" / "ca.crt"), videos=1) as late:
        await late.media.received.sees("v1", 10, timeout_s=30)


async def test_the_store_is_restored_while_media_flow(
    site: Site, viewers: list[Session], capsys: pytest.CaptureFixture[str]
) -> None:
    """Who was there at the backup sees on, what came after it is forgotten, and newcomers are served."""
    await asyncio.to_thread(site.host.run, "rm", "-f", "/root/e2e.backup")
    await asyncio.to_thread(site.rtcdn, "backup", "local", "/root/e2e.backup", timeout_s=SLOW_S)
    site.open("after-backup")
    words = ("restore", "local", "/root/e2e.backup", "--only", "store", "--yes")
    await asyncio.to_thread(site.rtcdn, *words, timeout_s=SLOW_S)
    found = await gaps(viewers)
    with capsys.disabled():
        print(f"\nstore restored: longest stand-still of each viewer {found} ms")
    sessions = {each["id"] for each in site.call("GET", "/v1/sessions")["sessions"]}
    assert SESSION in sessions
    assert "after-backup" not in sessions
    assert max(found) < STILL_MS
    token = await asyncio.to_thread(site.admit, SESSION, "afterwards")
    async with connect(site.url, token, name="afterwards", ca=str(site.state() / "pki" / "ca.crt"), videos=1) as late:
        await late.media.received.sees("v1", 10, timeout_s=30)
