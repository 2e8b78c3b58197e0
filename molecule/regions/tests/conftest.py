"""An operator's way into the deployment of the lab, and a session for people of every region."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from ops.client import Operator, find
from rtcdn.client import Session
from tests.support.regions import SESSION, crowd


@pytest.fixture(scope="session")
def lab() -> str:
    """Name of the lab, and of the deployment on it."""
    return os.environ["RTCDN_REGIONS_LAB"]


@pytest.fixture(scope="module")
def operator(lab: str) -> Iterator[Operator]:
    """As the commands have it."""
    with Operator(find(lab)) as found:
        yield found


@pytest.fixture(scope="module")
def session(operator: Operator) -> Iterator[str]:
    """A session for viewers of every region."""
    operator.call("PUT", f"/v1/sessions/{SESSION}", {"audience": {"eu": 20, "us": 20, "ap": 20}})
    yield SESSION
    operator.call("DELETE", f"/v1/sessions/{SESSION}")


@pytest.fixture
async def people(operator: Operator, session: str, lab: str) -> AsyncIterator[dict[str, Session]]:
    """Speakers on stage and a viewer in each region, by ``tests.support.regions``."""
    assert session
    async with crowd(operator, lab) as found:
        yield found
