"""Ports: taken ones are found before anything is touched, and others can be chosen."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from ops import ports
from rtcdn.errors import ConfigError

TABLES: dict[str, Any] = {
    "rtcdn_ports": {"nginx": 8443},
    "rtcdn_brokers": [{"id": "broker-1", "api": 8101, "stream": 8102}],
    "rtcdn_gateways": [{"id": "1", "port": 8201, "prober": 8202}, {"id": "2", "port": 8211}],
    "rtcdn_nodes": [{"id": "local-vr1", "port": 8300}],
}


def test_every_port_of_the_tables_is_claimed() -> None:
    """Five for each node, two for each broker."""
    assert [(claim.port, claim.name) for claim in ports.claims(TABLES)] == [
        (8443, "nginx"),
        (8101, "broker-1"),
        (8102, "broker-1"),
        (8201, "gateway-1"),
        (8211, "gateway-2"),
        (8202, "prober-1"),
        *((8300 + offset, "local-vr1") for offset in range(5)),
    ]


def test_each_part_can_have_another_port() -> None:
    """The names of claims are the names of choices; the given tables stay as they are."""
    made = ports.choose(TABLES, ["nginx=9443", "broker-1=9101", "gateway-1=9201", "prober-1=9202", "local-vr1=9300"])
    assert [claim.port for claim in ports.claims(made)] == [9443, 9101, 9102, 9201, 8211, 9202, *range(9300, 9305)]
    assert TABLES["rtcdn_ports"]["nginx"] == 8443


def test_all_wrong_choices_are_named_at_once() -> None:
    """Name and form."""
    with pytest.raises(ConfigError) as caught:
        ports.choose(TABLES, ["ngnix=1", "nginx=99999", "nginx"])
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "--port ngnix=1",
        "--port nginx=99999",
        "--port nginx",
    ]
    assert "gateway-1" in caught.value.problems[0]


def test_a_listener_is_found_with_its_process() -> None:
    """A real socket of this very process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        found = ports.listeners()[listener.getsockname()[1]]
    assert found.pid == os.getpid()
    assert found.command


def test_a_taken_port_names_holder_and_cure() -> None:
    """The deployment's own services are no conflict: a second run finds them."""
    claims = [ports.Claim(8443, "nginx"), ports.Claim(8101, "broker-1"), ports.Claim(8201, "gateway-1")]
    holders = {8443: ports.Holder(7, "apache2"), 8101: ports.Holder(8, "python3", "local")}
    (line,) = ports.conflicts(claims, holders, "local")
    assert "port 8443 (nginx) is taken by apache2 (process 7)" in line
    assert "--port nginx=" in line
    (line,) = ports.conflicts(claims[1:], holders, "other")
    assert "(deployment local)" in line
