"""Failures by script: nodes, hosts and regions that are lost or drained, and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.core.requests import Drain, Undrain
from broker.sim.case import Failure, node_names

if TYPE_CHECKING:
    from broker.sim.run import Run

NOTICE_S = (2.0, 6.0)  # a client whose gateway is gone comes again after so long


class Accidents:
    """Lets things fail."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.lost_regions: set[str] = set()
        self._random = run.random("accidents")
        self._hosts = {name: host for name, (host, _, _) in node_names(run.case).items()}

    def _meant(self, target: str) -> list[str]:
        """The nodes that a name stands for."""
        nodes = self.run.nodes
        return [name for name in sorted(nodes) if target in (name, self._hosts[name], nodes[name].region)]

    def strike(self, failure: Failure) -> None:
        """It happens now."""
        run = self.run
        names = self._meant(failure.kill or failure.drain)
        run.measures.marks.append((run.now_s, f"{'kill' if failure.kill else 'drain'} {failure.kill or failure.drain}"))
        if failure.drain:
            for name in names:
                run.ask(Drain(name, "script"))
            run.busy()
        else:
            self._kill(failure.kill, names)
        if failure.back_s:
            run.after(failure.back_s, self._back, failure, names)

    def _kill(self, target: str, names: list[str]) -> None:
        run = self.run
        for name in names:
            for person in run.ledger.die(name):
                run.people.lost(person)
        run.after(run.case.lease_s, self._noticed, target, names)
        if target in run.case.regions:
            self.lost_regions.add(target)
            for meeting in run.meetings.values():
                for person in meeting.people.values():
                    if person.gateway == f"gw-{target}":
                        run.after(self._random.uniform(*NOTICE_S), run.people.reconnect, person)

    def _noticed(self, target: str, names: list[str]) -> None:
        """Leases ran out: the broker sees it."""
        run = self.run
        for name in names:
            if run.nodes[name].dead:
                run.world.kill(name)
        if target in self.lost_regions:
            run.world.gateway(f"gw-{target}", there=False)
        run.mend()

    def _back(self, failure: Failure, names: list[str]) -> None:
        run = self.run
        run.measures.marks.append((run.now_s, f"{failure.kill or failure.drain} is back"))
        for name in names:
            if failure.drain:
                run.ask(Undrain(name))
                continue
            node = run.nodes[name]
            node.restart()
            node.dead = False
            node.measure(run.rate)
            run.world.revive(name)
        if failure.kill in self.lost_regions:
            self.lost_regions.discard(failure.kill)
            run.world.gateway(f"gw-{failure.kill}", failure.kill)
        run.mend()
