"""Kept connections for small JSON posts to one server: a third of the CPU that a full HTTP client takes for each.

A broker that opens sessions by the hundred asks its nodes some thousand things at once; this is most of what it does.
Errors are httpx', so that callers need not know which client they have.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections import deque
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import httpx

KEPT_S = 10.0  # far less than a server waits (Janus: 120 s), so that it does not hang up as we ask
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class Reply:
    """What was answered."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body

    def raise_for_status(self) -> Reply:
        """Itself, or ``httpx.HTTPError`` when it is an error."""
        if self.status >= 400:
            raise httpx.HTTPError(f"HTTP status {self.status}")
        return self

    def json(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body)


class Lines:
    """Connections to the server of a plain ``http`` URL, one for each post under way, used again afterwards."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._free: deque[tuple[HTTPConnection, float]] = deque()  # and since when it is free

    def post(self, url: str, *, json: Any, timeout: float) -> Reply:
        """Post once, never again by itself: what is asked need not be idempotent."""
        line = self._line(timeout)
        try:
            line.request("POST", urlsplit(url).path, _text(json), HEADERS)
            answer = line.getresponse()
            reply = Reply(answer.status, answer.read())
        except (OSError, HTTPException) as error:
            line.close()
            raise httpx.TransportError(f"{type(error).__name__} {error}") from error
        except BaseException:
            line.close()
            raise
        self._free.append((line, time.monotonic()))
        return reply

    def close(self) -> None:
        """Let go of all connections that are not in use."""
        while self._free:
            self._free.pop()[0].close()

    def _line(self, timeout_s: float) -> HTTPConnection:
        """One that is free and that the server has not closed; else a new one."""
        while True:
            try:
                line, since_s = self._free.pop()
            except IndexError:
                return HTTPConnection(self._host, self._port, timeout=timeout_s)
            fresh = time.monotonic() - since_s < KEPT_S
            if fresh and line.sock is not None and not closed_there(line.sock):
                line.sock.settimeout(timeout_s)
                return line
            line.close()


def closed_there(kept: socket.socket) -> bool:
    """Whether there is something to read though nothing was asked: the server has closed it."""
    poll = select.poll()
    poll.register(kept, select.POLLIN)
    return bool(poll.poll(0))


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
