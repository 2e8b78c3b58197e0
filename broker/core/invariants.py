"""What must hold in every map, whatever happened: used by tests, by the simulator and, in debug, by the broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from broker.core.index import build_shelves
from broker.core.plan import AMONG_MIXES
from broker.core.scenarios.bridges import has_cycle, heard
from broker.core.views import SPEAKING, SessionView, context_of, holder_of

if TYPE_CHECKING:
    from broker.core.virtual_map import VirtualMap

KINDS_OF_LINK = {  # (source, target)
    "slot": (("VR", "ST"),),
    "mix": (("AB", "ST"),),
    "voice": (("VR", "AB"),),
    "remote": (("VR", "VR"),),
    "bridge": (("AB", "AB"),),
    "trunk": (("AB", "AB"),),
    "tap": (("VR", "AI"), ("AB", "AI"), ("AI", "AB")),
}
OF_A_PUBLISHER = ("slot", "voice", "remote")
INTO_SLOTS = ("slot", "mix")


def check(vmap: VirtualMap) -> list[str]:
    """Every broken invariant as a sentence; empty when all is well."""
    found = [
        f"session {name}: {text}" for name in sorted(vmap.sessions) for text in _session(vmap, vmap.sessions[name])
    ]
    found.extend(_indexes(vmap))
    return found


def _session(vmap: VirtualMap, view: SessionView) -> Iterator[str]:
    if view.intent is None:
        yield "has keys but no intent"
        return
    yield from _contexts(vmap, view)
    yield from _links(view)
    yield from _stages(view)
    yield from _copies(view)
    yield from _participants(view)
    yield from _sound(view)


def _contexts(vmap: VirtualMap, view: SessionView) -> Iterator[str]:
    for name, context in view.contexts.items():
        wrapper = vmap.node(context.node)
        if wrapper is None:
            yield f"context {name} is on unknown node {context.node}"
        elif wrapper.kind != context.kind:
            yield f"context {name} of kind {context.kind} is on node {context.node} of kind {wrapper.kind}"
        elif not wrapper.hosting.get(view.id):
            yield f"context {name} is not counted on node {context.node}"


def _links(view: SessionView) -> Iterator[str]:
    taken: dict[tuple[str, str], str] = {}
    for name, link in view.links.items():
        ends = view.contexts.get(link.source), view.contexts.get(link.target)
        if ends[0] is None or ends[1] is None:
            missing = link.source if ends[0] is None else link.target
            yield f"link {name} has no context {missing!r} at one end"
        elif (ends[0].kind, ends[1].kind) not in KINDS_OF_LINK.get(link.kind, ()):
            yield f"link {name} of kind {link.kind} leads from {ends[0].kind} to {ends[1].kind}"
        if link.kind in INTO_SLOTS and taken.setdefault((link.target, link.slot), name) != name:
            yield f"links {taken[link.target, link.slot]} and {name} share slot {link.slot} of {link.target}"
        of_one = link.kind in OF_A_PUBLISHER or (link.kind == "tap" and link.participant)
        if of_one and link.participant not in view.publishers:
            yield f"link {name} carries {link.participant!r}, who does not publish"


def _stages(view: SessionView) -> Iterator[str]:
    """Every stage hears a mix and shows the same; v1 is not empty while any other slot shows somebody."""
    shown: dict[str, dict[str, tuple[str, str]]] = {name: {} for name in view.duty("stage")}
    heard = {link.target for link in view.links.values() if link.kind == "mix"}
    for link in view.links.values():
        if link.kind == "slot" and link.target in shown:
            shown[link.target][link.slot] = (link.participant, link.mid)
    for name, slots in shown.items():
        context = view.contexts[name]
        if name not in heard and view.duty("mix"):
            yield f"stage {name} is not linked to a mix"
        if strange := set(slots) - set(context.slots):
            yield f"stage {name} has no slots {sorted(strange)}"
        if len(set(slots.values())) != len(slots):
            yield f"stage {name} shows the same stream in two slots"
        if any(slot.startswith("v") for slot in slots) and "v1" not in slots:
            yield f"stage {name} has an empty v1 while others are shown"
    if len({tuple(sorted(slots.items())) for slots in shown.values()}) > 1:
        yield "stages show different things"


def _copies(view: SessionView) -> Iterator[str]:
    """What is shown comes from the speaker's ingress, or from a VideoRoom that has a copy of it made there."""
    made = {(link.participant, link.target): link.source for link in view.links.values() if link.kind == "remote"}
    for (participant, target), source in made.items():
        if (participant, source) in made:
            yield f"the copy of {participant} in {target} is one of a copy"
    origins: dict[str, set[str]] = {}
    for link in view.links.values():
        if link.kind == "slot":
            origin = made.get((link.participant, link.source), link.source)
            origins.setdefault(link.participant, set()).add(origin)
    for participant, found in origins.items():
        if len(found) > 1:
            yield f"{participant} is shown from {sorted(found)} at once"
        for origin in sorted(found):
            if (context := view.contexts.get(origin)) and context.duty != "ingress":
                yield f"{participant} is shown from {origin}, which has nothing of his"


