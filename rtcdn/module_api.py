"""The HTTP API of a module (kind AI), as the broker asks it: which taps it has, and where it sends what it says.

Paths are below ``labels.rest``: ``/taps/<session>/<tap>``. Every call may be repeated. See ``docs/taps.md``.
"""

from __future__ import annotations

from typing import Any

import httpx

from rtcdn.errors import NodeAway, NodeRefused

TIMEOUT_S = 3.0
PAYLOAD_TYPE = 111
RATE_HZ = 48_000
FRAME_MS = 20
NOT_FOUND = 404


def media_body(source: str, *, speaks: bool) -> dict[str, Any]:
    """The body by which a module is told of a tap."""
    media = {"codec": "opus", "payload_type": PAYLOAD_TYPE, "rate": RATE_HZ, "frame_ms": FRAME_MS}
    return {"source": source, "speaks": speaks, **media}


class ModuleClient:
    """One module; safe in threads."""

    def __init__(self, url: str, api_secret: str, transport: httpx.BaseTransport | None = None) -> None:
        """``url`` is ``http://host:port``; ``transport`` is for tests."""
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {api_secret}"}
        self._http = httpx.Client(headers=headers, timeout=TIMEOUT_S, transport=transport, trust_env=False)

    def put(self, session: str, tap: str, source: str, *, speaks: bool) -> int:
        """Tell of a tap; the port where the module wants its RTP, the same each time."""
        return self._port(self._ask("PUT", f"/taps/{session}/{tap}", media_body(source, speaks=speaks)))

    def port(self, session: str, tap: str) -> int:
        """The port of a tap, 0 when the module does not have it."""
        try:
            return self._port(self._ask("GET", f"/taps/{session}/{tap}"))
        except NodeRefused as refused:
            if refused.code == NOT_FOUND:
                return 0
            raise

    def send(self, session: str, tap: str, ip: str, port: int) -> None:
        """Tell a module where to send what it says."""
        self._ask("PUT", f"/taps/{session}/{tap}/send", {"ip": ip, "port": port})

    def hush(self, session: str, tap: str) -> None:
        """Let a module send nothing any more; a tap that is gone is fine."""
        self._unless_gone(f"/taps/{session}/{tap}/send")

    def drop(self, session: str, tap: str) -> None:
        """End a tap; one that is gone is fine."""
        self._unless_gone(f"/taps/{session}/{tap}")

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _unless_gone(self, path: str) -> None:
        try:
            self._ask("DELETE", path)
        except NodeRefused as refused:
            if refused.code != NOT_FOUND:
                raise

    def _port(self, answer: Any) -> int:
        port = answer.get("port") if isinstance(answer, dict) else None
        if not isinstance(port, int) or not 0 < port < 65536:
            raise NodeRefused(0, f"{self.url}: a module must answer the port where it wants RTP, not {port!r}")
        return port

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = self._http.request(method, f"{self.url}{path}", json=body)
            if answer.status_code >= 400:
                raise NodeRefused(answer.status_code, f"{self.url}{path}: {answer.text[:200]}")
            return answer.json() if answer.content else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NodeAway(f"{self.url}{path}: {type(error).__name__} {error}".rstrip()) from error
