"""The long way between hosts of a lab, on real devices."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Iterator

import pytest

from ops.lab import machines, plan
from ops.testing import hosts

pytestmark = pytest.mark.real
NETWORK = "198.18.77.0/24"


@pytest.fixture(scope="module")
def lab() -> Iterator[plan.Lab]:
    """Two hosts in eu, one in us."""
    os.environ.setdefault("RTCDN_TEST_RUN", "1")
    made = plan.new(f"wan-{uuid.uuid4().hex[:6]}", NETWORK, ["eu1", "eu2", "us1"])
    try:
        machines.up(made, hosts.SYSTEMD, print)
        yield made
    finally:
        machines.down(made.name)


def round_trip_ms(lab: plan.Lab, host: str, other: str) -> float | None:
    """The shortest of five; None when nothing came back."""
    container = hosts.Host(lab.container(host))
    words = ("ping", "-q", "-c", "5", "-i", "0.2", "-W", "1", lab.address(other))
    if not container.succeeds(*words):
        return None
    found = re.search(r"= ([\d.]+)/", container.run(*words))
    assert found
    return float(found[1])


def test_a_region_is_as_far_away_as_it_was_set(lab: plan.Lab) -> None:
    """And a host of one's own region is near."""
    near, far = round_trip_ms(lab, "eu1", "eu2"), round_trip_ms(lab, "eu1", "us1")
    assert near is not None
    assert far is not None
    assert near < 10
    assert 90 <= far < 120


def test_ways_change_while_hosts_run(lab: plan.Lab) -> None:
    """Longer, cut, mended; the own region stays near."""
    machines.apply_ways(plan.with_ways(lab, ["eu-us=150ms"]))
    longer = round_trip_ms(lab, "us1", "eu1")
    assert longer is not None
    assert 300 <= longer < 340
    machines.apply_ways(plan.with_ways(lab, ["eu-us=cut"]))
    assert round_trip_ms(lab, "us1", "eu1") is None
    assert round_trip_ms(lab, "eu1", "eu2") is not None
    machines.apply_ways(lab)
    assert round_trip_ms(lab, "us1", "eu1") is not None


def test_a_host_that_starts_again_is_as_it_was(lab: plan.Lab) -> None:
    """Reached by ssh, with the ways that it had."""
    container = hosts.Host(lab.container("us1"))
    hosts.docker("restart", container.name)
    hosts.await_boot(container)
    done = subprocess.run([*machines.ssh(lab, "us1"), "hostname"], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("us1", "")
    again = round_trip_ms(lab, "us1", "eu1")
    assert again is not None
    assert again >= 90
