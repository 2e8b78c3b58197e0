"""Fixtures of the store's contract: memory and a real etcd, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rtcdn.store.port import Store
from tests.support.etcd import EtcdServer, running_etcd
from tests.support.stores import EtcdRig, Followed, MemoryRig, Rig


@pytest.fixture(scope="module")
def etcd_server() -> Iterator[EtcdServer]:
    with running_etcd() as started:
        yield started


@pytest.fixture(params=["memory", pytest.param("etcd", marks=pytest.mark.real)])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    made: Rig
    if request.param == "memory":
        made = MemoryRig()
    else:
        made = EtcdRig(request.getfixturevalue("etcd_server"), f"{request.node.name}/")
    yield made
    made.store.close()


@pytest.fixture
def store(rig: Rig) -> Store:
    return rig.store


@pytest.fixture
def follow(store: Store) -> Iterator[Callable[[str], Followed]]:
    made: list[Followed] = []

    def start(prefix: str = "") -> Followed:
        made.append(Followed(store.watch(prefix)))
        return made[-1]

    yield start
    for each in made:
        each.close()
