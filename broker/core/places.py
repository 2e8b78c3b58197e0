"""Where regions are, how far they are from each other, and which a client should be led to first. Pure.

A round trip between two regions is what collectors measured (the median of their nodes' figures, both ways). Where
none did, it is estimated by great circle: ``km / 100 + 5`` ms, which is light in glass there and back and 5 ms of
equipment; real ways are longer, so an estimate is rather too short. A region stands in the middle of its nodes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from broker.core.virtual_map import VirtualMap

Place = tuple[float, ...]  # latitude, longitude; empty: not known
EARTH_KM = 6371.0
KM_PER_MS = 100.0  # there and back: light in glass makes 200 km a millisecond, half of it on the way back
BASE_MS = 5.0  # of equipment at both ends
MOST_MS = 60_000.0  # what is told beyond this is not a round trip
MEASURED, LOCATED, RECKONED, GATEWAY = "measured", "located", "reckoned", "gateway"


def is_place(place: Place) -> bool:
    """Whether these are a latitude and a longitude."""
    return len(place) == 2 and abs(place[0]) <= 90 and abs(place[1]) <= 180  # not a number: no comparison holds


def great_circle_km(one: Place, other: Place) -> float:
    """The shortest way over the surface between two places."""
    lat_1, lon_1, lat_2, lon_2 = map(math.radians, (*one, *other))
    half = math.sin((lat_2 - lat_1) / 2) ** 2
    half += math.cos(lat_1) * math.cos(lat_2) * math.sin((lon_2 - lon_1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def estimate_ms(one: Place, other: Place) -> float:
    """The round trip between two places that nobody measured."""
    return round(great_circle_km(one, other) / KM_PER_MS + BASE_MS, 1)


def middle(places: Iterable[Place]) -> Place:
    """The place in the middle of several, on the sphere: those beside the date line are not led around the world."""
    known = sorted(place for place in places if is_place(place))
    x = y = z = 0.0
    for latitude, longitude in (map(math.radians, place) for place in known):
        x += math.cos(latitude) * math.cos(longitude)
        y += math.cos(latitude) * math.sin(longitude)
        z += math.sin(latitude)
    if math.hypot(x, y, z) < 1e-6:  # none, or opposite ones
        return known[0] if known else ()
    return (round(math.degrees(math.atan2(z, math.hypot(x, y))), 3), round(math.degrees(math.atan2(y, x)), 3))


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)


@dataclass(frozen=True, slots=True)
class Geography:
    """The regions of a map: where each is, and the round trips that were measured."""

    places: Mapping[str, Place] = field(default_factory=dict)
    measured: Mapping[tuple[str, str], float] = field(default_factory=dict)  # two regions in order of name -> ms

    @classmethod
    def of(cls, vmap: VirtualMap) -> Geography:
        """What the nodes of a map tell. It reads every node: who asks often keeps the answer for a few seconds."""
        places: dict[str, list[Place]] = {}
        trips: dict[tuple[str, str], list[float]] = {}
        for wrapper in vmap.nodes.values():
            if not wrapper.region:
                continue
            if is_place(wrapper.labels.place):
                places.setdefault(wrapper.region, []).append(wrapper.labels.place)
            if wrapper.silent:  # it stands where it stood, but what it measured is past
                continue
            for region, ms in wrapper.labels.rtt_ms.items():
                if region != wrapper.region and 0 < ms <= MOST_MS:
                    trips.setdefault(_pair(wrapper.region, region), []).append(ms)
        return cls(
            {region: middle(places[region]) for region in sorted(places)},
            {pair: round(median(trips[pair]), 1) for pair in sorted(trips)},
        )

    def distance_ms(self, one: str, other: str) -> float | None:
        """The round trip between two regions, 0 within one; None when it was not measured and a place is missing."""
        if one == other:
            return 0.0
        found = self.measured.get(_pair(one, other))
        if found is not None:
            return found
        if one in self.places and other in self.places:
            return estimate_ms(self.places[one], self.places[other])
        return None

    def to_dict(self) -> dict[str, Any]:
        """Regions with their places, and every pair of them with its round trip and how it is known."""
        names = sorted({*self.places, *(name for pair in self.measured for name in pair)})
        ways = [(a, b, self.distance_ms(a, b)) for a in names for b in names if a < b]
        return {
            "places": {name: list(place) for name, place in sorted(self.places.items())},
            "round_trips": [
                {"between": [a, b], "rtt_ms": ms, "by": MEASURED if (a, b) in self.measured else LOCATED}
                for a, b, ms in ways
                if ms is not None
            ],
        }


def distance_ms(vmap: VirtualMap, one: str, other: str) -> float | None:
    """As ``Geography.distance_ms``, for one question: it reads every node of the map."""
    return 0.0 if one == other else Geography.of(vmap).distance_ms(one, other)


# ---- a client's regions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of where a client is. ``region``: the operator's word that he belongs to one."""

    measured_rtt: Mapping[str, float] = field(default_factory=dict)
    place: Place = ()
    region: str = ""
    gateway_region: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """A region as it is for a client: round trip in ms (None: nobody knows) and how that is known."""

    region: str
    rtt_ms: float | None
    by: str


def order(geography: Geography, known: Iterable[str], client: Client) -> tuple[Way, ...]:
    """The regions of ``known``, nearest first; by the best that is known of each:

    ``measured`` by the client itself; ``located``: from where he is to where the region is; ``reckoned``: over a
    region that he did measure. The others follow in the order of his gateway (``gateway``): its own region, then by
    the round trip from there, then by name.
    """
    regions = sorted(set(known))
    heard = {region: client.measured_rtt[region] for region in regions if region in client.measured_rtt}
    home = client.region if client.region in regions else client.gateway_region
    ways = [_way(geography, region, client, heard) for region in regions]
    return tuple(sorted(ways, key=lambda way: _rank(geography, way, home)))


def _way(geography: Geography, region: str, client: Client, heard: Mapping[str, float]) -> Way:
    if region in heard:
        return Way(region, heard[region], MEASURED)
    ms = _located(geography, region, client)
    if ms is not None:
        return Way(region, ms, LOCATED)
    legs = ((heard[other], geography.distance_ms(other, region)) for other in sorted(heard))
    over = [first + second for first, second in legs if second is not None]
    return Way(region, round(min(over), 1), RECKONED) if over else Way(region, None, GATEWAY)


def _located(geography: Geography, region: str, client: Client) -> float | None:
    """From the client to a region, by his own region if the operator named it, else by his place."""
    if client.region:
        return BASE_MS if client.region == region else geography.distance_ms(client.region, region)
    if is_place(client.place) and region in geography.places:
        return estimate_ms(client.place, geography.places[region])
    return None


def _rank(geography: Geography, way: Way, home: str) -> tuple[int, float, str]:
    if way.rtt_ms is not None:
        return (0, way.rtt_ms, way.region)
    far = geography.distance_ms(home, way.region) if home else None
    return (1, math.inf if far is None else far, way.region)
