"""Filters of the role ``etcd``: the users that nodes and gateways need, and what they may touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def etcd_collector_user(node: dict[str, Any], hosts: dict[str, Any], namespace: str = "") -> dict[str, Any]:
    """The user of one node's collector: writes the keys of that node, and of others reads only where they are."""
    return {
        "name": f"collector-{node['id']}",
        "grants": [
            ["readwrite", f"{namespace}JN:{node['id']}", "key"],
            ["readwrite", f"{namespace}{node['kind']}:{node['id']}:", "prefix"],
            ["readwrite", f"{namespace}AT:{hosts[node['host']]['region']}:{node['id']}", "key"],
            ["read", f"{namespace}AT:", "prefix"],
        ],
    }


def etcd_gateway_user(gateway: dict[str, Any], namespace: str = "") -> dict[str, Any]:
    """The user of one gateway: writes its presentation, reads those of the others, and no other key."""
    return {
        "name": f"gateway-{gateway['id']}",
        "grants": [
            ["readwrite", f"{namespace}GW:{gateway['id']}", "key"],
            ["read", f"{namespace}GW:", "prefix"],
        ],
    }


def etcd_changes(
    record: Mapping[str, Any], wanted: Sequence[str], blank: Sequence[str], replace: str = ""
) -> list[dict[str, str]]:
    """What is to be done to members, one after the other: ``{act, host}`` with ``replace``, ``add``, then ``remove``.

    ``record``: members that there are. ``blank``: hosts of members that have no data. When a majority of them has none
    there is no cluster that could go on: nothing is replaced, and all begin anew or are restored.
    """
    if not record:
        return []
    lost = [host for host in wanted if host in record and (host in blank or host == replace)]
    if len(lost) * 2 >= len(record):
        lost = []
    return [
        *({"act": "replace", "host": host} for host in lost),
        *({"act": "add", "host": host} for host in wanted if host not in record),
        *({"act": "remove", "host": host} for host in record if host not in wanted),
    ]


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {
            "etcd_collector_user": etcd_collector_user,
            "etcd_gateway_user": etcd_gateway_user,
            "etcd_changes": etcd_changes,
        }
