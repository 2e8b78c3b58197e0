"""The built-in policies, and how one is found by name."""

from __future__ import annotations

from collections.abc import Iterable

from broker.core.policy.base import Policy
from broker.core.policy.cost import cheap, margin, node_burst, paid, reach
from broker.core.policy.terms import MUST, burst, dense, light, near, serving
from rtcdn.errors import InvalidRequest

BURSTS = (node_burst, burst)  # given up the last first: a session's cap, then the node's

NEAREST = Policy("nearest", MUST, ((near, 10.0), (serving, 1.0), (light, 1.0)), BURSTS)
LEAST_WEIGHT = Policy("least_weight", MUST, ((light, 1.0),), BURSTS)
PACK = Policy("pack", MUST, ((near, 3.0), (serving, 1.0), (dense, 1.0)), (margin,), heaviest_first=True)
BALANCED = Policy("balanced", MUST, ((near, 2.0), (serving, 0.2), (light, 1.0)), BURSTS)
THRIFTY = ((paid, 2.0), (cheap, 2.0), (near, 0.5), (serving, 0.5), (light, 0.2))
COST = Policy("cost", MUST, THRIFTY, (reach, *BURSTS), exhaustive=True)

BUILT_IN: tuple[Policy, ...] = (BALANCED, NEAREST, LEAST_WEIGHT, PACK, COST)


class Registry:
    """Policies by name; the first is the default."""

    def __init__(self, policies: Iterable[Policy] = BUILT_IN) -> None:
        self._policies = {policy.name: policy for policy in policies}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all policies, the default first."""
        return tuple(self._policies)

    def find(self, name: str) -> Policy:
        """The policy of that name, the default for an empty one; raises InvalidRequest naming those there are."""
        if not name:
            return next(iter(self._policies.values()))
        if name not in self._policies:
            raise InvalidRequest("policy", f"{name!r} is not known; choose one of {', '.join(self._policies)}")
        return self._policies[name]
