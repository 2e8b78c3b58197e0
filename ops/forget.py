"""Nodes that went for good leave the broker's map, and their drains with them: one that comes again takes work."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ops import client
from ops.client import CallRefused, Operator
from ops.drain import SILENT
from rtcdn.errors import RtcdnError

WAIT_S = 30.0  # a life sign ends, and what is left of sessions is moved
PAUSE_S = 1.0


def forget(name: str, leaving: Collection[str]) -> None:
    """Forget every silent node that the deployment ``name`` does not have; those just ``leaving`` are awaited."""
    try:
        deployment = client.find(name)
        with Operator(deployment) as operator:
            left = forgotten(operator, deployment.nodes, leaving)
    except RtcdnError as error:
        if leaving:
            print(f"{', '.join(leaving)} went; not taken from the broker's map: {error}", flush=True)
        return
    for each in left:
        print(f"{each} went and is still on the broker's map, the next apply looks again", flush=True)


def forgotten(
    operator: Operator,
    kept: Collection[str],
    leaving: Collection[str],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Ask for it until none is left, or for a while; those that are."""
    until_s = clock() + WAIT_S
    while True:
        found = gone(operator.call("GET", "/v1/nodes")[1]["nodes"], kept, leaving)
        left = [node for node, silent in found.items() if not (silent and _forgot(operator, node))]
        if not left or clock() >= until_s:
            return left
        pause(PAUSE_S)


def gone(rows: Iterable[Mapping[str, Any]], kept: Collection[str], leaving: Collection[str]) -> dict[str, bool]:
    """Nodes of the map that the deployment does not have, and whether they are silent; others than ours stay."""
    found = {row["id"]: row["state"] == SILENT for row in rows if row["id"] not in kept}
    return {node: silent for node, silent in sorted(found.items()) if silent or node in leaving}


def _forgot(operator: Operator, node: str) -> bool:
    try:
        operator.call("DELETE", f"/v1/nodes/{node}")
    except CallRefused as refused:
        if refused.status != 409:  # sessions have places on it
            raise
        return False
    return True
