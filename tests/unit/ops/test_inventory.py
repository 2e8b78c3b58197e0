"""What is wrong with an inventory is said in words, before a host is touched."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ops.inventory import KNOWN, OPTIONAL, problems
from ops.inventory_network import warnings

NAMES = "all managers registry etcd nginx broker gateway videoroom audiobridge streaming"
GROUPS = {name: ["eu1"] for name in NAMES.split()}
SOUND: dict[str, Any] = {
    **dict.fromkeys(KNOWN - OPTIONAL, ""),
    "rtcdn_public_url": "https://192.0.2.1:8443",
    "rtcdn_hosts": {"eu1": {"private": "192.0.2.1", "public": "192.0.2.1", "region": "eu"}},
    "rtcdn_ports": {"nginx": 8443, "etcd_client": 8379},
    "rtcdn_brokers": [{"id": "broker-1", "host": "eu1", "api": 8101, "stream": 8102}],
    "rtcdn_gateways": [{"id": "1", "host": "eu1", "port": 8201}],
    "rtcdn_nodes": [
        {"id": "eu1-vr1", "kind": "VR", "host": "eu1", "port": 8300, "webrtc": "20000-20999", "rtp": ""},
        {"id": "eu1-ab1", "kind": "AB", "host": "eu1", "port": 8310, "webrtc": "21000-21999", "rtp": "23000-23999"},
        {"id": "eu1-st1", "kind": "ST", "host": "eu1", "port": 8320, "webrtc": "24000-24999", "rtp": "25000-25999"},
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """SOUND with one thing else; ``path`` is ``variable``, or ``variable.index.key``."""
    made = copy.deepcopy(SOUND)
    *steps, last = path.split(".")
    place: Any = made
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return made


def test_a_sound_inventory_has_no_problem() -> None:
    """The one that the other tests break."""
    assert problems(SOUND, GROUPS) == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (changed("rtcdn_brocker", 1), "rtcdn_brocker is no variable of rtcdn: did you mean rtcdn_brokers?"),
        (changed("rtcdn_ports.nginx", 8304), "tcp port 8304 of eu1 is claimed by rtcdn_ports.nginx and by eu1-vr1"),
        (
            changed("rtcdn_nodes.1.rtp", "20999-21500"),
            "udp port 20999 of eu1 is claimed by eu1-vr1 webrtc and by eu1-ab1",
        ),
        (changed("rtcdn_nodes.0.webrtc", "10000-12000"), "lies in 10000-10999, which Janus uses"),
        (changed("rtcdn_nodes.1.rtp", "23999-23000"), "rtp of eu1-ab1 is '23999-23000': write first-last"),
        (changed("rtcdn_nodes.1.rtp", "many"), "rtp of eu1-ab1 is 'many': write first-last"),
        (changed("rtcdn_nodes.1.rtp", None), "rtp of eu1-ab1 is None: write first-last"),
        (changed("rtcdn_nodes.1.port", "high"), "rtcdn_nodes: port of eu1-ab1 is 'high': write a port"),
        (changed("rtcdn_gateways.0.prober", 99999), "rtcdn_gateways: prober of 1 is 99999: write a port"),
        (changed("rtcdn_brokers.0.api", -1), "rtcdn_brokers: api of broker-1 is -1: write a port"),
        (changed("rtcdn_turn", []), "rtcdn_turn is no variable of rtcdn: did you mean rtcdn_turns?"),
        (
            changed("nginx_certifcate", "/x.pem"),
            "nginx_certifcate is no option of role nginx: did you mean nginx_certificate?",
        ),
        (changed("host_closed_upd", []), "host_closed_upd is no option of role host: did you mean host_closed_udp?"),
        (
            changed("rtcdn_hosts.eu1", {"ip": "192.0.2.1", "public": "", "region": "eu"}),
            "rtcdn_hosts.eu1 has no private",
        ),
        (
            changed("rtcdn_hosts.eu1.ip", "192.0.2.1"),
            "has 'ip', which is no field of rtcdn_hosts: did you mean private?",
        ),
        (
            changed("rtcdn_nodes.0.prot", 1),
            "rtcdn_nodes: eu1-vr1 has 'prot', which is no field of rtcdn_nodes: did you mean port?",
        ),
        (changed("rtcdn_nodes", {"eu1-vr1": {}}), "write a list of rows"),
        (changed("rtcdn_gateways", ["1"]), "rtcdn_gateways: row 1 is '1': write a row of"),
        (changed("rtcdn_host_policy", "shut"), "rtcdn_host_policy is 'shut': write list"),
        (changed("rtcdn_private_network", "yes"), "rtcdn_private_network is 'yes': write true or false"),
        (changed("rtcdn_public_url", "http://x"), "rtcdn_public_url is 'http://x': write https://"),
        (changed("rtcdn_regions", {"us": {}}), "rtcdn_regions has us, where no host is"),
        (
            changed("rtcdn_regions", {"eu": {"url": "eu.example"}}),
            "rtcdn_regions.eu: url is 'eu.example': write https://",
        ),
        (
            changed("rtcdn_turns", [{"id": "t", "host": "eu1"}]),
            "rtcdn_turns: t is on 'eu1', which is not in group turn",
        ),
        (changed("rtcdn_turns", [{"id": "t", "host": "eu1", "tls": 8443}]), "tls is 8443, which nginx has on eu1"),
        (
            changed("rtcdn_turns", [{"id": "t", "host": "eu1", "relay": "high"}]),
            "relay of t is 'high': write first-last",
        ),
        (
            changed("rtcdn_turns", [{"id": "t", "host": "eu1", "relay": "20500-20600"}]),
            "udp port 20500 of eu1 is claimed by eu1-vr1 webrtc and by turn t relay",
        ),
        (changed("rtcdn_nodes.2.kind", "VR"), "region eu has no egress: give it a node of kind ST"),
        (changed("rtcdn_nodes.0.kind", "ST"), "region eu has no ingress: give it a node of kind VR"),
        (changed("rtcdn_nodes.1.kind", "XY"), "eu1-ab1 has kind 'XY': use VR, AB, ST"),
        (changed("rtcdn_nodes.1.kind", "VR"), "has no node of kind AB"),
        (changed("rtcdn_nodes.1.id", "eu1-vr1"), "'eu1-vr1' is there twice"),
        (changed("rtcdn_gateways.0.id", "Gateway 1"), "'Gateway 1' is not an id"),
        (changed("rtcdn_brokers.0.host", "eu9"), "broker-1 is on 'eu9', which is not in group broker"),
    ],
)
def test_each_problem_names_the_variable_and_the_cure(variables: dict[str, Any], said: str) -> None:
    """One change, one sentence that an operator can act on."""
    assert any(said in problem for problem in problems(variables, GROUPS)), problems(variables, GROUPS)


@pytest.mark.parametrize("members", [0, 2, 4])
def test_etcd_wants_a_majority(members: int) -> None:
    """1, 3 or 5 members."""
    groups = {**GROUPS, "etcd": [f"eu{n}" for n in range(members)]}
    assert [problem for problem in problems(SOUND, groups) if "use 1, 3 or 5" in problem]


def test_a_missing_table_is_named() -> None:
    """Nothing else can be looked at without it."""
    without = {name: value for name, value in SOUND.items() if name != "rtcdn_nodes"}
    assert problems(without, GROUPS) == ["rtcdn_nodes is not set: see inventories/local/group_vars/all"]


@pytest.mark.parametrize("place", [[91, 0], [0, 181], [45.46], "45,9", ["45", "9"], None, [True, False]])
def test_a_place_is_latitude_and_longitude(place: Any) -> None:
    """Before a collector refuses to start with it."""
    assert problems(changed("rtcdn_hosts.eu1.place", [45.46, 9.19]), GROUPS) == []
    (told,) = problems(changed("rtcdn_hosts.eu1.place", place), GROUPS)
    assert "place of eu1" in told
    assert "[latitude, longitude]" in told


def test_geolocation_is_an_option_and_wants_a_folder() -> None:
    """An inventory of before has neither variable."""
    without = {name: value for name, value in SOUND.items() if not name.startswith("rtcdn_geo")}
    assert problems(without, GROUPS) == []
    assert problems({**SOUND, "rtcdn_geodata": True, "rtcdn_geo_folder": "/var/cache/rtcdn/geo"}, GROUPS) == []
    (told,) = problems({**without, "rtcdn_geodata": True}, GROUPS)
    assert "rtcdn_geo_folder" in told


FAR = {
    "eu1": {"private": "10.0.0.1", "public": "192.0.2.1", "region": "eu", "network": "eu"},
    "us1": {"private": "10.0.0.1", "public": "198.51.100.1", "region": "us", "network": "us"},
}


def far(**variables: Any) -> dict[str, Any]:
    """SOUND with a second region on a network of its own."""
    there = [
        {"id": "us1-vr1", "kind": "VR", "host": "us1", "port": 8300, "webrtc": "20000-20999", "rtp": ""},
        {"id": "us1-st1", "kind": "ST", "host": "us1", "port": 8320, "webrtc": "24000-24999", "rtp": "25000-25999"},
    ]
    return {**SOUND, "rtcdn_hosts": FAR, "rtcdn_nodes": [*SOUND["rtcdn_nodes"], *there], **variables}


FAR_GROUPS = {**GROUPS, "all": ["eu1", "us1"], "videoroom": ["eu1", "us1"], "streaming": ["eu1", "us1"]}


def test_two_networks_are_sound() -> None:
    """Private addresses may be alike on different networks."""
    assert problems(far(), FAR_GROUPS) == []


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (far(rtcdn_private_network=True), "nodes are in networks eu, us, between which links would cross the Internet"),
        (far(rtcdn_hosts={**FAR, "us1": {**FAR["us1"], "network": "eu"}}), "eu1 and us1 both have private 10.0.0.1"),
        (far(rtcdn_hosts={**FAR, "us1": {**FAR["us1"], "private": "127.0.0.1"}}), "which other hosts cannot reach"),
        (far(rtcdn_hosts={**FAR, "us1": {**FAR["us1"], "public": ""}}), "us1 has no public address"),
        (far(rtcdn_hosts={**FAR, "us1": {**FAR["us1"], "spare": "yes"}}), "spare is 'yes': write true or false"),
        (
            far(rtcdn_nodes=[row for row in far()["rtcdn_nodes"] if row["id"] != "eu1-vr1"]),
            "eu1-ab1 is on eu1, which has no node of kind VR",
        ),
        (far(rtcdn_nodes=[row for row in far()["rtcdn_nodes"] if row["id"] != "us1-st1"]), "region us has no egress"),
    ],
)
def test_hosts_apart_are_looked_at(variables: dict[str, Any], said: str) -> None:
    """Addresses, links between networks, the VideoRoom that an AudioBridge needs beside it."""
    assert any(said in problem for problem in problems(variables, FAR_GROUPS)), problems(variables, FAR_GROUPS)


def test_an_audiobridge_alone_is_sound_on_a_private_network() -> None:
    """Plain RTP is allowed there, and only where the inventory says so."""
    nodes = [row for row in far()["rtcdn_nodes"] if row["id"] != "eu1-vr1"]
    nodes.append({"id": "eu2-vr1", "kind": "VR", "host": "eu2", "port": 8300, "webrtc": "20000-20999", "rtp": ""})
    hosts = {name: {**row, "network": "one", "private": f"10.0.0.{n}"} for n, (name, row) in enumerate(FAR.items())}
    hosts["eu2"] = {"private": "10.0.0.9", "public": "192.0.2.9", "region": "eu", "network": "one"}
    groups = {**FAR_GROUPS, "all": [*FAR_GROUPS["all"], "eu2"], "videoroom": ["eu2", "us1"]}
    found = far(rtcdn_nodes=nodes, rtcdn_hosts=hosts, rtcdn_private_network=True)
    assert problems(found, groups) == []
    assert any("no node of kind VR" in each for each in problems({**found, "rtcdn_private_network": False}, groups))


def test_a_spare_host_needs_no_nodes() -> None:
    """A region in which everything is spare is no mistake."""
    hosts = {
        **SOUND["rtcdn_hosts"],
        "ap1": {"private": "192.0.2.8", "public": "192.0.2.8", "region": "ap", "spare": True},
    }
    assert problems({**SOUND, "rtcdn_hosts": hosts}, {**GROUPS, "all": ["eu1", "ap1"]}) == []


def test_what_is_unwise_is_a_warning() -> None:
    """One etcd member of three hosts, a region without a gateway."""
    variables = far(rtcdn_hosts={**FAR, "us2": {**FAR["us1"], "private": "10.0.0.2", "public": "198.51.100.2"}})
    found = warnings(variables, FAR_GROUPS)
    assert any("etcd has one member" in each for each in found)
    assert any("region us has no gateway" in each for each in found)
    assert warnings(SOUND, GROUPS) == []
