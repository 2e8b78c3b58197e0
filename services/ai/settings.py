"""Settings of a module, from the environment: see docs/taps.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rtcdn.model import NETWORK, Capacity
from rtcdn.settings import Address, BaseSettings, Reader, base


@dataclass(frozen=True, slots=True)
class ModuleSettings:
    """Everything a module is told."""

    base: BaseSettings
    node_id: str
    region: str
    host: str
    zone: str
    listen: Address
    url: str  # of its API, as the broker reaches it
    media_ip: str  # where it takes RTP, and where it sends from
    ports: range  # for RTP; empty: any
    capacity: Capacity
    lease_s: int
    report_s: float
    network: str = NETWORK
    public_ip: str = ""


def load(environ: Mapping[str, str]) -> ModuleSettings:
    """Read the environment; ``ConfigError`` lists all that is wrong."""
    reader = Reader(environ)
    listen = reader.address("RTCDN_MODULE_LISTEN")
    settings = ModuleSettings(
        base=base(reader),
        node_id=reader.id("RTCDN_NODE_ID"),
        region=reader.id("RTCDN_NODE_REGION"),
        host=reader.text("RTCDN_NODE_HOST", ""),
        zone=reader.text("RTCDN_NODE_ZONE", ""),
        listen=listen,
        url=reader.url("RTCDN_MODULE_URL", ("http",), f"http://{listen}"),
        media_ip=reader.text("RTCDN_MEDIA_IP"),
        ports=_ports(reader),
        capacity=reader.record("RTCDN_CAPACITY", Capacity),
        lease_s=int(reader.number("RTCDN_LEASE_S", 5, least=2)),
        report_s=reader.number("RTCDN_REPORT_S", 1, least=0.1),
        network=reader.id("RTCDN_NETWORK", NETWORK),
        public_ip=reader.text("RTCDN_PUBLIC_IP", ""),
    )
    reader.done()
    return settings


def _ports(reader: Reader) -> range:
    """``first-last``."""
    text = reader.text("RTCDN_RTP_PORTS", "")
    first, dash, last = text.partition("-")
    if not text:
        return range(0)
    if dash and text.isascii() and first.isdigit() and last.isdigit() and 1024 <= int(first) <= int(last) <= 65535:
        return range(int(first), int(last) + 1)
    reader.problem("RTCDN_RTP_PORTS", f"{text!r} is not a range of ports: write first-last, such as 30000-30999")
    return range(0)
