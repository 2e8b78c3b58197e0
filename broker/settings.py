"""Settings of a broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rtcdn.ids import ID
from rtcdn.model import NETWORK
from rtcdn.settings import Address, BaseSettings, Reader, base


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Everything a broker is told from outside."""

    base: BaseSettings
    broker_id: str
    api_listen: Address
    stream_listen: Address
    api_url: str
    stream_url: str
    token_key: Path
    issuers: tuple[str, ...]
    policy: str
    policies: Path | None
    threads: int
    probers: dict[str, tuple[str, ...]] = field(default_factory=dict)  # region -> URLs
    geo_databases: tuple[str, ...] = ()
    geo_overrides: str = ""
    network: str = NETWORK  # ours: nodes of others are asked at their public address


def read(environ: Mapping[str, str]) -> BrokerSettings:
    """Read the environment; ``ConfigError`` lists every problem."""
    reader = Reader(environ)
    settings = BrokerSettings(
        base=base(reader),
        broker_id=reader.id("RTCDN_BROKER_ID"),
        api_listen=reader.address("RTCDN_API_LISTEN"),
        stream_listen=reader.address("RTCDN_STREAM_LISTEN"),
        api_url=reader.url("RTCDN_API_URL"),
        stream_url=reader.url("RTCDN_STREAM_URL", ("wss",)),
        token_key=reader.file("RTCDN_TOKEN_KEY"),
        issuers=reader.listed("RTCDN_ISSUERS"),
        policy=reader.text("RTCDN_POLICY", ""),
        policies=reader.file("RTCDN_POLICIES") if environ.get("RTCDN_POLICIES") else None,
        threads=int(reader.number("RTCDN_THREADS", 16, least=4)),
        probers=_probers(reader),
        geo_databases=reader.listed("RTCDN_GEO_DATABASES", ""),
        geo_overrides=reader.text("RTCDN_GEO_OVERRIDES", ""),
        network=reader.id("RTCDN_NETWORK", NETWORK),
    )
    reader.done()
    return settings


def _probers(reader: Reader) -> dict[str, tuple[str, ...]]:
    """``<region>=<URL>``, comma-separated; several of one region apart. None: no warm-up can be proven."""
    found: dict[str, tuple[str, ...]] = {}
    for text in reader.listed("RTCDN_PROBERS", ""):
        region, equals, url = text.partition("=")
        if not equals or not ID.fullmatch(region) or not url.startswith("https://"):
            reader.problem("RTCDN_PROBERS", f"{text!r} is not <region>=https://host:port")
        else:
            found[region] = (*found.get(region, ()), url.rstrip("/"))
    return found
