"""The ways that one participant is told: entries of all regions, and ICE servers, again before credentials end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.client.events import Entry, IceServers
from gateway.client.identity import Identity
from gateway.ice import Ice


class Ways:
    """Of one participant. Credentials that a connection was made with keep it up after they have ended."""

    def __init__(self, ice: Ice, entries: Callable[[], list[Entry]], who: Identity) -> None:
        self._ice, self._entries, self._who = ice, entries, who
        self._told_s: float | None = None  # None: at the next look

    def ice_servers(self) -> list[dict[str, Any]]:
        """ICE servers with a credential that is made now."""
        return self._ice.of(self._who.participant, self._who.measured_rtt)

    def welcome(self) -> dict[str, Any]:
        """What the answer to a join or resume says of them."""
        self._told_s = None
        return {"ice_servers": self.ice_servers(), "entries": self._entries()}

    def due(self, now_s: float) -> IceServers | None:
        """New ICE servers, when half of the life of those told is over."""
        renew_s = self._ice.renew_s
        if self._told_s is None:
            self._told_s = now_s
        if not renew_s or now_s - self._told_s < renew_s:
            return None
        self._told_s = now_s
        return IceServers(ice_servers=self.ice_servers())
