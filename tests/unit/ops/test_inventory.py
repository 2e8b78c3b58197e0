"""What is wrong with an inventory is said in words, before a host is touched."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ops.inventory import KNOWN, problems

NAMES = "all managers registry etcd nginx broker gateway videoroom audiobridge streaming"
GROUPS = {name: ["eu1"] for name in NAMES.split()}
SOUND: dict[str, Any] = {
    **dict.fromkeys(KNOWN - {"rtcdn_private_network"}, ""),
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


def spread(private: bool, **more: Any) -> dict[str, Any]:
    """The sound one with its AudioBridge on a host of its own."""
    made = changed("rtcdn_nodes.1.host", "eu2")
    made["rtcdn_hosts"]["eu2"] = {"private": "192.0.2.2", "region": "eu", **more}
    return {**made, "rtcdn_private_network": private}


def test_audio_from_other_hosts_needs_a_videoroom() -> None:
    """Not where the network between the hosts is private: links are plain RTP there."""
    groups = {**GROUPS, "audiobridge": ["eu1", "eu2"], "all": ["eu1", "eu2"]}
    (told,) = problems(spread(False), groups)
    assert "eu1-ab1 has no VideoRoom on its host" in told
    assert "give eu2 a node of kind VR" in told
    assert problems(spread(True), groups) == []
    told_of = problems(spread(True, network="Far away"), groups)
    assert any("network of eu2 is 'Far away'" in problem for problem in told_of)
    assert any("eu2 has no public address" in problem for problem in told_of)
    assert "write true or false" in problems({**SOUND, "rtcdn_private_network": "yes"}, GROUPS)[0]


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
