"""Many sessions opened or closed by one call: decided in order on one map, committed in portions, performed at once.

Each sees what those before it were given. What becomes of one does not touch the others: a portion that another writer
came before is decided again one by one, and a session that a node would not take is taken back alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from broker.batches import BatchWriter
from broker.core.decisions import Decision, Refusal
from broker.core.requests import OpenSession, Request
from broker.core.virtual_map import VirtualMap
from broker.leader import Leadership
from broker.plans import Performer, session_of
from broker.watch import MapKeeper
from rtcdn import keys, log
from rtcdn.errors import NotLeader, RtcdnError, StoreConflict
from rtcdn.store.port import MAX_KEYS, Compare

_log = log.get("broker.bulk")
AT_ONCE = 16  # plans performed at the same time
Outcome = Decision | Refusal | RtcdnError


@dataclass(frozen=True, slots=True)
class Parts:
    """What the desk works with; ``decide`` decides on a map, ``alone`` handles one request by itself."""

    keeper: MapKeeper
    leadership: Leadership
    batches: BatchWriter
    performer: Performer
    decide: Callable[[VirtualMap, Request], Decision | Refusal]
    note: Callable[[Request, Decision | Refusal], None]
    alone: Callable[[Request], Decision]
    now_s: Callable[[], float]


@dataclass(slots=True)
class _Item:
    request: Request
    outcome: Outcome | None = None
    alone: bool = False


def change_each(parts: Parts, requests: Sequence[Request]) -> list[Outcome]:
    """What became of each, in order. Sessions must differ, and the caller holds their locks."""
    items = [_Item(request) for request in requests]
    before = parts.keeper.current
    _decide(parts, items, before)
    with ThreadPoolExecutor(AT_ONCE, "bulk") as pool:
        performing: list[tuple[_Item, Future[None]]] = []
        for portion in _portions(items):
            for item in _committed(parts, portion):
                assert isinstance(item.outcome, Decision)
                performing.append((item, pool.submit(parts.performer.run_unwritten, item.outcome)))
        for item, future in performing:
            _performed(parts, item, future, before)
    _forget_plans(parts, [item.outcome for item, _ in performing if isinstance(item.outcome, Decision)])
    for item in items:
        if item.alone:
            item.outcome = _alone(parts, item.request)
    return [item.outcome for item in items if item.outcome is not None]


def _decide(parts: Parts, items: list[_Item], vmap: VirtualMap) -> None:
    """Each on the map as those before it leave it."""
    for item in items:
        try:
            item.outcome = outcome = parts.decide(vmap, item.request)
        except RtcdnError as error:
            item.outcome = error
            continue
        if isinstance(outcome, Refusal) or not outcome.needs_leader:
            parts.note(item.request, outcome)
        elif _size(outcome) > MAX_KEYS:
            item.alone = True
        if isinstance(outcome, Decision):
            vmap = vmap.with_changes(outcome.changes, 0, parts.now_s())


def _size(decision: Decision) -> int:
    """Keys of a transaction that it takes: its own and its plan's."""
    return len(decision.changes) + 1


def _portions(items: list[_Item]) -> Iterator[list[_Item]]:
    """Decisions to commit, as many together as a transaction holds."""
    portion: list[_Item] = []
    size = 0
    for item in items:
        if item.alone or not isinstance(item.outcome, Decision) or not item.outcome.needs_leader:
            continue
        if size + _size(item.outcome) > MAX_KEYS:
            yield portion
            portion, size = [], 0
        portion.append(item)
        size += _size(item.outcome)
    if portion:
        yield portion


def _committed(parts: Parts, portion: list[_Item]) -> list[_Item]:
    """Commit a portion; what may be performed now. One that conflicts is decided again later, one by one."""
    decisions = [item.outcome for item in portion if isinstance(item.outcome, Decision)]
    changes = [change for decision in decisions for change in decision.changes]
    puts = {change.key: change.value for change in changes if change.value is not None}
    for decision in decisions:
        puts |= parts.performer.record(decision)
    deletes = [change.key for change in changes if change.value is None]
    compare = [Compare.unchanged(each.compare_key, each.revision) for each in decisions if each.compare_key]
    try:
        with parts.batches.instead(change.key for change in changes):
            parts.keeper.put(changes, parts.leadership.commit(puts, deletes, compare))
    except StoreConflict:
        for item in portion:
            item.alone = True
        return []
    except RtcdnError as error:
        for item in portion:
            item.outcome = error
        return []
    for item, decision in zip(portion, decisions, strict=True):
        parts.note(item.request, decision)
    return portion


def _performed(parts: Parts, item: _Item, future: Future[None], before: VirtualMap) -> None:
    """Await a plan. A session that could not be opened whole is taken back; a close is ended by the reconciler."""
    assert isinstance(item.outcome, Decision)
    try:
        future.result()
    except RtcdnError as error:
        _log.warning("plan-failed", decision=item.outcome.id, reason=error)
        if isinstance(item.request, OpenSession) and not isinstance(error, NotLeader):
            try:
                parts.performer.undo(item.outcome, before)
                parts.leadership.commit(deletes=[keys.plan(session_of(item.outcome))])
            except RtcdnError as second:
                _log.warning("undo-failed", decision=item.outcome.id, reason=second)
            item.outcome = error


def _forget_plans(parts: Parts, decisions: list[Decision]) -> None:
    """The plans are done; when this fails they are done again by who leads then, which changes nothing."""
    names = [keys.plan(session) for session in map(session_of, decisions) if session]
    try:
        for at in range(0, len(names), MAX_KEYS):
            parts.leadership.commit(deletes=names[at : at + MAX_KEYS])
    except RtcdnError as error:
        _log.warning("plans-not-forgotten", plans=len(names), reason=error)


def _alone(parts: Parts, request: Request) -> Outcome:
    try:
        return parts.alone(request)
    except RtcdnError as error:
        return error
