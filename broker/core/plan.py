"""From changed intents to ordered steps.

The order is the contract: contexts before links (mountpoint before forwarder, VideoRoom before publisher), new
links before re-pointed ones before stopped ones, orders to gateways, and contexts removed last; but links among
mixes that stop do so before any link starts, since old and new ones together could make a circle of sound. A remote
publisher is made before what leaves his room for a stage, and removed after it. Nothing is planned on a node that is
not there: what it lacks when it comes back, ``reconcile`` sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from broker.core.actions import CreateContext, DestroyContext, RepointLink, StartLink, Step, StopLink
from broker.core.decisions import IntentChange
from rtcdn.keys import parse
from rtcdn.model import ContextIntent, Kind, LinkIntent

if TYPE_CHECKING:
    from broker.core.virtual_map import VirtualMap

AMONG_MIXES = ("bridge", "trunk")
KIND_ORDER = {"ST": 0, "AI": 0, "AB": 1, "VR": 2}  # those that receive come first


def plan_changes(vmap: VirtualMap, changes: Iterable[IntentChange], orders: Iterable[Step] = ()) -> tuple[Step, ...]:
    """The steps that ``changes`` to the intent of ``vmap`` ask for, ``orders`` put in their place."""
    planner = _Planner(vmap, changes)
    return (*planner.creates(), *planner.links(), *orders, *planner.destroys())


class _Planner:
    def __init__(self, vmap: VirtualMap, changes: Iterable[IntentChange]) -> None:
        self._vmap = vmap
        self._contexts: dict[tuple[str, str], tuple[ContextIntent | None, ContextIntent | None]] = {}
        self._links: list[tuple[str, str, LinkIntent | None, LinkIntent | None]] = []
        for change in changes:
            parsed = parse(change.key)
            if parsed is None or parsed.prefix not in ("CX", "LK"):
                continue
            view = vmap.sessions.get(parsed.ids[0])
            session, name = parsed.ids
            if parsed.prefix == "CX":
                after = change.record if isinstance(change.record, ContextIntent) else None
                self._contexts[session, name] = (view.contexts.get(name) if view else None, after)
            else:
                link = change.record if isinstance(change.record, LinkIntent) else None
                self._links.append((session, name, view.links.get(name) if view else None, link))

    def creates(self) -> list[CreateContext]:
        """Contexts that were not there."""
        found = [
            CreateContext(session, name, after)
            for (session, name), (before, after) in self._contexts.items()
            if after and (not before or _made_again(before, after)) and self._vmap.serving(after.node)
        ]
        return sorted(found, key=lambda step: (KIND_ORDER.get(step.after.kind, 9), step.session, step.id))

    def destroys(self) -> list[Step]:
        """Contexts that go."""
        return [
            DestroyContext(session, name, before)
            for (session, name), (before, after) in self._contexts.items()
            if before and (not after or _left(before, after)) and self._vmap.serving(before.node)
        ]

    def links(self) -> list[Step]:
        """Links that start, change their ends and stop, in this order."""
        starts: list[StartLink] = []
        repoints: list[RepointLink] = []
        stops: list[StopLink] = []
        for session, name, before, after in self._links:
            source, target = (self._new(session, end) for end in _ends(after))
            old_source, old_target = (self._old(session, end) for end in _ends(before))
            if after and source and target and (before is None or not (old_source or old_target)):
                starts.append(StartLink(session, name, after, source, target))
            elif before and after and source and target:
                if rewired(before, after):
                    repoints.append(RepointLink(session, name, before, after, old_source, old_target, source, target))
            elif before and (old_source or old_target):
                stops.append(StopLink(session, name, before, old_source, old_target))
        repoints += self._fed(repoints)
        made: list[StartLink | RepointLink] = [*starts, *repoints]
        feeds = [step for step in made if step.after.kind == "remote"]
        rest = [step for step in made if step.after.kind != "remote"]
        among = [step for step in stops if step.before.kind in AMONG_MIXES]
        others = [step for step in stops if step.before.kind not in AMONG_MIXES]
        return [*among, *feeds, *rest, *sorted(others, key=lambda step: step.before.kind == "remote")]

    def _fed(self, repoints: Iterable[RepointLink]) -> list[RepointLink]:
        """Links that stay as they are, from a remote publisher who is made again: forwarders go with the old one."""
        changed = {(session, name) for session, name, _, _ in self._links}
        found = []
        for step in repoints:
            view = self._vmap.sessions.get(step.session)
            for name, link in leaving(view.links, step.after) if view else ():
                source, target = self._new(step.session, link.source), self._new(step.session, link.target)
                if (step.session, name) not in changed and source and target:
                    found.append(RepointLink(step.session, name, link, link, source, target, source, target))
        return found

    def _old(self, session: str, name: str) -> ContextIntent | None:
        """A context as it was, if its node is there."""
        view = self._vmap.sessions.get(session)
        found: ContextIntent | None = view.contexts.get(name) if view else None
        return found if found and self._vmap.serving(found.node) else None

    def _new(self, session: str, name: str) -> ContextIntent | None:
        """A context as it will be, if its node is there."""
        if (session, name) not in self._contexts:
            return self._old(session, name)
        found = self._contexts[session, name][1]
        return found if found and self._vmap.serving(found.node) else None


def _left(before: ContextIntent, after: ContextIntent) -> bool:
    """Whether a tap stands on another module now; other contexts are named by their node."""
    return before.kind == Kind.AI and before.node != after.node


def _made_again(before: ContextIntent, after: ContextIntent) -> bool:
    """Whether a module must be told of a tap that it had, or that another had."""
    return _left(before, after) or (before.taps, before.speaks) != (after.taps, after.speaks)


def _ends(link: LinkIntent | None) -> tuple[str, str]:
    """Names of both contexts of a link, empty when there is no link."""
    return (link.source, link.target) if link else ("", "")


def rewired(before: LinkIntent, after: LinkIntent) -> bool:
    """Whether the link must be made again; the ids of who holds it say nothing."""
    return path_of(before) != path_of(after) or before.generation != after.generation


def leaving(links: Mapping[str, LinkIntent], remote: LinkIntent) -> Iterator[tuple[str, LinkIntent]]:
    """The links by which media of a remote publisher leave the room that a ``remote`` link brings him to."""
    if remote.kind == "remote":
        for name in sorted(links):
            link = links[name]
            if (link.source, link.participant) == (remote.target, remote.participant):
                yield name, link


def path_of(link: LinkIntent) -> tuple[str, str, str, str, str, bool, str]:
    """What a link carries from where to where."""
    return (link.kind, link.source, link.target, link.participant, link.mid, link.simulcast, link.slot)
