"""Policies that an operator writes down: built-in filters and scores by name, with weights and thresholds.

    {"policies": {"thrifty": {"base": "cost", "scores": {"cheap": 3, "near": 1}, "limits": {"reach_ms": 80}}}}

What is not said is as in ``base`` (a built-in policy, or one written above; else ``balanced``). What every policy
must ask of a node is always asked; ``filters`` adds to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from broker.core.arrivals import KEPT_S
from broker.core.policy import cost, terms
from broker.core.policy.base import Filter, Policy, Score, Thresholds
from broker.core.policy.registry import BUILT_IN
from rtcdn.errors import ConfigError
from rtcdn.ids import ID

FILTERS: dict[str, Filter] = {
    each.name: each for each in (*terms.MUST, terms.burst, cost.reach, cost.margin, cost.node_burst)
}
SCORES: dict[str, Score] = {
    each.name: each for each in (terms.near, terms.light, terms.dense, terms.serving, cost.cheap, cost.paid)
}
BY_WEIGHT = ("near", "light", "dense", "serving")  # tell nodes of a region apart by weight and serving alone
FIELDS = ("base", "filters", "preferences", "scores", "limits")
LIMITS = {each.name: each.type for each in fields(Thresholds)}
HIGHEST = 100.0  # of a weight
MOST = 1e12  # of any number: sums of it are finite


def configured(data: Any, known: Iterable[Policy] = BUILT_IN) -> tuple[Policy, ...]:
    """The policies of a file's content; raises ConfigError with every problem, each naming where and the cure."""
    problems: list[str] = []
    found = data.get("policies") if isinstance(data, Mapping) and set(data) == {"policies"} else None
    if not isinstance(found, Mapping):
        raise ConfigError(['the policies must be written as {"policies": {"<name>": {...}, ...}} and nothing else'])
    made = {policy.name: policy for policy in known}
    names = []
    for name, told in found.items():
        policy = _Reading(str(name), told, made, problems).policy()
        if policy:
            made[policy.name] = policy
            names.append(policy.name)
    if problems:
        raise ConfigError(problems)
    return tuple(made[name] for name in names)


