"""Settings of a broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    threads: int
    geo_databases: tuple[str, ...] = ()
    geo_overrides: str = ""


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
        threads=int(reader.number("RTCDN_THREADS", 16, least=4)),
        geo_databases=reader.listed("RTCDN_GEO_DATABASES", ""),
        geo_overrides=reader.text("RTCDN_GEO_OVERRIDES", ""),
    )
    reader.done()
    return settings
