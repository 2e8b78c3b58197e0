"""Is against should-be: the steps that bring nodes to what the intent says.

Plugin data can never say what a restarted Janus should have; the intent can. Only what is ours is touched:
contexts named ``<session>/<context>``, link participants, forwarders of our contexts. A session that changed a
moment ago is left alone until reports can have caught up; every step is idempotent all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from broker.core import tap_reconcile
from broker.core.actions import (
    CreateContext,
    DestroyContext,
    RepointLink,
    StartLink,
    Step,
    StopForwarder,
    StopLink,
)
from broker.core.plan import KIND_ORDER
from broker.core.views import SessionView
from broker.core.ways import DUTY, detour_context, detour_node, reach, sealed_nodes
from broker.core.wrappers import NodeWrapper
from rtcdn import keys
from rtcdn.ids import LINK_PREFIX, janus_context, link_participant, split_janus_context
from rtcdn.model import ContextInfo, ContextIntent, ForwarderInfo, Kind, LinkIntent, seal

if TYPE_CHECKING:
    from broker.core.virtual_map import VirtualMap

CAUGHT_UP_S = 4.0  # a change shows in every report by then: one report each second, a sweep in between
VIA_GRACE_S = 15.0  # a VideoRoom on the way that is silent for so long is left for another one
SWEPT_S = 15.0  # what no event tells shows by then: a sweep each 10 s
OF_A_MIX = ("mix", "bridge", "trunk")  # they begin in a mix, which is whole as soon as it is made
WITHOUT_FORWARDER = ("remote", "trunk")


def reconcile(vmap: VirtualMap, now_s: float, repaired: Mapping[str, float] | None = None) -> tuple[Step, ...]:
    """All steps that are due now, in order: session by session, then contexts that belong to none.

    ``repaired``: when steps of a session were last performed; until reports can have caught up it is left alone.
    """
    steps: list[Step] = []
    for name in sorted(vmap.sessions):
        view = vmap.sessions[name]
        last_s = max(view.changed_s, (repaired or {}).get(name, 0.0))
        if view.intent and last_s + CAUGHT_UP_S <= now_s:
            steps.extend(_Session(vmap, view, now_s, swept=last_s + SWEPT_S <= now_s).steps())
    steps.extend(_orphans(vmap, now_s))
    return tuple(steps)


class _Session:
    """One session: which of its contexts and links are there."""

    def __init__(self, vmap: VirtualMap, view: SessionView, now_s: float, *, swept: bool) -> None:
        self._vmap, self._view, self._now_s, self._swept = vmap, view, now_s, swept
        self._fed: set[tuple[str, str]] = set()  # room and participant of remote publishers that are made (again) now
        self._infos: dict[str, ContextInfo] = {}  # reported
        self._missing: set[str] = set()
        for name, context in view.contexts.items():
            wrapper = vmap.node(context.node)
            if wrapper is None or wrapper.silent:
                continue
            info = wrapper.context(janus_context(view.id, name))
            if info is None:
                self._missing.add(name)
            else:
                self._infos[name] = info

    def steps(self) -> Iterator[Step]:
        """Forwarders that no link covers go first (a port may be given out again), then contexts, then links."""
        contexts = self._view.contexts
        covered: dict[str, set[int]] = {}
        made = (self._link(name, link, covered) for name, link in self._links(remote=True))
        remotes = [step for step in made if step]
        self._fed = {(step.after.target, step.after.participant) for step in remotes}
        links = [*remotes, *(self._link(name, link, covered) for name, link in self._links(remote=False))]
        yield from self._strays(covered)
        yield from self._stray_detours()
        for name in sorted(self._missing, key=lambda name: (KIND_ORDER.get(contexts[name].kind, 9), name)):
            yield CreateContext(self._view.id, name, _renewed(contexts[name]), contexts[name])
        yield from filter(None, links)

    def _links(self, *, remote: bool) -> Iterator[tuple[str, LinkIntent]]:
        """The remote links, or all others, by name."""
        links = self._view.links
        for name in sorted(name for name, link in links.items() if (link.kind == "remote") == remote):
            yield name, links[name]

    def _there(self, context: str) -> bool:
        """Whether the context's node can be acted upon."""
        return context in self._infos or context in self._missing

    def _link(self, name: str, link: LinkIntent, covered: dict[str, set[int]]) -> StartLink | RepointLink | None:
        """The step a link needs, if any; forwarders that serve it are noted as covered."""
        if not self._there(link.source) or not self._there(link.target) or self._way_unknown(link):
            return None
        source, target = self._view.contexts[link.source], self._view.contexts[link.target]
        if tap_reconcile.held(link, source, target):
            return self._held(name, link, source, target, covered)
        start = StartLink(self._view.id, name, link, source, target)
        fed = (link.source, link.participant) in self._fed
        if link.source in self._missing and link.kind not in OF_A_MIX and not fed:
            return None  # the publisher is gone with his room; his gateway says when he is back
        if link.target in self._missing:
            # an end made again may listen on its old ports: only a forwarder made after it wakes its rtcp
            return RepointLink(self._view.id, name, link, link, source, target, source, target)
        carried = link.source not in self._missing and self._carried(name, link, source, covered)
        return None if carried and not fed else start

    def _carried(self, name: str, link: LinkIntent, source: ContextIntent, covered: dict[str, set[int]]) -> bool:
        """Whether the media of a link go from one end to the other, by report."""
        if link.kind in WITHOUT_FORWARDER:
            return self._stands(name, link)
        serving = self._serving(name, link, source)
        covered.setdefault(link.source, set()).update(forwarder.stream_id for forwarder in serving)
        return bool(serving)

    def _held(
        self, name: str, link: LinkIntent, source: ContextIntent, target: ContextIntent, covered: dict[str, set[int]]
    ) -> StartLink | RepointLink | None:
        """As ``_link``, for a tap that is held by an RTP participant of the mix."""
        module, mix = (link.source, link.target) if source.kind == Kind.AI else (link.target, link.source)
        if module in self._missing or mix in self._missing:
            return RepointLink(self._view.id, name, link, link, source, target, source, target)
        host = self._address(self._view.contexts[module].node, self._view.contexts[mix].node)
        serving = tap_reconcile.serving(name, self._infos[module], self._infos[mix], host)
        covered.setdefault(module, set()).update(serving)
        return None if serving else StartLink(self._view.id, name, link, source, target)

    def _stands(self, name: str, link: LinkIntent) -> bool:
        """Whether both ends of a remote link or a trunk are there; it has no forwarder."""
        info, target = self._infos[link.source], self._infos[link.target]
        if link.kind == "trunk":
            return link_participant(name) in info.links and link_participant(name) in target.links
        host = self._host(link)
        if link.participant not in {each.id for each in info.publishers}:
            return True  # nobody to send; his gateway says when he is back
        if link.participant not in {each.id for each in target.publishers if each.remote}:
            return False
        # Janus sends no event when a publisher is sent on: it shows at the node's next sweep
        return any((each.id, each.host) == (name, host) for each in info.remotes) or not self._swept

    def _serving(self, name: str, link: LinkIntent, source: ContextIntent) -> list[ForwarderInfo]:
        """The forwarders that carry a link now."""
        info, target = self._infos.get(link.source), self._infos[link.target]
        if info is None or (link.via and self._vmap.node(link.via) is None):
            return []
        host = self._host(link)
        found = [
            forwarder
            for forwarder in info.forwarders
            if forwarder.host == host and (source.kind != Kind.VR or forwarder.publisher == link.participant)
        ]
        if link.kind in ("voice", "bridge"):
            if link_participant(name) not in target.links or not self._passes(name, link):
                return []
            tapped = tap_reconcile.ports(self._view.links.values(), self._infos, link.participant)
            into = [f for f in found if (f.type == "audio" if link.kind == "voice" else f.group)]
            port = link.via_port if link.via else link.port
            return [f for f in into if port in (0, f.port) and (f.port not in tapped or link.via)]
        ports = {
            port
            for medium in target.media
            if medium.mid == link.slot
            for port in (medium.port, medium.port_2, medium.port_3)
            if port
        }
        key = self._view.contexts[link.target].key
        return [f for f in found if f.port in ports and f.seal == (seal(key) if key else 0)]

    # ---- on the way

    def _address(self, source: str, target: str) -> str:
        """Where one node sends media for another."""
        return reach(self._vmap.nodes[source].labels, self._vmap.nodes[target].labels)

    def _host(self, link: LinkIntent) -> str:
        """Where the source of a link sends."""
        contexts = self._view.contexts
        return self._address(contexts[link.source].node, link.via or contexts[link.target].node)

    def _way_unknown(self, link: LinkIntent) -> bool:
        """Whether a link passes a VideoRoom that is silent, for less than the grace: it may well flow."""
        wrapper = self._vmap.node(link.via) if link.via else None
        return wrapper is not None and wrapper.silent and self._now_s < wrapper.silent_since_s + VIA_GRACE_S

    def _passes(self, name: str, link: LinkIntent) -> bool:
        """Whether a link with a detour goes on there; where it takes none there is nothing to pass.

        A VideoRoom that drains is left when there is another one on the host.
        """
        target = self._view.contexts[link.target].node
        if not link.via:
            return not sealed_nodes(self._vmap, self._view.contexts[link.source].node, target)
        wrapper = self._vmap.node(link.via)
        room = wrapper.context(janus_context(self._view.id, detour_context(link.via))) if wrapper else None
        if wrapper is None or wrapper.silent or room is None:
            return False
        if wrapper.draining and detour_node(self._vmap, target, link.via) != link.via:
            return False
        host = self._address(link.via, target)
        there = any((f.publisher, f.host, f.port) == (name, host, link.port) for f in room.forwarders)
        return there and any(each.id == name and each.remote for each in room.publishers)

    # ---- what is too much

    def _strays(self, covered: dict[str, set[int]]) -> Iterator[Step]:
        """Forwarders of our contexts, link participants in our mixes and remote publishers that belong to no link."""
        for name, info in sorted(self._infos.items()):
            context = self._view.contexts[name]
            for forwarder in info.forwarders:
                if forwarder.stream_id not in covered.get(name, ()) and not self._undecided(name):
                    yield StopForwarder(self._view.id, name, context.node, forwarder)
            for link_id in info.links:
                link = link_id.removeprefix(LINK_PREFIX)
                known = self._view.links.get(link)
                if known is None or name not in (known.source, known.target):
                    stray = LinkIntent("voice", "", name, link.removeprefix("voice-"))
                    yield StopLink(self._view.id, link, stray, None, context)
            yield from self._stray_remotes(name, info, context)

    def _stray_remotes(self, name: str, info: ContextInfo, context: ContextIntent) -> Iterator[Step]:
        """What a room sends to another, and whom it shows from another, for no link."""
        for each in info.remotes:
            known = self._view.links.get(each.id)
            if known is None or (known.source, known.participant) != (name, each.publisher):
                yield StopLink(self._view.id, each.id, LinkIntent("remote", name, "", each.publisher), context, None)
        shown = {publisher.id for publisher in info.publishers if publisher.remote}
        if shown:
            links = self._view.links.values()
            shown -= {link.participant for link in links if (link.kind, link.target) == ("remote", name)}
        for participant in sorted(shown):
            link_id = f"remote-{participant}-{context.node}"
            yield StopLink(self._view.id, link_id, LinkIntent("remote", "", name, participant), None, context)

    def _undecided(self, context: str) -> bool:
        """Whether a link from the context ends on a node that is silent: its forwarders cannot be told apart."""
        return any(
            link.source == context and (not self._there(link.target) or self._way_unknown(link))
            for link in self._view.links.values()
        )

    def _stray_detours(self) -> Iterator[Step]:
        """What rooms that detours pass show for no link."""
        for node in sorted({link.via for link in self._view.links.values() if link.via}):
            wrapper, name = self._vmap.node(node), detour_context(node)
            info = wrapper.context(janus_context(self._view.id, name)) if wrapper and not wrapper.silent else None
            for each in info.publishers if info else ():
                link = self._view.links.get(each.id)
                if link is None or link.via != node:
                    room = ContextIntent(node, Kind.VR, DUTY)
                    yield StopLink(self._view.id, each.id, LinkIntent("remote", "", name, each.id), None, room)


