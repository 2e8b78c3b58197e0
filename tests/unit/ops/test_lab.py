"""What a lab is, and how what was typed changes it."""

from __future__ import annotations

import pytest

from ops.lab import plan
from ops.lab.plan import Way
from rtcdn.errors import ConfigError

LAB = plan.new("lab")


def test_every_host_has_its_address() -> None:
    """Region first, number second, whatever hosts there are beside."""
    assert {host: LAB.address(host) for host in LAB.hosts} == {
        "eu1": "198.18.42.11", "eu2": "198.18.42.12", "us1": "198.18.42.21", "us2": "198.18.42.22",
        "ap1": "198.18.42.31", "ap2": "198.18.42.32",
    }  # fmt: skip
    assert plan.new("two", "198.18.43.0/24").address("eu1") == "198.18.43.11"


def test_the_way_is_long_to_other_regions_alone() -> None:
    """Of its own region a host has no way to hold up; the other four have the delay of their region."""
    delays = {address: way["delay_ms"] for address, way in LAB.ways_of("us1").items()}
    assert delays == {"198.18.42.11": 45, "198.18.42.12": 45, "198.18.42.31": 80, "198.18.42.32": 80}


@pytest.mark.parametrize(
    ("typed", "name", "way"),
    [
        ("eu-us=45ms,2ms,0.1%", "eu-us", Way(45, 2, 0.1)),
        ("us-eu=10.5ms", "eu-us", Way(10.5)),
        ("ap-eu=0ms,1ms", "eu-ap", Way(0, 1)),
        ("eu-ap=cut", "eu-ap", Way(110, cut=True)),
    ],
)
def test_a_way_is_set_by_one_word(typed: str, name: str, way: Way) -> None:
    """In either direction's name."""
    assert plan.with_ways(LAB, [typed]).ways == {**LAB.ways, name: way}


def test_a_cut_way_is_mended_as_it_was() -> None:
    """Its delay is not forgotten."""
    set_first = plan.with_ways(LAB, ["eu-us=33ms,1ms"])
    assert plan.with_ways(set_first, ["eu-us=cut", "eu-us=mend"]) == set_first


@pytest.mark.parametrize(
    "typed", ["eu-us", "eu-us=", "eu-us=45", "eu-us=45ms,2", "eu-us=1ms,1ms,101%", "eu-us=1ms,1ms,1%,1", "eu-us=-1ms"]
)
def test_what_is_no_way_is_told_with_its_form(typed: str) -> None:
    """The word and how to write it."""
    with pytest.raises(ConfigError) as raised:
        plan.with_ways(LAB, [typed])
    (problem,) = raised.value.problems
    assert repr(typed) in problem
    assert "eu-us=45ms,2ms,0.1%" in problem


@pytest.mark.parametrize("typed", ["eu-eu=1ms", "eu-xx=1ms", "eu=1ms", "a-b-c=cut"])
def test_regions_that_are_none_are_told_with_those_that_are(typed: str) -> None:
    """Nothing is set where one of several is wrong."""
    with pytest.raises(ConfigError, match="eu-us, us-ap, eu-ap"):
        plan.with_ways(LAB, ["eu-us=1ms", typed])


def test_a_spare_is_added_once() -> None:
    """Asked for again, it is there already."""
    more = plan.with_hosts(LAB, ["eu3"])
    assert more.hosts == (*plan.HOSTS, "eu3")
    assert plan.with_hosts(more, ["eu3", "eu3"]) == more


@pytest.mark.parametrize(
    ("name", "network", "hosts", "said"),
    [
        ("Lab", plan.NETWORK, plan.HOSTS, "--name: 'Lab'"),
        ("l" * 21, plan.NETWORK, plan.HOSTS, "--name"),
        ("lab", "198.18.42.0/25", plan.HOSTS, "--network: 198.18.42.0/25 is not of 256 addresses"),
        ("lab", "198.18.42.1/24", plan.HOSTS, "--network: '198.18.42.1/24' is no network"),
        ("lab", plan.NETWORK, ["xx1"], "'xx1' is no host of a lab"),
        ("lab", plan.NETWORK, ["eu0"], "'eu0' is no host of a lab"),
    ],
)
def test_a_lab_that_cannot_be_is_refused(name: str, network: str, hosts: list[str], said: str) -> None:
    """Before anything is started."""
    with pytest.raises(ConfigError, match=said):
        plan.new(name, network, hosts)


def test_what_is_kept_of_a_lab_is_all_of_it() -> None:
    """The next command reads the same lab."""
    lab = plan.with_hosts(plan.with_ways(plan.new("two", "198.18.43.0/24"), ["eu-us=cut"]), ["us3"])
    assert plan.Lab.from_json(lab.to_json()) == lab


def test_the_inventory_says_what_is_unusual() -> None:
    """Its name and network to every host, and where a spare stands."""
    made = plan.inventory(plan.with_hosts(plan.new("two", "198.18.43.0/24"), ["eu3"]))["all"]
    assert list(made["hosts"]) == [*plan.HOSTS, "eu3"]
    told = made["hosts"]["eu1"]
    assert (told["lab_name"], told["lab_network"], told["ansible_host"]) == ("two", "198.18.43", "198.18.43.11")
    assert told["lab_spares"]["eu3"] == {
        "private": "198.18.43.13", "public": "198.18.43.13", "region": "eu", "zone": "3", "spare": True,
    }  # fmt: skip
    assert made["children"]["region_eu"] == {"hosts": {"eu3": {}}}
