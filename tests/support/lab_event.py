"""The lab's event in a file of its own, what operators' commands make of it, and what is left of it in the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ops.lab import machines
from ops.lab.plan import Lab

ROOT = Path(__file__).resolve().parents[2]
EVENT = ROOT / "events" / "lab.yml"
LIMIT_S = 900  # of a command on a busy machine
LEFT = """
docker ps --all --quiet; docker volume ls --quiet
docker config ls --quiet 2>/dev/null; docker secret ls --quiet 2>/dev/null
docker network ls --format '{{.Name}}' | grep -vxE 'bridge|host|none'
ls -d /opt/rtcdn /etc/rtcdn /etc/docker/certs.d/* /etc/sysctl.d/*rtcdn* 2>/dev/null
grep rtcdn /etc/hosts; nft list tables | grep rtcdn
docker info --format '{{.Swarm.LocalNodeState}}' | grep -vx inactive
true
"""


class Event:
    """The lab's event in a file of its own, changed step by step as an operator would."""

    def __init__(self, path: Path, lab: str) -> None:
        self.path, self.lab = path, machines.find(lab)
        text = EVENT.read_text(encoding="utf-8").replace("198.18.42.", self.lab.address("eu1").removesuffix("11"))
        text = text.replace("/var/lib/rtcdn-lab/lab/", f"{machines.state(lab)}/").replace("event: lab", f"event: {lab}")
        self.write(text.replace("demo: true", "demo: false").replace(", speaker]", "]"))

    def write(self, text: str) -> None:
        """The file from now on."""
        self.text = text
        self.path.write_text(text, encoding="utf-8")

    def change(self, before: str, after: str) -> None:
        """Edit it in one place."""
        assert self.text.count(before) == 1, before
        self.write(self.text.replace(before, after))

    def run(self, verb: str, *words: str, ends: int = 0) -> str:
        """What ``bin/rtcdn verb`` prints of it."""
        done = subprocess.run(
            self.command(verb, *words), cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert done.returncode == ends, f"{verb}: {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def on(self, host: str, command: str) -> str:
        """Output of a command on a host."""
        return on(self.lab, host, command)

    def command(self, verb: str, *words: str) -> list[str]:
        """The words of ``bin/rtcdn verb``."""
        return [sys.executable, "-m", "ops", verb, *words]


def on(lab: Lab, host: str, command: str) -> str:
    """Output of a command on a host."""
    done = subprocess.run(
        [*machines.ssh(lab, host), command], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert done.returncode == 0, f"{host}: {command}: {done.stderr}"
    return done.stdout


def left(lab: Lab) -> dict[str, str]:
    """Host -> what is left of a deployment there; hosts where nothing is are not in it."""
    found = {}
    for host in lab.hosts:
        command = [*machines.ssh(lab, host), LEFT]
        looked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if looked.returncode or looked.stdout:
            found[host] = looked.stdout + looked.stderr
    return found
