"""Settings of a gateway, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway import ice
from gateway.proxies import Proxies
from rtcdn.errors import ConfigError
from rtcdn.model import NETWORK
from rtcdn.settings import Address, BaseSettings, Reader, base


@dataclass(frozen=True, slots=True)
class Settings:
    """What a gateway is told; names and meanings in docs/seams.md."""

    base: BaseSettings
    gateway_id: str
    region: str
    listen: Address
    public_url: str
    peer_address: Address
    brokers: tuple[str, ...]
    broker_streams: tuple[str, ...]
    issuers: tuple[str, ...]
    join_rate_ps: float  # joins of one address per second; an office has one address for many people
    join_burst: float
    max_participants: int
    max_joins: int  # at the same time
    lease_s: int
    sockets_per_address: int  # of the WebSocket API
    proxies: Proxies  # whose word on a client's address counts
    turn: ice.Ice  # TURN servers that clients are told
    network: str = NETWORK


def read(environ: Mapping[str, str]) -> Settings:
    """Read all; raises ``ConfigError`` that names every problem."""
    reader = Reader(environ)
    settings = Settings(
        base=base(reader),
        gateway_id=reader.id("RTCDN_GATEWAY_ID"),
        region=reader.id("RTCDN_GATEWAY_REGION"),
        listen=reader.address("RTCDN_LISTEN"),
        public_url=reader.url("RTCDN_PUBLIC_URL", ("https", "http")),
        peer_address=reader.address("RTCDN_PEER_ADDRESS", environ.get("RTCDN_LISTEN", "")),
        brokers=reader.urls("RTCDN_BROKERS"),
        broker_streams=reader.urls("RTCDN_BROKER_STREAMS", ("wss",)),
        issuers=reader.listed("RTCDN_ISSUERS"),
        join_rate_ps=reader.number("RTCDN_JOIN_RATE", 20, least=0.1),
        join_burst=reader.number("RTCDN_JOIN_BURST", 60, least=1),
        max_participants=int(reader.number("RTCDN_MAX_PARTICIPANTS", 4000, least=1)),
        max_joins=int(reader.number("RTCDN_MAX_JOINS", 100, least=1)),
        lease_s=int(reader.number("RTCDN_LEASE_S", 5, least=2)),
        sockets_per_address=int(reader.number("RTCDN_SOCKETS_PER_ADDRESS", 500, least=1)),
        proxies=_proxies(reader),
        turn=_turn(reader, environ.get("RTCDN_GATEWAY_REGION", "")),
        network=reader.id("RTCDN_NETWORK", NETWORK),
    )
    reader.done()
    return settings


def _proxies(reader: Reader) -> Proxies:
    try:
        return Proxies(reader.listed("RTCDN_PROXIES", ""))
    except ConfigError as error:
        reader.problems += error.problems
        return Proxies()


def _turn(reader: Reader, region: str) -> ice.Ice:
    """TURN servers and the secret of their credentials, from the JSON file that ``RTCDN_TURN`` names."""
    path = reader.text("RTCDN_TURN", "")
    try:
        return ice.read(Path(path).read_text(encoding="utf-8"), region) if path else ice.Ice(region)
    except OSError as error:
        reader.problem("RTCDN_TURN", f"{path} cannot be read: {error.strerror}")
    except ValueError as error:
        reader.problem("RTCDN_TURN", f"{path} {error}")
    return ice.Ice(region)
