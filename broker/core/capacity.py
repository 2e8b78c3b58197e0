"""How many nodes are wanted, by region and kind, and which may go: what a machine that starts nodes asks.

Counted in weights: what the nodes carry now, what the sessions' audience and warm-ups foresee beyond it, and headroom,
divided by what one node may carry. Never below what runs; an inhibit says why nothing should go now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from statistics import fmean

from broker.core.decisions import Reason
from broker.core.policy.base import Policy
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import NodeWrapper, kind_for, view_load
from rtcdn.model import Capacity, Record

NEEDED = ("ingress", "mix", "stage")  # duties that every session has


@dataclass(frozen=True, slots=True)
class Wanted(Record):
    """Nodes of one kind in one region. Loads are in points of weight: 100 is a whole node."""

    region: str
    kind: str
    nodes: int = 0  # there and taking work
    wanted: int = 0
    runs: int = 0  # nodes that hold contexts, those that drain or are silent with them
    used: float = 0.0  # weight of all of them
    forecast: float = 0.0  # what audience and warm-ups foresee beyond that
    headroom: float = 0.0
    spare: tuple[str, ...] = ()  # may go: they hold nothing and are not wanted; the dearest first
    inhibit: tuple[Reason, ...] = ()  # why no node should go now
    reasons: tuple[Reason, ...] = ()


@dataclass(slots=True)
class _Place:
    """A region and kind while it is counted."""

    wrappers: list[NodeWrapper] = field(default_factory=list)
    viewers: int = 0  # foreseen and not here yet
    forecast: float = 0.0
    sessions: list[str] = field(default_factory=list)  # that foresee somebody
    changed: list[str] = field(default_factory=list)  # whose contexts here changed a moment ago


@dataclass(frozen=True, slots=True)
class _Terms:
    """What is counted with."""

    full: float
    extra: float
    most: int
    missing: frozenset[str]  # kinds


def capacity(
    vmap: VirtualMap, policy: Policy, now_s: float, headroom: float | None = None, most: int = 0
) -> list[Wanted]:
    """What is wanted of each kind in each region. ``most``: nodes of one kind and region that there may be (0: any)."""
    extra = policy.limits.headroom if headroom is None else headroom
    places: dict[tuple[str, str], _Place] = {}
    for name in sorted(vmap.nodes):
        wrapper = vmap.nodes[name]
        if wrapper.kind:
            places.setdefault((wrapper.region, wrapper.kind), _Place()).wrappers.append(wrapper)
    _foresee(vmap, places)
    _note_changes(vmap, places, now_s - policy.limits.idle_s)
    terms = _Terms(policy.limits.full_weight, extra, most, frozenset(_missing(vmap)))
    return [_wanted(*key, places[key], terms) for key in sorted(places)]


def _foresee(vmap: VirtualMap, places: dict[tuple[str, str], _Place]) -> None:
    """Viewers that sessions expect in each region and who are not here."""
    stage = kind_for(vmap.kinds, "stage")
    fallback = [w.labels.capacity for w in (vmap.nodes[name] for name in sorted(vmap.nodes)) if w.kind == stage]
    for session in sorted(vmap.sessions):
        view = vmap.sessions[session]
        if view.intent is None:
            continue
        load = view_load(view.intent.bitrate_bps, max(1, len(view.publishers)))
        for region in sorted(set(view.intent.audience) | set(view.intent.warm)):
            promised = max(view.intent.audience.get(region, 0), view.intent.warm.get(region, 0))
            here = sum(int(view.attached.get(name, 0)) for name in view.stages.get(region, {}).values())
            if promised > here:
                place = places.setdefault((region, stage), _Place())
                models = [wrapper.labels.capacity for wrapper in place.wrappers] or fallback or [Capacity()]
                place.viewers += promised - here
                place.forecast += (promised - here) * fmean(load.cost(model) for model in models)
                place.sessions.append(session)


def _note_changes(vmap: VirtualMap, places: dict[tuple[str, str], _Place], since_s: float) -> None:
    """Sessions whose contexts were made or moved a moment ago: they may still grow."""
    for session in sorted(vmap.sessions):
        view = vmap.sessions[session]
        if view.changed_s <= since_s:
            continue
        nodes = {view.contexts[name].node for name in view.contexts}
        wrappers = [wrapper for wrapper in map(vmap.node, sorted(nodes)) if wrapper]
        for key in sorted({(wrapper.region, wrapper.kind) for wrapper in wrappers}):
            if key in places:
                places[key].changed.append(session)


def _missing(vmap: VirtualMap) -> set[str]:
    """Kinds that open sessions need and of which no node takes work anywhere."""
    if not any(vmap.sessions[name].intent for name in vmap.sessions):
        return set()
    ready = {wrapper.kind for wrapper in vmap.nodes.values() if not wrapper.out}
    return {kind_for(vmap.kinds, duty) for duty in NEEDED} - ready


def _wanted(region: str, kind: str, place: _Place, terms: _Terms) -> Wanted:
    ready = [wrapper for wrapper in place.wrappers if not wrapper.out]
    runs = sum(bool(wrapper.hosting) for wrapper in place.wrappers)
    busy = [wrapper for wrapper in place.wrappers if wrapper.hosting or wrapper.in_use]
    used = sum(wrapper.lasting_weight for wrapper in busy)
    spare_points = (used + place.forecast) * terms.extra
    reasons = (
        [Reason("use", f"{len(busy)} nodes carry {used:.0f} points; one may carry {terms.full:g}")] if busy else []
    )
    if place.viewers:
        who = f"{len(place.sessions)} sessions ({', '.join(place.sessions[:3])}{', …' if place.sessions[3:] else ''})"
        reasons.append(Reason("forecast", f"{who} expect {place.viewers} viewers more: {place.forecast:.0f} points"))
    if terms.extra and used + place.forecast:
        reasons.append(Reason("headroom", f"{100 * terms.extra:g} % beside that: {spare_points:.0f} points"))
    wanted = ceil(round((used + place.forecast + spare_points) / terms.full, 6))
    if kind in terms.missing:
        wanted = max(wanted, 1)
        reasons.append(Reason("missing", f"sessions are open and no {kind} node takes work anywhere"))
    wanted = _bounded(wanted, runs, terms.most, reasons)
    inhibit = _inhibit(place)
    if inhibit and wanted < len(ready):
        wanted = len(ready)
        reasons.append(Reason("inhibited", "fewer would do, see inhibit: none should go now"))
    free = sorted((w for w in ready if w not in busy), key=lambda w: (-w.labels.price_hour, w.id))
    spare = tuple(wrapper.id for wrapper in free[: max(0, len(ready) - wanted)])
    points = (round(used, 2), round(place.forecast, 2), round(spare_points, 2))
    return Wanted(region, kind, len(ready), wanted, runs, *points, spare, inhibit, tuple(reasons))


def _bounded(wanted: int, runs: int, most: int, reasons: list[Reason]) -> int:
    """Within the ceiling, and never below what runs."""
    if most and wanted > most:
        reasons.append(Reason("ceiling", f"{wanted} would be wanted, {most} are the most: {wanted - most} are missing"))
        wanted = most
    if wanted < runs:
        reasons.append(Reason("runs", f"{runs} nodes hold contexts: not below these, whatever their load"))
        wanted = runs
    return wanted


def _inhibit(place: _Place) -> tuple[Reason, ...]:
    """Why not to take nodes away now."""
    found = []
    draining = [wrapper.id for wrapper in place.wrappers if wrapper.draining]
    silent = [wrapper.id for wrapper in place.wrappers if wrapper.silent and wrapper.hosting]
    if draining:
        found.append(Reason("draining", f"{', '.join(draining)}: what is there moves to the others"))
    if silent:
        found.append(Reason("silent", f"{', '.join(silent)}: what was there comes back or is made on others"))
    if place.changed:
        found.append(Reason("just-grown", f"contexts of {', '.join(place.changed[:3])} changed a moment ago"))
    return tuple(found)
