"""Precheck on real hosts: two that are sound, one that is not there, a firewall in between, a port that is taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.engine import wait_for
from tests.support.hosts import SYSTEMD, Host, network, start

pytestmark = pytest.mark.real
ROOT = Path(__file__).resolve().parents[2]
NAMES = ("eu1", "us1")
GROUPS = {
    "managers": ["eu1"], "registry": ["eu1"], "etcd": ["eu1"], "nginx": ["eu1"], "broker": ["eu1"], "turn": [],
    "gateway": ["eu1", "us1"], "videoroom": ["eu1", "us1"], "audiobridge": ["eu1"], "streaming": ["eu1", "us1"],
}  # fmt: skip


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Host]]:
    """Two hosts on a network of their own."""
    run = os.environ.get("RTCDN_TEST_RUN", "1")
    with network(f"rt-precheck-{run}") as wire:
        yield {name: start(f"rt-precheck-{name}-{run}", SYSTEMD, wire) for name in NAMES}


def node(host: str, kind: str, port: int, low: int, rtp: bool) -> dict[str, Any]:
    """A row of rtcdn_nodes."""
    ranges = {"webrtc": f"{low}-{low + 499}", "rtp": f"{low + 500}-{low + 999}" if rtp else ""}
    return {"id": f"{host}-{kind.lower()}1", "kind": kind, "host": host, "port": port, **ranges}


def rows(hosts: dict[str, Host]) -> dict[str, Any]:
    """rtcdn_hosts."""
    return {
        name: {"private": host.address, "public": host.address, "region": name[:2], "zone": "a"}
        for name, host in hosts.items()
    }


@pytest.fixture
def inventory(hosts: dict[str, Host], tmp_path: Path) -> Path:
    """An inventory of the two, with what all inventories share."""
    variables = {
        "ansible_connection": "community.docker.docker",
        "rtcdn_tree": str(ROOT),
        "rtcdn_deployment": "precheck",
        "rtcdn_hosts": rows(hosts),
        "rtcdn_ports": {"nginx": 8443, "registry": 8090, "etcd_client": 8379, "etcd_peer": 8380},
        "rtcdn_brokers": [{"id": "broker-1", "host": "eu1", "api": 8101, "stream": 8102}],
        "rtcdn_gateways": [{"id": name, "host": name, "port": 8201, "prober": 8202} for name in NAMES],
        "rtcdn_nodes": [
            *(node(name, "VR", 8300, 20000, rtp=False) for name in NAMES),
            node("eu1", "AB", 8310, 22000, rtp=True),
            *(node(name, "ST", 8320, 24000, rtp=True) for name in NAMES),
        ],
        "speaker_enabled": False,
    }
    reached = {name: {"ansible_host": host.name} for name, host in hosts.items()}
    children = {group: {"hosts": dict.fromkeys(members)} for group, members in GROUPS.items()}
    folder = tmp_path / "group_vars" / "all"
    folder.mkdir(parents=True)
    (folder / "00_shared").symlink_to(ROOT / "inventories" / "shared")
    (folder / "main.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": reached, "children": children}}))
    return tmp_path


def precheck(inventory: Path, **extra: Any) -> tuple[int, str]:
    """How the playbook ended, and what it said."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), "ansible/precheck.yml"]
    command += ["--extra-vars", json.dumps(extra)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_CACHE_PLUGIN": "memory"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def listening(host: Host) -> str:
    """Processes of precheck that are left on a host."""
    return host.run("sh", "-c", "cat /proc/[0-9]*/comm | grep rtcdn-precheck || true")


def test_sound_hosts_pass_and_nothing_is_left_on_them(hosts: dict[str, Host], inventory: Path) -> None:
    """Round trips and MTU are shown; no listener stays."""
    code, said = precheck(inventory)
    assert code == 0, said
    assert "path MTU: 1500" in said
    assert "changed=0" in said
    assert [listening(host) for host in hosts.values()] == ["", ""]


def test_everything_that_is_wrong_is_said_at_once(hosts: dict[str, Host], inventory: Path) -> None:
    """Ports behind a firewall (TCP, UDP), a port that is taken, a host that is not there: one run names all."""
    (inventory / "more.yml").write_text("all: {hosts: {ap1: {ansible_host: rt-precheck-is-not-there}}}\n")
    far = {"ap1": {"private": "192.0.2.9", "public": "192.0.2.9", "region": "ap", "spare": True}}
    drops = "tcp dport 8320 drop; udp dport 24500-24999 drop;"
    rules = f"table inet test {{ chain input {{ type filter hook input priority 0; {drops} }}; }}"
    hosts["us1"].run("sh", "-c", f"echo '{rules}' | nft -f -")
    hosts["eu1"].run("sh", "-c", "setsid python3 -m http.server 8101 > /dev/null 2>&1 &")
    wait_for(lambda: hosts["eu1"].succeeds("curl", "-fs", "http://127.0.0.1:8101/"), "somebody has the broker's port")
    try:
        code, said = precheck(inventory, rtcdn_hosts=rows(hosts) | far)
    finally:
        hosts["us1"].run("nft", "delete", "table", "inet", "test")
        hosts["eu1"].run("pkill", "-f", "http.server")
    assert code != 0
    assert "Nothing was changed. The hosts are not ready" in said
    assert "no answer: tcp 8320 (us1-st1), udp 24500, 24750, 24999 (us1-st1, links)" in said, said
    assert "open them for eu1 in the firewalls of us1" in said
    assert "eu1: port tcp 8101 is taken by python3" in said
    assert "ap1: cannot be reached by Ansible" in said
    assert [listening(host) for host in hosts.values()] == ["", ""]
