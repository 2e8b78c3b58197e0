"""A WHIP and WHEP client on aiortc: POST the offer with all candidates in it, take the answer, DELETE when done."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from rtcdn import tls
from rtcdn.errors import RtcdnError

HTTP_TIMEOUT = aiohttp.ClientTimeout(total=15)
DELETE_TIMEOUT = aiohttp.ClientTimeout(total=3)


class Refused(RtcdnError):
    """The endpoint answered with an error: ``status``, its reason in words, ``retry_after_s`` (0: not said)."""

    def __init__(self, status: int, reason: str, retry_after_s: float = 0.0) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.retry_after_s = retry_after_s


def trust(authorities: Iterable[str | Path], insecure: bool) -> ssl.SSLContext:
    """How to trust the endpoint: the machine's authorities, those given, or anybody (``insecure``)."""
    context = tls.trusting(authorities)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def new_connection() -> RTCPeerConnection:
    """A PeerConnection without STUN: our nodes have addresses that clients reach."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


@dataclass
class Resource:
    """What a POST made: the connection, where its resource is, its entity tag and its answer."""

    connection: RTCPeerConnection
    url: str
    etag: str
    answer: str
    http: aiohttp.ClientSession
    token: str

    async def delete(self) -> int:
        """Close the connection and DELETE the resource; its HTTP status, 0 when nobody answered. Never raises."""
        status = 0
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            headers = {"Authorization": f"Bearer {self.token}"}
            async with self.http.delete(self.url, headers=headers, timeout=DELETE_TIMEOUT) as response:
                status = response.status
        await self.connection.close()
        return status

    async def connected(self, timeout_s: float = 15.0) -> None:
        """Wait until media can flow; raises TimeoutError, or ConnectionError when it failed."""
        await _until_state(self.connection, {"connected"}, timeout_s)
        if self.connection.connectionState != "connected":
            raise ConnectionError(f"the connection is {self.connection.connectionState}")

    async def report_age_s(self) -> float | None:
        """Seconds since the other side last reported on what we send; None before its first report."""
        newest = None
        for report in (await self.connection.getStats()).values():
            if report.type == "remote-inbound-rtp":
                age_s = time.time() - report.timestamp.timestamp()
                newest = age_s if newest is None else min(newest, age_s)
        return newest


async def offer(http: aiohttp.ClientSession, url: str, token: str, connection: RTCPeerConnection) -> Resource:
    """POST the offer of ``connection`` (its tracks or transceivers are added already); raises ``Refused``."""
    await connection.setLocalDescription(await connection.createOffer())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    body = connection.localDescription.sdp
    async with http.post(url, data=body.encode(), headers=headers, timeout=HTTP_TIMEOUT) as response:
        text = await response.text()
        if response.status != 201:
            raise Refused(response.status, _reason(text), _seconds(response.headers.get("Retry-After", "")))
        where = urljoin(url, response.headers["Location"])
        resource = Resource(connection, where, response.headers.get("ETag", ""), text, http, token)
    await connection.setRemoteDescription(RTCSessionDescription(sdp=text, type="answer"))
    return resource


async def _until_state(connection: RTCPeerConnection, wanted: set[str], timeout_s: float) -> None:
    """Wait until ``connection`` is in a ``wanted`` state, or has failed or closed."""
    reached = asyncio.Event()

    @connection.on("connectionstatechange")
    def _changed() -> None:
        if connection.connectionState in wanted | {"failed", "closed"}:
            reached.set()

    _changed()
    async with asyncio.timeout(timeout_s):
        await reached.wait()


def _reason(text: str) -> str:
    """The words of a problem document, or the first of whatever text came."""
    with contextlib.suppress(ValueError):
        problem = json.loads(text)
        if isinstance(problem, dict):
            words = (str(problem.get(key, "")) for key in ("title", "detail", "cure"))
            return ". ".join(word for word in words if word)
    return text[:200]


def _seconds(text: str) -> float:
    return float(text) if text.isdigit() else 0.0
