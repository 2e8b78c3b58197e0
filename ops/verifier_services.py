"""One real call to each service, from where its users are: etcd keeps a key under a lease, TURN gives a relay."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from aioice import turn

from rtcdn import tls
from rtcdn.store.etcd import EtcdStore

Json = dict[str, Any]
LIMIT_S = 10.0
LEASE_S = 5
KEY = "rtcdn-verify"


class Failed(Exception):
    """The service answered, and not as it should."""


class Calls:
    """How each kind of service is called; ``files`` hold certificates of the deployment's own CA, by name."""

    def __init__(self, http: aiohttp.ClientSession, files: Mapping[str, tls.TlsFiles], trust: ssl.SSLContext) -> None:
        self._http, self._files, self._trust = http, files, trust
        self._inside = tls.client_context(files["ops"])

    async def etcd(self, service: Json) -> None:
        """A key is written under a lease, read back, and gone with it."""
        await asyncio.to_thread(self._etcd, service["address"])

    def _etcd(self, member: str) -> None:
        store, text = EtcdStore((member,), self._files["root"]), secrets.token_hex(8)
        key = f"{KEY}-{text}"
        try:
            lease = store.grant(LEASE_S)
            store.put(key, text, lease)
            found = store.read(key).values.get(key)
            store.revoke(lease)
            if found is None or found.text != text:
                raise Failed("a key that was written is not read back")
            if store.read(key).values:
                raise Failed("a key stays when its lease has ended")
        finally:
            store.close()

    async def broker(self, service: Json) -> None:
        """It is ready, and knows nodes."""
        await self._get(f"{service['url']}/readyz", self._inside)
        headers = {"Authorization": f"Bearer {service['token']}"}
        if not (await self._get(f"{service['url']}/v1/nodes", self._inside, headers))["nodes"]:
            raise Failed("it knows no node")

    async def gateway(self, service: Json) -> None:
        """It tells the regions."""
        regions = (await self._get(f"{service['url']}/regions"))["regions"]
        if service["region"] not in {each["region"] for each in regions}:
            raise Failed(f"it does not name its own region {service['region']}")

    async def prober(self, service: Json) -> None:
        """It is there."""
        await self._get(f"{service['url']}/healthz", self._inside)

    async def nginx(self, service: Json) -> None:
        """The page, by the name that clients use, and a gateway behind it."""
        async with self._http.get(f"{service['url']}/", ssl=self._trust) as response:
            if response.status != 200 or "<html" not in (await response.text()).lower():
                raise Failed(f"the page is answered with {response.status}")
        await self._get(f"{service['url']}/regions", self._trust)

    async def registry(self, service: Json) -> None:
        """It speaks version 2."""
        await self._get(f"{service['url']}/v2/", self._inside)

    async def turn(self, service: Json) -> None:
        """It gives a relay to one who has a credential, by UDP and by TCP."""
        name = f"{int(time.time()) + 60}:verify"
        digest = hmac.new(service["secret"].encode(), name.encode(), hashlib.sha1).digest()
        password = base64.b64encode(digest).decode()
        for transport in ("udp", "tcp"):
            relay, _ = await turn.create_turn_endpoint(
                asyncio.DatagramProtocol, (service["host"], service["port"]), name, password, transport=transport
            )
            relay.close()

    async def _get(self, url: str, context: ssl.SSLContext | None = None, headers: Json | None = None) -> Any:
        async with self._http.get(url, ssl=context if context else True, headers=headers) as response:
            if response.status != 200:
                raise Failed(f"{response.status}: {(await response.text())[:200]}")
            return await response.json() if "json" in response.content_type else await response.text()


async def ask_all(services: list[Json], pem: Mapping[str, Mapping[str, str]], trust: ssl.SSLContext) -> list[Json]:
    """For each service its name, how long its answer took, and what is wrong, if anything is."""
    with tempfile.TemporaryDirectory() as folder:  # a tmpfs: keys are on no disk
        files = {name: _write(Path(folder), name, parts) for name, parts in pem.items()}
        timeout = aiohttp.ClientTimeout(total=LIMIT_S)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            calls = Calls(http, files, trust)
            return list(await asyncio.gather(*(_ask(getattr(calls, each["kind"]), each) for each in services)))


async def _ask(call: Callable[[Json], Awaitable[None]], service: Json) -> Json:
    began_s = time.monotonic()
    error = ""
    try:
        async with asyncio.timeout(LIMIT_S):
            await call(service)
    except TimeoutError:
        error = f"no answer within {LIMIT_S:g} s"
    except Exception as problem:  # noqa: BLE001  (whatever the service or the network says is the answer)
        error = f"{type(problem).__name__}: {problem}".removeprefix("Failed: ")
    return {"name": service["name"], "ms": round(1000 * (time.monotonic() - began_s)), "error": error}


def _write(folder: Path, name: str, parts: Mapping[str, str]) -> tls.TlsFiles:
    paths = {part: folder / f"{name}.{part}" for part in ("ca", "crt", "key")}
    for part, path in paths.items():
        path.touch(mode=0o600)
        path.write_text(parts[part], encoding="utf-8")
    return tls.TlsFiles(paths["ca"], paths["crt"], paths["key"])
