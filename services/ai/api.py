"""The HTTP API of a module, by which the broker tells it of taps: the other side of ``rtcdn.module_api``."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

from aiohttp import web

from rtcdn.errors import InvalidRequest
from rtcdn.ids import check_id, check_participant_id
from services.ai.taps import Full, Tap, Taps

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ONE = "/taps/{session}/{tap}"
OPEN = ("/healthz",)


class NoTap(Exception):
    """The path names a tap that is not there."""


class ModuleApi:
    """Answers; ``app`` is to be served."""

    def __init__(self, taps: Taps, ip: str, api_secret: str) -> None:
        self._taps, self._ip = taps, ip
        self._wanted = f"Bearer {api_secret}"
        self.app = web.Application(middlewares=[self._guard])
        self.app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/taps", self._all),
                web.get(ONE, self._see),
                web.put(ONE, self._put),
                web.delete(ONE, self._drop),
                web.put(f"{ONE}/send", self._send),
                web.delete(f"{ONE}/send", self._hush),
            ]
        )

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Only with the node's api secret; errors as JSON with field and reason."""
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if request.path not in OPEN and not hmac.compare_digest(given, self._wanted.encode()):
            return _problem(401, "authorization", "send 'Authorization: Bearer <api_secret of the node>'")
        try:
            return await handler(request)
        except InvalidRequest as error:
            return _problem(400, error.field, error.reason)
        except Full as error:
            return _problem(503, "tap", str(error))
        except NoTap:
            return _no_tap(request)

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "taps": len(self._taps.all)})

    async def _all(self, _: web.Request) -> web.Response:
        return web.json_response({"taps": [self._shown(tap) for _, tap in sorted(self._taps.all.items())]})

    async def _see(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown(self._tap(request)))

    async def _put(self, request: web.Request) -> web.Response:
        body = await _body(request)
        session = check_id("session", request.match_info["session"])
        tap = check_id("tap", request.match_info["tap"])
        source, speaks = body.get("source"), body.get("speaks", False)
        if not isinstance(source, str) or not isinstance(speaks, bool):
            raise InvalidRequest("source", "say source: 'mix' or a participant, and speaks: true or false")
        if body.get("codec", "opus") != "opus":
            raise InvalidRequest("codec", f"{body['codec']!r} is not taken: only opus is")
        made = await self._taps.put(session, tap, check_participant_id("source", source), speaks=speaks)
        return web.json_response(self._shown(made))

    async def _drop(self, request: web.Request) -> web.Response:
        if not self._taps.drop(request.match_info["session"], request.match_info["tap"]):
            return _no_tap(request)
        return web.Response(status=204)

    async def _send(self, request: web.Request) -> web.Response:
        body, tap = await _body(request), self._tap(request)
        ip, port = body.get("ip"), body.get("port")
        if not isinstance(ip, str) or not _is_address(ip):
            raise InvalidRequest("ip", f"{ip!r} is no IP address: say to which the module shall send")
        if type(port) is not int or not 0 < port < 65536:
            raise InvalidRequest("port", f"{port!r} is not a port: 1 to 65535")
        if not tap.speaks:
            raise InvalidRequest("speaks", "the tap does not speak: PUT it with speaks: true first")
        self._taps.send(tap, (ip, port))
        return web.Response(status=204)

    async def _hush(self, request: web.Request) -> web.Response:
        self._taps.send(self._tap(request), None)
        return web.Response(status=204)

    def _tap(self, request: web.Request) -> Tap:
        """The tap of the path; 404 when there is none."""
        tap = self._taps.all.get((request.match_info["session"], request.match_info["tap"]))
        if tap is None:
            raise NoTap
        return tap

    def _shown(self, tap: Tap) -> dict[str, Any]:
        return {
            "session": tap.session,
            "tap": tap.tap,
            "source": tap.source,
            "speaks": tap.speaks,
            "ip": self._ip,
            "port": tap.port,
            "send": {"ip": tap.to[0], "port": tap.to[1]} if tap.to else None,
            "packets_heard": tap.packets_heard,
            "packets_said": tap.packets_said,
        }


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, LookupError, RecursionError):  # no JSON, an unknown charset, too deep
        raise InvalidRequest("body", "is not JSON") from None
    if not isinstance(body, dict):
        raise InvalidRequest("body", "is not a JSON object")
    return body


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _no_tap(request: web.Request) -> web.Response:
    return _problem(404, "tap", f"there is no tap {request.path}")


def _problem(status: int, field: str, reason: str) -> web.Response:
    return web.json_response({"field": field, "reason": reason}, status=status)
