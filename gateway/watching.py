"""Whom the people held here would like to see, as the broker is told it."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.host import Host

Watched = dict[str, dict[str, int]]  # session -> participant -> how many want to see him


def watched(hosts: Iterable[Host]) -> Watched:
    """Counts of wishes; sessions without any are left out."""
    found: Watched = {}
    for host in hosts:
        for name in host.member.watches:
            counts = found.setdefault(host.key[0], {})
            counts[name] = counts.get(name, 0) + 1
    return found
