"""One replica that leads, with four nodes on its map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rtcdn.store.memory import MemoryStore
from tests.unit.broker.rig import Rig


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def rig(store: MemoryStore, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(store, tmp_path)
    made.present()
    yield made
    store.come_back()
    made.close()
