"""The event is taken away, and nothing of it is left on any host."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ops.lab import machines

ROOT = Path(__file__).resolve().parents[3]
HOSTS = ("eu1", "eu2", "us1", "us2", "ap1", "ap2")
LOOK = """
docker ps --all --quiet; docker volume ls --quiet
docker config ls --quiet 2>/dev/null; docker secret ls --quiet 2>/dev/null
docker network ls --format '{{.Name}}' | grep -vxE 'bridge|host|none'
ls -d /opt/rtcdn /etc/rtcdn /etc/docker/certs.d/* /etc/sysctl.d/*rtcdn* 2>/dev/null
grep rtcdn /etc/hosts; nft list tables | grep rtcdn
docker info --format '{{.Swarm.LocalNodeState}}' | grep -vx inactive
true
"""


def test_nothing_is_left(lab: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says so, and so does whoever looks with other eyes."""
    began_s = time.monotonic()
    command = [sys.executable, "-m", "ops", "destroy", lab, "--yes"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    with capsys.disabled():
        print(f"\ndestroyed in {time.monotonic() - began_s:.0f} s")
    found = machines.find(lab)
    for host in HOSTS:
        looked = subprocess.run(
            [*machines.ssh(found, host), LOOK], capture_output=True, text=True, timeout=60, check=False
        )
        assert (looked.returncode, looked.stdout) == (0, ""), f"{host}: {looked.stdout}{looked.stderr}"
    assert not Path(f"/var/lib/rtcdn/{lab}").exists()
