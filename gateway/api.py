"""The HTTP face for clients: WHIP and WHEP resources. Reads requests, calls ``participants``, writes answers."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, TypeVar

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway import metrics, protocol
from gateway.ice import Ice
from gateway.limits import Buckets
from gateway.mesh import Mesh
from gateway.participants import Participants, Resource
from gateway.peers import BODY, HOP, Peers
from gateway.protocol import FRAGMENT_TYPE, SDP_TYPE, Problem, Way
from gateway.proxies import HEADER, Proxies
from gateway.registry import Registry
from gateway.sockets import Sockets
from rtcdn import ids, log
from rtcdn.errors import BadToken, InvalidRequest, NodeAway, NodeRefused
from rtcdn.tokens import Claims, Verifier

_log = log.get("gateway.api")
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Accept-Patch, Retry-After",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
}
ENDPOINT = "/{way:whip|whep}/{sid}"
RESOURCE = ENDPOINT + "/{pid}/{generation:[0-9]+}"


@dataclass
class Door:
    """What the handlers share."""

    participants: Participants
    peers: Peers
    verifier: Verifier
    joins: Buckets
    joining: asyncio.Semaphore
    registry: Registry
    sockets: Sockets
    mesh: Mesh
    proxies: Proxies = field(default_factory=Proxies)
    ice: Ice = field(default_factory=Ice)

    async def post(self, request: web.Request) -> web.Response:
        """An offer: join."""
        way, session = _way(request), _id("session", request.match_info["sid"])
        address = self.address(request)
        wait_s = self.joins.take(address, time.monotonic())
        if wait_s:
            cure = f"try again in {math.ceil(wait_s)} s"
            detail = "too many joins from this address"
            raise Problem(429, "too-many-joins", detail, cure, retry_after_s=math.ceil(wait_s))
        claims = self._claims(request, session)
        protocol.body_type(request.headers.get("Content-Type", ""), SDP_TYPE)
        offer = protocol.read_offer(way, await _body(request))
        if self.joining.locked():
            raise Problem(503, "busy", "too many joins at this moment", "try again in a second", retry_after_s=1)
        async with self.joining:
            who = _participant(way, claims)
            resource = await self.participants.open(way, claims, who, offer, address)
        answer = web.Response(status=201, text=resource.live.answer, content_type=SDP_TYPE)
        answer.headers["Location"] = resource.path
        answer.headers["ETag"] = resource.etag
        answer.headers["Accept-Patch"] = FRAGMENT_TYPE
        for link in protocol.links(self.ice.of(who)):
            answer.headers.add("Link", link)
        return answer

    async def patch(self, request: web.Request) -> web.StreamResponse:
        """Candidates, or an ICE restart."""
        claims = self._claims(request, request.match_info["sid"])
        protocol.body_type(request.headers.get("Content-Type", ""), FRAGMENT_TYPE)
        fragment = protocol.read_fragment(await _body(request))
        resource = await self._find(request, claims)
        if isinstance(resource, web.StreamResponse):
            return resource
        if protocol.is_restart(fragment, resource.ufrag):
            text = await _heard(self.participants.restart(resource, fragment))
            return web.Response(text=text, content_type=FRAGMENT_TYPE, headers={"ETag": resource.etag})
        protocol.check_if_match(request.headers.get("If-Match", ""), resource.etag)
        await _heard(resource.live.trickle(fragment))
        return web.Response(status=204, headers={"ETag": resource.etag})

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Leave."""
        claims = self._claims(request, request.match_info["sid"])
        resource = await self._find(request, claims)
        if isinstance(resource, web.StreamResponse):
            return resource
        await self.participants.end(resource, "left")
        return web.Response()

    async def options(self, request: web.Request) -> web.Response:
        """What may be sent here (CORS preflight, Accept-Post)."""
        what = {"Accept-Patch": FRAGMENT_TYPE} if "pid" in request.match_info else {"Accept-Post": SDP_TYPE}
        return web.Response(status=204, headers={**PREFLIGHT, **what})

    async def ws(self, request: web.Request) -> web.StreamResponse:
        """A client of the WebSocket API, for as long as his socket lives."""
        return await self.sockets.serve(request, self.address(request))

    async def regions(self, request: web.Request) -> web.Response:
        """Where there are gateways: one of each region, to be measured; with a client token ICE servers too."""
        told: dict[str, Any] = {"regions": [{"region": r, "url": url} for r, url in self.registry.entries()]}
        with contextlib.suppress(Problem, BadToken):  # who has none, or one that has ended, is told so when he joins
            token = protocol.bearer(request.headers.get("Authorization", ""), "")
            told["ice_servers"] = self.ice.of(self.verifier.verify(token).sub)
        return web.json_response(told, headers={"Cache-Control": "no-store"})

    async def ask_regions(self, _: web.Request) -> web.Response:
        """CORS preflight: pages of other origins may send their token."""
        return web.Response(status=204, headers=PREFLIGHT | {"Access-Control-Allow-Methods": "GET, OPTIONS"})

    async def ping(self, _: web.Request) -> web.Response:
        """For measuring the round trip."""
        return web.Response(status=204, headers={"Cache-Control": "no-store"})

    async def members(self, request: web.Request) -> web.Response:
        """Who is held here, for operators inside: nginx does not pass it on."""
        if request.headers.get("X-Forwarded-For"):
            raise web.HTTPNotFound
        return web.json_response({"members": self.sockets.members.shown()})

    async def healthz(self, _: web.Request) -> web.Response:
        """Alive."""
        return web.json_response({"status": "ok", "resources": len(self.participants), "sockets": len(self.sockets)})

    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus metrics."""
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def address(self, request: web.Request) -> str:
        """The client's address, as nginx tells it."""
        return self.proxies.client(request.remote, request.headers.get(HEADER, ""))

    def _claims(self, request: web.Request, session: str) -> Claims:
        """Who asks: by a token for this session."""
        token = protocol.bearer(request.headers.get("Authorization", ""), request.query.get("token", ""))
        try:
            claims = self.verifier.verify(token, session)
        except BadToken as error:
            raise Problem(401, "bad-token", str(error), "ask the application for a new link") from None
        if not claims.sid:
            raise Problem(403, "not-a-client-token", "this token is for no session", "use a client token")
        return claims

    async def _find(self, request: web.Request, claims: Claims) -> Resource | web.StreamResponse:
        """The resource of a request; held elsewhere: the answer of its gateway; its gateway gone: adopted here."""
        way, pid, generation = _way(request), request.match_info["pid"], int(request.match_info["generation"])
        if claims.sub != pid and not (claims.shared and pid.startswith(f"{claims.sub}~")):
            raise Problem(403, "not-yours", "this resource belongs to another participant", "use its own token")
        key = (claims.sid, pid, way.leg)
        found = self.participants.get(key, generation)
        if found is None and HOP not in request.headers:
            answer = await self.peers.find(request, key, generation)
            if answer is not None:
                return answer
            found = self.participants.get(key, generation)
        if found is None:
            raise Problem(404, "no-such-resource", "this resource does not exist, or ended", "POST a new offer")
        return found


