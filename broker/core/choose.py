"""Choosing one node: walk the shelves until enough nodes pass, score these, keep why each lost."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from broker.core.decisions import Candidate, Choice, Term
from broker.core.index import BUCKETS, Shelf, entry
from broker.core.policy.base import Filter, Need, Policy, PolicyFailed, Score
from broker.core.wrappers import NodeWrapper

if TYPE_CHECKING:
    from broker.core.virtual_map import VirtualMap

SHORTLIST = 32
PER_REGION = 4  # nodes that pass are scored per region; one would do for the choice, the rest explain it
PER_VIEWER = 2  # and when a viewer is led to a stage that is there: who got him, and who came next


class _Search:
    """One search: candidates found and how many nodes were left out, by reason."""

    def __init__(self, vmap: VirtualMap, need: Need, policy: Policy) -> None:
        self.vmap, self.need, self.policy = vmap, need, policy
        self.passed: dict[str, NodeWrapper] = {}
        self.lost: dict[str, str] = {}
        self.excluded: dict[str, int] = {}

    def exclude(self, reason: str, count: int = 1) -> None:
        if count > 0:
            self.excluded[reason] = self.excluded.get(reason, 0) + count

    def look(self, wrapper: NodeWrapper, filters: tuple[Filter, ...]) -> bool:
        """Whether a node passes; it is kept as candidate or with the reason why not."""
        if wrapper.id in self.passed:
            return True
        reason = self._why_not(wrapper, filters)
        if reason is not None:
            if len(self.lost) < SHORTLIST:
                self.lost[wrapper.id] = reason
            elif wrapper.id not in self.lost:
                self.exclude(reason)
            return False
        self.lost.pop(wrapper.id, None)
        self.passed[wrapper.id] = wrapper
        return True

    def _why_not(self, wrapper: NodeWrapper, filters: tuple[Filter, ...]) -> str | None:
        """The first filter's reason against a node; raises PolicyFailed when a filter raises."""
        each: Filter | None = None
        try:
            for each in filters:
                reason = each(wrapper, self.need, self.policy.limits)
                if reason is not None:
                    return str(reason)
        except Exception as error:
            raise self._failed(each.name if each else "", wrapper, error) from error
        return None

    def _failed(self, term: str, wrapper: NodeWrapper, error: Exception) -> PolicyFailed:
        return PolicyFailed(self.policy.name, term, wrapper.id, f"{type(error).__name__} {error}".rstrip())

    def stay(self) -> None:
        """Look at the node where he is: what must hold must hold there too, what is preferred need not."""
        wrapper = self.vmap.node(self.need.held) if self.need.held else None
        if wrapper is None or wrapper.id in self.need.avoid:
            return
        anywhere = _Search(self.vmap, replace(self.need, within=frozenset()), self.policy)
        if anywhere.look(wrapper, self.policy.filters):
            self.passed[wrapper.id] = wrapper

    def walk(self, shelf: Shelf, filters: tuple[Filter, ...], among: Collection[str] | None = None) -> None:
        """Look along a shelf until enough nodes pass."""
        wanted = PER_REGION if among is None else PER_VIEWER
        limit = _ceiling(self.policy, filters)
        seen = found = 0
        for *_, node_id in shelf.heaviest(limit) if self.policy.heaviest_first else shelf.lightest(limit):
            seen += 1
            if among is not None and node_id not in among:
                continue
            found += self.look(self.vmap.nodes[node_id], filters)
            if found >= wanted:
                break
        if among is None:
            above, full = shelf.above(limit), shelf.above(self.policy.limits.full_weight)
            self.exclude("full", full)
            self.exclude("margin", above - full)
            self.exclude("outweighed", shelf.size - above - seen)
        elif found >= wanted:
            self.exclude("outweighed", len(among) - len(self.passed) - len(self.lost))
        else:
            self.exclude("full, silent or draining", len(among) - len(self.passed) - len(self.lost))

    def choice(self) -> Choice:
        """Score who passed; the best wins, equal ones by lightness, then by what is in use, then by name."""
        scored = [(self._scored(wrapper), entry(wrapper)) for wrapper in self.passed.values()]
        scored.sort(key=lambda pair: (-pair[0].total, pair[1]))
        kept = [candidate for candidate, _ in scored[:SHORTLIST]]
        self.exclude("outscored", len(scored) - len(kept))
        losers = [Candidate(node_id, reason=reason) for node_id, reason in self.lost.items()]
        room = SHORTLIST - len(kept)
        for loser in losers[room:]:
            self.exclude(loser.reason)
        chosen = kept[0].node if kept else ""
        return Choice(self.need.duty, chosen, (*kept, *losers[:room]), self.excluded)

    def _scored(self, wrapper: NodeWrapper) -> Candidate:
        """A node with its terms; raises PolicyFailed when a score raises or gives no number."""
        terms: list[Term] = []
        limits = self.policy.limits
        score: Score | None = None
        try:
            for score, weight in self.policy.scores:
                terms.append(Term(score.name, score(wrapper, self.need, limits), weight))
            if wrapper.id == self.need.held:
                terms.append(Term("staying", 100.0, limits.sticky / 100))
            found = total(terms)
        except Exception as error:
            raise self._failed(score.name if score else "", wrapper, error) from error
        if not math.isfinite(found):
            wrong = next((term for term in terms if not math.isfinite(term.score)), terms[-1])
            why = f"{wrong.score!r} is no number from 0 to 100"
            raise PolicyFailed(self.policy.name, wrong.name, wrapper.id, why)
        return Candidate(wrapper.id, tuple(terms), found)


