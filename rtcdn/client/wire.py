"""One WebSocket to a gateway: requests are numbered and their answers awaited, events handed on."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from rtcdn.errors import RtcdnError

Json = dict[str, Any]
PROTOCOL = "rtcdn.v1"
MAX_MESSAGE_BYTES = 1 << 20
ANSWER_S = 10.0


class Broken(RtcdnError):
    """There is no connection to a gateway, or it broke before the answer came."""


class Refused(RtcdnError):
    """A gateway said no: ``reason`` is the kind of the problem, the rest is for people."""

    def __init__(self, problem: Json) -> None:
        self.reason = str(problem.get("type", "")).rpartition(":")[2]
        self.detail, self.cure = str(problem.get("detail", "")), str(problem.get("cure", ""))
        self.status, self.retry_after_s = int(problem.get("status", 0)), int(problem.get("retry_after_s", 0))
        super().__init__(f"{self.reason}: {self.detail}" + (f" ({self.cure})" if self.cure else ""))

    @property
    def passing(self) -> bool:
        """May it go better a moment later?"""
        return self.status in (429, 502, 503)


def trust(ca: str | Path | ssl.SSLContext | None) -> ssl.SSLContext:
    """How to trust the gateway: a context, the PEM file of an authority, or (None) the machine's own."""
    return ca if isinstance(ca, ssl.SSLContext) else ssl.create_default_context(cafile=str(ca) if ca else None)


def address(url: str, client: str) -> str:
    """The WebSocket's URL below a deployment's; ``client`` keeps a client at one gateway while that lives."""
    return f"{url.rstrip('/').replace('http', 'ws', 1)}/ws?c={client}"


def session_of(token: str) -> str:
    """The session that a token is for, read without verifying it; empty when it says none."""
    with contextlib.suppress(ValueError, IndexError):
        part = token.split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))).get("sid", ""))
    return ""


def client_id() -> str:
    """A new random id of a client, kept over reconnects."""
    return secrets.token_hex(8)


class Wire:
    """An open connection. ``event`` is called with every event, in order, while ``run`` runs."""

    def __init__(self, opened: aiohttp.ClientWebSocketResponse, event: Callable[[Json], None]) -> None:
        self._socket, self._event = opened, event
        self._last = 0
        self._answers: dict[int, asyncio.Future[Json]] = {}
        self.over = False

    @classmethod
    async def open(
        cls, http: aiohttp.ClientSession, url: str, client: str, tls: ssl.SSLContext, event: Callable[[Json], None]
    ) -> Wire:
        """Connect; raises ``Broken`` when nobody is there."""
        try:
            opened = await http.ws_connect(
                address(url, client),
                protocols=(PROTOCOL,),
                ssl=tls,
                max_msg_size=MAX_MESSAGE_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=2),
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Broken(f"{url} does not answer: {error or type(error).__name__}") from None
        return cls(opened, event)

    async def request(self, kind: str, *, timeout_s: float = ANSWER_S, **fields: Any) -> Json:
        """Ask and await the answer; raises ``Refused`` or ``Broken``."""
        if self.over:
            raise Broken("the connection to the gateway is over")
        self._last += 1
        number, answer = self._last, asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            async with asyncio.timeout(timeout_s):
                await self._socket.send_str(json.dumps({"type": kind, "id": number, **fields}))
                found: Json = await answer
        except TimeoutError:
            raise Broken(f"no answer to {kind} within {timeout_s:g} s") from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Broken(f"{kind}: {error}") from None
        finally:
            self._answers.pop(number, None)
        if not found.get("ok", False):
            raise Refused(found.get("problem", {}))
        return found

    async def run(self) -> None:
        """Read until the connection ends; whoever still waits for an answer then hears ``Broken``."""
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._hear(json.loads(message.data))
        finally:
            self.over = True
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(Broken("the connection to the gateway broke"))

    def _hear(self, message: Json) -> None:
        if "event" in message:
            self._event(message)
        elif (answer := self._answers.get(message.get("re", -1))) and not answer.done():
            answer.set_result(message)

    async def close(self) -> None:
        """Close it."""
        await self._socket.close()

    def cut(self) -> None:
        """Break it as a failing network does: nobody is told."""
        if (plain := self._socket.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                plain.shutdown(socket.SHUT_RDWR)
