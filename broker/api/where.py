"""Where a client is, and its regions nearest first: what an attach and an explanation of one begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from broker.api.context import parts
from broker.core.places import Client, order
from broker.geo import attribution


@dataclass(frozen=True, slots=True)
class Where:
    """What an ``Attach`` carries of it, under the same names."""

    regions: tuple[str, ...] = ()
    rtt_ms: dict[str, float] = field(default_factory=dict)
    ordered_by: dict[str, str] = field(default_factory=dict)
    place: tuple[float, ...] = ()
    place_from: str = ""


def seen_from(measured_rtt: dict[str, float], gateway: str, client_address: str) -> Where:
    """The regions as they are for a client who measured this, came to this gateway, from this address."""
    vmap, locator = parts().keeper.current, parts().locator
    found = locator.find(client_address)
    info = vmap.gateways.get(gateway)
    client = Client(measured_rtt, found.place, found.region, info.region if info else "")
    ways = order(locator.geography(vmap), vmap.regions(), client)
    return Where(
        regions=tuple(way.region for way in ways),
        rtt_ms={way.region: way.rtt_ms for way in ways if way.rtt_ms is not None},
        ordered_by={way.region: way.by for way in ways},
        place=found.place,
        place_from=found.place_from,
    )


def shown(where: Where) -> dict[str, Any]:
    """As explain shows it, with the attribution that a database's provider asks for."""
    regions = [
        {"region": region, "rtt_ms": where.rtt_ms.get(region), "by": where.ordered_by[region]}
        for region in where.regions
    ]
    told = {"place": list(where.place), "place_from": where.place_from, "regions": regions}
    words = attribution(where.place_from)
    return told | {"attribution": words} if words else told


def attributed(decision: dict[str, Any]) -> dict[str, Any]:
    """A past decision, with the attribution beside the place that its request holds."""
    words = attribution(str(decision.get("request", {}).get("place_from", "")))
    return decision | {"attribution": words} if words else decision
