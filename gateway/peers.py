"""Resources held by other gateways: ask the broker whose they are, pass the request on, or adopt them."""

from __future__ import annotations

import aiohttp
from aiohttp import web

from gateway.broker_client import Broker
from gateway.participants import Key, Participants
from gateway.registry import Registry
from rtcdn import log
from rtcdn.model import ParticipantIntent

BODY = web.RequestKey("body", bytes)  # what ``api`` read of a request
HOP = "X-Rtcdn-Hop"  # a request passed on once is not passed on again
TIMEOUT = aiohttp.ClientTimeout(total=8, sock_connect=1)
PASSED = ("Authorization", "Content-Type", "If-Match", "X-Forwarded-For")
BACK = ("Content-Type", "ETag", "Retry-After")
_log = log.get("gateway.peers")


class Peers:
    """Finds what is not here."""

    def __init__(self, http: aiohttp.ClientSession, registry: Registry, broker: Broker, held: Participants) -> None:
        self._http = http
        self._registry = registry
        self._broker = broker
        self._held = held

    async def find(self, request: web.Request, key: Key, generation: int) -> web.Response | None:
        """The owner's answer; None when nobody has it, or when we have it now."""
        session, participant, leg = key
        intent = await self._broker.holder(session, participant)
        owner = None if intent is None else _owner(intent, leg, generation)
        if intent is None or owner is None:
            return None
        address = await self._registry.peer(owner)
        if address:
            answer = await self._pass_on(request, address)
            if answer is not None:
                return answer
        _log.info("adopting", session=session, participant=participant, owner=owner)
        await self._held.adopt(session, participant, intent)
        return None

    async def _pass_on(self, request: web.Request, address: str) -> web.Response | None:
        """The answer of another gateway; None when it does not answer."""
        headers = {name: request.headers[name] for name in PASSED if name in request.headers} | {HOP: "1"}
        url = f"http://{address}{request.path}"
        body = request.get(BODY, b"")
        try:
            async with self._http.request(
                request.method, url, params=request.query, data=body, headers=headers, timeout=TIMEOUT
            ) as response:
                back = {name: response.headers[name] for name in BACK if name in response.headers}
                return web.Response(status=response.status, body=await response.read(), headers=back)
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.warning("peer-silent", address=address, reason=str(error) or type(error).__name__)
            return None


def _owner(intent: ParticipantIntent, leg: str, generation: int) -> str | None:
    """The gateway that holds this leg (one participant's legs may be on two); None when there is no such leg."""
    for each in intent.legs:
        if each.leg == leg and (each.generation or intent.generation) == generation:
            return each.gateway or intent.gateway
    return None
