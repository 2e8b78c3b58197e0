"""Bad input: each a clear error that says the cure; the process lives, and nothing leaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from ops.media.whip import Refused, Resource
from rtcdn.model import Role
from rtcdn.tokens import Claims, SigningKey
from tests.support.clients import captured, speaker
from tests.support.engine import wait_for
from tests.support.site import Site

SESSION = "bad-input"
VIEW, PUBLISH = ("view",), ("publish", "view", "speak")
WATCH_OFFER, PUBLISH_OFFER = captured("chromium-watch-1"), captured("chromium-publish")


@pytest.fixture(scope="module")
def site(deployment: Site) -> Iterator[Site]:
    """The deployment with a session of one slot."""
    deployment.open(SESSION, slots=1)
    yield deployment
    deployment.close(SESSION)


@pytest.fixture
async def http(site: Site) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that trusts the deployment."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=site.tls())) as made:
        yield made


def claims(session: str = SESSION, sub: str = "somebody", **more: Any) -> dict[str, Any]:
    return {"sub": sub, "sid": session, "role": Role.VIEWER, "rights": VIEW, **more}


def footprint(site: Site) -> dict[str, Any]:
    """What would grow if something leaked: keys of the session; handles, contexts, forwarders, viewers of each node."""
    store = site.store()
    found: dict[str, Any] = {"keys": sorted(key for key in store if f":{SESSION}" in key)}
    for key, value in store.items():
        if key.endswith(":PLUGIN"):
            plugin = json.loads(value)
            found[key] = {
                "handles": plugin["handles"],
                "contexts": sorted(context["id"] for context in plugin["contexts"]),
                "forwarders": sum(len(context["forwarders"]) for context in plugin["contexts"]),
                "viewers": sum(context["viewers"] for context in plugin["contexts"]),
            }
    return found


def is_problem(answer: aiohttp.ClientResponse, body: str, says: str) -> None:
    """A problem document of RFC 9457 with words for people."""
    assert answer.content_type == "application/problem+json", body
    document = json.loads(body)
    assert document["title"]
    assert document["status"] == answer.status
    assert says.lower() in body.lower(), f"{body} does not say {says}"


JOINS = {
    "no token": ("whep", SESSION, None, WATCH_OFFER, 401, "token"),
    "not a token": ("whep", SESSION, "rubbish", WATCH_OFFER, 401, "token"),
    "expired token": ("whep", SESSION, claims(exp=time.time() - 3600), WATCH_OFFER, 401, "expired"),
    "unknown session": ("whep", "nobody-opened-it", claims("nobody-opened-it"), WATCH_OFFER, 404, "session"),
    "token of another session": ("whep", SESSION, claims("demo"), WATCH_OFFER, 401, "session"),
    "viewer who publishes": ("whip", SESSION, claims(), PUBLISH_OFFER, 403, "publish"),
    "empty body": ("whep", SESSION, claims(), "", 400, "sdp"),
    "not SDP": ("whep", SESSION, claims(), "hello", 400, "sdp"),
    "SDP without media": ("whep", SESSION, claims(), captured("chromium-data-only"), 400, "media"),
    "oversized body": ("whep", SESSION, claims(), WATCH_OFFER + "a=x\r\n" * 100_000, 413, "large"),
    "codec we do not carry": (
        *("whip", SESSION, claims(sub="vp9-speaker", role=Role.SPEAKER, rights=PUBLISH)),
        *(captured("chromium-publish-vp9"), 406, "vp8"),
    ),
    "codec of another session": (
        *("whip", SESSION, claims(sub="h264-speaker", role=Role.SPEAKER, rights=PUBLISH)),
        *(captured("chromium-publish-h264"), 406, "vp8"),
    ),
}


@pytest.mark.parametrize("case", JOINS)
async def test_a_bad_join_is_refused_with_its_reason(site: Site, http: aiohttp.ClientSession, case: str) -> None:
    """WHIP and WHEP say what is wrong."""
    way, session, token, offer, status, says = JOINS[case]
    headers = {"Content-Type": "application/sdp"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token if isinstance(token, str) else site.sign(**token)}"
    async with http.post(f"{site.url}/{way}/{session}", data=offer.encode(), headers=headers) as answer:
        body = await answer.text()
        assert answer.status == status, body
        is_problem(answer, body, says)


async def test_a_forged_token_is_refused(site: Site, http: aiohttp.ClientSession) -> None:
    """A good token of a key that nobody knows."""
    token = SigningKey.generate().sign(Claims(**claims(exp=time.time() + 600)))
    headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
    async with http.post(f"{site.url}/whep/{SESSION}", data=WATCH_OFFER.encode(), headers=headers) as answer:
        body = await answer.text()
        assert answer.status == 401, body
        is_problem(answer, body, "token")


async def test_a_wrong_media_type_is_refused(site: Site, http: aiohttp.ClientSession) -> None:
    """An offer is application/sdp."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {site.sign(**claims())}"}
    async with http.post(f"{site.url}/whep/{SESSION}", data=WATCH_OFFER.encode(), headers=headers) as answer:
        body = await answer.text()
        assert answer.status == 415, body
        is_problem(answer, body, "application/sdp")


