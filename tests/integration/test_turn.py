"""Media by way of a TURN server alone: the browser, the Python client, and what players are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.ice import Ice, TurnServer
from rtcdn.client import connect
from rtcdn.model import Kind, Role
from tests.integration.socket_world import Hall
from tests.support.browser import Browser
from tests.support.coturn import Coturn, start_coturn
from tests.support.engine import Engine, Network
from tests.support.gateway import until
from tests.support.janus import JanusNode, start_janus

pytestmark = pytest.mark.real
WATCH = """async ([token, relayOnly]) => {
  const {connect} = await import('/sdk/rtcdn.js');
  const session = await connect(location.origin, token, {relayOnly, videos: 1});
  const video = document.body.appendChild(document.createElement('video'));
  session.attach('v1', video);
  window.watched = {session, video};
}"""
FRAMES = "window.watched.video.getVideoPlaybackQuality().totalVideoFrames"


@pytest.fixture(scope="module")
def network() -> Iterator[tuple[Engine, Network]]:
    """A network for nodes and their TURN server."""
    with Engine() as engine:
        yield engine, engine.network()


@pytest.fixture(scope="module")
def trio(network: tuple[Engine, Network]) -> dict[Kind, JanusNode]:
    """A real node of each kind."""
    engine, own = network
    return {kind: start_janus(engine, kind, f"turn-{kind.lower()}1", network=own) for kind in Kind if kind != "AI"}


@pytest.fixture(scope="module")
def coturn(network: tuple[Engine, Network], trio: dict[Kind, JanusNode]) -> Coturn:
    """A server that relays to them alone."""
    return start_coturn(*network, [node.address.partition(":")[0] for node in trio.values()])


async def told(hall: Hall, coturn: Coturn) -> str:
    """A gateway that tells the server; its id."""
    ice = Ice("local", (TurnServer("local", coturn.urls),), coturn.secret, 600)
    await hall.gateway("2", ice=ice)
    return "2"


async def relayed(page: Any) -> list[dict[str, Any]]:
    """Candidates of ours that carry media now."""
    found: list[dict[str, Any]] = await page.evaluate(
        """async () => {
          const all = [];
          for (const pc of window.peers) {
            const stats = await pc.getStats();
            for (const each of stats.values()) {
              if (each.type !== 'candidate-pair' || !each.nominated || each.state !== 'succeeded') continue;
              const {candidateType, relayProtocol} = stats.get(each.localCandidateId);
              all.push({candidateType, relayProtocol});
            }
          }
          return all;
        }"""
    )
    return found


NOTE_PEERS = """window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...words) { super(...words); window.peers.push(this); }
};"""


async def test_a_browser_watches_by_a_relay_alone(hall: Hall, coturn: Coturn) -> None:
    """Chromium, told by the gateway at its join, and by no other way: pictures are counted."""
    rig = hall.gateways[await told(hall, coturn)]
    with Engine() as engine:
        async with Browser(engine) as browser:
            host = await browser.open(
                f"{rig.url}/#session=demo&join=now&token=" + rig.token("host", "demo", Role.SPEAKER)
            )
            await browser.until(host, "window.rtcdn?.session?.live")
            guest = await browser.open(f"{rig.url}/", script=NOTE_PEERS)
            await guest.evaluate(WATCH, [rig.token("guest", "demo", Role.VIEWER), True])
            await browser.until(guest, f"{FRAMES} > 30")
            assert await relayed(guest) == [{"candidateType": "relay", "relayProtocol": "udp"}]
            print(f"{await guest.evaluate(FRAMES)} pictures by TURN alone")


async def test_a_program_watches_by_a_relay_alone(hall: Hall, coturn: Coturn) -> None:
    """The Python client asks for the servers before its first offer."""
    rig = hall.gateways[await told(hall, coturn)]
    token, url = rig.token("bot", "demo", Role.VIEWER), rig.url
    speaker = hall.client("host", Role.SPEAKER, "view", "speak", "publish", tone_hz=440, at="2")
    await speaker.join(ready=True)
    await speaker.ask("publish")
    await speaker.send_camera()
    async with connect(url, token, videos=1, relay_only=True) as bot:
        await until(lambda: bot.media.slot("v1").frames > 5, "the bot sees pictures", 30)


async def test_without_servers_a_relay_is_impossible(hall: Hall) -> None:
    """The policy is obeyed: nothing flows by another way, and the join says so by its connection."""
    rig = hall.gateways["1"]
    with Engine() as engine:
        async with Browser(engine) as browser:
            guest = await browser.open(f"{rig.url}/", script=NOTE_PEERS)
            await guest.evaluate(WATCH, [rig.token("guest", "demo", Role.VIEWER), True])
            await browser.until(guest, "window.peers.some(pc => pc.iceGatheringState === 'complete')")
            assert await relayed(guest) == []
            assert await guest.evaluate(FRAMES) == 0


async def test_whoever_asks_with_a_token_is_told(hall: Hall, coturn: Coturn) -> None:
    """By /regions, from any origin; without a token there are regions alone."""
    rig = hall.gateways[await told(hall, coturn)]
    headers = {"Authorization": "Bearer " + rig.token("bob", "demo", Role.VIEWER)}
    async with hall.http.get(f"{rig.url}/regions", headers=headers) as answer:
        (server,) = (await answer.json())["ice_servers"]
    assert tuple(server["urls"]) == coturn.urls
    assert server["username"].endswith(":bob")
    for more in ({}, {"Authorization": "Bearer nonsense"}):
        async with hall.http.get(f"{rig.url}/regions", headers=more) as answer:
            assert set(json.loads(await answer.text())) == {"regions"}
    async with hall.http.options(f"{rig.url}/regions") as answer:
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
