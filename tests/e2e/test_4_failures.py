"""Parts of the control plane and of the media plane are killed while a session runs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from ops.media.whip import Resource
from tests.support.clients import Viewer, speaker
from tests.support.engine import wait_for
from tests.support.site import Site

SESSION = "robust"
TONE_HZ = 600
TWO_STAGES = 700  # viewers expected: more than one Streaming node carries
HEAL_S = 60
UNCLAIMED_S = 75  # Janus forgets a session that nobody claims after 60


@pytest.fixture(scope="module")
def site(deployment: Site) -> Iterator[Site]:
    """The deployment with a session of its own, on every egress node."""
    deployment.open(SESSION, audience={"local": TWO_STAGES})
    yield deployment
    deployment.close(SESSION)


@pytest.fixture
async def http(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that trusts the deployment."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=site.tls())) as made:
        yield made


@pytest.fixture
async def source(site: Site, http: aiohttp.ClientSession) -> AsyncIterator[Resource]:
    """A speaker on stage."""
    token = site.admit(SESSION, "source", "speaker")
    made = await speaker(http, f"{site.url}/whip/{SESSION}", token, tone_hz=TONE_HZ)
    yield made
    await made.delete()


@pytest.fixture
async def viewer(site: Site, http: aiohttp.ClientSession, source: Resource) -> AsyncIterator[Viewer]:
    """Somebody who watches him."""
    made = await Viewer.join(http, f"{site.url}/whep/{SESSION}", site.admit(SESSION, "viewer"))
    await made.sees()
    yield made
    await made.leave()


def kill(site: Site, service: str) -> None:
    """SIGKILL for the running container of a service."""
    container = site.container(service)
    assert container, f"{service} does not run"
    site.docker("kill", container)


def leader(site: Site) -> str:
    """Id of the broker replica that says it leads; '' while none does."""
    pki = "/run/secrets"
    for number, port in ((1, 8101), (2, 8111)):
        container = site.container(f"broker_broker-{number}")
        words = ["curl", "-fsS", "--cacert", f"{pki}/ca.crt", "--cert", f"{pki}/tls.crt", "--key", f"{pki}/tls.key"]
        try:
            told = site.docker("exec", container, *words, f"https://127.0.0.1:{port}/leader") if container else "{}"
        except RuntimeError:
            continue  # it is being killed or has only begun
        if json.loads(told).get("here"):
            return f"broker-{number}"
    return ""


async def new_viewer_sees(site: Site, http: aiohttp.ClientSession, name: str) -> None:
    """Somebody else joins and sees."""
    made = await Viewer.join(http, f"{site.url}/whep/{SESSION}", site.admit(SESSION, name))
    await made.sees()
    await made.leave()


async def test_the_leading_broker_dies(site: Site, http: aiohttp.ClientSession, viewer: Viewer) -> None:
    """Media never stops, changes go on by the other replica, and nothing is made twice."""
    first = await asyncio.to_thread(wait_for, lambda: leader(site), "a leader", HEAL_S, 1)
    contexts = site.call("GET", f"/v1/sessions/{SESSION}")["contexts"].keys()
    await asyncio.to_thread(kill, site, f"broker_{first}")
    await viewer.sees(20)
    other = await asyncio.to_thread(wait_for, lambda: leader(site) not in ("", first), "another leader", HEAL_S, 0.5)
    assert other
    await new_viewer_sees(site, http, "after-broker")
    assert site.call("GET", f"/v1/sessions/{SESSION}")["contexts"].keys() == contexts
    await asyncio.to_thread(site.healthy, f"broker_{first}")


async def test_a_gateway_dies_and_its_clients_are_adopted(
    site: Site, http: aiohttp.ClientSession, viewer: Viewer
) -> None:
    """The other gateway takes over: the picture goes on, longer than Janus waits for a lost owner, and DELETE works."""
    held = {number: gateway_holds(site, number) for number in (1, 2)}
    victim = max(held, key=lambda number: held[number])
    assert held[victim] > 0
    await asyncio.to_thread(kill, site, f"gateway_gateway-{victim}")
    until_s = time.monotonic() + UNCLAIMED_S
    while time.monotonic() < until_s:
        await viewer.sees(timeout_s=20)
    await asyncio.to_thread(site.healthy, f"gateway_gateway-{victim}")
    assert await viewer.leave() in (200, 204)


def gateway_holds(site: Site, number: int) -> int:
    """How many resources a gateway says it holds."""
    container = site.container(f"gateway_gateway-{number}")
    port = {1: 8201, 2: 8211}[number]
    answer = site.docker("exec", container, "curl", "-fsS", f"http://127.0.0.1:{port}/healthz")
    return int(json.loads(answer)["resources"])


@pytest.mark.parametrize("node", ["local-ab1", "local-vr1", "local-st1"])
async def test_a_janus_dies_and_is_provisioned_again(site: Site, http: aiohttp.ClientSession, node: str) -> None:
    """After Swarm made it again it has the session's contexts, and a speaker and a viewer find each other."""

    def ours() -> set[str]:
        return {context for context in site.node(node)["contexts"] if context.startswith(f"{SESSION}/")}

    before = await asyncio.to_thread(wait_for, ours, f"contexts of {SESSION} at {node}", HEAL_S, 1)
    await asyncio.to_thread(kill, site, f"janus_{node}_janus")
    await asyncio.to_thread(site.healthy, f"janus_{node}_janus")

    def provisioned() -> bool:
        return before <= ours()

    await asyncio.to_thread(wait_for, provisioned, f"{node} has {before} again", HEAL_S, 1)
    made = await speaker(
        http, f"{site.url}/whip/{SESSION}", site.admit(SESSION, f"by-{node}", "speaker"), tone_hz=TONE_HZ
    )
    watching = await Viewer.join(http, f"{site.url}/whep/{SESSION}", site.admit(SESSION, f"at-{node}"))
    await watching.sees(20, timeout_s=30)
    await watching.hears(TONE_HZ, timeout_s=30)
    await watching.leave()
    await made.delete()


async def test_the_demo_came_back_by_itself(site: Site, http: aiohttp.ClientSession) -> None:
    """After all that the synthetic speaker is on stage again."""
    viewer = await Viewer.join(http, f"{site.url}/whep/demo", site.admit("demo", "after-all"))
    await viewer.sees(20, timeout_s=60)
    await viewer.hears(440, timeout_s=30)
    await viewer.leave()
