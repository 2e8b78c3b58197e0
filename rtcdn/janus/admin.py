"""The Admin API of one node over HTTP: stateless, safe in threads, no handle needed.

Everything synchronous goes through ``message_plugin``. Never AudioBridge suspend or resume (they kill 1.4.1), never a
join (asynchronous).
"""

from __future__ import annotations

import secrets
from typing import Any

import httpx

from rtcdn.errors import InvalidRequest, NodeAway
from rtcdn.janus.lines import Lines
from rtcdn.janus.plugins import PACKAGES
from rtcdn.janus.protocol import Json, core_answer, plugin_answer
from rtcdn.model import Kind

TIMEOUT_S = 3.0
DEADLY = {(Kind.AB, "suspend"), (Kind.AB, "resume")}


def post(client: httpx.Client | Lines, url: str, message: Json, timeout_s: float) -> Json:
    """Post one message; ``NodeAway`` when there is no answer in time, ``NodeRefused`` when it is an error."""
    body = {**message, "transaction": secrets.token_hex(8)}
    try:
        answer = client.post(url, json=body, timeout=timeout_s).raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NodeAway(f"{url}: {type(error).__name__} {error}".rstrip()) from error
    if not isinstance(answer, dict):
        raise NodeAway(f"{url}: answered something that is not an object")
    return core_answer(answer)


class AdminClient:
    """The Admin API of one node."""

    def __init__(
        self, url: str, admin_secret: str, timeout_s: float = TIMEOUT_S, transport: httpx.BaseTransport | None = None
    ) -> None:
        """``url`` is ``http://host:port/admin``; ``transport`` is for tests."""
        self.url = url
        self._secret = admin_secret
        self._timeout_s = timeout_s
        self._client = httpx.Client(transport=transport, trust_env=False) if transport else Lines(url)

    def ask(self, verb: str, path: str = "", **fields: Any) -> Json:
        """One Admin request; ``path`` is ``/<janus_session>[/<handle>]``."""
        message = {"janus": verb, "admin_secret": self._secret, **fields}
        return post(self._client, f"{self.url}{path}", message, self._timeout_s)

    def plugin(self, kind: Kind, body: Json) -> Json:
        """A synchronous request to the node's plugin; its answer."""
        if (kind, body.get("request")) in DEADLY:
            raise InvalidRequest("request", f"{body['request']} through the Admin API kills Janus: use the handle")
        answer = self.ask("message_plugin", plugin=PACKAGES[kind], request=body)
        response = answer.get("response")
        return plugin_answer(response if isinstance(response, dict) else {})

    def ping(self) -> None:
        """Return if Janus answers."""
        self.ask("ping")

    def version(self) -> str:
        """Version of Janus, such as ``1.4.1``."""
        return str(self.ask("info").get("version_string", ""))

    def janus_sessions(self) -> tuple[int, ...]:
        """Every janus_session."""
        return tuple(each for each in self.ask("list_sessions").get("sessions", []) if isinstance(each, int))

    def handles(self, janus_session: int) -> tuple[int, ...]:
        """Handles of a janus_session."""
        found = self.ask("list_handles", f"/{janus_session}").get("handles", [])
        return tuple(each for each in found if isinstance(each, int))

    def handle_info(self, janus_session: int, handle: int) -> Json:
        """What the plugin knows of a handle (``plugin_specific``) and whose it is (``opaque_id``)."""
        info = self.ask("handle_info", f"/{janus_session}/{handle}", plugin_only=True).get("info")
        return info if isinstance(info, dict) else {}

    def set_session_timeout(self, janus_session: int, timeout_s: int) -> None:
        """How long a janus_session may be silent; 0: for ever."""
        self.ask("set_session_timeout", session_id=janus_session, timeout=timeout_s)

    def destroy_session(self, janus_session: int) -> None:
        """End a janus_session, whoever made it."""
        self.ask("destroy_session", f"/{janus_session}")

    def accept_new_sessions(self, accept: bool) -> None:
        """Drain: refuse new janus_sessions, or take them again."""
        self.ask("accept_new_sessions", accept=accept)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
