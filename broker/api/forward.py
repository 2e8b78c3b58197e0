"""Changes asked of a replica that does not lead: passed to the leader, one hop, waiting for one a little.

Who asks one replica is not told older news by another: the leader decides on a map that holds what was granted here
(written afterwards, in batches), and its answer goes out when the map here holds what it did. A gateway that the leader
gave an order tells it too: someone promoted publishes at once, by a replica that may not have heard of it.
"""

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
REVISION_HEADER = "Rtcdn-Revision"  # of the store: what the receiver must have seen
CATCH_UP_S = 1.0
WAIT_S = 3.0
TIMEOUT = httpx.Timeout(18.0, connect=1.0)  # a plan over regions takes seconds; ops.client waits 20 s
PASSED = ("Authorization", "Content-Type", "Accept")


class Forwarder:
    """Passes requests on; one client for all threads."""

    def __init__(self, tls: ssl.SSLContext, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(verify=tls, timeout=TIMEOUT, trust_env=False, transport=transport)

    def __call__(self, error: NotLeader) -> Response:
        """The answer to the present request, which found no leader here."""
        if http.headers.get(HOP_HEADER):
            return problems.of_error(error)
        granted = settled()
        tried = ""
        keeper = parts().keeper
        for _ in range(2):
            if not keeper.wait_for(lambda vmap: bool(vmap.leader and vmap.leader.url != tried), WAIT_S):  # noqa: B023
                break
            leader = keeper.current.leader
            tried = leader.url if leader else ""
            answer = self._ask(tried, granted) if tried else None
            if answer is not None:
                return answer
        return problems.of_error(NotLeader(tried))

    def _ask(self, url: str, granted: int) -> Response | None:
        """The leader's answer; None when it is not there or leads no more, and nothing was done."""
        headers = {name: http.headers[name] for name in PASSED if name in http.headers}
        headers |= {HOP_HEADER: "1", CALLER_HEADER: caller(), REVISION_HEADER: str(granted)}
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
        catch_up(answer.headers.get(REVISION_HEADER, ""))
        kept = {name: answer.headers[name] for name in ("Content-Type", "Retry-After") if name in answer.headers}
        return Response(answer.content, answer.status_code, kept)


def settled() -> int:
    """The revision at which what was granted here to the request's session stands; awaited, for it is written later."""
    session = (http.view_args or {}).get("sid", "")
    return parts().desk.settle(session) if session else 0


def catch_up(revision: str) -> None:
    """Wait a little until the map here has seen ``revision`` of the store, as another replica tells it."""
    wanted = int(revision) if revision.isascii() and revision.isdigit() else 0
    keeper = parts().keeper
    if not keeper.away and not keeper.wait_for(lambda vmap: vmap.revision >= wanted, CATCH_UP_S):
        _log.warning("map-behind", revision=keeper.current.revision, wanted=wanted)
