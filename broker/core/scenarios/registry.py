"""Scenarios by name."""

from __future__ import annotations

from broker.core.scenarios.archipelago import Archipelago
from broker.core.scenarios.atollo import Atollo
from broker.core.scenarios.base import Scenario
from broker.core.scenarios.big_island import BigIsland
from rtcdn.errors import InvalidRequest

SCENARIOS: dict[str, Scenario] = {"archipelago": Archipelago(), "atollo": Atollo(), "big_island": BigIsland()}


def scenario(name: str) -> Scenario:
    """The scenario of that name; raises InvalidRequest naming those there are."""
    if name not in SCENARIOS:
        raise InvalidRequest("scenario", f"{name!r} is not known; choose one of {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
