"""One deployment for the whole suite, brought up once; files run in the order of their numbers."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aioice.ice
import pytest

from tests.support import hosts, site
from tests.support.browser import Browser
from tests.support.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / ".cache" / "testing" / "pictures"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these need an engine; the first of them waits for a deployment from nothing."""
    for item in items:
        item.add_marker(pytest.mark.real)
        item.add_marker(pytest.mark.timeout(site.UP_LIMIT_S + 600 if item is items[0] else 600))


@pytest.fixture(scope="session")
def net() -> Iterator[str]:
    """The network of the suite; clients on it stand for the outside."""
    if there := os.environ.get("RTCDN_TEST_SITE"):
        yield hosts.Host(there).network
        return
    name = f"rtcdn-e2e-{os.environ.get('RTCDN_TEST_RUN', '1')}"
    with hosts.network(name) as made:
        yield made


@pytest.fixture(scope="session")
def deployment(net: str) -> Iterator[site.Site]:
    """What ``up`` makes of a bare host without systemd; ``RTCDN_TEST_SITE`` names one that is there already."""
    if there := os.environ.get("RTCDN_TEST_SITE"):
        yield site.Site(hosts.Host(there))
        return
    made = site.start(f"{net}-site", net)
    try:
        made.up()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session", autouse=True)
def one_way(deployment: site.Site) -> Iterator[None]:
    """Clients offer the address by which this machine reaches the deployment, and no other.

    Left to itself aioice offers every bridge of the machine and may settle on one that goes with another run's network:
    the picture then stands still until ICE gives up, 30 s later, whatever the deployment does.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((deployment.host.address, 9))
        address = probe.getsockname()[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [address])
        yield


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium."""
    with Engine() as engine:
        async with Browser(engine) as made:
            yield made


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Folder of screenshots; its path is printed at the end."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the pictures are."""
    if any(PICTURES.glob("*.png")):
        terminalreporter.write_line(f"pictures: {PICTURES}")
