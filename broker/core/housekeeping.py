"""What time brings: requests that nobody sends, found on the map."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from broker.core.decide import decide
from broker.core.decisions import Refusal
from broker.core.policy.base import Policy
from broker.core.reorganise import promising
from broker.core.requests import CloseSession, GatewayLost, Reap, Reorganise, Request, Talking, Vacate
from broker.core.scenarios.registry import SCENARIOS
from broker.core.scenarios.seating import BY_TALK, claims
from broker.core.scenarios.stage import MAIN, SCREEN
from broker.core.views import SessionView
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import NodeWrapper
from rtcdn.errors import InvalidRequest
from rtcdn.ids import speaker_of, split_janus_context

PolicyOf = Callable[[str], Policy]  # of a session


def due(
    vmap: VirtualMap, policy: Policy, now_s: float, named: Callable[[str], Policy] | None = None
) -> Iterator[Request]:
    """What should be decided now; the leader asks about once a second. Nothing comes when all is well.

    ``policy`` is the deployment's; ``named`` finds those that sessions name, by which their requests are decided.
    """

    def of(session: str) -> Policy:
        view = vmap.session(session)
        asked = view.intent.policy if view and view.intent else ""
        try:
            return named(asked) if named and asked else policy
        except InvalidRequest:  # it is there no more: whoever is asked to decide says so
            return policy

    yield from _lost_gateways(vmap, policy, now_s)
    yield from _nodes_to_leave(vmap, policy, of, now_s)
    yield from _talkers(vmap, of, now_s)
    for name in sorted(vmap.sessions):
        view = vmap.sessions[name]
        if view.intent is None:
            if not _unreadable(vmap, name):
                yield CloseSession(name, left=True)
        elif view.intent.scenario in SCENARIOS and _worth(vmap, Reap(name), of(name), now_s):
            yield Reap(name)
        elif view.intent.scenario in SCENARIOS and promising(view) and _worth(vmap, Reorganise(name), of(name), now_s):
            yield Reorganise(name)


def lost(wrapper: NodeWrapper, policy: Policy, now_s: float) -> bool:
    """Whether a node is silent for longer than the grace. One whose keys cannot be read is there: not lost."""
    return not wrapper.present and wrapper.silent_since_s + policy.limits.lost_after_s <= now_s


def _nodes_to_leave(vmap: VirtualMap, policy: Policy, of: PolicyOf, now_s: float) -> Iterator[Request]:
    """Sessions on nodes that drain or are lost. When most nodes fell silent the store was away, not they."""
    silent = sum(not wrapper.present for wrapper in vmap.nodes.values())
    believe = silent * 2 <= len(vmap.nodes)
    for name in sorted(vmap.nodes):
        wrapper = vmap.nodes[name]
        gone = lost(wrapper, policy, now_s)
        if wrapper.hosting and ((wrapper.present and wrapper.draining) or (gone and believe)):
            for session in sorted(wrapper.hosting):
                request = Vacate(session, name, lost=gone)
                if vmap.session(session) and _worth(vmap, request, of(session), now_s):
                    yield request


def _talkers(vmap: VirtualMap, of: PolicyOf, now_s: float) -> Iterator[Request]:
    """Who should have the main slot: the one who talks longest, long enough, while its owner is silent."""
    floors: dict[str, dict[str, float]] = {}  # session -> speaker -> since when
    for wrapper in vmap.nodes.values():
        for context, people in wrapper.talking_since_s.items():
            ours = split_janus_context(context)
            if ours and not wrapper.silent:
                floor = floors.setdefault(ours[0], {})
                for who, since_s in people.items():
                    speaker = speaker_of(who)
                    floor[speaker] = min(since_s, floor.get(speaker, since_s))
    for session in sorted(floors):
        view = vmap.session(session)
        if view:
            policy = of(session)
            since_s = now_s - policy.limits.talk_hold_s
            slots = _slots(view)
            yield from _takes_floor(view, slots, floors[session], since_s)
            if view.intent and view.intent.scenario in BY_TALK:
                wanted = (Talking(session, who) for who in claims(view, slots, floors[session], since_s))
                yield from (request for request in wanted if _worth(vmap, request, policy, now_s))


def _slots(view: SessionView) -> dict[str, str]:
    """Who is in which slot."""
    return {link.participant: link.slot for link in view.links.values() if link.kind == "slot" and link.slot != SCREEN}


def _takes_floor(
    view: SessionView, slots: dict[str, str], floor: dict[str, float], since_s: float
) -> Iterator[Request]:
    """The speaker on stage who has talked since ``since_s`` at least, unless the main one talks himself."""
    talkers = sorted((since, who) for who, since in floor.items() if who in slots)
    if talkers and talkers[0][0] <= since_s and all(slots[who] != MAIN for _, who in talkers):
        yield Talking(view.id, talkers[0][1])


def _lost_gateways(vmap: VirtualMap, policy: Policy, now_s: float) -> Iterator[Request]:
    for name in sorted(vmap.gateway_clients):
        if name in vmap.gateways or not vmap.gateways:
            continue
        _, since_s = vmap.gone_gateways.get(name, (None, now_s))
        if since_s + policy.limits.gateway_lost_after_s <= now_s:
            for session in sorted({client.partition(":")[0] for client in vmap.gateway_clients[name]}):
                if vmap.session(session):
                    yield GatewayLost(session, name)


def _worth(vmap: VirtualMap, request: Request, policy: Policy, now_s: float) -> bool:
    """Whether deciding the request would change anything, or be refused (which somebody should hear)."""
    answer = decide(vmap, request, policy, now_s)
    return isinstance(answer, Refusal) or bool(answer.changes or answer.plan)


def _unreadable(vmap: VirtualMap, session: str) -> bool:
    """Whether a key of the session stands but cannot be read: then nothing of it is taken down."""
    return any(key.split(":")[1:2] == [session] for key in vmap.unreadable)
