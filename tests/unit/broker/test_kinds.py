"""Kinds of node that another package adds by the entry point ``rtcdn.wrappers``."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.core.wrappers import BUILT_IN_KINDS
from broker.watch import MapKeeper
from broker.wiring import _entries
from rtcdn import keys
from rtcdn.store.memory import MemoryStore
from rtcdn.store.port import put_many
from tests.support.engine import wait_for

CODE = """
from broker.core.wrappers import WrapperKind
SUBTITLES = WrapperKind("SUB", ("subtitles",), "")
"""


def test_a_package_that_is_installed_makes_its_kind_known_to_the_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the package's metadata to a node on the map that can be drained and shown."""
    (tmp_path / "subtitles_of_others.py").write_text(CODE)
    info = tmp_path / "subtitles_of_others-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: subtitles-of-others\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[rtcdn.wrappers]\nSUB = subtitles_of_others:SUBTITLES\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    kinds = {**BUILT_IN_KINDS, **_entries("rtcdn.wrappers")}
    assert kinds["SUB"].duties == ("subtitles",)

    store = MemoryStore()
    keeper = MapKeeper(store, kinds)
    keeper.start()
    try:
        details = {"ADDRESS": "192.0.2.9:80", "WEIGHT": "7", "REGION": "here", "LABELS": "{}", "PLUGIN": "{}"}
        texts = {keys.node_field("SUB", "sub1", name): text for name, text in details.items()}
        revision = put_many(store, {**texts, keys.node("sub1"): "SUB"})
        wait_for(lambda: keeper.current.revision >= revision, "the map has seen it")
        node = keeper.current.node("sub1")
        assert node is not None
        assert {key: node.to_dict()[key] for key in ("kind", "state", "weight")} == {
            "kind": "SUB",
            "state": "ready",
            "weight": 7.0,
        }
        assert keeper.current.unreadable == {}
    finally:
        keeper.close()
        store.close()
