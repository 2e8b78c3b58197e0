"""What one participant is told of ICE servers: fresh credentials, again before they end."""

from __future__ import annotations

from typing import Any

from gateway.client.events import IceServers
from gateway.client.identity import Identity
from gateway.ice import Ice


class IceNews:
    """The credentials of one participant. Those that a connection was made with keep it up after they have ended."""

    def __init__(self, ice: Ice, who: Identity) -> None:
        self._ice, self._who = ice, who
        self._told_s: float | None = None  # None: at the next look

    def fresh(self) -> list[dict[str, Any]]:
        """ICE servers with a credential that is made now."""
        return self._ice.of(self._who.participant, self._who.measured_rtt)

    def welcome(self) -> list[dict[str, Any]]:
        """The first ones of a socket."""
        self._told_s = None
        return self.fresh()

    def due(self, now_s: float) -> IceServers | None:
        """New ones, when half of the life of those told is over."""
        renew_s = self._ice.renew_s
        if self._told_s is None:
            self._told_s = now_s
        if not renew_s or now_s - self._told_s < renew_s:
            return None
        self._told_s = now_s
        return IceServers(ice_servers=self.fresh())
