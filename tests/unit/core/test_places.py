"""Where regions are, and which a client is led to first."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.decisions import Decision
from broker.core.places import (
    BASE_MS,
    Client,
    Geography,
    Place,
    distance_ms,
    estimate_ms,
    great_circle_km,
    is_place,
    middle,
    order,
)
from broker.core.requests import Attach
from broker.core.virtual_map import VirtualMap
from rtcdn.model import Labels, Role
from tests.unit.core.worlds import continents, opened

MILAN, NEW_YORK, SINGAPORE, SYDNEY = (45.46, 9.19), (40.71, -74.01), (1.35, 103.82), (-33.87, 151.21)
PLACES = {"ap": SINGAPORE, "eu": MILAN, "us": NEW_YORK}
EARTH = Geography(PLACES)
REGIONS = ("ap", "eu", "us")
places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def node_texts(name: str, region: str, place: Place = (), gate: bool = True, **rtt_ms: float) -> dict[str, str]:
    """An egress node as its collector tells it."""
    labels = json.dumps({**Labels().to_dict(), "place": place, "rtt_ms": rtt_ms})
    values = {"ADDRESS": "n:1", "CPU": "1", "MEM": "1", "WEIGHT": "1", "REGION": region, "LABELS": labels}
    values["PLUGIN"] = "{}"
    return {f"ST:{name}:{field}": text for field, text in values.items()} | ({f"JN:{name}": "ST"} if gate else {})


def map_of(*nodes: dict[str, str]) -> VirtualMap:
    texts = {key: (text, 1) for node in nodes for key, text in node.items()}
    return VirtualMap.build(texts, 0.0, 1)


# ---- distances --------------------------------------------------------------------------------------


def test_the_great_circle_and_its_estimate() -> None:
    """Milan to New York: 6,460 km by any atlas, some 70 ms."""
    assert great_circle_km(MILAN, NEW_YORK) == pytest.approx(6_460, rel=0.01)
    assert estimate_ms(MILAN, NEW_YORK) == pytest.approx(69.6, abs=1)
    assert estimate_ms(MILAN, MILAN) == BASE_MS


@given(places, places)
def test_distances_are_symmetric_and_bounded(one: Place, other: Place) -> None:
    """Half the earth's girth at most; never an error of the domain, opposite points included."""
    assert great_circle_km(one, other) == pytest.approx(great_circle_km(other, one))
    assert 0 <= great_circle_km(one, other) <= math.pi * 6371 + 1
    opposite = (-one[0], one[1] - 180 if one[1] > 0 else one[1] + 180)
    assert great_circle_km(one, opposite) == pytest.approx(math.pi * 6371, rel=1e-3)


@given(st.lists(places, max_size=6))
def test_the_middle_is_a_place_whatever_the_order(found: list[Place]) -> None:
    """Of none there is none."""
    assert middle(found) == middle(reversed(found))
    assert is_place(middle(found)) == bool(found)


def test_the_middle_over_the_date_line() -> None:
    """Fiji and Samoa meet in the Pacific, not in Africa; what is no place is passed over."""
    latitude, longitude = middle([(-18.0, 178.0), (-14.0, -172.0), (1.0,), (math.nan, 0.0), (95.0, 0.0)])
    assert abs(longitude) > 170
    assert -18 < latitude < -14
    assert middle([(0.0, 0.0), (0.0, 180.0)]) == (0.0, 0.0)


# ---- regions of a map -------------------------------------------------------------------------------


def test_a_region_stands_in_the_middle_of_its_nodes() -> None:
    """Those that tell no place, or none that is one, do not count; silent ones stand where they stood."""
    vmap = map_of(
        node_texts("a", "eu", (45.0, 9.0)),
        node_texts("b", "eu", (47.0, 9.0)),
        node_texts("c", "eu"),
        node_texts("d", "eu", (91.0, 0.0)),
        node_texts("e", "us", NEW_YORK),
        node_texts("f", "xx"),
    )
    assert Geography.of(vmap).places == {"eu": (46.0, 9.0), "us": NEW_YORK}
    silent = vmap.apply([("JN:e", None, 2)], 1.0, 2)
    assert Geography.of(silent).places["us"] == NEW_YORK


