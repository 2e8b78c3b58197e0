"""The parts of a gateway, put together: for ``__main__`` and for tests."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.api import Door, application
from gateway.broker_client import Broker
from gateway.client.conversation import House
from gateway.client.events import Entry
from gateway.client.layers import Layers
from gateway.ice import Ice
from gateway.legs import Nodes
from gateway.limits import Buckets, Gate
from gateway.members import Members
from gateway.mesh import Mesh
from gateway.orders import Orders
from gateway.participants import Participants
from gateway.peers import Peers
from gateway.proxies import Proxies
from gateway.registry import Registry
from gateway.sockets import Sockets
from rtcdn.model import NETWORK
from rtcdn.tokens import Verifier

KEY_BYTES = 24


@dataclass(frozen=True)
class Limits:
    """What a gateway lets in."""

    join_rate_ps: float = 20
    join_burst: float = 60
    max_participants: int = 4000
    max_joins: int = 100
    sockets_per_address: int = 500


@dataclass
class Gateway:
    """All parts of one."""

    participants: Participants
    members: Members
    sockets: Sockets
    orders: Orders
    mesh: Mesh
    registry: Registry
    app: web.Application

    def work(self) -> list[Coroutine[Any, Any, None]]:
        """What runs for ever."""
        return [
            self.registry.run(),
            self.mesh.run(),
            self.orders.run(),
            self.participants.sweep(),
            self.members.sweep(),
            self.sockets.sweep(),
        ]

    async def close(self, patience_s: float = 2.0) -> None:
        """Stop, leaving legs to be claimed by others."""
        await self.members.close(patience_s)
        await self.participants.close(patience_s)


def assemble(
    gateway_id: str,
    region: str,
    http: aiohttp.ClientSession,
    between: aiohttp.ClientSession,
    *,
    brokers: tuple[str, ...],
    streams: tuple[str, ...],
    registry: Registry,
    verifier: Verifier,
    secrets_dir: Path,
    limits: Limits,
    proxies: Proxies | None = None,
    network: str = NETWORK,
    ice: Ice | None = None,
) -> Gateway:
    """``http`` carries our certificate to brokers; ``between`` speaks with other gateways."""
    broker = Broker(http, brokers, gateway_id)
    nodes = Nodes(secrets_dir, network)
    joins, joining = Buckets(limits.join_rate_ps, limits.join_burst), asyncio.Semaphore(limits.max_joins)
    participants = Participants(broker, nodes, limits.max_participants)
    mesh = Mesh(between, registry, gateway_id)
    house = House(
        region=region,
        verify=verifier.verify,
        new_key=lambda: secrets.token_urlsafe(KEY_BYTES),
        new_suffix=lambda: secrets.token_hex(5),
        layers=Layers,
        ice=ice or Ice(region),
        entries=lambda: [Entry(region, url) for region, url in registry.entries()],
    )
    gate = Gate(joins, joining, limits.max_participants)
    members = Members(gateway_id, broker, nodes, mesh, house=house, gate=gate)
    mesh.listener = members
    participants.also_used = members.used
    sockets = Sockets(members, limits.max_participants, limits.sockets_per_address)
    orders = Orders(http, streams, gateway_id, broker, held=participants, members=members)
    peers = Peers(between, registry, broker, participants)
    door = Door(participants, peers, verifier, joins, joining, registry, sockets, mesh, proxies or Proxies(), house.ice)
    return Gateway(participants, members, sockets, orders, mesh, registry, application(door))
