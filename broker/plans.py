"""Plans in progress: the steps of a decision, performed in waves (``broker.waves``) with the progress in ``PL:``.

Before each wave its first step's number is committed in the leader's name, so a leader that was deposed stops before
it touches anything more, and the next one knows where to go on: with the whole wave, for a step may be done again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from broker.act import Actor
from broker.core.actions import STEP_NAMES, Order, Step, step_name
from broker.core.decisions import Decision, IntentChange
from broker.core.merging import merged
from broker.core.plan import plan_changes
from broker.core.virtual_map import VirtualMap, record_at
from broker.leader import Leadership
from broker.watch import MapKeeper
from broker.waves import waves
from rtcdn import keys, log
from rtcdn.errors import NodeAway, NodeRefused, NotLeader
from rtcdn.model import PlanRecord, Record
from rtcdn.store.port import Store

_log = log.get("broker.plans")
MANY = 100  # steps; a record of more leaves out orders, and tells its progress now and then only
NOW_AND_THEN = 10
SIDE_BY_SIDE = 32  # steps that wait for nodes at a time, of all sessions
NAMED_STEPS = {name: kind for kind, name in STEP_NAMES.items()}


def step_to_dict(step: Step) -> dict[str, Any]:
    """A step as it stands in ``PL:``."""
    return {"step": step_name(step), **step.to_dict()}


def step_from_dict(data: dict[str, Any]) -> Step | None:
    """A step read from ``PL:``; None when it cannot be read (another version wrote it)."""
    kind = NAMED_STEPS.get(str(data.get("step")))
    return kind.from_dict(data) if kind else None  # type: ignore[return-value]


class Performer:
    """Performs plans in the leader's name."""

    def __init__(self, store: Store, keeper: MapKeeper, leadership: Leadership, actor: Actor) -> None:
        self.store = store
        self._keeper, self._leadership, self._actor = keeper, leadership, actor
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="steps")

    def record(self, decision: Decision) -> dict[str, str]:
        """What to write together with a decision: its plan, before any step is performed."""
        session = session_of(decision)
        if not session:
            return {}
        steps = tuple(step_to_dict(step) for step in recorded(decision.plan))
        return {keys.plan(session): PlanRecord(decision.id, 0, self._leadership.revision, steps).to_json()}

    def run(self, decision: Decision) -> None:
        """Perform a decision whose intent was committed; ends with its ``PL:`` removed, also when a step failed."""
        session, steps = session_of(decision), recorded(decision.plan)
        if len(steps) < len(decision.plan):
            self._leadership.confirm()
            for order in decision.plan:
                if isinstance(order, Order):
                    self._actor.perform(order, self._keeper.current)
        if session:
            self._perform(session, PlanRecord(decision.id, 0, 0, ()), steps, 0)

    def run_unwritten(self, decision: Decision) -> None:
        """As ``run``, for one of many: no progress is written, and the caller removes its ``PL:`` with the others'.

        Before each step our own clock says whether the lease can still be ours.
        """
        failed: NodeAway | NodeRefused | None = None
        for step in decision.plan:
            if not self._leadership.leads:
                raise NotLeader
            try:
                self._actor.perform(step, self._keeper.current)
            except (NodeAway, NodeRefused) as error:
                _log.warning("step-failed", step=step_name(step), session=step.session, id=step.id, reason=error)
                failed = failed or error
        if failed:
            raise failed

    def finish(self, session: str) -> None:
        """Go on with a plan that another leader, or we, left in the middle; asks the store which, the map may lag."""
        key = keys.plan(session)
        value = self.store.read(key).values.get(key)
        if value is None:
            return
        record = PlanRecord.from_json(value.text) or PlanRecord()
        steps = [step_from_dict(data) for data in record.steps]
        _log.info("plan-resumed", session=session, decision=record.decision, step=record.step, steps=len(steps))
        known = tuple(step for step in steps if step is not None)
        self._perform(session, record, known, record.step if len(known) == len(steps) else 0)

    def undo(self, decision: Decision, before: VirtualMap) -> None:
        """Take a decision back: intent as it was before, and the steps that lead there, as far as nodes answer.

        What others have changed of a participant since stands; one who has left is not brought back.
        """
        now = self._keeper.current
        inverse = tuple(IntentChange(each.key, _taken_back(each, before, now)) for each in decision.changes)
        steps = plan_changes(now, inverse)
        puts = {change.key: change.value for change in inverse if change.value is not None}
        deletes = [change.key for change in inverse if change.value is None]
        self._keeper.put(inverse, self._leadership.commit(puts, deletes))
        for step in steps:
            try:
                self._actor.perform(step, self._keeper.current)
            except (NodeAway, NodeRefused) as error:
                _log.warning("undo-failed", step=step_name(step), session=step.session, id=step.id, reason=error)
        _log.info("undone", decision=decision.id)

    def repair(self, step: Step) -> None:
        """Perform a single step outside any plan, after making sure that we lead."""
        self._leadership.confirm()
        self._actor.perform(step, self._keeper.current)

    def _perform(self, session: str, record: PlanRecord, steps: tuple[Step, ...], start: int) -> None:
        """Every step, even after one failed: the others do not depend on a node that is away."""
        failed: NodeAway | NodeRefused | None = None
        texts = tuple(step_to_dict(step) for step in steps)
        number = told = start
        for wave in waves(steps[start:]):
            if number > start and (len(steps) <= MANY or number - told >= NOW_AND_THEN):
                progress = PlanRecord(record.decision, number, self._leadership.revision, texts)
                self._leadership.commit({keys.plan(session): progress.to_json()})
                told = number
            elif number > start:
                self._leadership.confirm()
            failing = self._side_by_side(wave)
            failed = failed or failing
            number += len(wave)
        self._leadership.commit(deletes=[keys.plan(session)])
        if failed:
            raise failed

    def _side_by_side(self, wave: tuple[Step, ...]) -> NodeAway | NodeRefused | None:
        """Perform them all; the first that a node did not do."""
        if len(wave) == 1:
            return self._try(wave[0])
        acts = [self._pool.submit(self._try, step) for step in wave]
        wait(acts)
        return next((failed for act in acts if (failed := act.result())), None)

    def _try(self, step: Step) -> NodeAway | NodeRefused | None:
        try:
            self._actor.perform(step, self._keeper.current)
        except (NodeAway, NodeRefused) as error:
            _log.warning("step-failed", step=step_name(step), session=step.session, id=step.id, reason=error)
            return error
        return None


def recorded(plan: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps that stand in ``PL:``. A session of ten thousand is closed with as many orders: too large for a key.

    Orders that are lost with a leader follow again from what gateways present to the next one.
    """
    return plan if len(plan) <= MANY else tuple(step for step in plan if not isinstance(step, Order))


def _taken_back(change: IntentChange, before: VirtualMap, now: VirtualMap) -> Record | None:
    present = record_at(now, change.key)
    if present is None and keys.is_participant(change.key):
        return None
    return merged(change.record, record_at(before, change.key), present)


def session_of(decision: Decision) -> str:
    """The session whose plan this is; empty when there is nothing to perform."""
    return decision.plan[0].session if decision.plan else ""