def total(terms: Iterable[Term]) -> float:
    """What the terms of a candidate come to; explain reproduces a choice with this."""
    return round(sum([term.score * term.weight for term in terms]), 6)


def _ceiling(policy: Policy, filters: tuple[Filter, ...]) -> float:
    """The weight above which no node of a shelf need be looked at."""
    kept = any(each.name == "margin" for each in filters)
    return policy.limits.full_weight - (policy.limits.pack_margin if kept else 0.0)


def _ladder(policy: Policy) -> Iterator[tuple[Filter, ...]]:
    """All filters with all preferences, then with fewer and fewer of these."""
    for count in range(len(policy.preferences), -1, -1):
        yield (*policy.filters, *policy.preferences[:count])


def choose(vmap: VirtualMap, need: Need, policy: Policy, *, exhaustive: bool = False) -> Choice:
    """The best node for ``need`` on the whole map. ``exhaustive`` looks at every node and chooses alike."""
    search = _Search(vmap, need, policy)
    for filters in _ladder(policy):
        search = _Search(vmap, need, policy)
        search.stay()
        if exhaustive:
            for wrapper in vmap.nodes.values():
                search.look(wrapper, filters)
        else:
            _shortlist(search, filters, whole=policy.exhaustive)
        if search.passed:
            break
    return search.choice()


def _shortlist(search: _Search, filters: tuple[Filter, ...], *, whole: bool) -> None:
    """Along the shelves of the kind and regions; ``whole``: all that stand there, whatever they weigh."""
    for node_id in sorted(search.need.serving):
        wrapper = search.vmap.node(node_id)
        if wrapper is not None:
            search.look(wrapper, filters)
    for (kind, region), shelf in sorted(search.vmap.shelves.items()):
        if kind != search.need.kind or (search.need.within and region not in search.need.within):
            reason = "kind" if kind != search.need.kind else "region"
            search.exclude(reason, shelf.size + sum(shelf.out.values()))
            continue
        for reason, count in shelf.out.items():
            search.exclude(reason, count)
        if whole:
            for *_, node_id in shelf.lightest(float(BUCKETS)):
                search.look(search.vmap.nodes[node_id], filters)
        else:
            search.walk(shelf, filters)


def choose_serving(
    vmap: VirtualMap, need: Need, policy: Policy, region: str, nodes: Collection[str], *, exhaustive: bool = False
) -> Choice:
    """The best of ``nodes``, all in ``region``: those that serve the session there already.

    Few of them are looked at directly; many by walking the region's shelf, which meets one of them every
    ``shelf.size / len(nodes)`` steps.
    """
    shelf = vmap.shelves.get((need.kind, region), Shelf())
    directly = exhaustive or policy.exhaustive or len(nodes) ** 2 <= PER_VIEWER * max(shelf.size, PER_VIEWER)
    search = _Search(vmap, need, policy)
    for filters in _ladder(policy):
        search = _Search(vmap, need, policy)
        search.stay()
        if directly:
            for wrapper in filter(None, map(vmap.node, nodes)):
                search.look(wrapper, filters)
        else:
            search.walk(shelf, filters, nodes)
        if search.passed:
            break
    return search.choice()
