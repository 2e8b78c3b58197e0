"""Steps: the smallest changes on nodes and gateways, planned here, performed by ``broker.act``.

Each step names session and id and carries the intent before and after. Each is idempotent: the actor
lists what is there (by host and port) and adopts it, so a step may be performed again at any time.
Ports are never in the intent: the actor reads them from the mountpoint when it makes the link.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtcdn.model import ContextIntent, ForwarderInfo, Leg, LinkIntent, Record, Role


@dataclass(frozen=True, slots=True)
class CreateContext(Record):
    """Make a room, mix or mountpoint on ``after.node``; "exists already" counts as done."""

    session: str
    id: str
    after: ContextIntent
    before: ContextIntent | None = None


@dataclass(frozen=True, slots=True)
class DestroyContext(Record):
    """Remove a context from ``before.node``; "not there" counts as done."""

    session: str
    id: str
    before: ContextIntent
    after: None = None


@dataclass(frozen=True, slots=True)
class StartLink(Record):
    """Make the link ``after`` from context ``source`` to context ``target`` (their intents, for node and kind)."""

    session: str
    id: str
    after: LinkIntent
    source: ContextIntent
    target: ContextIntent
    before: None = None


@dataclass(frozen=True, slots=True)
class StopLink(Record):
    """Stop the link ``before``. An end is None when its context or node is gone: there is nothing to do there."""

    session: str
    id: str
    before: LinkIntent
    source: ContextIntent | None
    target: ContextIntent | None
    after: None = None


@dataclass(frozen=True, slots=True)
class RepointLink(Record):
    """Stop ``before``, start ``after`` with a fresh ssrc, ask a keyframe.

    ``old_source`` and ``old_target`` as in StopLink. ``before == after`` makes a link again whose far end was
    made again.
    """

    session: str
    id: str
    before: LinkIntent
    after: LinkIntent
    old_source: ContextIntent | None
    old_target: ContextIntent | None
    source: ContextIntent
    target: ContextIntent


@dataclass(frozen=True, slots=True)
class StopForwarder(Record):
    """Stop a forwarder of one of our contexts that no link of the map covers. ``id`` is the context."""

    session: str
    id: str
    node: str
    forwarder: ForwarderInfo


@dataclass(frozen=True, slots=True)
class Order(Record):
    """Tell a gateway about one of its participants.

    ``order``: ``remove`` (end the legs of ``generation``), ``move`` (lead it to ``legs``), ``role`` (holds ``role``
    now; ends legs it may no longer have), ``adopt`` (claim ``legs`` from a gateway that is gone). ``id`` is the
    participant; ``reason`` is a short code for clients and logs, ``by`` the participant who asked for it (empty: an
    application, or the broker itself), ``detail`` his words.
    """

    session: str
    id: str
    gateway: str
    order: str
    generation: int = 0
    role: Role = Role.VIEWER
    legs: tuple[Leg, ...] = ()
    reason: str = ""
    by: str = ""
    detail: str = ""


Step = CreateContext | DestroyContext | StartLink | StopLink | RepointLink | StopForwarder | Order

STEP_NAMES: dict[type[Record], str] = {
    CreateContext: "create_context",
    DestroyContext: "destroy_context",
    StartLink: "start_link",
    StopLink: "stop_link",
    RepointLink: "repoint_link",
    StopForwarder: "stop_forwarder",
    Order: "order",
}


def step_name(step: Step) -> str:
    """The name of a step as logs and ``docs/seams.md`` write it."""
    return STEP_NAMES[type(step)]
