"""Which certificates a deployment's own CA makes (role ``pki`` makes them)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

LOOPBACK = ("127.0.0.1", "localhost")


def certificates(names: Iterable[str], hosts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``{name, sans}`` for each name: every certificate serves on the private and public addresses of all hosts."""
    addresses = {str(host[side]) for host in hosts.values() for side in ("private", "public") if host.get(side)}
    sans = sorted(_san(each) for each in addresses | set(LOOPBACK))
    return [{"name": name, "sans": sorted({*sans, f"DNS:{name}", f"DNS:{name}.rtcdn.internal"})} for name in names]


def _san(address: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(address)}"
    except ValueError:
        return f"DNS:{address}"