def _participants(view: SessionView) -> Iterator[str]:
    attached: dict[str, int] = {}
    for name, participant in view.participants.items():
        if len({leg.leg for leg in participant.legs}) != len(participant.legs):
            yield f"participant {name} has two legs of one kind"
        if participant.removed and participant.legs:
            yield f"participant {name} is removed and has legs"
        for leg in participant.legs:
            context = view.contexts.get(context_of(leg))
            attached[context_of(leg)] = attached.get(context_of(leg), 0) + 1
            if context is None or context.node != leg.node:
                yield f"participant {name} has a {leg.leg} leg to {leg.context} on {leg.node}, which is not there"
    if attached != dict(view.attached):
        yield f"counts of legs are {dict(view.attached)}, should be {attached}"
    talk_legs = sum(leg.leg == "talk" for participant in view.participants.values() for leg in participant.legs)
    if talk_legs != view.talk_legs:
        yield f"talk legs are counted as {view.talk_legs}, should be {talk_legs}"
    live: dict[str, int] = {}
    for participant in view.participants.values():
        for leg in participant.legs if participant.role in SPEAKING else ():
            if leg.leg == "talk":
                live[context_of(leg)] = live.get(context_of(leg), 0) + 1
    if live != dict(view.live):
        yield f"those who may speak are counted as {dict(view.live)}, should be {live}"
    holders = {name: holder for name, each in view.participants.items() if (holder := holder_of(each))}
    if holders != dict(view.holders):
        yield f"holders of roles are {dict(view.holders)}, should be {holders}"


def _sound(view: SessionView) -> Iterator[str]:
    """No sound goes round among mixes, and nobody is heard twice."""
    among = {name: link for name, link in view.links.items() if link.kind in AMONG_MIXES}
    if not among:
        return
    if has_cycle(among):
        yield "sound goes round in a circle among the mixes"
    for origin, times in heard(among, view.duty("mix")).items():
        for mix in sorted(mix for mix, count in times.items() if count > 1):
            yield f"people of {origin} are heard {times[mix]} times in {mix}"


def _indexes(vmap: VirtualMap) -> Iterator[str]:
    """The indexes say what building them anew would say."""
    anew = build_shelves(vmap.nodes.values())
    for key in sorted(set(anew) | set(vmap.shelves)):
        kept, made = vmap.shelves.get(key), anew.get(key)
        buckets = kept.buckets if kept else None
        if made is None:
            if kept and (kept.size or any(kept.out.values())):
                yield f"shelf {key} should be empty"
        elif buckets != made.buckets or kept is None or kept.size != made.size:
            yield f"shelf {key} is out of order"
    hosted = {(view.id, context.node) for view in vmap.sessions.values() for context in view.contexts.values()}
    for wrapper in vmap.nodes.values():
        for session in wrapper.hosting:
            if (session, wrapper.id) not in hosted:
                yield f"node {wrapper.id} is said to host {session}, and does not"
