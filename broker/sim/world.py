"""A fake world: nodes, a store's revision, a clock that moves when told, and the production core."""

from __future__ import annotations

from collections.abc import Iterable

from broker.core.actions import (
    CreateContext,
    DestroyContext,
    Order,
    RepointLink,
    StartLink,
    Step,
    StopForwarder,
    StopLink,
)
from broker.core.decide import decide
from broker.core.decisions import Decision, IntentChange, Refusal
from broker.core.housekeeping import due
from broker.core.policy.base import Policy
from broker.core.policy.registry import BALANCED
from broker.core.reconcile import reconcile
from broker.core.requests import Request
from broker.core.virtual_map import VirtualMap
from broker.core.ways import DETOURED, sealed_nodes
from broker.sim import detours, taps
from broker.sim.node import FakeNode
from rtcdn import keys
from rtcdn.ids import janus_context
from rtcdn.model import ContextIntent, GatewayInfo, LinkIntent

INTO_A_MIX = ("voice", "bridge", "trunk")  # an RTP participant stands in the target
ROUNDS = 200  # housekeeping that does not come to rest within so many rounds goes in circles


class World:
    """Decide, commit, act, report: what the broker does, without sockets and in virtual time."""

    def __init__(self, nodes: Iterable[FakeNode], policy: Policy = BALANCED, now_s: float = 1_000_000.0) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.down: set[str] = set()
        self.policy = policy
        self.now_s = now_s
        self.revision = 1
        self.orders: list[Order] = []
        self.act = True  # False: steps are planned and not performed
        snapshot = {key: (text, 1) for node in self.nodes.values() for key, text in node.report()}
        self.vmap = VirtualMap.build(snapshot, now_s, self.revision)

    def ask(self, request: Request) -> Decision | Refusal:
        """Decide; on a yes commit, then perform the plan."""
        answer = decide(self.vmap, request, self.policy, self.now_s)
        if isinstance(answer, Decision):
            self.commit(answer.changes)
            self.perform(answer.plan)
        elif answer.changes:
            self.commit(answer.changes)
        return answer

    def commit(self, changes: Iterable[IntentChange]) -> None:
        """Write the intent."""
        self.revision += 1
        self.vmap = self.vmap.with_changes(changes, self.revision, self.now_s)

    def housekeep(self) -> list[Request]:
        """Do what time brings until nothing more comes; gives what was asked. Refused requests are asked once."""
        asked: list[Request] = []
        refused: list[Request] = []
        for _ in range(ROUNDS):
            coming = [request for request in due(self.vmap, self.policy, self.now_s) if request not in refused]
            moving = False
            for request in coming:
                asked.append(request)
                answer = self.ask(request)
                if isinstance(answer, Refusal) or not (answer.changes or answer.plan):
                    refused.append(request)
                else:
                    moving = True
            if not moving:
                return asked
        raise AssertionError(f"housekeeping goes in circles: {asked[-4:]}")

    def tick(self, seconds: float) -> None:
        """Let time pass, then let every node report."""
        self.now_s += seconds
        self.report(*(name for name in self.nodes if name not in self.down))

    def report(self, *names: str) -> None:
        """Let some nodes report."""
        self.revision += 1
        changes = [(key, text, self.revision) for name in names for key, text in self.nodes[name].report()]
        self.vmap = self.vmap.apply(changes, self.now_s)

    def kill(self, name: str) -> None:
        """A node's lease runs out."""
        self.down.add(name)
        self.revision += 1
        node = self.nodes[name]
        gone = [(keys.node(name), None, self.revision)]
        gone += [(key, None, self.revision) for key, _ in node.report()[:-1]]
        self.vmap = self.vmap.apply(gone, self.now_s)
        node.restart()

    def revive(self, name: str) -> None:
        """It is back, empty."""
        self.down.discard(name)
        self.report(name)

    def gateway(self, name: str, region: str = "", *, there: bool = True) -> None:
        """A gateway comes or goes."""
        self.revision += 1
        text = GatewayInfo(region=region).to_json() if there else None
        self.vmap = self.vmap.apply([(keys.gateway(name), text, self.revision)], self.now_s)

    def reconcile(self) -> tuple[Step, ...]:
        """Perform what reconciling asks for; gives the steps."""
        steps = reconcile(self.vmap, self.now_s)
        self.perform(steps)
        return steps

    # ---- the actor ------------------------------------------------------------------------------

    def perform(self, steps: Iterable[Step]) -> None:
        """Perform steps on the fake nodes."""
        for step in steps if self.act else ():
            match step:
                case Order():
                    self.orders.append(step)
                case CreateContext():
                    if step.before and step.before != step.after:
                        self.commit([IntentChange(keys.context(step.session, step.id), step.after)])
                    self.nodes[step.after.node].create(janus_context(step.session, step.id), step.after)
                case DestroyContext():
                    self.nodes[step.before.node].destroy(janus_context(step.session, step.id))
                case StartLink():
                    self._start(step.session, step.id, step.after, step.source, step.target)
                case StopLink():
                    self._stop(step.session, step.id, step.before, step.source, step.target)
                case RepointLink():
                    self._stop(step.session, step.id, step.before, step.old_source, step.old_target)
                    self._start(step.session, step.id, step.after, step.source, step.target)
                case StopForwarder():
                    janus_id = janus_context(step.session, step.id)
                    self.nodes[step.node].stop_stream(janus_id, step.forwarder.stream_id)

    def _start(self, session: str, name: str, link: LinkIntent, source: ContextIntent, target: ContextIntent) -> None:
        ends = janus_context(session, link.source), janus_context(session, link.target)
        if taps.start(self.nodes, session, name, link, source, target):
            return
        if link.kind == "remote":
            self.nodes[source.node].send(ends[0], name, link, self.nodes[target.node], ends[1])
        elif link.kind in DETOURED and sealed_nodes(self.vmap, source.node, target.node):
            changed = detours.start(self.nodes, self.vmap, session, name, link, source, target)
            self.commit([IntentChange(keys.link(session, name), changed)])
        elif link.kind != "trunk":
            key = self.vmap.sessions[session].contexts.get(link.target, target).key
            self.nodes[source.node].forward(ends[0], link, self.nodes[target.node], ends[1], key)
        if link.kind in INTO_A_MIX:
            self.nodes[target.node].join(ends[1], name)
        if link.kind == "trunk":
            self.nodes[source.node].join(ends[0], name)

    def _stop(
        self, session: str, name: str, link: LinkIntent, source: ContextIntent | None, target: ContextIntent | None
    ) -> None:
        ends = janus_context(session, link.source), janus_context(session, link.target)
        if taps.stop(self.nodes, session, name, link, source, target):
            return
        if link.kind == "remote":
            if source:
                self.nodes[source.node].unsend(ends[0], name)
            if target:
                self.nodes[target.node].remove(ends[1], link.participant)
            return
        if link.via:
            detours.stop(self.nodes, session, name, link, source)
        elif source and target and link.kind != "trunk":
            self.nodes[source.node].stop(ends[0], link, self.nodes[target.node], ends[1])
        if target and link.kind in INTO_A_MIX:
            self.nodes[target.node].part(ends[1], name)
        if source and link.kind == "trunk":
            self.nodes[source.node].part(ends[0], name)
