"""Changes asked of a replica that does not lead: passed to the leader, one hop, waiting for one a little."""

from __future__ import annotations

import ssl

import httpx
from flask import Response
from flask import request as http

from broker.api import problems
from broker.api.context import CALLER_HEADER, caller, parts
from rtcdn import log
from rtcdn.errors import NotLeader

_log = log.get("broker.forward")
HOP_HEADER = "Rtcdn-Hop"
WAIT_S = 3.0
TIMEOUT = httpx.Timeout(10.0, connect=1.0)
PASSED = ("Authorization", "Content-Type", "Accept")


class Forwarder:
    """Passes requests on; one client for all threads."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._client = httpx.Client(verify=tls, timeout=TIMEOUT, trust_env=False)

    def __call__(self, error: NotLeader) -> Response:
        """The answer to the present request, which found no leader here."""
        if http.headers.get(HOP_HEADER):
            return problems.of_error(error)
        tried = ""
        keeper = parts().keeper
        for _ in range(2):
            if not keeper.wait_for(lambda vmap: bool(vmap.leader and vmap.leader.url != tried), WAIT_S):  # noqa: B023
                break
            leader = keeper.current.leader
            tried = leader.url if leader else ""
            answer = self._ask(tried) if tried else None
            if answer is not None:
                return answer
        return problems.of_error(NotLeader(tried))

    def _ask(self, url: str) -> Response | None:
        """The leader's answer; None when it is not there or leads no more, and nothing was done."""
        headers = {name: http.headers[name] for name in PASSED if name in http.headers}
        headers |= {HOP_HEADER: "1", CALLER_HEADER: caller()}
        target = f"{url}{http.full_path.rstrip('?')}"
        try:
            answer = self._client.request(http.method, target, content=http.get_data(cache=True), headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            _log.warning("leader-not-there", url=url, reason=error)
            return None
        except httpx.HTTPError as error:
            _log.warning("leader-silent", url=url, reason=f"{type(error).__name__} {error}")
            return problems.of_error(NotLeader(url))
        problem = answer.headers.get("Content-Type") == problems.MEDIA_TYPE
        if problem and answer.json().get("type") == f"{problems.TYPE_BASE}no-leader":
            return None
        kept = {name: answer.headers[name] for name in ("Content-Type", "Retry-After") if name in answer.headers}
        return Response(answer.content, answer.status_code, kept)
