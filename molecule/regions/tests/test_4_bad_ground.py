"""Blank hosts that are not fit, or die while an event comes to them: it is said which and what cures it; it goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from ops.lab import machines
from ops.testing.hosts import docker
from tests.support.lab_event import LIMIT_S, ROOT, Event, left

pytestmark = pytest.mark.timeout(3 * LIMIT_S)
VICTIM = "ap2"
STEPS = ("Make the deployment's own certificates and keys", "Join the hosts to one swarm")
DISK = "/var/lib/docker"


@pytest.fixture(scope="module")
def event(tmp_path_factory: pytest.TempPathFactory, lab: str) -> Iterator[Event]:
    """On the hosts that the test before left blank; blank again afterwards."""
    made = Event(tmp_path_factory.mktemp("event") / "event.yml", lab)
    yield made
    made.run("destroy", str(made.path), "--yes")


def refused(event: Event, lab: str) -> str:
    """What apply says while it refuses; it has changed nothing."""
    said = event.run("apply", str(event.path), "--yes", ends=1)
    assert "Nothing was changed" in said
    assert left(machines.find(lab)) == {}
    return said


def test_no_route_between_two_regions(event: Event, lab: str) -> None:
    """Every pair of hosts that cannot meet is named; nothing is changed."""
    event.run("lab", "--name", lab, "wan", "us-ap=cut")
    try:
        said = refused(event, lab)
    finally:
        event.run("lab", "--name", lab, "wan", "us-ap=mend")
    for one, other in (("us1", "ap1"), ("us2", "ap2"), ("ap1", "us2"), ("ap2", "us1")):
        assert f"{one}: does not reach {other} at" in said
    assert "eu1: does not reach" not in said


def test_a_full_disk(event: Event, lab: str) -> None:
    """The host and its folder are named; nothing is changed."""
    event.on(VICTIM, f"mount -t tmpfs -o size=300m tmpfs {DISK}")
    try:
        said = refused(event, lab)
    finally:
        event.on(VICTIM, f"umount {DISK}")
    assert f"{VICTIM}: 300 MB are free for {DISK}" in said


def test_a_host_dies_in_the_middle(event: Event, lab: str) -> None:
    """It is named with the cure; when it is back the same command goes on, past where it stopped."""
    container = machines.find(lab).container(VICTIM)
    for step in STEPS:  # the second is past where the first ended
        said = killed_after(step, event, container)
        assert f"No answer from {VICTIM}: mend it, or take it out of the event; then apply again, it goes on." in said
        event.run("lab", "--name", lab, "up")


def test_what_was_begun_can_be_taken_away(event: Event, lab: str) -> None:
    """An event that never ran leaves no more behind than one that did."""
    event.run("destroy", str(event.path), "--yes")
    assert left(machines.find(lab)) == {}


def killed_after(step: str, event: Event, container: str) -> str:
    """What apply says when a host is killed as soon as a step is done."""
    command = event.command("apply", str(event.path), "--yes")
    said = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            if f"] {step} " in line:  # printed when it is over
                docker("kill", container)
        assert process.wait(LIMIT_S) == 1
    return "".join(said)
