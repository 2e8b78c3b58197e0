"""Media through the gateway on real Janus nodes, with a small broker that grants and links."""

from __future__ import annotations

import asyncio

import pytest

from gateway import participants, protocol, sdp
from rtcdn.model import Role
from tests.integration.gateway_world import World
from tests.support.clients import OFFERS, Viewer, speaker
from tests.support.gateway import client, until

pytestmark = pytest.mark.real

FRAGMENT = "application/trickle-ice-sdpfrag"
NAMES = sorted(path.stem for path in OFFERS.glob("*.sdp"))
VP8_PUBLISH = [name for name in NAMES if "-publish" in name and not name.endswith(("h264", "vp9"))]
H264_PUBLISH = ["chromium-publish-h264", "chromium-publish", "gstreamer-publish-h264"]
WATCH = [name for name in NAMES if "-watch" in name]


async def test_a_speaker_is_seen_and_heard_by_a_viewer(world: World) -> None:
    """WHIP in, WHEP out; the broker hears the streams; DELETE leaves nothing."""
    gateway = world.gateway
    alice = await speaker(world.http, f"{gateway.url}/whip/demo", gateway.token("alice", role=Role.SPEAKER))
    told = await world.broker.seen("media", "alice")
    assert {(s["type"], s["codec"]) for s in told["streams"]} == {("audio", "opus"), ("video", "vp8")}
    viewer = await Viewer.join(world.http, f"{gateway.url}/whep/demo", gateway.token("bob"))
    await viewer.sees(10)
    await viewer.hears(440)
    assert "a=setup:passive" in alice.answer
    assert "a=setup:passive" in viewer.resource.answer
    assert await viewer.leave() == 200
    assert await alice.delete() == 200
    assert await world.broker.seen("leave", "alice") == {"leg": "publish", "generation": "1"}
    await world.nothing_left()


@pytest.mark.parametrize(
    ("session", "name"), [("demo", name) for name in VP8_PUBLISH] + [("h264", name) for name in H264_PUBLISH]
)
async def test_every_publisher_s_offer_is_answered(world: World, session: str, name: str) -> None:
    """All its media are received, in the session's codec; simulcast is accepted."""
    response = await world.post("whip", "alice", name, session)
    assert response.status == 201, await response.text()
    offer, answer = sdp.parse(sdp.for_janus((OFFERS / f"{name}.sdp").read_text())), sdp.parse(await response.text())
    assert [(m.kind, m.mid) for m in answer.media] == [(m.kind, m.mid) for m in offer.media]
    assert {m.direction for m in answer.media} == {"recvonly"}
    wanted = world.broker.codecs[session].value
    assert all(protocol.carries(m, wanted if m.kind == "video" else "opus") for m in answer.media)
    if "simulcast" in name:
        assert "a=simulcast:recv" in await response.text()
    path = response.headers["Location"]
    assert (await world.ask("DELETE", path, world.gateway.token("alice", session))).status == 200
    await world.nothing_left()


@pytest.mark.parametrize("name", WATCH)
async def test_every_viewer_s_offer_is_answered(world: World, name: str) -> None:
    """In the order of his media, every one of them sent: slots in order, the mix as audio."""
    response = await world.post("whep", "bob", name)
    assert response.status == 201, await response.text()
    offer, answer = sdp.parse((OFFERS / f"{name}.sdp").read_text()), sdp.parse(await response.text())
    assert [(m.kind, m.mid) for m in answer.media] == [(m.kind, m.mid) for m in offer.media]
    assert {m.direction for m in answer.media} == {"sendonly"}
    assert (await world.ask("DELETE", response.headers["Location"], world.gateway.token("bob"))).status == 200
    await world.nothing_left()


@pytest.mark.parametrize(
    ("session", "name"), [("h264", "simple-whip-client-publish"), ("demo", "chromium-publish-h264")]
)
async def test_a_codec_not_carried_leaves_nothing(world: World, session: str, name: str) -> None:
    """406 from the broker, who is told what the offer can carry: nothing is granted."""
    response = await world.post("whip", "alice", name, session)
    assert response.status == 406
    assert (await response.json())["type"] == "urn:rtcdn:problem:codec-not-carried"
    assert world.broker.holders == {}
    await world.nothing_left()


async def test_candidates_and_an_ice_restart_come_by_patch(world: World) -> None:
    """Trickle with the entity tag; a restart answers new credentials and a new tag."""
    response = await world.post("whip", "alice", "chromium-publish")
    path, tag, token = response.headers["Location"], response.headers["ETag"], world.gateway.token("alice")
    ufrag = sdp.parse(await response.text()).ufrag
    candidate = "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 2122 192.0.2.1 61764 typ host\r\n"
    trickled = await world.ask("PATCH", path, token, candidate, FRAGMENT, If_Match=tag)
    assert trickled.status == 204
    restart = "a=ice-ufrag:restart1\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n" + candidate
    restarted = await world.ask("PATCH", path, token, restart, FRAGMENT, If_Match="*")
    assert restarted.status == 200, await restarted.text()
    answer = sdp.parse_fragment(await restarted.text())
    assert answer.ufrag not in ("", ufrag)
    assert answer.candidates
    assert restarted.headers["ETag"] != tag
    assert (await world.ask("PATCH", path, token, candidate, FRAGMENT, If_Match=tag)).status == 412
    assert (await world.ask("DELETE", path, token)).status == 200
    await world.nothing_left()


