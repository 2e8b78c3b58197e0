"""Settings of the collector, from the environment: see docs/seams.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rtcdn.model import NETWORK, PLAIN, SRTP, Capacity, Kind
from rtcdn.settings import Address, BaseSettings, Reader, base


@dataclass(frozen=True, slots=True)
class Presentation:
    """Who the node is; what others need to reach it."""

    node_id: str
    kind: Kind
    region: str
    host: str
    zone: str
    address: str
    admin_url: str
    rest_url: str
    media_ip: str
    public_ip: str
    capacity: Capacity
    place: tuple[float, ...] = ()  # latitude, longitude of its host
    price_hour: float = 0.0
    price_gb: float = 0.0
    network: str = NETWORK
    links: str = SRTP  # to and from other hosts
    listen: str = ""  # where media of links are taken, if not at media_ip alone


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the collector is told."""

    base: BaseSettings
    node: Presentation
    events_listen: Address
    health_listen: Address
    lease_s: int
    report_s: float
    sweep_s: float
    rtt_s: float = 10.0  # between measurements of round trips to other regions


def load(environ: Mapping[str, str]) -> Settings:
    """Read the environment; ``ConfigError`` lists all that is wrong."""
    reader = Reader(environ)
    kind = reader.choice("RTCDN_NODE_KIND", (Kind.VR, Kind.AB, Kind.ST))
    settings = Settings(
        base=base(reader),
        node=Presentation(
            node_id=reader.id("RTCDN_NODE_ID"),
            kind=Kind(kind) if kind in tuple(Kind) else Kind.VR,
            region=reader.id("RTCDN_NODE_REGION"),
            host=reader.text("RTCDN_NODE_HOST", ""),
            zone=reader.text("RTCDN_NODE_ZONE", ""),
            address=str(reader.address("RTCDN_JANUS_ADDRESS")),
            admin_url=reader.url("RTCDN_JANUS_ADMIN_URL", ("http", "https")),
            rest_url=reader.url("RTCDN_JANUS_REST_URL", ("http", "https")),
            media_ip=reader.text("RTCDN_MEDIA_IP"),
            public_ip=reader.text("RTCDN_PUBLIC_IP", ""),
            capacity=reader.record("RTCDN_CAPACITY", Capacity),
            place=_place(reader, "RTCDN_PLACE"),
            price_hour=reader.number("RTCDN_PRICE_HOUR", 0),
            price_gb=reader.number("RTCDN_PRICE_GB", 0),
            network=reader.id("RTCDN_NETWORK", NETWORK),
            links=reader.choice("RTCDN_LINKS", (SRTP, PLAIN), SRTP),
            listen=reader.text("RTCDN_MEDIA_LISTEN", ""),
        ),
        events_listen=reader.address("RTCDN_EVENTS_LISTEN"),
        health_listen=reader.address("RTCDN_HEALTH_LISTEN"),
        lease_s=int(reader.number("RTCDN_LEASE_S", 5, least=2)),
        report_s=reader.number("RTCDN_REPORT_S", 1, least=0.1),
        sweep_s=reader.number("RTCDN_SWEEP_S", 10, least=1),
        rtt_s=reader.number("RTCDN_RTT_S", 10, least=0.1),
    )
    reader.done()
    return settings


def _place(reader: Reader, name: str) -> tuple[float, ...]:
    """``latitude,longitude`` in degrees; empty when it is not set."""
    parts = reader.listed(name, "")
    try:
        place = tuple(map(float, parts))
    except ValueError:
        place = (91.0, 181.0)
    if parts and not (len(place) == 2 and abs(place[0]) <= 90 and abs(place[1]) <= 180):
        reader.problem(name, f"{','.join(parts)!r} is not latitude,longitude in degrees, such as 45.46,9.19")
        return ()
    return place
