"""A CDN of real parts per module of tests that ask for one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.integration.gateway_world import nodes, world  # noqa: F401  (fixtures of the gateway's tests)
from tests.integration.socket_world import hall, trio  # noqa: F401
from tests.support.cdn import Cdn, running_cdn


@pytest.fixture(scope="module")
def cdn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdn]:
    """etcd, four Janus nodes with collectors, two brokers, two gateways."""
    with running_cdn(tmp_path_factory.mktemp("cdn"), brokers=2, gateways=2) as running:
        yield running


@pytest.fixture
def http(cdn: Cdn) -> Iterator[httpx.Client]:
    """An operator's client."""
    with cdn.api() as client:
        yield client
