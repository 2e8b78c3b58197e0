"""janus_sessions over REST: they belong to no connection, so they outlive the process that made them.

They hold the plain RTP participants of an AudioBridge. A janus_session dies a minute after its last request until its
timeout is set to 0 through the Admin API: record its ids first, then keep it. Its events wait in Janus' memory until
somebody reads them, and an abandoned long poll swallows the next one: poll only when an event is due.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import httpx

from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.janus.admin import TIMEOUT_S, post
from rtcdn.janus.plugins import PACKAGES
from rtcdn.janus.protocol import NO_SUCH_SESSION, Json, plugin_answer, plugin_data
from rtcdn.model import Kind

MAX_EVENTS = 100

# A long poll can carry the api secret only in its URL, and httpx logs URLs at info.
logging.getLogger("httpx").setLevel(logging.WARNING)


class RestClient:
    """The REST API of one node, with the api secret of servers. One call at a time per janus_session."""

    def __init__(
        self, url: str, api_secret: str, timeout_s: float = TIMEOUT_S, transport: httpx.BaseTransport | None = None
    ) -> None:
        """``url`` is ``http://host:port/janus``; ``transport`` is for tests."""
        self.url = url
        self._secret = api_secret
        self._timeout_s = timeout_s
        self._client = httpx.Client(transport=transport, trust_env=False)

    def open(self, kind: Kind, opaque_id: str) -> tuple[int, int]:
        """A new janus_session with one handle on the node's plugin: ``(janus_session, handle)``."""
        janus_session = _id(self._post("", janus="create"))
        handle = _id(self._post(f"/{janus_session}", janus="attach", plugin=PACKAGES[kind], opaque_id=opaque_id))
        return janus_session, handle

    def call(self, janus_session: int, handle: int, body: Json) -> Json:
        """An asynchronous plugin request: the data of its event. Older events are read and dropped on the way."""
        ack = self._post(f"/{janus_session}/{handle}", janus="message", body=body)
        until_s = time.monotonic() + self._timeout_s
        while time.monotonic() < until_s:
            for event in self._poll(janus_session):
                data = plugin_data(event)
                if event.get("transaction") == ack.get("transaction") and data is not None:
                    return plugin_answer(data)
        raise NodeAway(f"{self.url}: no event for {body.get('request')!r} within {self._timeout_s} s")

    def destroy(self, janus_session: int) -> None:
        """End a janus_session and what its handles hold; one that is gone already is fine."""
        try:
            self._post(f"/{janus_session}", janus="destroy")
        except NodeRefused as refused:
            if refused.code != NO_SUCH_SESSION:
                raise

    def close(self) -> None:
        """Let go of connections; janus_sessions stay."""
        self._client.close()

    def _post(self, path: str, **message: Any) -> Json:
        return post(self._client, f"{self.url}{path}", {**message, "apisecret": self._secret}, self._timeout_s)

    def _poll(self, janus_session: int) -> list[Json]:
        """Events that wait; waits for the first. The URL is never told in errors: it carries the secret."""
        params: dict[str, str | int] = {"maxev": MAX_EVENTS, "apisecret": self._secret}
        try:
            answer = self._client.get(f"{self.url}/{janus_session}", params=params, timeout=self._timeout_s)
            events = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NodeAway(f"{self.url}/{janus_session}: {type(error).__name__} while waiting for events") from None
        found = events if isinstance(events, list) else [events]
        return [event for event in found if isinstance(event, dict)]


def _id(answer: Json) -> int:
    data = answer.get("data")
    found = data.get("id") if isinstance(data, dict) else None
    if not isinstance(found, int):
        raise NodeAway("Janus answered without an id")
    return found
