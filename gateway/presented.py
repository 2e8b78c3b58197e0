"""How one participant of the WebSocket API is presented: to the broker, and to operators inside."""

from __future__ import annotations

from typing import Any

from gateway.host import Host


def presented(host: Host) -> dict[str, Any]:
    """As the broker is told when a stream begins."""
    session, participant = host.key
    return {
        "session": session,
        "participant": participant,
        "generation": max(host.generations(), default=0),
        "legs": sorted({held.leg.leg for held in host.held.values()}),
        "role": host.member.role,
    }


def shown(host: Host) -> dict[str, Any]:
    """Who he is, which connections he has, the latest figures."""
    session, participant = host.key
    return {
        "session": session,
        "participant": participant,
        "role": host.member.role,
        "here": host.member.here,
        "connections": {c.id: c.state for c in host.member.connections.all.values()},
        "figures": host.figures.shown(),
    }
