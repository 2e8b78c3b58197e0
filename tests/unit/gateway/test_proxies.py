"""Whose word on a client's address counts."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.api import Door
from gateway.proxies import Proxies
from gateway.settings import read
from rtcdn.errors import ConfigError
from tests.support.gateway import serve

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("proxy", ["127.0.0.1", "10.0.0.7", "192.168.1.1", "fd00::1", "::1", "100.64.0.1", None])
def test_a_proxy_tells_the_clients_address(proxy: str | None) -> None:
    """The last of the list is what it saw itself; what stands before came with the request."""
    assert Proxies().client(proxy, "203.0.113.9") == "203.0.113.9"
    assert Proxies().client(proxy, "1.1.1.1, 2.2.2.2 , 203.0.113.9") == "203.0.113.9"
    assert Proxies().client(proxy, "") == (proxy or "")
    assert Proxies().client(proxy, "1.1.1.1, ") == (proxy or "")


@pytest.mark.parametrize("client", ["5.9.1.2", "2600::1", "nonsense"])
def test_a_header_of_a_clients_own_is_worth_nothing(client: str) -> None:
    """Past nginx, he is where he comes from."""
    assert Proxies().client(client, "8.8.8.8") == client


def test_named_proxies_are_the_only_ones() -> None:
    """A private network with clients in it; proxies with public addresses."""
    proxies = Proxies(["10.0.0.1", "5.9.1.0/24"])
    assert proxies.client("10.0.0.1", "8.8.8.8") == "8.8.8.8"
    assert proxies.client("5.9.1.77", "8.8.8.8") == "8.8.8.8"
    assert proxies.client("10.0.0.2", "8.8.8.8") == "10.0.0.2"
    assert proxies.client("127.0.0.1", "8.8.8.8") == "127.0.0.1"


def test_networks_that_are_none_are_told_all_at_once() -> None:
    """With the way to write them."""
    with pytest.raises(ConfigError) as told:
        Proxies(["10.0.0.1/8", "here", "192.0.2.0/24"])
    assert len(told.value.problems) == 2
    assert all(each.startswith("RTCDN_PROXIES: ") and "write it as" in each for each in told.value.problems)


def test_a_gateway_does_not_start_with_wrong_ones() -> None:
    """They are among the problems of its settings."""
    with pytest.raises(ConfigError) as told:
        read({"RTCDN_PROXIES": "10.0.0.1/8"})
    assert any(each.startswith("RTCDN_PROXIES: ") for each in told.value.problems)


async def test_a_request_is_taken_at_the_address_that_the_settings_say() -> None:
    """Asked over a real socket from 127.0.0.1, with a header."""
    seen: list[str] = []

    async def look(request: web.Request) -> web.Response:
        door = Door.__new__(Door)
        for proxies in (Proxies(), Proxies(["192.0.2.1"])):
            door.proxies = proxies
            seen.append(door.address(request))
        return web.Response()

    app = web.Application()
    app.router.add_get("/", look)
    async with contextlib.AsyncExitStack() as stack, aiohttp.ClientSession() as http:
        url = await serve(app, stack)
        async with http.get(f"http://{url}/", headers={"X-Forwarded-For": "8.8.8.8, 203.0.113.9"}):
            pass
    assert seen == ["203.0.113.9", "127.0.0.1"]


def test_nginx_replaces_what_a_client_sends() -> None:
    """In every place that sets the headers of a request that is passed on; never what adds to the client's own."""
    text = (ROOT / "templates/nginx/nginx.conf.j2").read_text(encoding="utf-8")
    told = re.findall(r"proxy_set_header X-Forwarded-For (\S+);", text)
    assert len(told) >= 2
    assert set(told) == {"$remote_addr"}
    own_headers = [part for part in re.split(r"\n        location ", text) if "proxy_set_header" in part]
    assert all("X-Forwarded-For" in part for part in own_headers)
