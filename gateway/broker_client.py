"""The broker's HTTP API as a gateway uses it: any replica will do, the one that answered last is asked first.

What concerns one participant is asked one after the other: of two requests at once each replica might answer one,
and neither would know of what the other granted.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote
from weakref import WeakValueDictionary

import aiohttp

from gateway.protocol import Problem
from rtcdn import log
from rtcdn.model import AttachGrant, ParticipantIntent, StreamInfo

TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=1)
REVISION_HEADER = "Rtcdn-Revision"
NEWS_S = 5.0  # by then every replica has heard it; a store that was restored counts from elsewhere
_log = log.get("gateway.broker")


class Broker:
    """Attach, report and leave. ``http`` carries the gateway's certificate."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        urls: Iterable[str],
        gateway_id: str,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http, self._now_s = http, now_s
        self._urls = list(urls)
        self._gateway_id = gateway_id
        self._alone: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # participant's path -> his turn
        self._told: tuple[int, float] = (0, 0.0)  # revision of the newest order, and until when it is news

    def told(self, revision: int) -> None:
        """An order was decided at this revision of the store: whoever answers us now must have seen that."""
        if revision >= self._news():
            self._told = revision, self._now_s() + NEWS_S

    def _news(self) -> int:
        revision, until_s = self._told
        return revision if self._now_s() < until_s else 0

    async def attach(self, session: str, participant: str, body: dict[str, Any]) -> AttachGrant:
        """Where to lead a participant; raises ``Problem`` with the broker's reason."""
        answer = await self._call("POST", self._path(session, participant), {**body, "gateway": self._gateway_id})
        grant = AttachGrant.from_dict(answer)
        if grant is None or not grant.legs:
            _log.error("grant-unreadable", session=session, participant=participant)
            raise Problem(502, "bad-grant", "the broker's answer cannot be read", "tell the operator")
        return grant

    async def holder(self, session: str, participant: str) -> ParticipantIntent | None:
        """Who holds a participant and where his legs are; None when nobody does."""
        try:
            return ParticipantIntent.from_dict(await self._call("GET", self._path(session, participant)))
        except Problem as problem:
            if problem.status == 404:
                return None
            raise

    async def media_up(
        self,
        session: str,
        participant: str,
        *,
        leg: str,
        generation: int,
        janus_session: int,
        handle: int,
        streams: tuple[StreamInfo, ...],
        hold: bool = False,
    ) -> None:
        """Tell that media of a leg can flow, and what a publisher's streams are. ``hold``: it is ours from now on."""
        body = {
            "leg": leg,
            "state": "up",
            "generation": generation,
            "janus_session": janus_session,
            "handle": handle,
            "streams": [stream.to_dict() for stream in streams],
            "gateway": self._gateway_id if hold else "",
        }
        await self._call("POST", self._path(session, participant, "media"), body)

    async def leave(self, session: str, participant: str, leg: str, generation: int) -> None:
        """Tell that a leg is over; one that is unknown is fine."""
        path = f"{self._path(session, participant)}?leg={leg}&generation={generation}"
        try:
            await self._call("DELETE", path)
        except Problem as problem:
            if problem.status != 404:
                raise

    async def set_role(self, session: str, participant: str, role: str, by: str) -> None:
        """Promote or demote, as ``by`` asks."""
        await self._call("POST", self._path(session, participant, "role"), {"role": role, "by": by})

    async def remove(self, session: str, participant: str, by: str, reason: str) -> None:
        """Put a participant out, as ``by`` asks."""
        await self._call("POST", self._path(session, participant, "remove"), {"by": by, "reason": reason})

    @staticmethod
    def _path(session: str, participant: str, what: str = "attach") -> str:
        return f"/v1/sessions/{quote(session, safe='')}/participants/{quote(participant, safe='~')}/{what}"

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask, after what was asked of the same participant before."""
        whose = path.rpartition("/")[0]
        lock = self._alone.get(whose) or asyncio.Lock()
        self._alone[whose] = lock
        async with lock:
            return await self._ask(method, path, body)

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """Ask the replicas in turn until one answers with anything but "not I"."""
        last = Problem(503, "broker-away", "no broker answered", "try again in a few seconds", retry_after_s=2)
        news = {REVISION_HEADER: str(revision)} if (revision := self._news()) else None
        for url in tuple(self._urls):
            try:
                async with self._http.request(method, url + path, json=body, headers=news, timeout=TIMEOUT) as response:
                    text = await response.text()
                    if response.status < 400:
                        self._prefer(url)
                        return json.loads(text) if text else None
                    last = _problem(response.status, text, response.headers.get("Retry-After", ""))
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                _log.warning("broker-silent", url=url, reason=str(error) or type(error).__name__)
                continue
            if last.status < 500:
                raise last
        raise last

    def _prefer(self, url: str) -> None:
        self._urls.sort(key=lambda other: other != url)


def _problem(status: int, text: str, retry_after: str) -> Problem:
    """The broker's problem as one for our client: what he can understand of it."""
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    document = found if isinstance(found, dict) else {}
    kind = str(document.get("type", "")).rpartition(":")[2].rpartition("/")[2]
    if kind in ("", "blank"):
        kind = str(document.get("title") or f"broker-{status}").lower().replace(" ", "-")
    detail = str(document.get("detail") or document.get("title") or f"the broker answered {status}")
    cure, field = str(document.get("cure") or ""), str(document.get("field") or "")
    wait_s = int(retry_after) if retry_after.isdigit() else (2 if status == 503 else 0)
    return Problem(status, kind, detail, cure, field, retry_after_s=wait_s)
