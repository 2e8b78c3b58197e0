"""Where a client is, and its regions nearest first: what an attach and an explanation of one begin with."""

from __future__ import annotations

from typing import Any

from broker.api.context import parts
from broker.core.places import Client, order
from broker.core.requests import Attach, Request
from broker.geo import attribution


def seen_from(measured_rtt: dict[str, float], gateway: str, client_address: str) -> dict[str, Any]:
    """The regions as they are for a client who measured this, came to this gateway, from this address: what an
    ``Attach`` carries of it, by the names of its fields."""
    vmap, locator = parts().keeper.current, parts().locator
    found = locator.find(client_address)
    info = vmap.gateways.get(gateway)
    client = Client(measured_rtt, found.place, found.region, info.region if info else "")
    ways = order(locator.geography(vmap), vmap.regions(), client)
    return {
        "regions": tuple(way.region for way in ways),
        "rtt_ms": {way.region: way.rtt_ms for way in ways if way.rtt_ms is not None},
        "ordered_by": {way.region: way.by for way in ways},
        "place": found.place,
        "place_from": found.place_from,
    }


def told(request: Request) -> dict[str, Any]:
    """Beside the explanation of an attach: where he is, his regions, and the words that a database asks for."""
    if not isinstance(request, Attach):
        return {}
    regions = [
        {"region": region, "rtt_ms": request.rtt_ms.get(region), "by": request.ordered_by.get(region, "")}
        for region in request.regions
    ]
    where = {"place": list(request.place), "place_from": request.place_from, "regions": regions}
    words = attribution(request.place_from)
    return {"where": where | {"attribution": words} if words else where}


def attributed(decision: dict[str, Any]) -> dict[str, Any]:
    """A past decision, with the attribution beside the place that its request holds."""
    words = attribution(str(decision.get("request", {}).get("place_from", "")))
    return decision | {"attribution": words} if words else decision
