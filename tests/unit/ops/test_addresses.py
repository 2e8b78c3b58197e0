"""Who reaches whom at which address."""

from __future__ import annotations

import pytest

from ops.addresses import links, listen, meet, reach, seen_from
from rtcdn.errors import ConfigError

HOSTS = {
    "eu1": {"private": "10.0.0.1", "public": "203.0.113.1"},
    "eu2": {"private": "10.0.0.2", "public": "203.0.113.2", "network": "default"},
    "us1": {"private": "10.0.0.1", "public": "203.0.113.3", "network": "us"},
    "us2": {"private": "10.0.0.2", "network": "us"},
}
ONE = {name: HOSTS[name] for name in ("eu1", "eu2")}


def test_hosts_of_one_network_reach_each_other_privately() -> None:
    """No network told is the network default."""
    assert reach(HOSTS, "eu1", "eu2") == reach(HOSTS, "us1", "us2") == "10.0.0.2"
    assert reach(HOSTS, "us2", "eu1") == "203.0.113.1"
    assert reach(HOSTS, "us1", "us1") == "10.0.0.1"


def test_a_host_of_another_network_needs_a_public_address() -> None:
    """The message names the host and what it lacks."""
    with pytest.raises(ConfigError, match="us2 has no public address"):
        reach(HOSTS, "eu1", "us2")
    with pytest.raises(ConfigError, match="rtcdn_hosts lacks eu9"):
        reach(HOSTS, "eu9", "us2")


def test_what_all_are_told_is_what_all_reach() -> None:
    """The private address while everybody concerned is in its network."""
    assert meet(HOSTS, "eu1", ["eu1", "eu2"]) == "10.0.0.1"
    assert meet(HOSTS, "eu1") == meet(HOSTS, "eu1", ["eu1", "us1"]) == "203.0.113.1"
    assert meet(ONE, "eu2") == "10.0.0.2"


def test_services_listen_where_they_are_reached() -> None:
    """At the private address alone where nobody comes by another."""
    assert listen(ONE, "eu1") == "10.0.0.1"
    assert listen(HOSTS, "eu1") == "0.0.0.0"


def test_addresses_are_written_as_a_host_reaches_them() -> None:
    """Told apart by their order where two networks have the same private address; strangers stay."""
    told = "10.0.0.1:1,10.0.0.1:1,192.0.2.9:2"
    assert seen_from(told, HOSTS, "eu2", ["eu1", "us1"]) == "10.0.0.1:1,203.0.113.3:1,192.0.2.9:2"
    assert seen_from(told, HOSTS, "us2", ["eu1", "us1"]) == "203.0.113.1:1,10.0.0.1:1,192.0.2.9:2"
    assert seen_from("10.0.0.2:1", ONE, "eu1", ["eu2"]) == "10.0.0.2:1"


def test_links_are_plain_where_the_operator_says_so() -> None:
    """Of one network alone, or of one host alone: there is no other to have a link to."""
    assert links(ONE, private=True) == links({"eu1": HOSTS["eu1"]}, private=False) == "plain"
    assert links(ONE, private=False) == links(HOSTS, private=True) == "srtp"
