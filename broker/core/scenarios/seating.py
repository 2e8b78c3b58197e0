"""Who has the video slots of a big island, where more may show themselves than there are slots.

Who talks has a slot, then who is watched, then who came first. Whoever talks keeps his slot; one who comes to talk
takes the slot of whoever has been silent longest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from broker.core.draft import Draft
from broker.core.scenarios.stage import SCREEN, Lineup, camera_of, video_slots
from broker.core.views import SessionView, context_of
from broker.core.virtual_map import VirtualMap
from rtcdn.ids import janus_context, speaker_of
from rtcdn.model import Leg, Slot, StreamInfo

BY_TALK = frozenset(("big_island",))  # scenarios in which one who is not shown gets a slot by talking
LATELY_S = 30.0  # who was heard within this time comes before those who are watched
LATELY, WATCHED, WAITING = range(3)
NEVER = -math.inf

Rank = tuple[int, float, float, str]  # lower is better


def last_heard(vmap: VirtualMap, view: SessionView) -> dict[str, float]:
    """When participants were last heard, by report of any mix or ingress; infinity while they talk."""
    found: dict[str, float] = {}
    for name, context in view.contexts.items():
        wrapper = vmap.node(context.node) if context.duty != "stage" else None
        if wrapper is None or wrapper.silent:
            continue
        janus_id = janus_context(view.id, name)
        for who, at_s in wrapper.talked_s.get(janus_id, {}).items():
            found[speaker_of(who)] = max(at_s, found.get(speaker_of(who), NEVER))
        for who in wrapper.talking_since_s.get(janus_id, ()):
            found[speaker_of(who)] = math.inf
    return found


def claims(view: SessionView, shown: Mapping[str, str], floor: Mapping[str, float], since_s: float) -> Iterator[str]:
    """Publishers who are not ``shown`` and have talked since ``since_s`` at least, longest first."""
    for since, who in sorted((since, who) for who, since in floor.items()):
        if since <= since_s and who not in shown and who in view.publishers and _camera(view, who):
            yield who


def _publish_leg(view: SessionView, participant: str) -> Leg:
    return next(leg for leg in view.participants[participant].legs if leg.leg == "publish")


def _camera(view: SessionView, participant: str) -> StreamInfo | None:
    """His camera, if his publish leg is up and has one."""
    leg = _publish_leg(view, participant)
    return camera_of(leg.streams) if leg.state == "up" else None


class Seating:
    """Changes a lineup; nothing is written."""

    def __init__(self, draft: Draft, lineup: Lineup) -> None:
        self._view, self._now_s = draft.view, draft.now_s
        self._hold_s = draft.policy.limits.talk_hold_s
        self._slots = tuple(slot for slot in video_slots(draft.intent.slots) if slot != SCREEN)
        self._lineup = lineup
        self._heard = last_heard(draft.vmap, draft.view)
        self._watched = {name: place for place, name in enumerate(draft.intent.watched)}

    def admit(self, participant: str) -> str:
        """Take what a publisher sends: his camera waits if no slot is free, his voice and screen do not.

        Gives why not, with nothing changed: ``screen-taken``.
        """
        leg = _publish_leg(self._view, participant)
        source, count = context_of(leg), len(self._slots)
        why_not = self._lineup.take(participant, source, leg.streams, count)
        if why_not == "stage-full":
            rest = tuple(each for each in leg.streams if each.type != "video" or each.source == "screen")
            why_not = self._lineup.take(participant, source, rest, count)
        return why_not

    def admit_all(self) -> None:
        """Everyone who is up, those who are seated first; free slots go to who waits. Nobody loses his slot."""
        up = [name for name in sorted(self._view.publishers) if _publish_leg(self._view, name).state == "up"]
        for name in sorted(up, key=lambda name: (not self._lineup.slot_of(name), self._rank(name))):
            self.admit(name)
        self.fill()

    def fill(self, but: str = "") -> None:
        """Free slots go to those who wait, best first; ``but``: who publishes no longer."""
        free = self._free()
        waiting = self._waiting(but) if free else []
        for slot, name in zip(free, waiting, strict=False):
            self._put(slot, name)

    def claim(self, participant: str) -> bool:
        """Seat one who talks, in the slot of whoever is silent longest; False when all others were heard just now."""
        if not _camera(self._view, participant) or self._lineup.slot_of(participant):
            return False
        free = self._free()
        silent = [slot for slot in self._taken() if self._last(slot) + self._hold_s < self._now_s]
        slot = free[0] if free else max(silent, key=self._rank_in, default="")
        if slot:
            self._put(slot, participant)
        return bool(slot)

    def watch(self) -> None:
        """Seat those who are watched in slots of others who are not, or less, and were not heard lately."""
        self.fill()
        waiting = set(self._waiting())
        for name in sorted(waiting & set(self._watched), key=self._rank):
            slot = max(self._taken(), key=self._rank_in)
            if self._rank_in(slot) > max(self._rank(name), (WATCHED, -1.0, 0.0, "")):
                self._put(slot, name)

    # ---- what it rests on -----------------------------------------------------------------------

    def leads(self) -> bool:
        """Whether whoever has ``v1`` talks."""
        return self._last(self._slots[0]) == math.inf

    def _free(self) -> list[str]:
        return [slot for slot in self._slots if slot not in self._lineup.seats]

    def _taken(self) -> list[str]:
        return [slot for slot in self._slots if slot in self._lineup.seats]

    def _waiting(self, but: str = "") -> list[str]:
        """Who has a camera and no slot, best first."""
        shown = {seat.participant for slot, seat in self._lineup.seats.items() if slot != SCREEN}
        names = (name for name in self._view.publishers if name not in shown and name != but)
        return sorted((name for name in names if _camera(self._view, name)), key=self._rank)

    def _put(self, slot: str, participant: str) -> None:
        camera = _camera(self._view, participant)
        assert camera is not None
        source = context_of(_publish_leg(self._view, participant))
        self._lineup.seats[slot] = Slot(participant, camera.mid, camera.simulcast, source)

    def _last(self, slot: str) -> float:
        seat = self._lineup.seats.get(slot)
        return self._heard.get(seat.participant, NEVER) if seat else NEVER

    def _rank_in(self, slot: str) -> Rank:
        return self._rank(self._lineup.seats[slot].participant)

    def _rank(self, name: str) -> Rank:
        last = self._heard.get(name, NEVER)
        known = self._view.participants.get(name)
        joined_s = known.joined_s if known else math.inf
        if last + LATELY_S >= self._now_s:
            return (LATELY, -last, joined_s, name)
        if name in self._watched:
            return (WATCHED, float(self._watched[name]), joined_s, name)
        return (WAITING, -last, joined_s, name)
