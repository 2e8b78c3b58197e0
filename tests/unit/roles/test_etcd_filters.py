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
