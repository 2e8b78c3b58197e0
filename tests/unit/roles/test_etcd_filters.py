"""What the users of etcd may touch."""

from __future__ import annotations

from tests.unit.roles.load import load

FILTERS = load("etcd/filter_plugins/etcd.py").FilterModule().filters()
HOSTS = {"a": {"region": "eu"}, "b": {"region": "us"}}


def test_a_collector_writes_its_own_keys_and_reads_where_others_are() -> None:
    """The key of its region is its own; of other nodes it reads nothing but addresses."""
    user = FILTERS["etcd_collector_user"]({"id": "us-st1", "kind": "ST", "host": "b"}, HOSTS, "x/")
    assert user["name"] == "collector-us-st1"
    assert user["grants"] == [
        ["readwrite", "x/JN:us-st1", "key"],
        ["readwrite", "x/ST:us-st1:", "prefix"],
        ["readwrite", "x/AT:us:us-st1", "key"],
        ["read", "x/AT:", "prefix"],
    ]


def test_a_gateway_touches_gateways_only() -> None:
    """It writes its own and reads the others."""
    user = FILTERS["etcd_gateway_user"]({"id": "1"})
    assert user["grants"] == [["readwrite", "GW:1", "key"], ["read", "GW:", "prefix"]]


def test_members_change_one_after_the_other() -> None:
    """Lost ones first, then those that join, then those that leave."""
    record = {"a": {}, "b": {}, "c": {}}
    changes = FILTERS["etcd_changes"](record, ["a", "b", "d"], ["b"])
    assert [(each["act"], each["host"]) for each in changes] == [("replace", "b"), ("add", "d"), ("remove", "c")]


def test_a_member_is_replaced_when_it_is_named() -> None:
    """Although its data are there."""
    changes = FILTERS["etcd_changes"]({"a": {}, "b": {}, "c": {}}, ["a", "b", "c"], [], "c")
    assert changes == [{"act": "replace", "host": "c"}]


def test_without_a_majority_nothing_is_replaced() -> None:
    """A cluster whose majority lost its data cannot take members: it begins anew, or is restored."""
    assert FILTERS["etcd_changes"]({"a": {}, "b": {}, "c": {}}, ["a", "b", "c"], ["a", "b"]) == []
    assert FILTERS["etcd_changes"]({"a": {}}, ["a"], [], "a") == []
    assert FILTERS["etcd_changes"]({}, ["a", "b", "c"], ["a", "b", "c"]) == []