def _renewed(context: ContextIntent) -> ContextIntent:
    """As it is made again: with the next key, if it has one."""
    return replace(context, key=context.key + 1) if context.key else context


def _orphans(vmap: VirtualMap, now_s: float) -> Iterator[Step]:
    """Contexts with names of ours that no intent knows."""
    for name in sorted(vmap.nodes):
        wrapper = vmap.nodes[name]
        if wrapper.silent:
            continue
        for info in wrapper.plugin.contexts:
            ours = split_janus_context(info.id)
            if ours and wrapper.kind in tuple(Kind) and _orphaned(vmap, wrapper, *ours, now_s):
                yield DestroyContext(*ours, ContextIntent(node=name, kind=Kind(wrapper.kind)))


def _orphaned(vmap: VirtualMap, wrapper: NodeWrapper, session: str, context: str, now_s: float) -> bool:
    """Whether a reported context should not be there. What cannot be read, or changed just now, is left alone."""
    if any(key in vmap.unreadable for key in (keys.session(session), keys.context(session, context))):
        return False
    view: SessionView | None = vmap.sessions.get(session)
    if view is None:
        return True
    if any(detour_context(link.via) == context and link.via == wrapper.id for link in view.links.values()):
        return False
    intent = view.contexts.get(context)
    return (intent is None or intent.node != wrapper.id) and view.changed_s + CAUGHT_UP_S <= now_s
