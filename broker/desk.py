"""The desk: every request passes here. Decide on the current map, commit the intent, act, answer.

Attach-class decisions are put into the map at once and written afterwards; everything else is the leader's and is
committed, fenced, before anything is touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from broker import bulk
from broker.batches import BatchWriter
from broker.core.capacity import Wanted, capacity
from broker.core.decide import decide
from broker.core.decisions import Decision, IntentChange, Refusal
from broker.core.policy.registry import Registry
from broker.core.rehearsal import Rehearsal, rehearse
from broker.core.requests import Admit, Attach, CloseSession, OpenSession, Request, Warmup
from broker.core.virtual_map import VirtualMap, record_at
from broker.decision_log import NO_BASIS, Basis, DecisionLog
from broker.leader import Leadership
from broker.locks import Locks
from broker.plans import Performer
from broker.watch import MapKeeper
from rtcdn import keys, log
from rtcdn.errors import NodeAway, NodeRefused, NotLeader, RtcdnError, StoreAway, StoreConflict
from rtcdn.model import ParticipantIntent
from rtcdn.store.port import MAX_KEYS, Compare

_log = log.get("broker.desk")
Found = Decision | Refusal | RtcdnError | None  # what an attach-class request comes to; None: the leader decides
ATTEMPTS = 8
CATCH_UP_S = 2.0
SETTLE_S = 1.0


class Refused(RtcdnError):
    """The core said no; ``refusal`` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class Desk:
    """Handles requests of any kind; safe in threads."""

    def __init__(
        self,
        *,
        keeper: MapKeeper,
        leadership: Leadership,
        batches: BatchWriter,
        performer: Performer,
        registry: Registry,
        decisions: DecisionLog,
        policy: str = "",
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._keeper, self._leadership, self._batches = keeper, leadership, batches
        self._performer, self._registry, self._decisions = performer, registry, decisions
        self._policy, self._now_s = policy, now_s
        self.locks = Locks()

    def handle(self, request: Request) -> Decision:
        """Decide and do. Raises ``Refused``, ``NotLeader``, ``StoreAway``, ``NodeAway`` and what ``decide`` raises."""
        self._need_map()
        if request.attach_class:
            (outcome,) = self._attach((request,))
            if outcome is not None:
                return _accepted(outcome)
        self._need_leader()
        with self.locks.hold(subject(request)):
            return self._change(request)

    def attach_each(self, requests: Sequence[Attach | Admit]) -> list[Decision | RtcdnError]:
        """Many, decided in one turn; what became of each. Raises ``NotLeader`` before anything is done."""
        self._need_map()
        return [self._outcome(*each) for each in zip(requests, self._attach(requests), strict=True)]

    def change_each(self, requests: Sequence[OpenSession | CloseSession]) -> list[Decision | RtcdnError]:
        """Many sessions opened or closed, decided together; what became of each. Raises ``NotLeader`` at once."""
        self._need_map()
        self._need_leader()
        parts = bulk.Parts(
            self._keeper,
            self._leadership,
            self._batches,
            self._performer,
            lambda vmap, request: self._decide(vmap, request)[0],
            lambda request, outcome: self._note(request, outcome, NO_BASIS),  # maps in between are nobody's to replay
            self._change,
            self._now_s,
        )
        with ExitStack() as held:
            for name in sorted({subject(request) for request in requests}):
                held.enter_context(self.locks.hold(name))
            return [Refused(each) if isinstance(each, Refusal) else each for each in bulk.change_each(parts, requests)]

    def explain(self, request: Request) -> Decision | Refusal:
        """What would be decided, over the full list of nodes; nothing is done."""
        return self._decide(self._keeper.current, request, exhaustive=True)[0]

    def capacity(self, headroom: float | None, most: int) -> list[Wanted]:
        """Nodes wanted by region and kind, as the deployment's policy counts."""
        policy = self._registry.find(self._policy)
        return capacity(self._keeper.current, policy, self._now_s(), headroom, most)

    def rehearse(self, session: str) -> Rehearsal:
        """What reorganising a session would come to, step by step; nothing is done."""
        view = self._keeper.current.session(session)
        policy = self._registry.find(
            view.intent.policy if view and view.intent and view.intent.policy else self._policy
        )
        return rehearse(self._keeper.current, session, policy, self._now_s())

    def settle(self, session: str) -> int:
        """Wait until what was granted here to a session is in the store; the revision from which it can be read."""
        return self._batches.settle(keys.participant(session, ""), SETTLE_S)

    def _decide(
        self, vmap: VirtualMap, request: Request, *, exhaustive: bool = False
    ) -> tuple[Decision | Refusal, Basis]:
        view = vmap.session(getattr(request, "session", ""))
        asked = view.intent.policy if view and view.intent else ""
        if isinstance(request, OpenSession):
            asked = request.intent.policy
        policy = self._registry.find(asked or self._policy)
        basis = Basis(vmap.number, self._now_s(), policy.name)
        return decide(vmap, request, policy, basis.now_s, exhaustive=exhaustive), basis

    def _attach(self, requests: Sequence[Request]) -> list[Found]:
        """Answer from the map; None where the leader is needed after all."""
        found: list[Found] = []
        bases: list[Basis] = []

        def choose(request: Request, vmap: VirtualMap) -> tuple[IntentChange, ...]:
            try:
                outcome, basis = self._decide(vmap, request)
                leaders = isinstance(outcome, Decision) and outcome.needs_leader
                if leaders:
                    self._need_leader()
            except NotLeader:
                raise
            except RtcdnError as error:
                found.append(error)
                bases.append(Basis())
                return ()
            found.append(None if leaders else outcome)
            bases.append(basis)
            return () if leaders or isinstance(outcome, RtcdnError) else outcome.changes

        self._keeper.decide_and_put(partial(choose, request) for request in requests)
        for request, outcome, basis in zip(requests, found, bases, strict=True):
            if isinstance(outcome, Decision | Refusal):
                self._note(request, outcome, basis)
        self._batches.add(change for each in found if isinstance(each, Decision | Refusal) for change in each.changes)
        return found

    def _outcome(self, request: Request, found: Found) -> Decision | RtcdnError:
        """What was found, or what comes of handling it as the leader."""
        try:
            return self.handle(request) if found is None else _accepted(found)
        except NotLeader:
            raise
        except RtcdnError as error:
            return error

    def _need_map(self) -> None:
        if not self._keeper.ready:
            raise StoreAway("this broker has not seen the store yet")

    def _need_leader(self) -> None:
        if self._keeper.away:
            raise StoreAway("the store is away: changes must wait, what runs goes on")
        if not self._leadership.leads:
            leader = self._keeper.current.leader
            raise NotLeader(leader.url if leader else "")

    def _change(self, request: Request) -> Decision:
        texts: dict[str, str] = {}
        for _ in range(ATTEMPTS):
            vmap = self._keeper.current
            outcome, basis = self._decide(vmap, request)
            if isinstance(outcome, Refusal) or not outcome.needs_leader:
                self._note(request, outcome, basis)
                if outcome.changes:
                    self._keeper.put(outcome.changes, 0)
                    self._batches.add(outcome.changes)
                return _accepted(outcome)
            try:
                self._commit(outcome, vmap, texts)
            except StoreConflict:
                texts = self._catch_up(outcome)
                continue
            self._note(request, outcome, basis)
            self._act(request, outcome, vmap)
            return outcome
        raise StoreConflict(f"{subject(request)} changed {ATTEMPTS} times while it was decided: ask again")

    def _commit(self, decision: Decision, vmap: VirtualMap, texts: Mapping[str, str]) -> None:
        """Write the intent in portions, the plan with the last of them; then put it into the map.

        Participants of the first portion are as ``vmap`` shows them: what other replicas write of them is not lost.
        Later ones are written over: by then the decision cannot be taken back.
        """
        changes = decision.changes
        size = MAX_KEYS - 2
        portions = [changes[at : at + size] for at in range(0, len(changes), size)] or [()]
        compare: tuple[Compare, ...] = ()
        if decision.compare_key:
            compare = (Compare.unchanged(decision.compare_key, decision.revision),)
        with self._batches.instead(change.key for change in changes):
            for number, portion in enumerate(portions):
                puts = {change.key: change.value for change in portion if change.value is not None}
                deletes = [change.key for change in portion if change.value is None]
                if number == len(portions) - 1:
                    puts |= self._performer.record(decision)
                if number == 0:
                    compare += tuple(self._as_decided(key, vmap, texts) for key in puts if keys.is_participant(key))
                revision = self._leadership.commit(puts, deletes, compare if number == 0 else ())
                self._keeper.put(portion, revision)

    def _as_decided(self, key: str, vmap: VirtualMap, texts: Mapping[str, str]) -> Compare:
        text = self._keeper.stored(key, vmap)
        same = key in texts and ParticipantIntent.from_json(texts[key]) == record_at(vmap, key)
        return Compare.holds(key, texts[key] if same else text)  # another version may say it in other words

    def _catch_up(self, decision: Decision) -> dict[str, str]:
        """Wait until the map has seen what was in the way; texts of the keys that were compared."""
        names = [decision.compare_key] if decision.compare_key else []
        names += [each.key for each in decision.changes if each.record and keys.is_participant(each.key)]
        found = {name: self._performer.store.read(name).values.get(name) for name in names}
        revision = max((value.mod_revision for value in found.values() if value), default=0)
        _log.info("decided-again", key=decision.compare_key, revision=revision)
        self._keeper.wait_for(lambda vmap: vmap.revision >= revision, CATCH_UP_S)
        return {name: value.text for name, value in found.items() if value}

    def _act(self, request: Request, decision: Decision, before: VirtualMap) -> None:
        """Perform the plan. Who asked for a grant gets all of it or nothing; the rest is mended by the reconciler."""
        try:
            self._performer.run(decision)
        except (NodeAway, NodeRefused) as error:
            _log.warning("plan-failed", decision=decision.id, subject=subject(request), reason=error)
            if isinstance(request, OpenSession | Attach | Warmup):
                self._performer.undo(decision, before)
                raise

    def _note(self, request: Request, outcome: Decision | Refusal, basis: Basis) -> None:
        """Every decision is a line of the decision log; what a leader did and every refusal are events too."""
        vmap = self._keeper.current
        self._decisions.decided(request, outcome, vmap.revision, self._keeper.age_s, basis)
        refused = outcome.code if isinstance(outcome, Refusal) else ""
        tell = _log.info if refused not in ("", "please-wait") or not request.attach_class else _log.debug
        tell(
            "decided",
            id=outcome.id,
            request=type(request).__name__,
            subject=subject(request),
            verdict=refused or "yes",
            **({"reason": outcome.detail} if isinstance(outcome, Refusal) else {}),
            chosen=",".join(f"{choice.duty}:{choice.chosen}" for choice in outcome.choices) or "-",
            map_revision=vmap.revision,
        )


def _accepted(outcome: Decision | Refusal | RtcdnError) -> Decision:
    if isinstance(outcome, RtcdnError):
        raise outcome
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome


def subject(request: Request) -> str:
    """What a request is about: the session, or the key of a node."""
    return getattr(request, "session", "") or keys.drain(getattr(request, "node", ""))
