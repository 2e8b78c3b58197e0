"""How packets fare on the long way; the device itself is tried by tests/integration/test_lab_wan.py."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from typing import Any

import pytest

from ops.lab.wan import UnderWay, Way

FAR, OTHER, UNKNOWN = "198.18.42.21", "198.18.42.31", "192.0.2.1"


def packet(number: int, to: str = FAR) -> bytes:
    """The head of a packet of IPv4, and its number."""
    return b"\x45" + bytes(15) + socket.inet_aton(to) + number.to_bytes(4, "big")


def under_way(far: Way, chance: Callable[[], float] = lambda: 0.5, most_bytes: int = 1 << 20) -> UnderWay:
    ways = {socket.inet_aton(FAR): far, socket.inet_aton(OTHER): Way(0.01)}
    return UnderWay(ways, chance, most_bytes)


def arrived(way: UnderWay, now_s: float) -> list[bytes]:
    found = []
    while one := way.next_due(now_s):
        found.append(one)
    return found


def test_a_packet_arrives_after_its_delay() -> None:
    """Not before, and not later."""
    way = under_way(Way(0.045))
    assert way.put(packet(1), 100.0)
    assert way.wait_s(100.0) == pytest.approx(0.045)
    assert arrived(way, 100.044) == []
    assert arrived(way, 100.0451) == [packet(1)]
    assert way.wait_s(101.0) is None
    assert way.held_bytes == 0


def test_packets_do_not_overtake_each_other() -> None:
    """Jitter makes some late, as a queue does, never early."""
    way = under_way(Way(0.045, 0.04), random.Random(7).random)
    for number in range(200):
        way.put(packet(number), 100.0 + number / 1000)
    assert arrived(way, 110.0) == [packet(number) for number in range(200)]


def test_jitter_lies_around_the_delay() -> None:
    """The delay more or less the jitter."""
    way = under_way(Way(0.045, 0.005), iter([0.0, 1.0]).__next__)
    way.put(packet(1), 100.0)
    way.put(packet(2), 200.0)
    assert arrived(way, 100.0399) == []
    assert arrived(way, 100.0401) == [packet(1)]
    assert arrived(way, 200.0499) == []
    assert arrived(way, 200.0501) == [packet(2)]


def test_hosts_do_not_wait_for_each_other() -> None:
    """A near one's packet passes a far one's."""
    way = under_way(Way(0.110))
    way.put(packet(1), 100.0)
    way.put(packet(2, OTHER), 100.0)
    assert arrived(way, 100.05) == [packet(2, OTHER)]


def test_loss_is_the_part_that_was_set() -> None:
    """Of many packets."""
    way = under_way(Way(0.0, 0.0, 0.2), random.Random(7).random)
    kept = sum(way.put(packet(number), 100.0) for number in range(5000))
    assert 0.78 < kept / 5000 < 0.82


@pytest.mark.parametrize(
    ("way", "what"),
    [
        (under_way(Way(cut=True)), packet(1)),
        (under_way(Way()), packet(1, UNKNOWN)),
        (under_way(Way()), b"\x65" + packet(1)[1:]),
        (under_way(Way(), most_bytes=20), packet(1)),
    ],
    ids=["cut", "nobody there", "IPv6", "full"],
)
def test_what_cannot_go_is_lost(way: UnderWay, what: bytes) -> None:
    """And holds nothing."""
    assert not way.put(what, 100.0)
    assert way.held_bytes == 0
    assert way.wait_s(100.0) is None


def test_new_ways_hold_for_new_packets() -> None:
    """What is under way arrives when it would have."""
    way = under_way(Way(0.045))
    way.put(packet(1), 100.0)
    way.ways = {socket.inet_aton(FAR): Way(cut=True)}
    assert not way.put(packet(2), 100.0)
    assert arrived(way, 100.05) == [packet(1)]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"delay_ms": -1, "jitter_ms": 0, "loss_pct": 0, "cut": False},
        {"delay_ms": 1, "jitter_ms": 0, "loss_pct": 101, "cut": False},
        {"delay_ms": "long", "jitter_ms": 0, "loss_pct": 0, "cut": False},
        {"delay_ms": None, "jitter_ms": 0, "loss_pct": 0, "cut": False},
    ],
)
def test_settings_that_are_none_are_refused(told: dict[str, Any]) -> None:
    """So that the ways before hold."""
    with pytest.raises((KeyError, ValueError, TypeError)):
        Way.from_settings(told)
