"""What the broker is told of where a client is: the address that nginx sees, and the round trips that he measured."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from rtcdn.store.memory import MemoryStore
from rtcdn.tokens import SigningKey
from tests.support.clients import captured
from tests.support.gateway import Rig, serve, start_gateway

FORGED, SEEN = "8.8.8.8", "203.0.113.9"
AS_NGINX = {"X-Forwarded-For": f"{FORGED}, {SEEN}"}


@dataclass
class Site:
    """A gateway, and the attaches that its broker was asked; the broker refuses every one."""

    rig: Rig
    asked: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    asked: list[dict[str, Any]] = []

    async def attach(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({"type": "urn:x:no-capacity", "detail": "every node is full"}, status=409)

    app = web.Application()
    app.router.add_post("/v1/sessions/{sid}/participants/{pid}/attach", attach)
    async with contextlib.AsyncExitStack() as stack:
        rig = await start_gateway(tmp_path, await serve(app, stack), SigningKey.generate(), [], MemoryStore())
        yield Site(rig, asked)
        await rig.stack.aclose()


async def test_whep_tells_the_address_that_nginx_saw(site: Site) -> None:
    """Not the one that the client wrote before it."""
    headers = {**AS_NGINX, "Authorization": f"Bearer {site.rig.token('vic')}", "Content-Type": "application/sdp"}
    url = f"{site.rig.url}/whep/demo"
    async with site.rig.http.post(url, data=captured("chromium-watch-1"), headers=headers) as answer:
        assert answer.status == 409
    assert [body["client_address"] for body in site.asked] == [SEEN]


async def test_the_client_api_tells_it_with_what_the_client_measured(site: Site) -> None:
    """The socket's own address counts for all that he asks on it."""
    async with site.rig.http.ws_connect(f"{site.rig.url}/ws", protocols=("rtcdn.v1",), headers=AS_NGINX) as socket:
        join = {"type": "join", "id": 1, "session": "demo", "token": site.rig.token("vic"), "version": 1}
        await socket.send_json({**join, "measured_rtt": {"eu": 12.5}})
        answer = await socket.receive_json(timeout=10)
        assert answer["re"] == 1, answer
    (body,) = site.asked
    assert (body["client_address"], body["measured_rtt"]) == (SEEN, {"eu": 12.5})