def _way(request: web.Request) -> Way:
    return protocol.WAYS[request.match_info["way"]]


def _id(field: str, value: str) -> str:
    try:
        return ids.check_id(field, value)
    except InvalidRequest as error:
        raise Problem(400, "bad-id", error.reason, "check the link", field) from None


def _participant(way: Way, claims: Claims) -> str:
    """Who joins: the token's participant; everybody who comes by a shared link is another viewer."""
    if not claims.shared:
        return claims.sub
    if way.sends:
        raise Problem(403, "shared-link", "this link is for viewers", "ask for a speaker's link of your own")
    return f"{claims.sub}~{token_hex(5)}"


async def _body(request: web.Request) -> str:
    raw = await request.content.read(protocol.MAX_BODY_BYTES + 1)
    while len(raw) <= protocol.MAX_BODY_BYTES and not request.content.at_eof():
        raw += await request.content.read(protocol.MAX_BODY_BYTES + 1 - len(raw))
    if len(raw) > protocol.MAX_BODY_BYTES:
        limit = f"{protocol.MAX_BODY_BYTES // 1024} kB"
        raise Problem(413, "body-too-large", f"the body is larger than {limit}", "send one description only")
    request[BODY] = raw
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Problem(400, "not-text", "the body is not UTF-8 text", "send the description as text") from None


async def _heard(work: Awaitable[T]) -> T:
    """Await something that Janus does; what it does not do becomes a ``Problem``."""
    try:
        return await work
    except NodeAway:
        raise Problem(503, "node-away", "the media node did not answer", "try again", retry_after_s=1) from None
    except NodeRefused as error:
        _log.info("node-refused", reason=error)
        raise Problem(422, "node-refused", "the media node did not take this", "POST a new offer") from None


@web.middleware
async def _answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write problems as documents, count answers, add CORS headers."""
    try:
        response = await handler(request)
    except Problem as problem:
        response = _written(problem)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        response = _written(Problem(405, "method-not-allowed", f"{request.method} is not for this", f"use {allowed}"))
        response.headers["Allow"] = allowed
    except web.HTTPNotFound:
        response = _written(Problem(404, "not-found", "nothing is here", "use /whip/<session> or /whep/<session>"))
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception:  # noqa: BLE001  (whatever happens, a client gets an answer and the process lives)
        _log.exception("request-failed", method=request.method, path=request.path)
        response = _written(Problem(500, "internal", "something went wrong here", "tell the operator"))
    if response.prepared:
        return response  # a WebSocket that has ended
    response.headers.extend(CORS)
    metrics.ANSWERED.labels(request.match_info.get("way", "-"), request.method[:8], response.status).inc()
    return response


def _written(problem: Problem) -> web.Response:
    response = web.json_response(problem.document(), status=problem.status, content_type="application/problem+json")
    if problem.retry_after_s:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="rtcdn"'
    return response


def application(door: Door) -> web.Application:
    """The routes."""
    app = web.Application(middlewares=[_answers], client_max_size=2 * protocol.MAX_BODY_BYTES)
    app.router.add_post(ENDPOINT, door.post)
    app.router.add_options(ENDPOINT, door.options)
    app.router.add_patch(RESOURCE, door.patch)
    app.router.add_delete(RESOURCE, door.delete)
    app.router.add_options(RESOURCE, door.options)
    app.router.add_get("/ws", door.ws)
    app.router.add_get("/regions", door.regions)
    app.router.add_options("/regions", door.ask_regions)
    app.router.add_get("/ping", door.ping)
    app.router.add_get("/peer", door.mesh.handle)
    app.router.add_get("/members", door.members)
    app.router.add_get("/healthz", door.healthz)
    app.router.add_get("/metrics", door.metrics)
    return app