class _Reading:
    """One policy while it is read; what is wrong goes into ``problems``."""

    def __init__(self, name: str, told: Any, known: Mapping[str, Policy], problems: list[str]) -> None:
        self.name, self.told, self.known, self.problems = name, told, known, problems

    def wrong(self, where: str, why: str) -> None:
        self.problems.append(f"policies.{self.name}{'.' + where if where else ''}: {why}")

    def policy(self) -> Policy | None:
        """The policy, None when something is wrong with it."""
        before = len(self.problems)
        if not ID.fullmatch(self.name):
            self.wrong("", "is no name: use small letters, digits and hyphens")
        if not isinstance(self.told, Mapping):
            self.wrong("", f"must be an object with any of {', '.join(FIELDS)}")
            return None
        for field in self.told:
            self._check(str(field), FIELDS, "")
        base = self._base()
        filters = tuple(dict.fromkeys((*terms.MUST, *self._filters("filters", base.filters))))
        preferences = self._filters("preferences", base.preferences)
        scores = self._scores(base)
        limits = self._limits(base.limits)
        made = _shaped(Policy(self.name, filters, scores, preferences, limits=limits), base)
        if len(self.problems) == before:
            self._contradictions(made)
        return made if len(self.problems) == before else None

    def _base(self) -> Policy:
        name = str(self.told.get("base", "balanced"))
        return self.known[name] if self._check(name, tuple(self.known), "base") else BUILT_IN[0]

    def _check(self, name: str, among: Iterable[str], where: str) -> bool:
        """Whether a name is one of those; told with the one that was meant."""
        known = tuple(among)
        if name in known:
            return True
        near = get_close_matches(name, known, 1)
        self.wrong(where, f"{name!r} is not known; " + (f"did you mean {near[0]!r}? " if near else "")
                   + f"There are {', '.join(known)}")  # fmt: skip
        return False

    def _filters(self, where: str, default: tuple[Filter, ...]) -> tuple[Filter, ...]:
        told = self.told.get(where)
        if told is None:
            return default
        if not isinstance(told, list):
            self.wrong(where, "must be a list of names")
            return default
        return tuple(FILTERS[str(each)] for each in told if self._check(str(each), FILTERS, where))

    def _scores(self, base: Policy) -> tuple[tuple[Score, float], ...]:
        told = self.told.get("scores")
        if told is None:
            return base.scores
        if not isinstance(told, Mapping) or not told:
            self.wrong("scores", 'must be an object of names and weights, such as {"near": 2, "light": 1}')
            return base.scores
        names = [name for name in told if self._check(str(name), SCORES, "scores")]
        return tuple((SCORES[name], self._number(f"scores.{name}", told[name])) for name in names)

    def _limits(self, base: Thresholds) -> Thresholds:
        told = self.told.get("limits", {})
        if not isinstance(told, Mapping):
            self.wrong("limits", 'must be an object of thresholds, such as {"full_weight": 85}')
            return base
        numbers: dict[str, Any] = {}
        for name, value in told.items():
            if self._check(str(name), LIMITS, "limits"):
                number = self._number(f"limits.{name}", value)
                whole = LIMITS[name] in ("int", int)
                if whole and number != int(number):
                    self.wrong(f"limits.{name}", f"{value!r} must be a whole number")
                numbers[name] = int(number) if whole else number
        return replace(base, **numbers)

    def _number(self, where: str, value: Any) -> float:
        good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST
        if not good:
            shown = f"{value!r:.40}"
            self.wrong(where, f"{shown} must be a number of 0 or more, at most {MOST:g}")
        return float(value) if good else 0.0

    def _contradictions(self, made: Policy) -> None:
        """What is right by itself and makes no sense together."""
        limits, weights = made.limits, {score.name: weight for score, weight in made.scores if weight}
        if not weights:
            self.wrong("scores", "no score has a weight above 0: nothing would be better than anything")
        if {"light", "dense"} <= set(weights):
            self.wrong("scores", "'light' and 'dense' ask for opposite nodes; keep one of them")
        if not 0 < limits.full_weight <= HIGHEST:
            self.wrong("limits.full_weight", f"{limits.full_weight:g} must be above 0 and at most {HIGHEST:g}")
        if limits.pack_margin >= limits.full_weight:
            self.wrong("limits.pack_margin", f"{limits.pack_margin:g} must be below full_weight {limits.full_weight:g}")
        if limits.idle_s < limits.grant_life_s:
            why = (
                f"{limits.idle_s:g} is below grant_life_s {limits.grant_life_s:g}: contexts would go while people come"
            )
            self.wrong("limits.idle_s", why)
        most = 100 * sum(weights.values())
        if weights and limits.sticky >= most:
            why = f"{limits.sticky:g} is not below {most:g}, the most that scores differ by: nobody would move"
            self.wrong("limits.sticky", why)
        for name in ("portion", "burst_legs", "node_burst_legs", "session_burst_legs", "burst_s", "grant_life_s"):
            if getattr(limits, name) <= 0:
                self.wrong(f"limits.{name}", "must be above 0")
        if limits.burst_s > KEPT_S:
            self.wrong("limits.burst_s", f"{limits.burst_s:g} is above {KEPT_S}: arrivals are counted no longer")


def _shaped(policy: Policy, base: Policy) -> Policy:
    """The policy with the shortlist that fits its scores."""
    names = [score.name for score, weight in policy.scores if weight]
    known = {score.name for score, _ in base.scores}
    foreign = any(name not in BY_WEIGHT and (name in SCORES or name not in known) for name in names)
    exhaustive = foreign or (base.exhaustive and policy.scores == base.scores)
    return replace(policy, heaviest_first="dense" in names, exhaustive=exhaustive)
