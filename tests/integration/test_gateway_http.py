"""What clients are told when something is wrong, or only asked."""

from __future__ import annotations

import time

import pytest
from aiohttp import web

from gateway.ice import Ice, TurnServer
from rtcdn.model import Role
from rtcdn.tokens import Claims, SigningKey
from tests.integration.gateway_world import World
from tests.support.clients import Viewer, captured
from tests.support.gateway import until

pytestmark = pytest.mark.real
SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"


async def problem(response: object) -> tuple[int, str]:
    """Status and kind of a problem document."""
    assert response.headers["Content-Type"].startswith("application/problem+json")  # type: ignore[attr-defined]
    document = await response.json()  # type: ignore[attr-defined]
    assert document["detail"]
    return document["status"], document["type"].removeprefix("urn:rtcdn:problem:")


async def test_tokens_that_are_not_good_are_refused(world: World) -> None:
    """None, forged, expired, of another session, of an operator."""
    key, offer = world.gateway.key, captured("chromium-watch-1")
    far_s = time.time() + 1000
    tokens = {
        "": (401, "no-token"),
        "nonsense": (401, "bad-token"),
        SigningKey.generate().sign(Claims("bob", "demo", exp=far_s)): (401, "bad-token"),
        key.sign(Claims("bob", "demo", exp=time.time() - 60)): (401, "bad-token"),
        key.sign(Claims("bob", "other", exp=far_s)): (401, "bad-token"),
    }
    for token, expected in tokens.items():
        assert await problem(await world.ask("POST", "/whep/demo", token, offer, SDP)) == expected
    assert world.broker.calls == []


@pytest.mark.parametrize(
    ("path", "body", "content_type", "expected"),
    [
        ("/whep/demo", "v=0", "text/plain", (415, "wrong-media-type")),
        ("/whep/demo", "hello", SDP, (400, "bad-offer")),
        ("/whep/demo", "x" * 70_000, SDP, (413, "body-too-large")),
        ("/whep/demo", captured("chromium-data-only"), SDP, (400, "no-media")),
        ("/whip/demo", captured("chromium-watch-1"), SDP, (400, "wrong-direction")),
        ("/whep/DEMO", captured("chromium-watch-1"), SDP, (400, "bad-id")),
    ],
)
async def test_bad_offers_reach_nobody(
    world: World, path: str, body: str, content_type: str, expected: tuple[int, str]
) -> None:
    """The broker is not even asked."""
    token = world.gateway.token("bob")
    assert await problem(await world.ask("POST", path, token, body, content_type)) == expected
    assert world.broker.calls == []
    assert world.handles() == 0


async def test_what_the_broker_refuses_is_passed_on(world: World) -> None:
    """Its reason and cure, in our form."""
    told = {"type": "https://x/stage-full", "title": "Refused", "detail": "4 of 4 slots are taken", "cure": "wait"}
    world.broker.refuse = web.json_response(told, status=409, content_type="application/problem+json")
    response = await world.post("whip", "alice", "chromium-publish")
    assert await problem(response) == (409, "stage-full")
    assert (await response.json())["detail"] == "4 of 4 slots are taken"
    assert (await response.json())["cure"] == "wait"


async def test_resources_belong_to_their_participant(world: World) -> None:
    """Another's token, an unknown generation, another way."""
    response = await world.post("whep", "bob", "chromium-watch-1")
    path = response.headers["Location"]
    bob, eve = world.gateway.token("bob"), world.gateway.token("eve")
    assert await problem(await world.ask("DELETE", path, eve)) == (403, "not-yours")
    assert await problem(await world.ask("DELETE", path + "0", bob)) == (404, "no-such-resource")
    assert await problem(await world.ask("DELETE", path.replace("whep", "whip"), bob)) == (404, "no-such-resource")
    assert await problem(await world.ask("PATCH", path, bob, "a=end-of-candidates", FRAGMENT)) == (
        428,
        "if-match-missing",
    )
    assert (await world.ask("DELETE", path, bob)).status == 200
    assert await problem(await world.ask("DELETE", path, bob)) == (404, "no-such-resource")
    await world.nothing_left()


