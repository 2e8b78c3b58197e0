"""A case runs: events in virtual time, seeded; the broker's own decisions; reports that come late.

A person loads his node at once; the broker learns of it by the node's next report. The same case gives the same run.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from broker.core.decide import decide
from broker.core.decisions import Decision, Refusal
from broker.core.housekeeping import due
from broker.core.policy.registry import Registry
from broker.core.requests import OpenSession, Request
from broker.sim.accidents import Accidents
from broker.sim.case import Case
from broker.sim.crowd import Ways
from broker.sim.ledger import Ledger
from broker.sim.measure import Measures, Traffic
from broker.sim.meetings import Meeting, plan_meetings
from broker.sim.optimum import compare
from broker.sim.people import People
from broker.sim.scene import SimNode, make_nodes, matrix
from broker.sim.world import World
from rtcdn.errors import RtcdnError

START_S = 1_000_000.0  # virtual time begins here: 0 stands for "never" in records
BUSY_S = 5.0  # so long after a change the leader looks as often as the case says
QUIET_S = 5.0  # else this often, or as seldom as the case says
MEND_S = 30.0  # so long after a failure the leader compares what is with what should be


class Run:
    """One run of a case. ``clock`` tells real time, for the rate of decisions only; nothing else depends on it."""

    def __init__(
        self,
        case: Case,
        seed: int | None = None,
        policy: str = "",
        clock: Callable[[], float] = float,
        registry: Registry | None = None,
    ) -> None:
        self.case = case
        self.seed = case.seed if seed is None else seed
        self.registry = registry or Registry()
        self.policy = self.registry.find(policy or case.policy)
        self.clock = clock
        nodes = make_nodes(case)
        self.world = World(nodes, self.policy, START_S)
        self.nodes: dict[str, SimNode] = {node.id: node for node in nodes}
        self.measures = Measures()
        self.ways = Ways(case, matrix(case))
        self.ledger = Ledger(self.nodes, self.touched, lambda: self.now_s)
        self.meetings: dict[str, Meeting] = {}
        self.decide_s = 0.0
        self.people = People(self)
        self.accidents = Accidents(self)
        self._traffic = Traffic({node.id: node.region for node in nodes})
        self._digest = hashlib.blake2s(digest_size=16)
        self._events: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = itertools.count()
        phases = self.random("phases")
        self._phase = {node.id: phases.uniform(0, case.report_s) for node in nodes}
        self._reporting: set[str] = set()
        self._said: dict[str, list[tuple[str, str]]] = {}
        self._busy_until = self._mend_until = 0.0
        self._keep_at: float | None = None
        self._peak = 0
        self.peak: dict[str, Any] = {}

    # ---- time -----------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Virtual time since the beginning."""
        return self.world.now_s - START_S

    def random(self, *about: object) -> Random:
        """Randomness of one thing, apart from that of others."""
        return Random(":".join(map(str, (self.seed, *about))))  # noqa: S311  (no secrets here)

    def at(self, at_s: float, call: Callable[..., object], *given: Any) -> None:
        """Let something happen at a time."""
        heapq.heappush(self._events, (at_s, next(self._order), call, given))

    def after(self, delay_s: float, call: Callable[..., object], *given: Any) -> None:
        """Let something happen later."""
        self.at(self.now_s + delay_s, call, *given)

    def run(self) -> dict[str, Any]:
        """Let it all happen; gives the report's content."""
        for region in self.ways.serving:
            self.world.gateway(f"gw-{region}", region)
        for meeting in plan_meetings(self):
            self.at(meeting.open_s, meeting.open)
        for failure in self.case.failures:
            self.at(failure.at_s, self.accidents.strike, failure)
        self.at(0.0, self._sample, 0.0)
        while self._events and self._events[0][0] <= self.case.duration_s:
            at_s, _, call, given = heapq.heappop(self._events)
            self.world.now_s = START_S + at_s
            call(*given)
        self._check()
        self.measures.dark_s = self.ledger.dark_s()
        return self.result()

    # ---- asking ---------------------------------------------------------------------------------

    def ask(self, request: Request) -> Decision | Refusal | None:
        """Decide, commit, act, and let the gateways' orders follow; None when the request itself was wrong."""
        world = self.world
        kind = type(request).__name__
        self.measures.requests[kind] += 1
        started_s = self.clock()
        try:
            answer = decide(world.vmap, request, self._policy(request), world.now_s)
        except RtcdnError as error:
            self.measures.refused_other[f"{kind} {type(error).__name__}"] += 1
            return None
        if isinstance(answer, Decision):
            world.commit(answer.changes)
        self.decide_s += self.clock() - started_s
        self._note(kind, answer)
        if isinstance(answer, Decision) and answer.plan:
            world.perform(answer.plan)
            self._touch_all(answer)
            orders, world.orders = world.orders, []
            for order in orders:
                self.people.ordered(order)
        if isinstance(answer, Decision) and answer.needs_leader:
            self.busy()
        return answer

    def _policy(self, request: Request) -> Any:
        if isinstance(request, OpenSession):
            return self.registry.find(request.intent.policy) if request.intent.policy else self.policy
        view = self.world.vmap.session(getattr(request, "session", ""))
        asked = view.intent.policy if view and view.intent else ""
        return self.registry.find(asked) if asked else self.policy

    def _note(self, kind: str, answer: Decision | Refusal) -> None:
        """Into the digest of all decisions: two runs are the same when it is."""
        words = [kind, repr(self.now_s)]
        if isinstance(answer, Refusal):
            words.append(answer.code)
        else:
            words += [change.key for change in answer.changes]
            words += [leg.node for leg in answer.grant.legs] if answer.grant else []
        self._digest.update("\n".join(words).encode())

    def _touch_all(self, answer: Decision) -> None:
        """Nodes on which steps were performed will report something new."""
        for step in answer.plan:
            for name in ("after", "before", "source", "target", "old_source", "old_target"):
                node = self.nodes.get(getattr(getattr(step, name, None), "node", ""))
                if node:
                    self.touched(node)

    # ---- reports --------------------------------------------------------------------------------

    def touched(self, node: SimNode) -> None:
        """Something on a node changed: its next report will tell."""
        if node.id not in self._reporting and not node.dead:
            self._reporting.add(node.id)
            period_s, phase_s = self.case.report_s, self._phase[node.id]
            number = int((self.now_s - phase_s) / period_s) + 1
            self.at(max(phase_s + number * period_s, self.now_s + 1e-6), self._report, node)

    def _report(self, node: SimNode) -> None:
        self._reporting.discard(node.id)
        if node.dead or node.id in self.world.down:
            return
        node.measure(self.rate)
        text = node.report()
        wrapper = self.world.vmap.node(node.id)
        if text != self._said.get(node.id) or (wrapper and wrapper.grants):
            self._said[node.id] = text
            self.world.report(node.id)
            wrapper = self.world.vmap.node(node.id)
            if wrapper and (wrapper.grants or wrapper.talking_since_s):
                self.touched(node)
            if wrapper and wrapper.talking_since_s:
                self.busy()

    def rate(self, session: str) -> tuple[int, int]:
        """Bitrate of a video of a session, and how many are shown."""
        view = self.world.vmap.session(session)
        return (view.intent.bitrate_bps if view and view.intent else 0, max(1, len(view.publishers)) if view else 0)

    # ---- what time brings -----------------------------------------------------------------------

    def busy(self) -> None:
        """The leader should look again soon."""
        self._busy_until = self.now_s + BUSY_S
        soon_s = self.now_s + self.case.keep_s
        if self._keep_at is None or self._keep_at > soon_s:
            self._keep_at = soon_s
            self.at(self._keep_at, self._keep, self._keep_at)

    def mend(self) -> None:
        """Something failed: compare what is with what should be for a while."""
        self._mend_until = self.now_s + MEND_S
        self.busy()

    def _keep(self, for_s: float) -> None:
        """What the leader's loop does about once a second."""
        if for_s != self._keep_at:
            return
        self._keep_at = None
        for request in list(due(self.world.vmap, self.policy, self.world.now_s, self.registry.find)):
            answer = self.ask(request)
            if isinstance(answer, Refusal):
                self.measures.refused_other[f"{type(request).__name__} {answer.code}"] += 1
        if self.now_s < self._mend_until:
            for step in self.world.reconcile():
                for node in filter(None, map(self.nodes.get, _nodes_of(step))):
                    self.touched(node)
        if self._keep_at is None and (len(self.world.vmap.sessions) or self.world.down):
            quiet_s = max(QUIET_S, self.case.keep_s)
            self._keep_at = self.now_s + (self.case.keep_s if self.now_s < self._busy_until else quiet_s)
            self.at(self._keep_at, self._keep, self._keep_at)

    # ---- looking --------------------------------------------------------------------------------

    def _sample(self, since_s: float) -> None:
        vmap = self.world.vmap
        viewers = Counter({region: count for region, count in self.ledger.dark.items() if count})
        dark = viewers.total()
        for (_, region, _), count in self.ledger.watching.items():
            viewers[region] += count
        now = {
            "viewers": {region: viewers[region] for region in sorted(viewers) if viewers[region]},
            "dark": dark,
            "sessions": len(self.meetings),
            "contexts": sum(len(view.contexts) for view in vmap.sessions.values()),
            "speakers": sum(len(view.publishers) for view in vmap.sessions.values()),
            "region_mbps": round(sum(map(self._traffic.kbps, vmap.sessions.values())) / 1000, 3),
        }
        rows = []
        for name in sorted(self.nodes):
            node = self.nodes[name]
            node.measure(self.rate)
            wrapper = vmap.node(name)
            rows.append((node, bool(wrapper and wrapper.hosting), node.people_kbps(self.rate)))
        self.measures.sample(self.now_s, self.now_s - since_s, now, rows)
        if viewers.total() > self._peak:
            self._peak = viewers.total()
            self.peak = compare(self, vmap)
        if viewers.total() <= CHECKED:
            self._check()
        self.after(self.case.sample_s, self._sample, self.now_s)

    def _check(self) -> None:
        """The invariants of the map."""
        for sentence in self.world.vmap.check():
            self.measures.broken[sentence] += 1

    def forget(self, meeting: Meeting) -> None:
        """A session ended."""
        self.meetings.pop(meeting.id, None)
        self._traffic.forget(meeting.id)

    def result(self) -> dict[str, Any]:
        """The report's content; nothing of real time is in it."""
        return {
            "case": self.case.name,
            "about": self.case.about,
            "seed": self.seed,
            "policy": self.policy.name,
            "duration_s": self.case.duration_s,
            "nodes": len(self.nodes),
            "regions": sorted(self.case.regions),
            "totals": self.measures.totals(self.nodes),
            "distance": self.measures.distances.shown(),
            "optimum": self.peak,
            "marks": self.measures.marks,
            "samples": self.measures.samples,
            "decisions_digest": self._digest.hexdigest(),
        }


CHECKED = 2_000  # with more people on the map the invariants are checked at the end only


def _nodes_of(step: Any) -> list[str]:
    ends = (getattr(step, name, None) for name in ("after", "before", "source", "target"))
    return [getattr(end, "node", "") for end in ends]
