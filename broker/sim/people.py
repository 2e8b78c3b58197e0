"""What people, their clients and their gateways do: join, bring media up, follow orders, come again, leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.core.actions import Order
from broker.core.decisions import Decision, Refusal
from broker.core.requests import Attach, Leave, MediaUp, SetRole
from broker.sim.crowd import Person
from rtcdn.model import Leg, Role, StreamInfo

if TYPE_CHECKING:
    from broker.sim.run import Run

CAMERA = StreamInfo("video", "1", "vp8", simulcast=True, source="camera")
AGAIN_S = 30.0  # who has no media for so long after his node died, and no order, comes again by himself


class People:
    """Acts for all people of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run

    # ---- coming ---------------------------------------------------------------------------------

    def join(self, person: Person, wants: tuple[str, ...] = (), *, once: bool = False) -> bool:
        """Ask for places; one who is refused tries again a few times. Whether he has them now."""
        run = self.run
        meeting = run.meetings.get(person.session)
        if person.gone or meeting is None:
            return False
        wants = wants or person.wants
        answer = run.ask(
            Attach(
                person.session,
                person.name,
                wants,
                person.role,
                person.rights,
                gateway=person.gateway,
                regions=run.ways.order[person.region],
                rtt_ms=run.ways.rtt_ms(person),
                ready="speak" in person.rights and "talk" not in wants,
            )
        )
        if isinstance(answer, Decision) and answer.grant:
            run.measures.joins += 1
            person.tries = 0
            for leg in answer.grant.legs:
                self._hold(person, leg)
            return True
        if isinstance(answer, Refusal):
            run.measures.refusals[answer.code] += 1
        if once:
            return False
        person.tries += 1
        if person.tries <= run.case.retries:
            run.after(run.case.retry_s, self.join, person, wants)
        elif not person.legs:
            run.measures.gave_up += 1
            meeting.forget(person)
        return False

    def _hold(self, person: Person, leg: Leg) -> None:
        """He loads his node from now on; media is up a little later."""
        run = self.run
        run.ledger.take(person, leg)
        if leg.leg == "view":
            region = run.nodes[leg.node].region
            run.measures.distances.add(person.region, run.ways.distance_ms(person, region))
        if leg.leg in person.lost:
            run.after(AGAIN_S, self._again, person)
        else:
            run.after(run.case.connect_s, self._up, person, leg.leg, leg.generation)

    def _up(self, person: Person, name: str, generation: int) -> None:
        leg = person.legs.get(name)
        if leg is None or leg.generation != generation or name in person.lost or person.gone:
            return
        if name == "publish" and not self.run.ledger.publish(person):
            self.run.after(1.0, self._up, person, name, generation)
            return
        streams = (CAMERA,) if name == "publish" else ()
        answer = self.run.ask(MediaUp(person.session, person.name, name, generation, 1, 2, streams))
        if isinstance(answer, Refusal):
            self.run.measures.refused_other[f"MediaUp {answer.code}"] += 1
            if name == "publish":
                self.run.ledger.drop(person, name)

    # ---- orders ---------------------------------------------------------------------------------

    def ordered(self, order: Order) -> None:
        """What a gateway does on the broker's order."""
        meeting = self.run.meetings.get(order.session)
        person = meeting.people.get(order.id) if meeting else None
        if person is None or order.gateway.removeprefix("gw-") in self.run.accidents.lost_regions:
            return
        if order.order == "move":
            self.run.measures.moves[order.reason or "broker"] += 1
            for leg in order.legs:
                self._hold(person, leg)
        elif order.order == "remove":
            for leg in order.legs:
                held = person.legs.get(leg.leg)
                if held and held.generation == leg.generation:
                    self.run.ledger.drop(person, leg.leg)
        elif order.order == "role":
            kept = {leg.leg for leg in order.legs}
            for name in [name for name in person.legs if name not in kept]:
                self.run.ledger.drop(person, name)
            self.run.ledger.role(person, order.role)
        elif order.order == "adopt":
            person.gateway = order.gateway

    # ---- trouble --------------------------------------------------------------------------------

    def lost(self, person: Person) -> None:
        """His node died: he waits for an order, not for ever."""
        self.run.after(AGAIN_S, self._again, person)

    def _again(self, person: Person) -> None:
        if person.lost and not person.gone:
            self.run.measures.moves["by himself"] += 1
            self.join(person, tuple(sorted(person.lost)))

    def reconnect(self, person: Person) -> None:
        """His gateway is gone: his client comes again by the nearest that is there."""
        if person.gone or person.gateway.removeprefix("gw-") not in self.run.accidents.lost_regions:
            return
        person.gateway = self.gateway(person.region)
        self.run.measures.moves["gateway"] += 1
        self.join(person, tuple(sorted(person.legs)) or person.wants)

    def gateway(self, region: str) -> str:
        """The nearest gateway that is there."""
        there = [each for each in self.run.ways.order[region] if each not in self.run.accidents.lost_regions]
        return f"gw-{there[0]}" if there else ""

    # ---- speaking -------------------------------------------------------------------------------

    def promote(self, person: Person, hold_s: float) -> bool:
        """The application calls somebody up; after a while he steps down."""
        answer = self.run.ask(SetRole(person.session, person.name, Role.SPEAKER))
        if not isinstance(answer, Decision):
            return False
        self.run.ledger.role(person, Role.SPEAKER)
        if not self.join(person, ("publish", "talk"), once=True):
            self.demote(person)
            return False
        self.run.after(hold_s, self.demote, person)
        return True

    def demote(self, person: Person) -> None:
        """He is one of the audience again."""
        meeting = self.run.meetings.get(person.session)
        if person.gone or meeting is None or person.role is not Role.SPEAKER:
            return
        if isinstance(self.run.ask(SetRole(person.session, person.name, Role.VIEWER)), Decision):
            self.run.ledger.role(person, Role.VIEWER)
            for name in ("publish",) if "speak" in person.rights else ("publish", "talk"):
                self.run.ledger.drop(person, name)
        meeting.stepped_down(person)

    # ---- going ----------------------------------------------------------------------------------

    def leave(self, person: Person) -> None:
        """He goes."""
        meeting = self.run.meetings.get(person.session)
        if person.gone or meeting is None:
            return
        self.run.ask(Leave(person.session, person.name))
        meeting.forget(person)
