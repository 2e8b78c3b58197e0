"""A run of the playbooks that changes nothing, beside an empty pass over the same hosts: facts, and one ping a play.

The hosts are a lab's, six in three regions, brought up and deployed first (minutes; removed at the end); or those of
``RTCDN_BENCH_INVENTORY``, a deployment that runs (several inventories with commas). What is left of the ratio to be
won is in the playbooks; what the empty pass takes is Ansible's own and the way to the hosts.
"""

from __future__ import annotations

import io
import os
import resource
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ops import progress
from ops.lab import machines, plan
from ops.testing import images

SITE = progress.TREE / "ansible" / "site.yml"
LAB, NETWORK = "bench", "198.18.43.0/24"
STATE = Path("/var/lib/rtcdn") / LAB  # of its deployment, on this machine
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of a playbook."""

    took_s: float
    cpu_s: float  # of the controller: where the hosts are containers, theirs is not in it
    tasks: int
    changed: int


def run() -> list[dict[str, Any]]:
    """Rows: wall time, the controller's CPU, tasks."""
    given = [each for each in os.environ.get("RTCDN_BENCH_INVENTORY", "").split(",") if each]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "ansible.log"
        if given:
            return measure(given, log)
        with lab() as inventories:
            one_pass(SITE, inventories, log)
            return measure(inventories, log)


@contextmanager
def lab() -> Iterator[list[str]]:
    """Six hosts in three regions; their inventories."""
    machines.up(plan.new(LAB, NETWORK), images.ensure("test-host"), lambda line: print(line, flush=True))
    try:
        yield [str(progress.TREE / "inventories" / "lab"), str(machines.state(LAB) / "inventory.json")]
    finally:
        machines.down(LAB)
        shutil.rmtree(STATE, ignore_errors=True)


def measure(inventories: list[str], log: Path) -> list[dict[str, Any]]:
    """Both passes in turn, so that a busy minute meets both; medians."""
    empty = log.with_name("empty.yml")
    empty.write_text(yaml.safe_dump(empty_pass(SITE), sort_keys=False), encoding="utf-8")
    one_pass(SITE, inventories, log)  # what an earlier version deployed may have to change once
    ours, peers = [], []
    for _ in range(ROUNDS):
        peers.append(one_pass(empty, inventories, log))
        ours.append(one_pass(SITE, inventories, log))
    changes = sum(each.changed for each in ours)
    if changes:
        raise RuntimeError(f"a run that should change nothing changed {changes} things: {log.read_text()[-4000:]}")
    return [
        row("site.yml, nothing to change", "s", lambda each: each.took_s, ours, peers),
        row("the controller's CPU", "s", lambda each: each.cpu_s, ours, peers),
        row("tasks", "tasks", lambda each: each.tasks, ours, peers),
    ]


def row(name: str, unit: str, figure: Callable[[Pass], float], ours: list[Pass], peers: list[Pass]) -> dict[str, Any]:
    """One figure beside its peer's."""
    value, peer = (round(statistics.median(figure(each) for each in passes), 1) for passes in (ours, peers))
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "peer": "an empty pass",
        "peer_value": peer,
        "ratio": value / peer,
    }


def one_pass(playbook: Path, inventories: list[str], log: Path) -> Pass:
    """Run a playbook; raises RuntimeError with the end of its output when it fails."""
    before = cpu_s()
    done = progress.play(str(playbook), inventories, {}, log, io.StringIO())
    text = log.read_text(encoding="utf-8", errors="replace")
    if done.code:
        raise RuntimeError(f"{playbook.name} failed:\n{text[-4000:]}")
    tasks = sum(line.startswith(("TASK [", "RUNNING HANDLER [")) for line in text.splitlines())
    return Pass(done.took_s, cpu_s() - before, tasks, done.changed)


def cpu_s() -> float:
    """What the processes that this one has started and awaited have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def empty_pass(playbook: Path) -> list[dict[str, Any]]:
    """The plays of a playbook and of those that it imports, with the same hosts and facts: one ping each."""
    found = []
    for play in yaml.safe_load(playbook.read_text(encoding="utf-8")):
        imported = play.get("ansible.builtin.import_playbook")
        if imported:
            found += empty_pass(playbook.parent / imported)
            continue
        kept = {key: play[key] for key in ("name", "hosts", "gather_facts", "serial") if key in play}
        found.append({**kept, "tasks": [{"name": "Ping", "ansible.builtin.ping": {}}]})
    return found
