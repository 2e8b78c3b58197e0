"""Who may come to a host, out of the tables of the inventory."""

from __future__ import annotations

import pytest

from ops.firewall import is_among, peers, public_tcp, public_udp

HOSTS = {
    "eu1": {"private": "10.0.0.1", "public": "192.0.2.1", "region": "eu"},
    "eu2": {"private": "10.0.0.2", "public": "192.0.2.2", "region": "eu"},
    "us1": {"private": "10.0.0.1", "public": "198.51.100.1", "region": "us", "network": "us"},
    "ap1": {"private": "2001:db8::1", "public": "2001:db8::1", "region": "ap", "network": "ap"},
}
NODES = [
    {"id": "eu1-vr1", "host": "eu1", "webrtc": "20000-21999", "rtp": ""},
    {"id": "eu1-st1", "host": "eu1", "webrtc": "24000-25499", "rtp": "25500-26999"},
    {"id": "eu1-ai1", "host": "eu1", "webrtc": "", "rtp": "30000-30099"},
]
TURNS = [{"id": "eu", "host": "eu1", "port": 3478, "tls": 5349, "relay": "40000-40999"}]


def test_webrtc_and_turn_are_public_and_links_are_not() -> None:
    """Ranges of rtp stay with the deployment's hosts."""
    assert public_udp("eu1", NODES, TURNS) == ["3478", "20000-21999", "24000-25499", "40000-40999"]
    assert public_udp("eu2", NODES, TURNS) == []


def test_only_hosts_of_nginx_and_turn_have_public_tcp() -> None:
    """Other hosts are reached for nothing but media."""
    assert public_tcp("eu1", ["eu1"], {"nginx": 443, "etcd_client": 8379}, TURNS) == ["443", "3478", "5349"]
    assert public_tcp("eu2", ["eu1"], {"nginx": 443, "acme": 80}, TURNS) == []
    assert public_tcp("eu1", ["eu1"], {"nginx": 443, "acme": 80}) == ["80", "443"]
    assert public_tcp("eu2", ["eu2"], {"nginx": 443}, [{**TURNS[0], "host": "eu2", "tls": 0}], [80]) == [
        "80",
        "443",
        "3478",
    ]


def test_a_turn_server_has_the_ports_of_its_role_unless_it_says_otherwise() -> None:
    """A row may be an id and a host."""
    bare = [{"id": "eu", "host": "eu2"}]
    assert public_tcp("eu2", [], {"nginx": 443}, bare) == ["3478", "5349"]
    assert public_udp("eu2", NODES, bare) == ["3478", "40000-40999"]


def test_peers_come_from_the_private_address_of_the_same_network_alone() -> None:
    """10.0.0.1 of another network is some stranger here."""
    assert peers("eu1", HOSTS) == ["10.0.0.2", "192.0.2.2", "198.51.100.1", "2001:db8::1"]
    assert peers("us1", HOSTS) == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]


def test_one_host_has_no_peers() -> None:
    """Nor does a loopback address or a name become one."""
    assert peers("a", {"a": {"private": "127.0.0.1", "public": "a.example"}}) == []
    assert peers("a", {"a": {"private": "10.0.0.1"}, "b": {"private": "127.0.0.1", "public": "b.example"}}) == []


@pytest.mark.parametrize(
    ("address", "places", "among"),
    [
        ("192.0.2.7", ["192.0.2.0/24"], True),
        ("192.0.2.7", ["192.0.2.7"], True),
        ("192.0.2.7", ["198.51.100.0/24", "2001:db8::/32"], False),
        ("2001:db8::5", ["2001:db8::/32"], True),
        ("::ffff:192.0.2.7", ["192.0.2.0/24"], True),
        ("fe80::1%eth0", ["fe80::/10"], True),
        ("192.0.2.7", [], False),
    ],
)
def test_an_operator_is_found_among_addresses_and_networks(address: str, places: list[str], among: bool) -> None:
    """By number, whatever is written."""
    assert is_among(address, places) is among
