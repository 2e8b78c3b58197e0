"""Orders to one gateway: numbered, kept until acknowledged, and told again after a break. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from broker.core.actions import Order
from broker.core.virtual_map import VirtualMap
from rtcdn.model import Leg, Record, Role


@dataclass(frozen=True, slots=True)
class Presented(Record):
    """One participant as a gateway presents it on hello."""

    session: str
    participant: str
    generation: int = 0
    legs: tuple[str, ...] = ()
    role: Role | None = None  # the role that the gateway thinks he holds; None: it does not say


@dataclass(frozen=True, slots=True)
class Hello(Record):
    """What a gateway says first: who it is, the last order it has, whom it holds."""

    hello: str
    last: int = 0
    participants: tuple[Presented, ...] = ()
    follow: tuple[str, ...] = ()  # sessions of which it wants to know who is on stage
    watched: dict[str, dict[str, int]] = field(
        default_factory=dict
    )  # session -> participant -> how many want to see him


@dataclass(slots=True)
class Outbox:
    """Orders of one gateway that it has not acknowledged."""

    last: int = 0
    waiting: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add(self, order: Order, revision: int = 0) -> dict[str, Any]:
        """Number an order and keep it; the message to send. ``revision``: of the map on which it was decided."""
        self.last += 1
        message = order_message(self.last, order, revision)
        self.waiting[self.last] = message
        return message

    def acknowledged(self, number: int) -> None:
        """The gateway has done it."""
        self.waiting.pop(number, None)

    def resumed(self, last: int) -> list[dict[str, Any]]:
        """The gateway is back and has everything up to ``last``; what to send again, numbered above that."""
        missed = [message for number, message in self.waiting.items() if number > last or last > self.last]
        self.last = max(self.last, last)
        self.waiting = {}
        for message in missed:
            number = message["n"]
            if number <= last:
                self.last = number = self.last + 1
            self.waiting[number] = {**message, "n": number}
        return list(self.waiting.values())


def order_message(number: int, order: Order, revision: int = 0) -> dict[str, Any]:
    """An order as it goes over the wire."""
    return {
        "n": number,
        "revision": revision,
        "order": order.order,
        "session": order.session,
        "participant": order.id,
        "generation": order.generation,
        "role": str(order.role),
        "leg": order.legs[0].leg if order.order in ("remove", "move") and len(order.legs) == 1 else "",  # else all
        "legs": [leg.to_dict() for leg in order.legs],
        "reason": order.reason,
        "by": order.by,
        "detail": order.detail,
    }


def missing_orders(vmap: VirtualMap, hello: Hello, settled: bool = False) -> list[Order]:
    """What a gateway must be told after hello: whom to end, whom to claim, for orders may have been lost with a leader.

    A leg that the map does not know while its session runs is ended only when ``settled``, some seconds later: another
    replica may have granted it while the store was away, and has yet to write it. Nobody is claimed then: who came
    since is not in the hello.
    """
    orders = []
    for each in hello.participants:
        view = vmap.session(each.session)
        if view is None:
            orders.append(_remove(each, hello.hello, (), "closed"))
            continue
        intent = view.participants.get(each.participant)
        known = {leg.leg: leg for leg in (intent.legs if intent else ())}
        for name in each.legs:
            leg = known.get(name)
            if leg and leg.gateway not in ("", hello.hello):
                orders.append(_remove(each, hello.hello, (leg,), "taken-over"))
            elif leg is None and (settled or (intent and intent.removed)):
                orders.append(_remove(each, hello.hello, (Leg(name),), "removed"))
        mine = tuple(leg for leg in known.values() if leg.gateway == hello.hello)
        if intent and mine and each.role not in (None, intent.role):
            about = (each.session, each.participant, hello.hello, "role", intent.generation, intent.role)
            orders.append(Order(*about, tuple(known.values()), "lost-order"))
    return orders if settled else orders + _to_adopt(vmap, hello)


def _to_adopt(vmap: VirtualMap, hello: Hello) -> list[Order]:
    """Legs that are up and this gateway's by the map, and that it did not present."""
    shown = {(each.session, each.participant, leg) for each in hello.participants for leg in each.legs}
    orders = []
    for client in vmap.gateway_clients.get(hello.hello) or ():
        session, _, participant = client.partition(":")
        view = vmap.session(session)
        intent = view.participants.get(participant) if view else None
        mine = tuple(
            leg
            for leg in (intent.legs if intent else ())
            if leg.gateway == hello.hello and leg.state == "up" and (session, participant, leg.leg) not in shown
        )
        if intent and mine:
            generation = max(leg.generation for leg in mine)
            orders.append(
                Order(session, participant, hello.hello, "adopt", generation, intent.role, mine, "lost-order")
            )
    return orders


def _remove(each: Presented, gateway: str, legs: tuple[Leg, ...], reason: str) -> Order:
    return Order(each.session, each.participant, gateway, "remove", each.generation, legs=legs, reason=reason)
