"""ICE servers as clients are told them: TURN servers, the nearest first, with a credential that ends by itself.

A credential is made here and known to nobody before it is used: its name is ``<end>:<participant>``, its password the
HMAC of that name with the secret that the TURN servers share with the gateways.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST = 2  # servers told: each way of each is asked for a relay before every connection
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TurnServer:
    """One server: its region, and a URL for each way to it."""

    region: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ice:
    """All TURN servers of the deployment, as a gateway of ``region`` tells them; without servers it tells none."""

    region: str = ""
    servers: tuple[TurnServer, ...] = ()
    secret: str = field(default="", repr=False)
    ttl_s: int = 0  # how long a credential lives
    clock: Callable[[], float] = time.time

    @property
    def renew_s(self) -> float:
        """How long after the last ones new credentials are told; 0: never."""
        return self.ttl_s / 2 if self.servers else 0.0

    def of(self, participant: str, measured_rtt: Mapping[str, float] | None = None) -> list[Json]:
        """What a participant's RTCPeerConnection takes as ``iceServers``: nearest by his measures, else ours first."""
        if not self.servers:
            return []
        username = f"{int(self.clock() + self.ttl_s)}:{participant}"
        digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
        urls = [url for server in self._nearest(participant, measured_rtt or {})[:MOST] for url in server.urls]
        return [{"urls": urls, "username": username, "credential": base64.b64encode(digest).decode()}]

    def _nearest(self, participant: str, measured_rtt: Mapping[str, float]) -> list[TurnServer]:
        """By region; within one, participants are spread."""

        def order(server: TurnServer) -> tuple[float, bool, bytes]:
            spread = hashlib.sha256(f"{participant} {server.urls[0]}".encode()).digest()
            return measured_rtt.get(server.region, float("inf")), server.region != self.region, spread

        return sorted(self.servers, key=order)


def read(text: str, region: str) -> Ice:
    """From the JSON of a gateway's setting; ``ValueError`` says what is wrong with it."""
    try:
        told = json.loads(text)
        rows = [TurnServer(str(row["region"]), tuple(str(url) for url in row["urls"])) for row in told["servers"]]
        ice = Ice(region, tuple(rows), str(told["secret"]), int(told["ttl_s"]))
    except (ValueError, TypeError, KeyError) as error:
        wanted = '{"secret", "ttl_s", "servers": [{"region", "urls"}]}'
        raise ValueError(f"is not {wanted}: {type(error).__name__} {error}") from None
    if ice.servers and (not ice.secret or ice.ttl_s < 60):
        raise ValueError("has servers, but no secret or a ttl_s below 60")
    if any(not server.urls for server in ice.servers):
        raise ValueError("has a server without urls")
    return ice
