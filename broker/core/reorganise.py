"""Reorganising: a session on many sparse stages comes to fewer, in safe steps and within a budget of moves.

A step empties one stage of a region into the fuller ones there, a portion of its viewers at a time; the last step
removes it. The stage bears a mark while it is left (``LEAVING``), which is all that must be known to go on from any
interrupted middle: nobody is led to a marked stage, and where its room is needed after all the mark goes again. Only
viewers who can be led without a gap are moved; ingresses and mixes go when nobody uses them, which is ``upkeep``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from broker.core.decisions import Decision, IntentChange, Reason
from broker.core.draft import Draft
from broker.core.policy.base import Need
from broker.core.requests import Reorganise
from broker.core.scenarios import moves
from broker.core.scenarios.base import Scenario
from broker.core.views import LEAVING, SessionView, context_of
from broker.core.virtual_map import VirtualMap, out_of_work
from broker.core.warmup import expected
from rtcdn import keys
from rtcdn.ids import janus_context
from rtcdn.model import ContextIntent

if TYPE_CHECKING:
    from broker.core.scenarios.archipelago import Archipelago

LED = "led-"  # options beside LEAVING, led-<ms>: how many were led away then, of late
FEW_JOINS = 50  # a region grows when more than one in so many of its viewers came lately


def reorganise(draft: Draft, shape: Scenario, request: Reorganise) -> Decision:
    """The next safe step; no change when there is none, with the reason why not."""
    step = _Step(draft, cast("Archipelago", shape), request.portion)
    marked = leaving(draft.view)
    if marked:
        for name in sorted(marked):
            step.go_on(name)
    else:
        step.begin()
    return draft.decision()


def leaving(view: SessionView) -> dict[str, ContextIntent]:
    """Stages that are being emptied."""
    return {name: context for name, context in view.contexts.items() if LEAVING in context.options}


def promising(view: SessionView) -> bool:
    """Whether asking may come to anything, seen at a glance: a region with two stages, or one that is being emptied."""
    return any(len(nodes) > 1 for nodes in view.stages.values()) or bool(leaving(view))


def as_settled(vmap: VirtualMap, session: str, now_s: float) -> VirtualMap:
    """The map when everybody has arrived where he was led: for a dry run, which has nobody to wait for."""
    view = vmap.sessions[session]
    changes = []
    for name in sorted(view.pending):
        known = view.participants[name]
        legs = tuple(replace(leg, state="up") for leg in known.legs)
        changes.append(IntentChange(keys.participant(session, name), replace(known, legs=legs)))
    vmap = vmap.with_changes(changes, 0, now_s)
    told = []
    for name, context in leaving(vmap.sessions[session]).items():
        wrapper = vmap.node(context.node)
        if wrapper is not None and not vmap.sessions[session].attached.get(name):
            kept = tuple(each for each in wrapper.plugin.contexts if each.id != janus_context(session, name))
            text = replace(wrapper.plugin, contexts=kept).to_json()
            told.append((keys.node_field(wrapper.kind, wrapper.id, "PLUGIN"), text, vmap.revision))
    return vmap.apply(told, now_s) if told else vmap


class _Step:
    """One step of one session."""

    def __init__(self, draft: Draft, shape: Archipelago, portion: int) -> None:
        self.draft, self.shape = draft, shape
        limits = draft.policy.limits
        self.limits = limits
        self.most = min(portion or limits.portion, limits.portion, max(1, limits.moves_per_minute))

    # ---- beginning and going on -----------------------------------------------------------------

    def begin(self) -> None:
        """Mark the emptiest stage that others can take over, and lead its first portion away."""
        changed_s = self.draft.now_s - self.draft.view.changed_s
        names = self._sparse()
        if names and changed_s < self.limits.settled_s:
            self._say("settling", f"contexts or links changed {changed_s:.0f} s ago")
            return
        for name in names:
            if self._fits(name, self.limits.packed) and not self._growing(name) and self._movable(name):
                self._move(name)
                return

    def go_on(self, name: str) -> None:
        """Lead the next portion away, or remove what is empty, or take the mark back where the room is needed."""
        context = self.draft.view.contexts[name]
        if out_of_work(self.draft.vmap, context.node):
            return  # Vacate does it
        latest_ms = context.options[LEAVING]
        rest_s = 60.0 * context.options.get(f"{LED}{latest_ms}", 0) / max(1, self.limits.moves_per_minute)
        if not self._fits(name, 100.0):
            self._unmark(name)
        elif latest_ms / 1000 + rest_s > self.draft.now_s:
            self._say("budget", f"{name}: {self.limits.moves_per_minute} moves a minute are allowed")
        elif self._on_the_way():
            self._say("moving", f"{name}: those who were led elsewhere are not all there yet")
        elif self._growing(name) or not self._movable(name):
            self._unmark(name)
        elif self.draft.view.attached.get(name):
            self._move(name)
        else:
            self._remove(name)

    # ---- whether --------------------------------------------------------------------------------

    def _sparse(self) -> list[str]:
        """Stages that use little of what they could carry, the emptiest first; idle ones are for ``upkeep``."""
        view, found = self.draft.view, []
        for nodes in view.stages.values():
            for node, name in nodes.items() if len(nodes) > 1 else ():
                here = view.attached.get(name, 0)
                room = self.shape.capacity(self.draft, node, name)
                if here and not out_of_work(self.draft.vmap, node) and 100 * here < self.limits.sparse * room:
                    found.append((here, name))
        return [name for _, name in sorted(found)]

    def _others(self, name: str) -> dict[str, str]:
        """The other stages of its region on nodes that may work, by node."""
        nodes: Mapping[str, str] = self.draft.view.stages.get(self._region(name), {})
        return {n: each for n, each in nodes.items() if each != name and not out_of_work(self.draft.vmap, n)}

    def _region(self, name: str) -> str:
        wrapper = self.draft.vmap.node(self.draft.view.contexts[name].node)
        return wrapper.region if wrapper else ""

    def _fits(self, name: str, percent: float) -> bool:
        """Whether the others have room for everybody, and for all who are expected."""
        draft, view, others = self.draft, self.draft.view, self._others(name)
        region = self._region(name)
        room = sum(self.shape.capacity(draft, node, each) for node, each in others.items())
        viewers = view.attached.get(name, 0) + sum(view.attached.get(each, 0) for each in others.values())
        promised = expected(draft.intent)
        if not others or viewers * 100 > room * percent or room < promised.get(region, 0):
            return False
        return self.shape.room(draft, "", but=name) >= sum(promised.values())

    def _growing(self, name: str) -> bool:
        """Whether people came to the region lately; those whom we led away are not counted."""
        view, since_s = self.draft.view, self.draft.now_s - self.limits.settled_s
        stages = {name, *self._others(name).values()}
        few = sum(view.attached.get(each, 0) for each in stages) / FEW_JOINS
        led, lately = view.contexts[name].options, 0
        for _, participant in view.participants.pairs():
            came_s = participant.joined_s
            if came_s > since_s and f"{LED}{int(1000 * came_s)}" not in led:
                lately += any(context_of(leg) in stages for leg in participant.legs)
                if lately > few:
                    self._say("growing", f"{name}: people came to its region within {self.limits.settled_s:.0f} s")
                    return True
        return False

    def _movable(self, name: str) -> bool:
        """Whether everybody there can be led without a gap: not who came by WHEP, which must begin anew."""
        stuck = sum(not self.draft.view.participants[each].resume for each in self._people(name))
        if stuck:
            self._say("immovable", f"{name}: {stuck} cannot be led elsewhere without a gap (WHEP)")
        return not stuck

    def _people(self, name: str) -> list[str]:
        """Who has a leg there, in order."""
        if not self.draft.view.attached.get(name):
            return []
        janus_id = janus_context(self.draft.id, name)
        people = self.draft.view.participants.pairs()
        return sorted(who for who, each in people if any(leg.context == janus_id for leg in each.legs))

    def _on_the_way(self) -> bool:
        """Whether somebody's leg is not up and may still come up."""
        oldest_s = self.draft.now_s - self.limits.grant_life_s
        return any(joined_s > oldest_s for joined_s in self.draft.view.pending.values())

    # ---- acts -----------------------------------------------------------------------------------

    def _move(self, name: str) -> None:
        """Lead a portion to the fullest of the others that takes them; mark the stage."""
        draft, janus_id = self.draft, janus_context(self.draft.id, name)
        others = self._others(name)
        nodes = sorted(others, key=lambda node: (-draft.view.attached.get(others[node], 0), node))
        node = draft.view.contexts[name].node
        need = self.shape.need(draft, "stage", self.shape.viewer_load(draft), (self._region(name),))
        moved: dict[str, int] = {}
        for who in self._people(name)[: self.most]:
            target = next((each for each in nodes if self._takes(each, need)), "")
            if not target:
                break
            participant = draft.view.participants[who]
            leg = next(leg for leg in participant.legs if leg.context == janus_id)
            new = self.shape.leg(draft, "view", draft.vmap.nodes[target], others[target])
            moves.lead(draft, who, participant, leg, new)
            moved[target] = moved.get(target, 0) + 1
        if moved:
            self._mark(name, sum(moved.values()))
            self._say("moves", f"{node} -> " + ", ".join(f"{each}: {count}" for each, count in sorted(moved.items())))

    def _mark(self, name: str, count: int) -> None:
        """Note when this portion left, beside those that may still be taken for joins."""
        context, now_ms = self.draft.view.contexts[name], int(1000 * self.draft.now_s)
        oldest_ms = now_ms - 1000 * self.limits.settled_s
        kept = {
            key: value
            for key, value in context.options.items()
            if not key.startswith(LED) or int(key.removeprefix(LED)) >= oldest_ms
        }
        options = {**kept, LEAVING: now_ms, f"{LED}{now_ms}": count}
        self.draft.put_context(name, replace(context, options=options))

    def _takes(self, node: str, need: Need) -> bool:
        wrapper = self.draft.vmap.nodes[node]
        return all(each(wrapper, need, self.limits) is None for each in self.draft.policy.filters)

    def _remove(self, name: str) -> None:
        """Remove the stage when nobody is reported there any more."""
        draft = self.draft
        context = draft.view.contexts[name]
        wrapper = draft.vmap.node(context.node)
        info = wrapper.context(janus_context(draft.id, name)) if wrapper else None
        if info is not None and info.viewers > 0:
            self._say("moving", f"{name}: {info.viewers} are still reported there")
            return
        links = draft.view.links
        draft.put_links({each: link for each, link in links.items() if name not in (link.source, link.target)})
        draft.put_context(name, None)
        others = self._node_left(context.node) - 1
        self._say("frees", f"{name} on {context.node}, which then holds {others or 'no'} contexts")

    def _node_left(self, node: str) -> int:
        wrapper = self.draft.setting.vmap.node(node)
        return sum(wrapper.hosting.values()) if wrapper else 0

    def _unmark(self, name: str) -> None:
        context = self.draft.view.contexts[name]
        options = {key: n for key, n in context.options.items() if key != LEAVING and not key.startswith(LED)}
        self.draft.put_context(name, replace(context, options=options))
        self._say("stays", f"{name} is needed after all")

    def _say(self, code: str, detail: str) -> None:
        self.draft.reasons.append(Reason(code, detail))