def test_a_measured_way_goes_before_the_estimate() -> None:
    """The median of what nodes of either end tell; nonsense and what silent nodes told does not count."""
    vmap = map_of(
        node_texts("a", "eu", MILAN, us=90.0, eu=1.0, ap=-1.0),
        node_texts("b", "eu", MILAN, us=400.0),
        node_texts("c", "us", NEW_YORK, eu=92.0, ap=1e9),
        node_texts("d", "ap", SINGAPORE),
    )
    assert distance_ms(vmap, "eu", "us") == distance_ms(vmap, "us", "eu") == 92.0
    assert distance_ms(vmap, "eu", "ap") == estimate_ms(MILAN, SINGAPORE)
    assert distance_ms(vmap, "eu", "eu") == 0.0
    assert distance_ms(vmap, "eu", "nowhere") is None
    silent = vmap.apply([(f"JN:{name}", None, 2) for name in "abc"], 1.0, 2)
    assert distance_ms(silent, "eu", "us") == estimate_ms(MILAN, NEW_YORK)
    assert distance_ms(map_of(node_texts("a", "eu"), node_texts("b", "us", eu=80.0)), "eu", "us") == 80.0


# ---- a client's regions -----------------------------------------------------------------------------


def ways(client: Client, geography: Geography = EARTH, known: tuple[str, ...] = REGIONS) -> list[tuple[str, str]]:
    return [(way.region, way.by) for way in order(geography, known, client)]


def test_what_a_client_measured_beats_where_he_is() -> None:
    """In New York by the database, behind a tunnel that ends in Singapore by his own measurement."""
    client = Client({"ap": 4.0, "us": 230.0}, NEW_YORK, gateway_region="us")
    assert ways(client) == [("ap", "measured"), ("eu", "located"), ("us", "measured")]


def test_where_he_is_beats_his_gateway() -> None:
    """He came to the gateway of us, from Milan."""
    assert ways(Client(place=MILAN, gateway_region="us")) == [("eu", "located"), ("us", "located"), ("ap", "located")]


def test_the_gateways_own_order_is_by_the_way_from_its_region() -> None:
    """Its own, then what is nearest to it by the matrix, then what has no place; nobody knows a round trip."""
    client = Client(gateway_region="ap")
    known = (*REGIONS, "xx", "aa")
    assert ways(client, known=known) == [(region, "gateway") for region in ("ap", "eu", "us", "aa", "xx")]
    assert all(way.rtt_ms is None for way in order(EARTH, known, client))
    assert ways(Client()) == [(region, "gateway") for region in REGIONS]
    assert ways(Client(gateway_region="gone")) == ways(Client())


def test_a_region_that_nobody_located_is_reckoned_over_one_that_was_measured() -> None:
    """The way over eu is the longest it can be; without any way between regions the gateway's order is left."""
    measured = Geography({}, {("eu", "us"): 90.0})
    client = Client({"eu": 20.0}, gateway_region="us")
    found = order(measured, REGIONS, client)
    assert [(way.region, way.rtt_ms, way.by) for way in found] == [
        ("eu", 20.0, "measured"),
        ("us", 110.0, "reckoned"),
        ("ap", None, "gateway"),
    ]


def test_the_operators_region_counts_as_the_place() -> None:
    """An office network belongs to ap, wherever the database would put it; a region without nodes is left out."""
    assert ways(Client(place=MILAN, region="ap", gateway_region="us"))[0] == ("ap", "located")
    assert ways(Client({"us": 2.0}, region="ap"))[0] == ("us", "measured")
    nowhere = Client(region="ap")
    assert ways(nowhere, Geography()) == [("ap", "located"), ("eu", "gateway"), ("us", "gateway")]
    assert ways(Client(region="lab", gateway_region="us"))[0] == ("us", "gateway")


