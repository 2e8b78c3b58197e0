"""The truth of who hangs where, beside what the broker believes: legs go onto nodes and off them here only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from broker.sim.crowd import Person
from broker.sim.scene import SimNode
from rtcdn.model import Leg, Role

SPEAKING = (Role.SPEAKER, Role.MODERATOR)


class Ledger:
    """Nodes and the people on them."""

    def __init__(
        self, nodes: dict[str, SimNode], touched: Callable[[SimNode], None], now_s: Callable[[], float]
    ) -> None:
        self.nodes, self._touched, self._now_s = nodes, touched, now_s
        self.on: dict[str, dict[tuple[str, str], Person]] = {name: {} for name in nodes}
        self.watching: Counter[tuple[str, str, str]] = Counter()  # session, region of the person, node -> viewers
        self.dark: Counter[str] = Counter()  # region of the person -> viewers whose node died under them
        self._dark_s, self._dark_since_s = 0.0, 0.0

    def dark_s(self) -> float:
        """Seconds that viewers were without media, of all of them together, until now."""
        now_s = self._now_s()
        self._dark_s += self.dark.total() * (now_s - self._dark_since_s)
        self._dark_since_s = now_s
        return self._dark_s

    def _darken(self, person: Person, step: int) -> None:
        if step:
            self.dark_s()
            self.dark[person.region] += step

    def take(self, person: Person, leg: Leg) -> None:
        """A person holds a leg, instead of one of that sort that he held."""
        self.drop(person, leg.leg)
        node = self.nodes[leg.node]
        person.legs[leg.leg] = leg
        if node.dead:
            person.lost.add(leg.leg)
            self._darken(person, leg.leg == "view")
        else:
            self.watching[person.session, person.region, leg.node] += leg.leg == "view"
            node.hold(person.session, leg, person.role in SPEAKING, 1)
        self.on[leg.node][person.session, person.name] = person
        self._touched(node)

    def drop(self, person: Person, name: str) -> None:
        """A person holds a leg no longer."""
        leg = person.legs.pop(name, None)
        if leg is None:
            return
        node = self.nodes[leg.node]
        if name in person.lost:
            person.lost.discard(name)
            self._darken(person, -(name == "view"))
        else:
            self.watching[person.session, person.region, leg.node] -= name == "view"
            node.hold(person.session, leg, person.role in SPEAKING, -1)
            if name == "publish":
                node.unpublish(leg.context, person.name)
        for talkers in node.talking.values():
            talkers.discard(person.name)
        if all(each.node != leg.node for each in person.legs.values()):
            self.on[leg.node].pop((person.session, person.name), None)
        self._touched(node)

    def role(self, person: Person, role: Role) -> None:
        """A person holds another role: he weighs differently from now on."""
        held = [leg for name, leg in person.legs.items() if name not in person.lost]
        for leg in held:
            self.nodes[leg.node].hold(person.session, leg, person.role in SPEAKING, -1)
            self.nodes[leg.node].hold(person.session, leg, role in SPEAKING, 1)
            self._touched(self.nodes[leg.node])
        person.role = role

    def die(self, name: str) -> list[Person]:
        """A node ends; gives those who lost a leg."""
        node = self.nodes[name]
        node.dead = True
        hit = list(self.on[name].values())
        for person in hit:
            legs = {leg for leg, each in person.legs.items() if each.node == name} - person.lost
            if "view" in legs:
                self.watching[person.session, person.region, name] -= 1
                self._darken(person, 1)
            person.lost |= legs
        node.held.clear()
        node.talking.clear()
        return hit

    def publish(self, person: Person) -> bool:
        """His pictures arrive; False when the room is not there (yet)."""
        leg = person.legs["publish"]
        node = self.nodes[leg.node]
        info = node.contexts.get(leg.context)
        if info is None or node.dead:
            return False
        if person.name not in {each.id for each in info.publishers}:
            node.publish(leg.context, person.name)
        self._touched(node)
        return True

    def talk(self, person: Person, talks: bool) -> None:
        """He begins or ends to talk; his node's report will tell."""
        for name in ("publish", "talk"):
            leg = person.legs.get(name)
            if leg and name not in person.lost:
                talkers = self.nodes[leg.node].talking.setdefault(leg.context, set())
                (talkers.add if talks else talkers.discard)(person.name)
                self._touched(self.nodes[leg.node])
