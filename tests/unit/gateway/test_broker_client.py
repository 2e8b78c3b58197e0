"""The broker's answers as the gateway takes them, from replicas in this process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from gateway.broker_client import NEWS_S, Broker
from gateway.protocol import Problem
from rtcdn.model import AttachGrant, Leg
from tests.support.gateway import serve

GRANT = AttachGrant("demo", "bob", generation=3, legs=(Leg("view"),))


@dataclass
class Replica:
    """Answers every request with what it is told to, and counts them."""

    answer: web.Response
    asked: list[str] = field(default_factory=list)
    news: list[str] = field(default_factory=list)  # revisions that came with them
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        """Any request."""
        self.asked.append(f"{request.method} {request.path_qs}")
        self.news.append(request.headers.get("Rtcdn-Revision", ""))
        return web.Response(
            status=self.answer.status,
            body=self.answer.body,
            content_type=self.answer.content_type,
            headers={"Retry-After": self.answer.headers["Retry-After"]} if "Retry-After" in self.answer.headers else {},
        )


@dataclass
class Slow(Replica):
    """Takes its time; notes how many requests of one path prefix it had at once."""

    now: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    both: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer when requests of two participants are here, or one has been for a moment."""
        who = request.path.rpartition("/")[0]
        self.now[who] = self.now.get(who, 0) + 1
        self.most[who] = max(self.most.get(who, 0), self.now[who])
        if len(self.now) == 2:
            self.both.set()
        await self.both.wait()
        await asyncio.sleep(0)
        self.now[who] -= 1
        return await super().handle(request)


@dataclass
class Site:
    """Replicas and a client of them."""

    stack: contextlib.AsyncExitStack
    http: aiohttp.ClientSession

    async def broker(self, *replicas: Replica) -> Broker:
        """A client of these."""
        for replica in replicas:
            app = web.Application()
            app.router.add_route("*", "/{rest:.*}", replica.handle)
            replica.url = f"http://{await serve(app, self.stack)}"
        return Broker(self.http, [replica.url for replica in replicas], "1")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Everything is closed at the end."""
    async with contextlib.AsyncExitStack() as stack:
        yield Site(stack, await stack.enter_async_context(aiohttp.ClientSession()))


def told(status: int, name: str, **more: str) -> web.Response:
    """A problem as the broker writes it."""
    document = {"type": f"https://rtcdn.invalid/problems/{name}", "title": "T", "detail": "why", **more}
    return web.json_response(document, status=status, content_type="application/problem+json")


async def test_the_next_replica_is_asked_when_one_cannot(site: Site) -> None:
    """And the one that answered is asked first from then on."""
    ill, good = Replica(told(503, "no-leader")), Replica(web.json_response(GRANT.to_dict()))
    broker = await site.broker(ill, good)
    assert await broker.attach("demo", "bob", {}) == GRANT
    await broker.leave("demo", "bob", "view", 3)
    path = "/v1/sessions/demo/participants/bob/attach"
    assert ill.asked == [f"POST {path}"]
    assert good.asked == [f"POST {path}", f"DELETE {path}?leg=view&generation=3"]


async def test_a_refusal_is_final_and_keeps_its_words(site: Site) -> None:
    """Another replica would say the same."""
    first, second = Replica(told(409, "stage-full", cure="wait")), Replica(web.json_response(GRANT.to_dict()))
    broker = await site.broker(first, second)
    with pytest.raises(Problem) as caught:
        await broker.attach("demo", "alice", {})
    found = caught.value
    assert (found.status, found.kind, found.detail, found.cure) == (409, "stage-full", "why", "wait")
    assert second.asked == []


async def test_one_who_must_wait_is_told_when_his_turn_is(site: Site) -> None:
    """429 with the broker's own time and words; no other replica is asked to give another turn."""
    answer = told(429, "please-wait", detail="you are number 40, ask again in 20 s")
    answer.headers["Retry-After"] = "20"
    first, second = Replica(answer), Replica(web.json_response(GRANT.to_dict()))
    broker = await site.broker(first, second)
    with pytest.raises(Problem) as caught:
        await broker.attach("demo", "vic", {})
    assert (caught.value.status, caught.value.kind, caught.value.retry_after_s) == (429, "please-wait", 20)
    assert "number 40" in caught.value.detail
    assert second.asked == []


async def test_no_replica_at_all_is_a_problem_of_its_own(site: Site) -> None:
    """503 with Retry-After, not an error of ours."""
    with pytest.raises(Problem) as caught:
        await Broker(site.http, ["http://127.0.0.1:1"], "1").attach("demo", "bob", {})
    assert (caught.value.status, caught.value.kind, caught.value.retry_after_s) == (503, "broker-away", 2)


@pytest.mark.parametrize("body", ["[]", "{}", '{"legs": "no"}'])
async def test_a_grant_that_cannot_be_read_is_told(site: Site, body: str) -> None:
    """502, whatever the broker sent."""
    broker = await site.broker(Replica(web.Response(text=body, content_type="application/json")))
    with pytest.raises(Problem) as caught:
        await broker.attach("demo", "bob", {})
    assert (caught.value.status, caught.value.kind) == (502, "bad-grant")


async def test_nobody_holds_an_unknown_participant(site: Site) -> None:
    """None, and leaving twice is fine."""
    broker = await site.broker(Replica(told(404, "unknown-participant")))
    assert await broker.holder("demo", "bob") is None
    await broker.leave("demo", "bob", "view", 1)


async def test_a_problem_without_words_still_has_some(site: Site) -> None:
    """A bare 500, and a bare 503 with Retry-After."""
    bare = web.Response(status=503, text="oops", headers={"Retry-After": "7"})
    broker = await site.broker(Replica(bare))
    with pytest.raises(Problem) as caught:
        await broker.attach("demo", "bob", {})
    assert (caught.value.kind, caught.value.retry_after_s) == ("broker-503", 7)
    assert caught.value.detail == "the broker answered 503"


async def test_what_concerns_one_participant_is_asked_one_after_the_other(site: Site) -> None:
    """Two legs at once are two requests in turn; another participant does not wait."""
    slow = Slow(web.json_response(GRANT.to_dict()))
    broker = await site.broker(slow)
    wants = [broker.attach("demo", who, {"want": [leg]}) for who in ("bob", "eve") for leg in ("publish", "talk")]
    await asyncio.gather(*wants)
    assert len(slow.asked) == 4
    assert set(slow.most.values()) == {1}


async def test_what_an_order_told_goes_with_what_is_asked_for_a_while(site: Site) -> None:
    """The newest revision of all orders; later every replica has heard of it."""
    replica = Replica(web.json_response(GRANT.to_dict()))
    await site.broker(replica)
    now_s = [100.0]
    broker = Broker(site.http, [replica.url], "1", now_s=lambda: now_s[0])
    for told, then_s in ((0, 0.0), (7, 1.0), (5, NEWS_S - 1.5), (5, 0.5)):  # an older one is not news again
        if told:
            broker.told(told)
        await broker.attach("demo", "bob", {})
        now_s[0] += then_s
    broker.told(5)  # of a store that was restored
    await broker.attach("demo", "bob", {})
    assert replica.news == ["", "7", "7", "7", "5"]