def test_a_viewer_far_from_all_regions_is_led_to_the_least_far() -> None:
    """Sydney: Singapore, though it is far away; a map without regions has none."""
    found = order(EARTH, REGIONS, Client(place=SYDNEY, gateway_region="eu"))
    assert found[0].region == "ap"
    assert found[0].rtt_ms == pytest.approx(68, abs=3)
    assert order(EARTH, (), Client(place=SYDNEY)) == ()


@given(
    st.dictionaries(st.sampled_from([*REGIONS, "gone"]), st.floats(0, 500)),
    st.one_of(st.just(()), places),
    st.sampled_from(["", *REGIONS, "gone"]),
    st.sampled_from(["", *REGIONS, "gone"]),
    st.sampled_from([EARTH, Geography(), Geography({"eu": MILAN}, {("ap", "us"): 170.0})]),
    st.permutations(REGIONS),
)
def test_every_region_comes_once_and_the_order_is_the_same_however_they_are_told(
    measured: dict[str, float], place: Place, region: str, gateway: str, geography: Geography, told: list[str]
) -> None:
    """Those with a round trip first, by rising figures."""
    client = Client(measured, place, region, gateway)
    found = order(geography, told, client)
    assert sorted(way.region for way in found) == sorted(REGIONS)
    assert found == order(geography, REGIONS, client)
    known = [way.rtt_ms for way in found if way.rtt_ms is not None]
    assert known == sorted(known)
    assert [way.rtt_ms is None for way in found] == sorted(way.rtt_ms is None for way in found)
    assert all(way.by == "measured" for way in found if way.region in measured)


def speaker_goes_to(**rtt_ms: float) -> str:
    """The node of a speaker's ingress, on a map of eu and us."""
    world = continents()
    opened(world, eu=10, us=10)
    asked = Attach("demo", "ann", ("publish",), Role.SPEAKER, gateway="gw")
    regions = (*sorted(rtt_ms, key=lambda region: rtt_ms[region]), *(r for r in ("eu", "us") if r not in rtt_ms))
    answer = world.ask(replace(asked, regions=regions, rtt_ms=rtt_ms))
    assert isinstance(answer, Decision)
    assert answer.grant is not None
    return answer.grant.legs[0].node


def test_of_two_very_far_regions_the_nearer_serves() -> None:
    """By satellite everything is far: 800 ms is still worse than 600."""
    assert speaker_goes_to(eu=800.0, us=600.0).startswith("us")
    assert speaker_goes_to(eu=600.0, us=800.0).startswith("eu")


def test_a_region_of_which_nobody_knows_is_not_better_than_one_that_is_known() -> None:
    """He measured us alone, at 120 ms: that eu comes second in his list does not make it near."""
    assert speaker_goes_to(us=120.0).startswith("us")


def test_viewers_are_placed_by_estimated_round_trips() -> None:
    """Each on a stage of the region that is nearest to him; one in Sydney over the Pacific, not over Europe."""
    world = continents()
    opened(world, eu=10, us=10)
    for name, place, region in (("ann", MILAN, "eu"), ("bob", NEW_YORK, "us"), ("sue", SYDNEY, "us")):
        found = order(Geography({"eu": MILAN, "us": (37.8, -122.4)}), ("eu", "us"), Client(place=place))
        asked = Attach("demo", name, gateway="gw", regions=tuple(way.region for way in found))
        answer = world.ask(replace(asked, rtt_ms={w.region: w.rtt_ms for w in found if w.rtt_ms is not None}))
        assert isinstance(answer, Decision)
        assert answer.grant is not None
        assert answer.grant.legs[0].node.startswith(region)
