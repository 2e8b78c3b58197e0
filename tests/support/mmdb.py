"""Writes small databases in MaxMind's format (version 2.0), for tests: the library only reads them."""

from __future__ import annotations

import struct
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

MARKER = b"\xab\xcd\xefMaxMind.com"


class Number(NamedTuple):
    """An unsigned number, of type 5 (16 bits), 6 (32) or 9 (64)."""

    kind: int
    value: int


def _head(kind: int, size: int) -> bytes:
    more = b""
    if size >= 29:
        assert size < 29 + 256, "this writer makes small values only"
        size, more = 29, bytes([size - 29])
    return bytes([kind << 5 | size]) + more if kind < 8 else bytes([size, kind - 7]) + more


def encoded(value: Any) -> bytes:
    """A value of the data section."""
    if isinstance(value, Number):
        raw = value.value.to_bytes(8).lstrip(b"\0")
        return _head(value.kind, len(raw)) + raw
    if isinstance(value, float):
        return _head(3, 8) + struct.pack(">d", value)
    if isinstance(value, str):
        return _head(2, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(11, len(value)) + b"".join(map(encoded, value))
    return _head(7, len(value)) + b"".join(encoded(key) + encoded(each) for key, each in value.items())


def write_mmdb(path: Path, networks: dict[str, Any], kind: str = "test", version: int = 6) -> Path:
    """A database of these networks and their records. IPv4 ones lie under ``::/96`` when ``version`` is 6."""
    nodes: list[list[Any]] = [[None, None]]
    for text, record in networks.items():
        network = ip_network(text)
        lead = 96 if version == 6 and network.version == 4 else 0
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
        at, path_bits = 0, "0" * lead + bits
        for bit in path_bits[:-1]:
            if not isinstance(nodes[at][int(bit)], int):
                nodes.append([None, None])
                nodes[at][int(bit)] = len(nodes) - 1
            at = nodes[at][int(bit)]
        nodes[at][int(path_bits[-1])] = record
    data, tree = b"", b""
    for node in nodes:
        for side in node:
            if isinstance(side, int):
                pointer = side
            elif side is None:
                pointer = len(nodes)
            else:
                pointer = len(nodes) + 16 + len(data)
                data += encoded(side)
            tree += pointer.to_bytes(4)
    about = {
        "binary_format_major_version": Number(5, 2),
        "binary_format_minor_version": Number(5, 0),
        "build_epoch": Number(9, 1),
        "database_type": kind,
        "description": {},
        "ip_version": Number(5, version),
        "languages": [],
        "node_count": Number(6, len(nodes)),
        "record_size": Number(5, 32),
    }
    new = path.with_suffix(".new")
    new.write_bytes(tree + bytes(16) + data + MARKER + encoded(about))
    return new.rename(path)
