"""Arrivals in virtual time: who comes when, and what every node had at the end."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from broker.core.decisions import Decision
from broker.core.requests import Attach
from broker.core.wrappers import view_load
from broker.sim.world import World


def burst(
    world: World, session: str, joins: int, seconds: float, *, report_every_s: float, random: Random
) -> dict[str, int]:
    """Let viewers come at random times within ``seconds``; each node reports by its own clock.

    A viewer loads his node at once; the broker learns of it by the node's next report. Gives viewers by node;
    who was refused is counted under the empty name.
    """
    start_s = world.now_s
    arrivals = sorted(random.uniform(0, seconds) for _ in range(joins))
    load = view_load(1_500_000)
    got: dict[str, int] = {}
    for number, (at_s, reporting) in enumerate(_timeline(arrivals, sorted(world.nodes), report_every_s, random)):
        world.now_s = start_s + at_s
        if reporting:
            world.report(reporting)
            continue
        answer = world.ask(Attach(session, f"guest~{number}", gateway="gw"))
        granted = answer.grant if isinstance(answer, Decision) else None
        node = granted.legs[0].node if granted else ""
        got[node] = got.get(node, 0) + 1
        if node:
            world.nodes[node].add_load(load)
    return got


def _timeline(
    arrivals: Sequence[float], nodes: Sequence[str], report_every_s: float, random: Random
) -> list[tuple[float, str]]:
    """Times of all events in order: an arrival has no name, a report the name of its node."""
    events = [(at_s, "") for at_s in arrivals]
    for name in nodes:
        at_s = random.uniform(0, report_every_s)
        while at_s < arrivals[-1]:
            events.append((at_s, name))
            at_s += report_every_s
    return sorted(events)