async def test_methods_and_preflight(world: World) -> None:
    """OPTIONS tells what may be sent, the rest is 405 or 404; every answer may be read across origins."""
    asked = await world.ask("OPTIONS", "/whep/demo")
    assert (asked.status, asked.headers["Accept-Post"]) == (204, SDP)
    assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert await problem(await world.ask("GET", "/whep/demo")) == (405, "method-not-allowed")
    refused = await world.ask("PUT", "/whep/demo/bob/1")
    assert refused.headers["Allow"] == "DELETE, OPTIONS, PATCH"
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    joined = await world.post("whep", "bob", "chromium-watch-1")
    assert "Link" not in joined.headers
    assert joined.headers["Accept-Patch"] == FRAGMENT
    assert "Location" in joined.headers["Access-Control-Expose-Headers"]


async def test_players_are_told_turn_servers(world: World) -> None:
    """A Link header for each way to one, with a credential of the participant's own."""
    urls = ("turn:192.0.2.1:3478?transport=udp", "turns:192.0.2.1:443?transport=tcp")
    rig = await world.another_gateway("2", ice=Ice("local", (TurnServer("local", urls),), "shared", 600))
    token, offer = rig.token("bob"), captured("chromium-watch-1")
    joined = await world.ask_at(rig, "POST", "/whep/demo", token, offer, SDP)
    links = joined.headers.getall("Link")
    assert [link.partition(">")[0] for link in links] == [f"<{url}" for url in urls]
    assert all('rel="ice-server"' in link and ':bob"; credential="' in link for link in links)


async def test_a_flood_is_slowed_down(world: World) -> None:
    """429 with the seconds to wait; another address is served."""
    slow = await world.another_gateway("3", rate_ps=0.5, burst=2)
    token = world.gateway.token("bob")
    answers = [await world.ask_at(slow, "POST", "/whep/demo", token, "hello", SDP) for _ in range(3)]
    assert [answer.status for answer in answers] == [400, 400, 429]
    assert answers[2].headers["Retry-After"] == "2"
    other = await world.ask_at(slow, "POST", "/whep/demo", token, "hello", SDP, X_Forwarded_For="192.0.2.9")
    assert other.status == 400


async def test_a_full_gateway_says_so(world: World) -> None:
    """503 with Retry-After; nothing was asked of the broker."""
    tiny = await world.another_gateway("4", max_participants=0)
    offer = captured("chromium-watch-1")
    full = await world.ask_at(tiny, "POST", "/whep/demo", world.gateway.token("bob"), offer, SDP)
    assert await problem(full) == (503, "gateway-full")
    assert full.headers["Retry-After"] == "5"


async def test_a_token_may_come_in_the_query(world: World) -> None:
    """For players that cannot set headers."""
    path = f"/whep/demo?token={world.gateway.token('bob')}"
    assert (await world.ask("POST", path, "", captured("chromium-watch-1"), SDP)).status == 201


async def test_everybody_with_a_shared_link_is_another_viewer(world: World) -> None:
    """``<sub>~<n>``; nobody can publish with it."""
    token = world.gateway.token("hall", "demo", Role.VIEWER, "join:*", "view")
    one = await Viewer.join(world.http, f"{world.gateway.url}/whep/demo", token)
    two = await Viewer.join(world.http, f"{world.gateway.url}/whep/demo", token)
    names = {each.resource.url.split("/")[-2] for each in (one, two)}
    assert len(names) == 2
    assert all(name.startswith("hall~") for name in names)
    refused = await world.ask("POST", "/whip/demo", token, captured("chromium-publish"), SDP)
    assert await problem(refused) == (403, "shared-link")
    assert (await one.leave(), await two.leave()) == (200, 200)
    await world.nothing_left()


async def test_a_node_that_is_away_is_a_clear_answer(world: World) -> None:
    """503 within seconds; the grant is given back."""
    world.nodes.stage.pause()
    try:
        assert await problem(await world.post("whep", "bob", "chromium-watch-1")) == (503, "node-away")
    finally:
        world.nodes.stage.unpause()
    await world.broker.seen("leave", "bob")
    await until(lambda: not world.broker.holders, "the broker holds nobody")


async def test_the_gateway_presents_itself(world: World) -> None:
    """In the store, and to the broker's stream with whom it holds."""
    await until(lambda: "GW:1" in world.store.read("GW:").values, "the presentation is there")
    await until(lambda: world.broker.hellos, "a hello came")
    assert world.broker.hellos[0] == {"hello": "1", "last": 0, "participants": [], "follow": [], "watched": {}}
    await world.post("whep", "bob", "chromium-watch-1")
    await world.broker.streams[-1].close()
    await until(lambda: len(world.broker.hellos) > 1, "a second hello came")
    shown = {"session": "demo", "participant": "bob", "generation": 1, "legs": ["view"]}
    assert world.broker.hellos[1]["participants"] == [shown]
