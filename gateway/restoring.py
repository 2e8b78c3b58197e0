"""Taking over a participant from another gateway: his legs are claimed in Janus, his media never stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gateway import metrics
from gateway.client.connection import PURPOSES, Connection
from gateway.client.events import Media
from gateway.client.identity import Identity
from gateway.client.member import Member
from gateway.host import Host
from gateway.legs import LiveLeg
from gateway.protocol import Problem
from rtcdn import log
from rtcdn.errors import NodeAway, NodeRefused
from rtcdn.model import Leg, ParticipantIntent

if TYPE_CHECKING:
    from gateway.members import Members

_log = log.get("gateway.restoring")


async def claim(house: Members, session: str, participant: str, intent: ParticipantIntent) -> Host | None:
    """Claim every leg that can be claimed; None when there is none."""
    who = Identity(session, participant, intent.token_role.value, intent.rights, intent.name, house.house.region)
    who.shared, who.key_hash = "~" in participant, intent.resume
    member = Member(who, house.house.layers, house.house.ways(who))
    member.role = intent.role.value
    host = Host(house, member, "")
    for leg in intent.legs:
        generation = leg.generation or intent.generation
        live = await _claim(house, leg) if leg.janus_session and leg.leg in PURPOSES else None
        if live is None:
            house.tell_broker(host.key, leg.leg, partial(house.broker.leave, *host.key, leg.leg, generation))
            continue
        connection = member.connections.add(PURPOSES[leg.leg], leg, generation, "", time.monotonic())
        _as_it_was(connection, leg)
        host.keep(connection.id, leg, live)
        metrics.ADOPTED.inc()
        if leg.leg == "view":
            member.slots = list(leg.slots)
        if leg.leg == "talk" and await _speaks(live, leg, participant):
            member.voice.restored(connection.id)
    if not host.held:
        return None
    if house.find(session, participant):  # he has joined anew meanwhile
        member.connections.end_all("taken-over", tell=False)
        host.run()
        return None
    member.kept(time.monotonic())
    host.run()
    return host


def not_elsewhere(intent: ParticipantIntent, ours: str, there: Callable[[str], bool]) -> ParticipantIntent:
    """Without the legs that another gateway holds which is there: he has resumed before the order to adopt him came."""

    def elsewhere(gateway: str) -> bool:
        return gateway not in ("", ours) and there(gateway)

    return replace(intent, legs=tuple(leg for leg in intent.legs if not elsewhere(leg.gateway or intent.gateway)))


async def _claim(house: Members, leg: Leg) -> LiveLeg | None:
    try:
        return await house.nodes.claim(leg)
    except (NodeAway, NodeRefused, Problem) as error:
        _log.warning("claim-failed", node=leg.node, leg=leg.leg, reason=error)
        return None


async def _speaks(live: LiveLeg, leg: Leg, participant: str) -> bool:
    """Whether he is heard; in doubt he is: who is told to be silent then is silenced for sure."""
    try:
        return await live.speaks(leg.context, participant)
    except (NodeAway, NodeRefused):
        return True


def _as_it_was(connection: Connection, leg: Leg) -> None:
    """A connection whose media flow. Its answer is not known any more: our SDK offers the audio first."""
    connection.state = "up"
    connection.streams = leg.streams
    connection.sources = {stream.mid: stream.source or "camera" for stream in leg.streams if stream.type == "video"}
    if connection.purpose == "receive":
        connection.media = [Media("0"), *(Media(str(n), slot) for n, slot in enumerate(leg.slots, 1))]
