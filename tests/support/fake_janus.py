"""A Janus in memory, as far as rtcdn uses one: the same contract suite passes on it and on a real node.

It carries no media. ``transport()`` serves Admin and REST to httpx; ``serve()`` is its WebSocket on loopback.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from rtcdn.janus.plugins import PACKAGES
from rtcdn.model import Kind, NodeSecrets
from tests.support.fake_plugins import PLUGINS

Json = dict[str, Any]


@dataclass
class FakeHandle:
    """A handle: what the plugin keeps about it."""

    id: int
    opaque_id: str = ""
    state: Json = field(default_factory=dict)


@dataclass
class FakeSession:
    """A janus_session: its handles, and events that wait for a REST poll."""

    id: int
    handles: dict[int, FakeHandle] = field(default_factory=dict)
    waiting: list[Json] = field(default_factory=list)
    connection: ServerConnection | None = None


class FakeJanus:
    """One node of ``kind``."""

    def __init__(self, kind: Kind, secrets: NodeSecrets, media_ip: str = "127.0.0.1") -> None:
        self.kind, self.secrets, self.media_ip = kind, secrets, media_ip
        self.up = True
        self.url = ""
        self._ids = itertools.count(1000)
        self._connections: set[ServerConnection] = set()
        self.restart()

    def restart(self) -> None:
        """Forget everything; connections break."""
        self.plugin = PLUGINS[self.kind](self.secrets.admin_key, self.media_ip)
        self.sessions: dict[int, FakeSession] = {}
        self.cut()

    def cut(self) -> None:
        """Break every WebSocket without a goodbye."""
        for connection in self._connections:
            connection.transport.abort()

    # ---- Admin and REST

    def transport(self) -> httpx.MockTransport:
        """For ``AdminClient`` and ``RestClient``: URLs whose path begins with ``/admin`` or ``/janus``."""
        return httpx.MockTransport(self._http)

    def _http(self, request: httpx.Request) -> httpx.Response:
        if not self.up:
            raise httpx.ConnectError("down", request=request)
        root, *path = request.url.path.strip("/").split("/")
        ids = [int(part) for part in path]
        if request.method == "GET":
            return httpx.Response(200, json=self._poll(ids[0], request.url.params))
        message = json.loads(request.content)
        answer = self._admin(message, ids) if root == "admin" else self._rest(message, ids)
        return httpx.Response(200, json={"transaction": message["transaction"], **answer})

    def _poll(self, session_id: int, params: httpx.QueryParams) -> list[Json] | Json:
        if params.get("apisecret") != self.secrets.api_secret:
            return _error(403, "Unauthorized request (wrong or missing secret/token)")
        session = self.sessions[session_id]
        events, session.waiting = session.waiting, []
        return events or [{"janus": "keepalive"}]

    def _admin(self, message: Json, ids: list[int]) -> Json:
        if message.get("admin_secret") != self.secrets.admin_secret:
            return _error(403, "Unauthorized request (wrong or missing secret/token)")
        ids = ids or [message[name] for name in ("session_id",) if name in message]
        if ids and ids[0] not in self.sessions:
            return _error(458, f"No such session {ids[0]}")
        if len(ids) > 1 and ids[1] not in self.sessions[ids[0]].handles:
            return _error(459, f"No such handle {ids[1]} in session {ids[0]}")
        match message["janus"]:
            case "ping":
                return {"janus": "pong"}
            case "info":
                return {"janus": "server_info", "version_string": "1.4.1"}
            case "list_sessions":
                return _success(sessions=list(self.sessions))
            case "list_handles":
                return _success(handles=list(self.sessions[ids[0]].handles))
            case "handle_info":
                handle = self.sessions[ids[0]].handles[ids[1]]
                return _success(info={"opaque_id": handle.opaque_id, "plugin_specific": handle.state})
            case "loops_info":
                return _success(loops=[{"id": 0, "handles": sum(len(s.handles) for s in self.sessions.values())}])
            case "destroy_session":
                self._destroy(ids[0])
            case "message_plugin":
                return _success(response=self.plugin.synchronous(message["request"]))
        return _success()

    def _rest(self, message: Json, ids: list[int]) -> Json:
        if message.get("apisecret") != self.secrets.api_secret:
            return _error(403, "Unauthorized request (wrong or missing secret/token)")
        names = dict(zip(("session_id", "handle_id"), ids, strict=False))
        return self._core({**message, **names}, None)

    # ---- what REST and WebSocket share

    def _core(self, message: Json, connection: ServerConnection | None) -> Json:
        verb = message["janus"]
        if verb == "create":
            made = FakeSession(next(self._ids), connection=connection)
            self.sessions[made.id] = made
            return _success(data={"id": made.id})
        session = self.sessions.get(message["session_id"])
        if session is None:
            return _error(458, f"No such session {message['session_id']}")
        if verb == "attach":
            handle = FakeHandle(next(self._ids), message.get("opaque_id", ""))
            session.handles[handle.id] = handle
            return _success(data={"id": handle.id}) | {"session_id": session.id}
        if verb == "claim":
            session.connection = connection
        elif verb == "destroy":
            self._destroy(session.id)
        elif verb == "keepalive":
            return {"janus": "ack", "session_id": session.id}
        elif "handle_id" in message:
            return self._handle(message, session)
        return _success() | {"session_id": session.id}

    def _handle(self, message: Json, session: FakeSession) -> Json:
        handle = session.handles.get(message["handle_id"])
        if handle is None:
            return _error(459, f"No such handle {message['handle_id']} in session {session.id}")
        if message["janus"] in ("trickle",):
            return {"janus": "ack", "session_id": session.id}
        if message["janus"] in ("detach", "hangup"):
            self.plugin.left(handle.state)
            if message["janus"] == "detach":
                del session.handles[handle.id]
            return _success() | {"session_id": session.id}
        reply = self.plugin.message(message["body"], handle.state, message.get("jsep"))
        data = {"plugin": PACKAGES[self.kind], "data": reply.data}
        base = {"session_id": session.id, "sender": handle.id}
        if not reply.asynchronous:
            return {"janus": "success", **base, "plugindata": data}
        event = {"janus": "event", **base, "transaction": message["transaction"], "plugindata": data}
        self._deliver(session, event | ({"jsep": reply.jsep} if reply.jsep else {}))
        return {"janus": "ack", "session_id": session.id}

    def _deliver(self, session: FakeSession, event: Json) -> None:
        if session.connection is None:
            session.waiting.append(event)
        else:
            connection = session.connection
            asyncio.get_running_loop().call_later(0.002, lambda: asyncio.ensure_future(_send(connection, event)))

    def _destroy(self, session_id: int) -> None:
        for handle in self.sessions.pop(session_id).handles.values():
            self.plugin.left(handle.state)

    # ---- WebSocket

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """The WebSocket's URL, for as long as the block lasts."""
        async with serve(self._talk, "127.0.0.1", 0, subprotocols=[Subprotocol("janus-protocol")]) as server:
            self.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            yield self.url

    async def _talk(self, connection: ServerConnection) -> None:
        self._connections.add(connection)
        try:
            async for text in connection:
                message = json.loads(text)
                if self._token_holds(str(message.get("token"))):
                    answer = self._core(message, connection)
                else:
                    answer = _error(403, "Unauthorized request (wrong or missing secret/token)")
                await _send(connection, {"transaction": message["transaction"], **answer})
        except ConnectionClosed:
            return
        finally:
            self._connections.discard(connection)

    def _token_holds(self, token: str) -> bool:
        data, _, given = token.rpartition(":")
        digest = hmac.new(self.secrets.token_secret.encode(), data.encode(), hashlib.sha1).digest()
        return given == base64.b64encode(digest).decode() and data.endswith(PACKAGES[self.kind])


async def _send(connection: ServerConnection, message: Json) -> None:
    try:
        await connection.send(json.dumps(message))
    except ConnectionClosed:
        return


def _success(**fields: Any) -> Json:
    return {"janus": "success", **fields}


def _error(code: int, reason: str) -> Json:
    return {"janus": "error", "error": {"code": code, "reason": reason}}
