"""Filters of the role ``etcd``: the users that nodes and gateways need, and what they may touch."""

from __future__ import annotations

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


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters by name."""
        return {"etcd_collector_user": etcd_collector_user, "etcd_gateway_user": etcd_gateway_user}
