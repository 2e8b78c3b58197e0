"""The host of the scenario, a neighbour that is none of the deployment's, and a way in by ssh."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.support.hosts import SYSTEMD, Host, start

ROOT = Path(__file__).resolve().parents[3]
LISTENER = Path(__file__).with_name("listener.py")
SSH = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=5"


@pytest.fixture(scope="session")
def machine() -> Host:
    """The host that the scenario converged."""
    return Host(f"rt-host-{os.environ.get('RTCDN_TEST_RUN', '1')}")


@pytest.fixture(scope="session")
def neighbour(machine: Host) -> Iterator[Host]:
    """Another machine on the same network."""
    host = Host(f"{machine.name}-neighbour")
    host.remove()
    try:
        yield start(host.name, SYSTEMD, machine.network)
    finally:
        host.remove()


@dataclass(frozen=True, slots=True)
class Door:
    """``comes`` says whether a packet of the neighbour is answered; a listener is behind every port that is asked."""

    machine: Host
    neighbour: Host

    @staticmethod
    def await_true(condition: Callable[[], bool], within_s: float = 15.0) -> None:
        """Fail unless the condition holds in time."""
        until_s = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until_s, "it did not become true in time"
            time.sleep(0.1)

    def comes(self, protocol: str, port: int) -> bool:
        """Whether ``protocol`` to ``port`` of the machine is answered."""
        return self.neighbour.succeeds("python3", "/listener.py", "ask", protocol, self.machine.address, str(port))


@pytest.fixture(scope="session")
def door(machine: Host, neighbour: Host) -> Door:
    """A listener on ports public and not, and somebody who tries them."""
    for host in (machine, neighbour):
        host.put(LISTENER, "/listener.py")
    machine.run("sh", "-c", "setsid python3 /listener.py listen 8443 9100 3478 20001 25501 > /dev/null 2>&1 &")
    made = Door(machine, neighbour)
    made.await_true(lambda: machine.succeeds("python3", "/listener.py", "ask", "tcp", "127.0.0.1", "9100"))
    return made


@pytest.fixture(scope="session")
def key(machine: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key with which root is let in by ssh."""
    path = tmp_path_factory.mktemp("ssh") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    machine.run("mkdir", "-p", "/root/.ssh")
    machine.put(path.with_suffix(".pub"), "/root/.ssh/authorized_keys")
    machine.run("sh", "-c", "chown -R 0:0 /root/.ssh && chmod 0700 /root/.ssh && ssh-keygen -A && systemctl start ssh")
    return path


@pytest.fixture
def role(machine: Host, key: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the role over ssh, as an operator does, with these variables."""

    def run(**variables: object) -> subprocess.CompletedProcess[str]:
        host = {"ansible_host": machine.address, "ansible_user": "root", "ansible_ssh_private_key_file": str(key)}
        host |= {"ansible_connection": "ssh", "ansible_ssh_common_args": SSH}
        inventory = {"all": {"hosts": {"eu1": host}, "vars": {"host_firewall_confirm_s": 15, **variables}}}
        play = [{"hosts": "all", "gather_facts": True, "roles": ["host"]}]
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        (tmp_path / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
        files = ["-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml")]
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "--tags", "host_firewall", *files]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_CACHE_PLUGIN": "memory"}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False
        )

    return run
