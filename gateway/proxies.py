"""Whose word on a client's address counts: only that of the proxies in front of us.

A header that a client sends by himself is worth nothing: nginx replaces it by what it sees, and whoever reaches us
past nginx is taken at the address that he comes from.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from rtcdn.errors import ConfigError

HEADER = "X-Forwarded-For"


class Proxies:
    """The networks of proxies; none named: every address that is not of the public Internet."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks, problems = [], []
        for text in networks:
            try:
                self._networks.append(ip_network(text))
            except ValueError as error:
                problems.append(f"RTCDN_PROXIES: {error}; write it as 10.0.0.0/8 or 192.0.2.1")
        if problems:
            raise ConfigError(problems)

    def client(self, remote: str | None, forwarded: str) -> str:
        """The client's address, by the address that we see and the header: a proxy tells it, last in its list."""
        seen = remote or ""
        told = forwarded.rpartition(",")[2].strip()
        return told if told and self._trusts(seen) else seen

    def _trusts(self, seen: str) -> bool:
        if not seen:
            return True  # by a socket of this machine
        try:
            address = ip_address(seen)
        except ValueError:
            return False
        if not self._networks:
            return not address.is_global
        return any(address in network for network in self._networks)
