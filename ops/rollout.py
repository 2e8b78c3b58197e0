"""In which order nodes are replaced, and which images a host needs. Pure: filters of the playbooks use it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

MEDIA = "janus"  # the part of an upgrade that means all media nodes

Row = Mapping[str, Any]


def nodes_in_order(
    nodes: Sequence[Row], hosts: Mapping[str, Row], regions: Sequence[str] = (), parts: Sequence[str] = (MEDIA,)
) -> list[Row]:
    """Janus nodes of ``regions`` (none: all), region by region, of which ``parts`` name all (``janus``) or some."""
    order = list(dict.fromkeys(host["region"] for host in hosts.values()))
    region_of = {node["id"]: hosts[node["host"]]["region"] for node in nodes}
    chosen = [
        node
        for node in nodes
        if node["kind"] != "AI"
        and (MEDIA in parts or node["id"] in parts)
        and (not regions or region_of[node["id"]] in regions)
    ]
    return sorted(chosen, key=lambda node: order.index(region_of[node["id"]]))


def node_turns(nodes: Sequence[Row], every: Sequence[Row], hosts: Mapping[str, Row]) -> list[list[Row]]:
    """``nodes`` in their order, cut into turns whose collectors may be away together.

    The first node has a turn of its own: what is wrong with the new ones is seen there. A turn is less than half of
    ``every`` node (were half of them silent, the broker would believe that they are lost) and at most half of a kind,
    and of a kind in a region; where there is one node of a kind it is away whatever the turns are.
    """

    def places(node: Row) -> tuple[tuple[str, str], ...]:
        return (node["kind"], ""), (node["kind"], str(hosts.get(node["host"], {}).get("region", "")))

    there = Counter(place for node in every for place in places(node))
    turns: list[list[Row]] = []
    used: Counter[tuple[str, str]] = Counter()
    most = max(1, (len(every) - 1) // 2)
    for node in nodes:
        alone = len(turns) == 1 or (bool(turns) and len(turns[-1]) >= most)
        if not turns or alone or any(used[place] >= max(1, there[place] // 2) for place in places(node)):
            turns.append([])
            used.clear()
        turns[-1].append(node)
        used.update(places(node))
    return turns


def images_of(host: str, variables: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """References of the images that services on ``host`` run."""

    def here(table: str) -> list[Row]:
        return [row for row in variables[table] if row["host"] == host]

    names: list[str] = []
    if [node for node in here("rtcdn_nodes") if node["kind"] != "AI"]:
        names += ["janus", "control"]
    if here("rtcdn_brokers") or here("rtcdn_gateways"):
        names.append("control")
    if [gateway for gateway in here("rtcdn_gateways") if gateway.get("prober")]:
        names.append("prober")
    names += [name for name in ("etcd", "nginx", "speaker", "turn", "ai") if host in groups.get(name, [])]
    names += ["acme"] if variables.get("nginx_acme") and host in groups.get("nginx", []) else []
    images = variables["rtcdn_images"]
    return sorted({images[name] for name in names if name in images})