async def test_a_viewer_cannot_restart_ice(world: World) -> None:
    """422: the player POSTs again."""
    response = await world.post("whep", "bob", "chromium-watch-1")
    restart = "a=ice-ufrag:restart1\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
    path, token = response.headers["Location"], world.gateway.token("bob")
    assert (await world.ask("PATCH", path, token, restart, FRAGMENT, If_Match="*")).status == 422


async def test_a_speaker_who_comes_again_takes_over(world: World) -> None:
    """At the same gateway and at another one; viewers see the newer connection."""
    other = await world.another_gateway("2")
    token = world.gateway.token("alice", role=Role.SPEAKER)
    first = await speaker(world.http, f"{world.gateway.url}/whip/demo", token)
    second = await speaker(world.http, f"{other.url}/whip/demo", token)
    viewer = await Viewer.join(world.http, f"{other.url}/whep/demo", world.gateway.token("bob"))
    await viewer.sees(5)
    third = await speaker(world.http, f"{other.url}/whip/demo", token)
    await viewer.sees(5)
    assert second.url != third.url
    for each in (first, second):
        await until(lambda each=each: each.connection.connectionState == "closed", "the older connection is closed")
    await asyncio.gather(third.delete(), viewer.leave())
    await world.nothing_left()


async def test_another_gateway_passes_requests_on(world: World) -> None:
    """DELETE at a gateway that does not hold the resource reaches the one that does."""
    other = await world.another_gateway("2")
    viewer = await Viewer.join(world.http, f"{world.gateway.url}/whep/demo", world.gateway.token("bob"))
    path = viewer.resource.url.removeprefix(world.gateway.url)
    assert (await world.ask_at(other, "DELETE", path, world.gateway.token("bob"))).status == 200
    await until(lambda: viewer.connection.connectionState == "closed", "the viewer's connection is closed")
    await world.nothing_left()
    await viewer.leave()


async def test_a_dead_gateway_s_clients_are_adopted(world: World) -> None:
    """Media goes on; the other gateway claims them by order and then serves their resources."""
    other = await world.another_gateway("2")
    alice = await speaker(world.http, f"{world.gateway.url}/whip/demo", world.gateway.token("alice", role=Role.SPEAKER))
    viewer = await Viewer.join(world.http, f"{world.gateway.url}/whep/demo", world.gateway.token("bob"))
    await world.broker.seen("media", "alice")
    await world.broker.seen("media", "bob")
    await viewer.sees(5)
    await world.gateway.kill()
    for who in ("alice", "bob"):
        await world.broker.order(order="adopt", session="demo", participant=who)
    assert len(other.participants) == 2
    await viewer.sees(15)
    for who, resource in (("alice", alice), ("bob", viewer.resource)):
        path = resource.url.removeprefix(world.gateway.url)
        assert (await world.ask_at(other, "DELETE", path, world.gateway.token(who))).status == 200
    await world.nothing_left()


async def test_a_request_adopts_when_the_owner_is_gone(world: World) -> None:
    """Before any order came: PATCH and DELETE at any gateway work."""
    other = await world.another_gateway("2")
    viewer = await Viewer.join(world.http, f"{world.gateway.url}/whep/demo", world.gateway.token("bob"))
    await world.broker.seen("media", "bob")
    path, tag = viewer.resource.url.removeprefix(world.gateway.url), viewer.resource.etag
    await world.gateway.kill()
    token = world.gateway.token("bob")
    patched = await world.ask_at(other, "PATCH", path, token, "a=end-of-candidates", FRAGMENT, If_Match=tag)
    assert patched.status == 204
    assert (await world.ask_at(other, "DELETE", path, token)).status == 200
    await world.nothing_left()


@pytest.mark.parametrize(
    ("order", "left"),
    [
        ({"order": "remove", "generation": 9}, []),
        ({"order": "remove", "generation": 0}, ["publish"]),
        ({"order": "remove", "leg": "view"}, ["publish"]),
        ({"order": "move", "legs": []}, []),
        ({"order": "role", "role": "viewer"}, []),
        ({"order": "role", "role": "moderator"}, ["publish"]),
        ({"order": "something-new"}, ["publish"]),
    ],
)
async def test_orders_are_performed_and_acknowledged(world: World, order: dict[str, object], left: list[str]) -> None:
    """What is meant ends, what is not stays."""
    alice = await speaker(world.http, f"{world.gateway.url}/whip/demo", world.gateway.token("alice", role=Role.SPEAKER))
    await world.broker.order(session="demo", participant="alice", **order)
    assert [each.way.leg for each in world.gateway.participants.held()] == left
    # Janus says goodbye once, by a packet that may be lost: then ICE misses it, half a minute later.
    states = ("connected",) if left else ("closed", "failed")
    await until(lambda: alice.connection.connectionState in states, f"the connection is one of {states}", 45)
    await alice.delete()
    await world.nothing_left()


async def test_a_half_open_participant_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An offer whose client never connects holds nothing for long."""
    monkeypatch.setattr(participants, "CONNECT_S", 0.5)
    response = await world.post("whep", "bob", "chromium-watch-1")
    assert response.status == 201
    await world.broker.seen("leave", "bob")
    await world.nothing_left()


async def test_a_publisher_put_out_by_janus_is_told_to_the_broker(world: World) -> None:
    """Kicked from the room: the resource is over, and the next request says so."""
    alice = await speaker(world.http, f"{world.gateway.url}/whip/demo", world.gateway.token("alice", role=Role.SPEAKER))
    ingress = client(world.nodes.ingress)
    ingress.kick(f"demo/ingress-{world.nodes.ingress.id}", "alice")
    await world.broker.seen("leave", "alice")
    assert await alice.delete() == 404
    await world.nothing_left()
