"""Sessions of a case: opened at their time, filled, kept talking, closed."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from broker.core.decisions import Decision
from broker.core.requests import CloseSession, OpenSession
from broker.sim.case import Arrivals, Sessions
from broker.sim.crowd import Person, arrival_times, stay_s
from rtcdn.model import Codec, Role, SessionIntent

if TYPE_CHECKING:
    from broker.sim.run import Run

DAY_S = 86_400.0
TRY_OPEN_S = 10.0


def plan_meetings(run: Run) -> Iterator[Meeting]:
    """All sessions of a case."""
    for group in run.case.sessions:
        times = [day * DAY_S + open_s for day in range(group.days) for open_s in group.open_s]
        starts = [at_s for at_s in times for _ in range(group.parallel)]
        for number, at_s in enumerate(starts, 1):
            yield Meeting(run, group, f"{group.name}-{number}" if len(starts) > 1 else group.name, at_s)


class Meeting:
    """One session and its people."""

    def __init__(self, run: Run, group: Sessions, name: str, open_s: float) -> None:
        self.run, self.group, self.id, self.open_s = run, group, name, open_s
        self.people: dict[str, Person] = {}
        self.on_stage: list[Person] = []
        self._random = run.random(name)
        self._talker: Person | None = None
        self._speakers_left = group.speakers.count

    # ---- opening and closing --------------------------------------------------------------------

    def open(self) -> None:
        """Ask for it; without room it is asked again a little later, as long as it would last."""
        group = self.group
        intent = SessionIntent(
            scenario=group.scenario,
            codec=Codec(group.codec),
            slots=group.slots,
            audience=dict(group.audience),
            policy=group.policy,
            bitrate_bps=group.bitrate_bps,
        )
        answer = self.run.ask(OpenSession(self.id, intent))
        if not isinstance(answer, Decision):
            self.run.measures.refused_other["OpenSession"] += 1
            if self.run.now_s + TRY_OPEN_S < self.open_s + group.lasts_s:
                self.run.after(TRY_OPEN_S, self.open)
            return
        self.run.meetings[self.id] = self
        for number, arrivals in enumerate(group.arrivals):
            self._invite(number, arrivals)
        speakers = group.speakers
        if speakers.promoted_per_hour:
            self.run.after(self._random.expovariate(speakers.promoted_per_hour / 3600), self._call_up)
        if speakers.count > 1 or speakers.promoted_per_hour:
            self.run.after(self._random.expovariate(1 / speakers.spurt_s), self._talk)
        self.run.at(self.open_s + group.lasts_s, self.close)

    def close(self) -> None:
        """It ends, with all who are there."""
        for person in list(self.people.values()):
            self.forget(person)
        self.run.ask(CloseSession(self.id))
        self.run.forget(self)

    def forget(self, person: Person) -> None:
        """A person is gone."""
        person.gone = True
        for name in list(person.legs):
            self.run.ledger.drop(person, name)
        self.people.pop(person.name, None)
        self.stepped_down(person)

    # ---- people ---------------------------------------------------------------------------------

    def _invite(self, number: int, arrivals: Arrivals) -> None:
        random = self.run.random(self.id, "arrivals", number)
        names, shares = list(arrivals.regions), list(arrivals.regions.values())
        base_s = max(self.run.now_s, self.open_s)
        for at, at_s in enumerate(arrival_times(arrivals, random)):
            region = random.choices(names, shares)[0]
            self.run.at(base_s + at_s, self._comes, f"p{number}-{at}", region, random)

    def _comes(self, name: str, region: str, random: Random) -> None:
        if self.id not in self.run.meetings:
            return
        run, group = self.run, self.group
        local_ms = round(random.gammavariate(2, max(0.01, run.case.regions[region].spread_ms) / 2), 1)
        person = Person(self.id, name, region, local_ms, run.people.gateway(region))
        person.measures = random.random() < run.case.measured
        if self._speakers_left:
            self._speakers_left -= 1
            person.role, person.wants = Role.SPEAKER, ("view", "publish", "talk")
            self.on_stage.append(person)
        elif group.waiting:
            person.rights = ("speak",)
        self.people[name] = person
        run.measures.came += 1
        for_s = None if person.role is Role.SPEAKER else stay_s(group.stay, random)
        if for_s is not None:
            run.after(for_s, run.people.leave, person)
        run.people.join(person)

    # ---- the stage ------------------------------------------------------------------------------

    def _call_up(self) -> None:
        """Somebody of the audience is promoted."""
        if self.id not in self.run.meetings:
            return
        speakers = self.group.speakers
        self.run.after(self._random.expovariate(speakers.promoted_per_hour / 3600), self._call_up)
        names = sorted(name for name, each in self.people.items() if each.role is Role.VIEWER and each.legs)
        hold_s = self._random.expovariate(1 / speakers.hold_s)
        if names:
            person = self.people[self._random.choice(names)]
            if self.run.people.promote(person, hold_s):
                self.on_stage.append(person)

    def stepped_down(self, person: Person) -> None:
        """He is off the stage."""
        self.on_stage = [each for each in self.on_stage if each is not person]

    def _talk(self) -> None:
        """The floor goes to somebody else, or rests for a moment."""
        if self.id not in self.run.meetings:
            return
        speakers = self.group.speakers
        if self._talker is not None:
            self.run.ledger.talk(self._talker, False)
            self._talker = None
            self.run.after(speakers.pause_s, self._talk)
            return
        if self.on_stage:
            self._talker = self._random.choice(self.on_stage)
            self.run.ledger.talk(self._talker, True)
        self.run.after(self._random.expovariate(1 / speakers.spurt_s), self._talk)
