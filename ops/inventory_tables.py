"""Fields of the tables of an inventory: which there are, which must be there, and what is written instead of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Table = Mapping[str, Any]

# Table -> fields that every row has, and fields that it may have.
FIELDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "rtcdn_hosts": (
        frozenset({"private", "public", "region"}),
        frozenset({"zone", "place", "price_hour", "price_gb", "network", "spare"}),
    ),
    "rtcdn_brokers": (frozenset({"id", "host", "api", "stream"}), frozenset()),
    "rtcdn_gateways": (frozenset({"id", "host", "port"}), frozenset({"prober"})),
    "rtcdn_nodes": (frozenset({"id", "kind", "host", "port"}), frozenset({"webrtc", "rtp"})),
    "rtcdn_turns": (frozenset({"id", "host"}), frozenset({"port", "tls", "relay", "address", "name"})),
    "rtcdn_regions": (frozenset(), frozenset({"place", "url", "label", "certificate", "certificate_key"})),
}
BY_NAME = ("rtcdn_hosts", "rtcdn_regions")  # {name: row}; the others are lists of rows
# What other systems, and people from memory, call a field or a variable.
CALLED = {
    "ip": "private", "address": "private", "private_ip": "private", "private_address": "private",
    "public_ip": "public", "public_address": "public", "external": "public",
    "name": "id", "type": "kind", "plugin": "kind", "rtp_ports": "rtp", "webrtc_ports": "webrtc", "rtp_range": "rtp",
    "location": "place", "coordinates": "place", "latlong": "place", "price": "price_hour", "vpc": "network",
    "api_port": "api", "stream_port": "stream", "prober_port": "prober", "tls_port": "tls", "public_url": "url",
    "rtcdn_turn": "rtcdn_turns", "rtcdn_region": "rtcdn_regions", "rtcdn_private": "rtcdn_private_network",
    "server": "directory", "url_of_directory": "directory", "mail": "email", "contact": "email",
    "rtcdn_firewall": "rtcdn_host_policy", "rtcdn_firewall_policy": "rtcdn_host_policy",
}  # fmt: skip


def unknown(name: str, known: Iterable[str]) -> str:
    """The cure for a name that is none: the right one, as far as it can be guessed."""
    known = set(known)
    near = [CALLED[name]] if CALLED.get(name) in known else difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else "remove it"


def rows(variables: Table, table: str) -> list[tuple[str, Any]]:
    """Every row of a table with what it is called in messages."""
    told: Any = variables.get(table) or ({} if table in BY_NAME else [])
    if table in BY_NAME:
        return [(f"{table}.{name}", row) for name, row in told.items()]
    return [
        (f"{table}: {row['id']}" if isinstance(row, Mapping) and row.get("id") else f"{table}: row {number}", row)
        for number, row in enumerate(told, 1)
    ]


def problems(variables: Table) -> Iterator[str]:
    """Tables that are none, rows that lack a field or have one that is unknown."""
    for table, (required, optional) in FIELDS.items():
        told = variables.get(table)
        if told and not isinstance(told, Mapping if table in BY_NAME else list):
            shape = "a mapping of names to rows" if table in BY_NAME else "a list of rows"
            yield f"{table} is {told!r}: write {shape}, see inventories/local/group_vars/all/network.yml"
            continue
        for where, row in rows(variables, table):
            if not isinstance(row, Mapping):
                yield f"{where} is {row!r}: write a row of {', '.join(sorted(required | optional))}"
                continue
            yield from (f"{where} has no {each}: add it" for each in sorted(required - row.keys()))
            for field in sorted(set(row) - required - optional):
                yield f"{where} has {field!r}, which is no field of {table}: {unknown(str(field), required | optional)}"
