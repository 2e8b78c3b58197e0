"""Orders to one gateway: numbered, kept until acknowledged, and told again after a break. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from broker.core.actions import Order
from broker.core.virtual_map import VirtualMap
from rtcdn.model import ParticipantIntent, Record


@dataclass(frozen=True, slots=True)
class Presented(Record):
    """One participant as a gateway presents it on hello."""

    session: str
    participant: str
    generation: int = 0
    legs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hello(Record):
    """What a gateway says first: who it is, the last order it has, whom it holds."""

    hello: str
    last: int = 0
    participants: tuple[Presented, ...] = ()


@dataclass(slots=True)
class Outbox:
    """Orders of one gateway that it has not acknowledged."""

    last: int = 0
    waiting: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add(self, order: Order) -> dict[str, Any]:
        """Number an order and keep it; the message to send."""
        self.last += 1
        message = order_message(self.last, order)
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


def order_message(number: int, order: Order) -> dict[str, Any]:
    """An order as it goes over the wire."""
    return {
        "n": number,
        "order": order.order,
        "session": order.session,
        "participant": order.id,
        "generation": order.generation,
        "role": str(order.role),
        "leg": order.legs[0].leg if order.order in ("remove", "move") and len(order.legs) == 1 else "",  # else all
        "legs": [leg.to_dict() for leg in order.legs],
        "reason": order.reason,
    }


def missing_orders(vmap: VirtualMap, hello: Hello) -> list[Order]:
    """What a gateway must be told after hello: whom to end, whom to claim, for orders may have been lost with a leader.

    A participant whom the map does not know at all while his session runs is left alone: another replica may have
    admitted him while the store was away, and has yet to write his key.
    """
    shown = {(each.session, each.participant): each for each in hello.participants}
    orders = []
    for each in hello.participants:
        view = vmap.session(each.session)
        held = view.participants.get(each.participant) if view else None
        if view is None:
            orders.append(_remove(each, hello.hello, "closed"))
        elif held and (held.gateway not in ("", hello.hello) or held.generation > each.generation):
            orders.append(_remove(each, hello.hello, "taken-over"))
    for session, participant, intent in held_by(vmap, hello.hello):
        if (session, participant) not in shown and any(leg.state == "up" for leg in intent.legs):
            adopt = Order(session, participant, hello.hello, "adopt", intent.generation, intent.role, intent.legs)
            orders.append(adopt)
    return orders


def held_by(vmap: VirtualMap, gateway: str) -> Iterable[tuple[str, str, ParticipantIntent]]:
    """Participants whom the map gives to a gateway: session, id, intent."""
    for name in vmap.gateway_clients.get(gateway) or ():
        session, _, participant = name.partition(":")
        view = vmap.session(session)
        intent = view.participants.get(participant) if view else None
        if intent:
            yield session, participant, intent


def _remove(each: Presented, gateway: str, reason: str) -> Order:
    return Order(each.session, each.participant, gateway, "remove", each.generation, reason=reason)
