"""The program that precheck runs on hosts, run here on loopback addresses as if they were two hosts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FILES = Path(__file__).resolve().parents[3] / "ansible/files"
PROGRAM, PROBE = ((FILES / f"precheck_{name}.py").read_text(encoding="utf-8") for name in ("host", "probe"))
HERE = "127.0.0.2"
MARK = "rtcdn-precheck event eu1 "


def run(ask: dict[str, Any]) -> dict[str, Any]:
    """As the playbook does: the program and its question by standard input."""
    text = f"{PROBE if ask['do'] == 'probe' else PROGRAM}\nmain({json.dumps(json.dumps(ask))})"
    done = subprocess.run([sys.executable, "-"], input=text, capture_output=True, text=True, timeout=60, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def free_port() -> int:
    """A port that nobody has on TCP."""
    with socket.socket() as one:
        one.bind((HERE, 0))
        return int(one.getsockname()[1])


@pytest.fixture
def host() -> Iterator[dict[str, Any]]:
    """What ``listen`` answered; ``port`` is listened on with both protocols, somebody else has ``taken``."""
    port = free_port()
    with socket.create_server((HERE, 0)) as other:
        taken = other.getsockname()[1]
        ask = {
            "do": "listen", "mark": MARK, "deployment": "event", "private": HERE, "addresses": [HERE, "192.0.2.55"],
            "names": ["localhost", "no-such-name.invalid"], "tcp": [str(port), str(taken)],
            "udp": [str(port), "41000-41900"], "asked_s": 1.0, "seconds": 60,
        }  # fmt: skip
        answer = {**run(ask), "port": port, "taken": taken}
        yield answer
    run({"do": "stop", "listener": answer["listener"]})


def probe(host: dict[str, Any], **target: Any) -> dict[str, Any]:
    """What another host would see of it."""
    tcp = [{"port": host["port"], "listening": True}]
    asked = {"host": "eu1", "address": HERE, "mark": MARK, "tcp": tcp, "udp": [host["port"]], **target}
    found: dict[str, Any] = run({"do": "probe", "targets": [asked], "wait_s": 2.0})["eu1"]
    return found


def test_facts_are_those_of_the_host(host: dict[str, Any]) -> None:
    """What is told of this machine, and what becomes of the ports."""
    assert host["system"][0]
    assert host["memory_mb"] > 100
    assert host["own"] == {HERE: True, "192.0.2.55": False}
    assert "127.0.0.1" in host["names"]["localhost"]
    assert isinstance(host["names"]["no-such-name.invalid"], str)
    assert host["ports"]["tcp"][str(host["port"])] == "listening"
    assert f"(process {os.getpid()})" in host["ports"]["tcp"][str(host["taken"])]


def test_of_a_range_three_ports_are_tried(host: dict[str, Any]) -> None:
    """Its beginning, its middle and its end."""
    sampled = sorted(int(port) for port in host["ports"]["udp"] if 41000 <= int(port) <= 41900)
    assert len(sampled) == 3
    assert sampled[0] < 41450 <= sampled[1] < sampled[2] == 41900


def test_ports_answer_and_the_way_is_measured(host: dict[str, Any]) -> None:
    """Loopback: a short way, large packets, one clock."""
    found = probe(host)
    assert found["tcp"] == {str(host["port"]): "ok"}
    assert found["udp"] == {str(host["port"]): "ok"}
    assert 0 < found["rtt_ms"] < 500
    assert abs(found["offset_s"]) < 0.5
    assert found["mtu"] == 1500


def test_what_does_not_answer_is_told_apart(host: dict[str, Any]) -> None:
    """Nobody there, another host there, no echo."""
    nobody = free_port()
    found = probe(host, tcp=[{"port": nobody, "listening": True}], udp=[nobody])
    assert found["tcp"] == {str(nobody): "refused"}
    assert found["udp"] == {str(nobody): "silent"}
    assert probe(host, mark="rtcdn-precheck event us9 ", udp=[])["tcp"] == {str(host["port"]): "wrong host"}


def test_the_listener_ends_when_told_and_leaves_nothing(host: dict[str, Any]) -> None:
    """The ports are free again."""
    process, _ = host["listener"]
    assert Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip() == "rtcdn-precheck"
    run({"do": "stop", "listener": host["listener"]})
    assert probe(host, udp=[])["tcp"] == {str(host["port"]): "refused"}
    assert run({"do": "stop", "listener": [1, "another start"]}) == {"stopped": 1}, "process 1 is none of ours"
