"""What full knowledge would have done with the same people at the same moment, beside what was done.

Everybody at once: as many as fit go to their nearest region, all together as near as can be (a flow of least cost),
and within a region all nodes are perfectly level. The broker places one by one, does not know who comes next, moves
nobody for it, and opens stages as they are needed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import view_load
from broker.sim.measure import quantile
from broker.sim.scene import SimNode

if TYPE_CHECKING:
    from broker.sim.run import Run

SOURCE, SINK = ("", "source"), ("", "sink")
Vertex = tuple[str, str]


def compare(run: Run, vmap: VirtualMap) -> dict[str, Any]:
    """Distance and spread of the people on the map, as they are and as they could be."""
    watching = {key: count for key, count in sorted(run.ledger.watching.items()) if count}
    total = sum(watching.values())
    if not total:
        return {}
    homes, sessions, real = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for (session, home, node_id), count in watching.items():
        homes[home] += count
        sessions[session] += count
        real[home, run.nodes[node_id].region] += count
    stages = [node for _, node in sorted(run.nodes.items()) if node.kind == "ST" and not node.dead]
    limit = run.policy.limits.full_weight
    cost = {node.id: _mean_cost(run, node, sessions, total) for node in stages}
    room: Counter[str] = Counter()
    for node in stages:
        room[node.region] += int(limit / cost[node.id]) if cost[node.id] else total
    flow = assign(dict(homes), dict(room), run.ways.matrix)
    best_ms = sum(count * run.ways.matrix[home][region] for (home, region), count in flow.items())
    real_ms = sum(count * run.ways.matrix[home][region] for (home, region), count in real.items())
    used = [node for node in stages if (wrapper := vmap.node(node.id)) is not None and wrapper.hosting]
    weights = sorted(node.used for node in used)
    served = sum(flow.values())
    return {
        "at_s": round(run.now_s, 3),
        "viewers": total,
        "mean_ms": round(real_ms / total, 2),
        "optimum_mean_ms": round(best_ms / served, 2) if served else 0.0,
        "not_nearest": _far(run, real),
        "optimum_not_nearest": _far(run, flow),
        "optimum_without_room": total - served,
        "nodes_used": len(used),
        "nodes_there": len(stages),
        "weight_p50": round(quantile(weights, 0.5), 2),
        "weight_p95": round(quantile(weights, 0.95), 2),
        "weight_max": round(weights[-1], 2) if weights else 0.0,
        "optimum_weight_max": round(_level(flow, stages, cost), 2),
        "level_weight_max": round(_level(real, used, cost), 2),
    }


def _mean_cost(run: Run, node: SimNode, sessions: Counter[str], total: int) -> float:
    """Points of weight of an average viewer of the moment on a node."""
    return sum(n * view_load(*run.rate(name)).cost(node.capacity) for name, n in sorted(sessions.items())) / total


def _far(run: Run, flow: dict[tuple[str, str], int]) -> int:
    """How many are not in their nearest region with nodes."""
    return sum(count for (home, region), count in flow.items() if region != run.ways.order[home][0])


def _level(flow: dict[tuple[str, str], int], nodes: list[SimNode], cost: dict[str, float]) -> float:
    """The weight of the heaviest region when its nodes share its people perfectly."""
    found = 0.0
    for region in sorted({region for _, region in flow}):
        here = [node for node in nodes if node.region == region]
        carry = sum(1 / cost[node.id] for node in here if cost[node.id])
        people = sum(count for (_, to), count in flow.items() if to == region)
        found = max(found, people / carry if carry else 0.0)
    return found


def assign(homes: dict[str, int], room: dict[str, int], way: dict[str, dict[str, float]]) -> dict[tuple[str, str], int]:
    """How many of each home go to each region at least cost; who finds no room is left out.

    Successive cheapest paths on a graph of a few regions: each round fills an edge.
    """
    edges: dict[tuple[Vertex, Vertex], float] = {}
    left: dict[tuple[Vertex, Vertex], int] = {}

    def edge(one: Vertex, other: Vertex, capacity: int, cost: float) -> None:
        edges[one, other], edges[other, one] = cost, -cost
        left[one, other], left[other, one] = capacity, 0

    for home in sorted(homes):
        edge(SOURCE, ("home", home), homes[home], 0.0)
        for region in sorted(room):
            edge(("home", home), ("region", region), homes[home], way[home][region])
    for region in sorted(room):
        edge(("region", region), SINK, room[region], 0.0)
    while path := _cheapest(edges, left):
        amount = min(left[step] for step in path)
        for one, other in path:
            left[one, other] -= amount
            left[other, one] += amount
    found = {}
    for home in homes:
        for region in room:
            count = left[("region", region), ("home", home)]
            if count:
                found[home, region] = count
    return found


def _cheapest(
    edges: dict[tuple[Vertex, Vertex], float], left: dict[tuple[Vertex, Vertex], int]
) -> list[tuple[Vertex, Vertex]]:
    """The cheapest path with room from source to sink, empty when there is none (Bellman and Ford)."""
    cost = {SOURCE: 0.0}
    before: dict[Vertex, Vertex] = {}
    changed = True
    while changed:
        changed = False
        for (one, other), step in edges.items():
            if left[one, other] > 0 and one in cost and cost[one] + step < cost.get(other, float("inf")) - 1e-9:
                cost[other], before[other] = cost[one] + step, one
                changed = True
    if SINK not in before:
        return []
    path = []
    at = SINK
    while at != SOURCE:
        path.append((before[at], at))
        at = before[at]
    return path
