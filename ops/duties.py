"""What a host of an inventory runs, out of the tables of the inventory. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]


def images(
    host: str,
    nodes: Iterable[Row],
    gateways: Iterable[Row],
    brokers: Iterable[Row],
    groups: Mapping[str, list[str]],
    *,
    acme: Row | None = None,
) -> list[str]:
    """Names of the images of the services that run on ``host``. ``acme``: how certificates are got, if they are."""
    own_nodes = [node for node in nodes if node["host"] == host]
    own_gateways = [gateway for gateway in gateways if gateway["host"] == host]
    own_brokers = [broker for broker in brokers if broker["host"] == host]
    wanted = {
        "janus": any(node["kind"] != "AI" for node in own_nodes),
        "control": bool(own_nodes or own_gateways or own_brokers),
        "prober": any(gateway.get("prober") for gateway in own_gateways),
        "etcd": host in groups.get("etcd", []),
        "nginx": host in groups.get("nginx", []),
        "acme": bool(acme) and host in groups.get("nginx", []),
        "speaker": host in groups.get("speaker", []),
        "turn": host in groups.get("turn", []),
    }
    return sorted(name for name, runs in wanted.items() if runs)