CALLS = {
    "malformed JSON": ("PUT", f"/v1/sessions/{SESSION}", "{", 400, "json"),
    "unknown field": ("PUT", f"/v1/sessions/{SESSION}", '{"slotz": 3}', 400, "slotz"),
    "wrong type": ("PUT", f"/v1/sessions/{SESSION}", '{"slots": "many"}', 400, "slots"),
    "unknown codec": ("PUT", f"/v1/sessions/{SESSION}", '{"codec": "vp9"}', 400, "codec"),
    "bad id": ("PUT", "/v1/sessions/Bad%20Id", "{}", 400, "sid"),
    "oversized body": ("PUT", f"/v1/sessions/{SESSION}", json.dumps({"policy": "x" * 600_000}), 413, "large"),
    "unknown session": ("GET", "/v1/sessions/nobody-opened-it", "", 404, "session"),
    "unknown participant": ("GET", f"/v1/sessions/{SESSION}/participants/nobody", "", 404, "participant"),
    "unknown node": ("POST", "/v1/nodes/nowhere/drain", "{}", 400, "node"),
    "a gateway's call from outside": ("POST", f"/v1/sessions/{SESSION}/participants/x/attach", "{}", 404, ""),
}


@pytest.mark.parametrize("case", CALLS)
async def test_a_bad_call_is_refused_with_its_reason(site: Site, http: aiohttp.ClientSession, case: str) -> None:
    """The broker's API names the field and the cure."""
    method, path, text, status, says = CALLS[case]
    token = site.sign(sub="tester", scope="operator")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    async with http.request(method, f"{site.url}{path}", data=text.encode() or None, headers=headers) as answer:
        body = await answer.text()
        assert answer.status == status, body
        is_problem(answer, body, says)


@pytest.mark.parametrize("token", ["", "client"], ids=["no token", "a client's token"])
async def test_the_api_is_for_operators(site: Site, http: aiohttp.ClientSession, token: str) -> None:
    """Neither a stranger nor a participant may ask."""
    headers = {"Authorization": f"Bearer {site.sign(**claims())}"} if token else {}
    async with http.get(f"{site.url}/v1/sessions", headers=headers) as answer:
        assert answer.status == (403 if token else 401)


async def test_a_full_stage_says_so(site: Site, http: aiohttp.ClientSession) -> None:
    """The second speaker of a session of one slot is refused with the reason, until the first leaves."""
    first = await speaker(http, f"{site.url}/whip/{SESSION}", site.admit(SESSION, "first", "speaker"))
    token = site.admit(SESSION, "second", "speaker")
    headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
    try:
        async with http.post(f"{site.url}/whip/{SESSION}", data=PUBLISH_OFFER.encode(), headers=headers) as answer:
            body = await answer.text()
            assert answer.status == 409, body
            is_problem(answer, body, "slots")
    finally:
        assert await first.delete() in (200, 204)
    second = await accepted(http, f"{site.url}/whip/{SESSION}", token)
    assert await second.delete() in (200, 204)


async def accepted(http: aiohttp.ClientSession, url: str, token: str) -> Resource:
    """A speaker, as soon as the replica that is asked has heard that the seat is free."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(Refused):
                return await speaker(http, url, token)


async def test_a_flood_of_joins_leaves_nothing(site: Site, http: aiohttp.ClientSession) -> None:
    """300 joins at once that never connect: each is answered, and in the end nothing more is there than before."""
    before = footprint(site)
    token = site.admit(SESSION, "crowd", shared=True)
    headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}

    async def join() -> int:
        async with http.post(f"{site.url}/whep/{SESSION}", data=WATCH_OFFER.encode(), headers=headers) as answer:
            await answer.read()
            return answer.status

    statuses = await asyncio.gather(*(join() for _ in range(300)))
    assert set(statuses) <= {201, 429, 503}, sorted(set(statuses))
    assert 201 in statuses
    site.call("GET", f"/v1/sessions/{SESSION}")

    def settled() -> bool:
        return footprint(site) == before

    await asyncio.to_thread(wait_for, settled, f"the footprint of before ({before})", 120, 2)
