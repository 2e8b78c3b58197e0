"""One session while the map changes: overlays beside the old view, joined at the end."""

from __future__ import annotations

from broker.core.arrivals import Arrivals
from broker.core.plan import rewired
from broker.core.tables import Table
from broker.core.views import LEAVING, SPEAKING, Holder, SessionView, context_of, holder_of, merged
from broker.core.wrappers import NodeWrapper
from rtcdn.model import ContextIntent, Leg, LinkIntent, ParticipantIntent


class SessionEdit:
    """A session being changed; ``finish`` gives its new view."""

    def __init__(self, session_id: str, base: SessionView | None) -> None:
        self._base = base or SessionView(session_id)
        self.intent = self._base.intent
        self.revision = self._base.revision
        self.plan = self._base.plan
        self.restage = False
        self._changed_s = self._base.changed_s
        self._contexts: dict[str, ContextIntent | None] = {}
        self._links: dict[str, LinkIntent | None] = {}
        self._participants: dict[str, ParticipantIntent | None] = {}
        self._attached: dict[str, int] = {}
        self._live: dict[str, int] = {}
        self._pending: dict[str, float | None] = {}
        self._publishers: set[str] | None = None
        self._holders: dict[str, Holder | None] = {}
        self._talk_legs = self._base.talk_legs
        self._arrivals = Arrivals(self._base)

    @property
    def stage_count(self) -> int:
        """Stages the session has, for the cost of a publisher."""
        return sum(len(nodes) for nodes in self._base.stages.values())

    @property
    def speaker_count(self) -> int:
        """Participants who are shown, for the cost of a viewer: of those who publish as many as there are slots."""
        publishing = len(self._base.publishers if self._publishers is None else self._publishers)
        return min(publishing, self.intent.slots) if self.intent else publishing

    def put_context(self, name: str, record: ContextIntent | None, now_s: float) -> ContextIntent | None:
        """Set or delete a context; gives the one before."""
        before: ContextIntent | None = self._contexts.get(name, self._base.contexts.get(name))
        if record != before:
            self._contexts[name] = record
            self._changed_s = now_s
            self.restage = True
        return before

    def put_link(self, name: str, record: LinkIntent | None, now_s: float) -> None:
        """Set or delete a link. Who holds it is noted by the actor and is no change that reports must catch up with."""
        before: LinkIntent | None = self._links.get(name, self._base.links.get(name))
        if record != before:
            self._links[name] = record
            if record is None or before is None or rewired(before, record):
                self._changed_s = now_s

    def put_participant(self, name: str, record: ParticipantIntent | None) -> ParticipantIntent | None:
        """Set or delete a participant, with the counts that follow; gives the one before."""
        before: ParticipantIntent | None = (
            self._participants[name] if name in self._participants else self._base.participants.get(name)
        )
        self._participants[name] = record
        for leg in before.legs if before else ():
            self._count(context_of(leg), -1)
            self._talk_legs -= leg.leg == "talk"
            self._count_live(before, leg, -1)
        for leg in record.legs if record else ():
            self._count(context_of(leg), 1)
            self._talk_legs += leg.leg == "talk"
            self._count_live(record, leg, 1)
        self._arrivals.put(name, before, record)
        pending = record is not None and any(leg.state == "granted" for leg in record.legs)
        if pending or name in self._pending or name in self._base.pending:
            self._pending[name] = record.joined_s if record and pending else None
        publishes = record is not None and any(leg.leg == "publish" for leg in record.legs)
        known = self._base.publishers if self._publishers is None else self._publishers
        if publishes != (name in known):
            if self._publishers is None:
                self._publishers = set(known)
            (self._publishers.add if publishes else self._publishers.discard)(name)
        holder = holder_of(record)
        if holder != self._holders.get(name, self._base.holders.get(name)):
            self._holders[name] = holder
        return before

    def _count(self, context: str, step: int) -> None:
        known = self._attached.get(context)
        if known is None:
            known = self._base.attached.get(context, 0)
        self._attached[context] = known + step

    def _count_live(self, participant: ParticipantIntent | None, leg: Leg, step: int) -> None:
        """Count a talk leg, if he may speak."""
        if leg.leg == "talk" and participant and participant.role in SPEAKING:
            name = context_of(leg)
            self._live[name] = self._live.get(name, self._base.live.get(name, 0)) + step

    def finish(self, nodes: Table[NodeWrapper]) -> SessionView:
        """The new view; ``nodes`` say the regions of stages."""
        base = self._base
        contexts = merged(base.contexts, self._contexts) if self._contexts else base.contexts
        live: dict[str, int | None] = {name: count or None for name, count in self._live.items()}
        counts: dict[str, int | None] = {name: count or None for name, count in self._attached.items()}
        return SessionView(
            id=base.id,
            intent=self.intent,
            revision=self.revision,
            contexts=contexts,
            links=merged(base.links, self._links) if self._links else base.links,
            participants=merged(base.participants, self._participants) if self._participants else base.participants,
            plan=self.plan,
            attached=merged(base.attached, counts) if counts else base.attached,
            live=merged(base.live, live) if live else base.live,
            pending=merged(base.pending, self._pending) if self._pending else base.pending,
            publishers=base.publishers if self._publishers is None else frozenset(self._publishers),
            holders=merged(base.holders, self._holders) if self._holders else base.holders,
            talk_legs=self._talk_legs,
            stages=_stages(contexts, nodes) if self.restage else base.stages,
            changed_s=self._changed_s,
            waiting=self._arrivals.waiting(),
            last_turn_s=self._arrivals.last_turn_s(),
            joins=self._arrivals.joins(),
        )


def _stages(contexts: Table[ContextIntent], nodes: Table[NodeWrapper]) -> dict[str, dict[str, str]]:
    """Stages by region and node, without those that a reorganisation empties."""
    found: dict[str, dict[str, str]] = {}
    for name, context in contexts.items():
        if context.duty == "stage" and LEAVING not in context.options:
            wrapper = nodes.get(context.node)
            found.setdefault(wrapper.region if wrapper else "", {})[context.node] = name
    return found
