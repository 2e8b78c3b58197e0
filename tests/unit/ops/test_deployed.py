"""A deployment is found by its name or its event's file, with what it was applied with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops import deployed, target
from rtcdn.errors import ConfigError


def test_an_event_file_names_its_deployment(tmp_path: Path) -> None:
    """A name is one itself."""
    path = tmp_path / "file.yml"
    path.write_text("event: show\n", encoding="utf-8")
    assert [deployed.name_of(str(path)), deployed.name_of("fair")] == ["show", "fair"]
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read as an event"):
        deployed.name_of(str(path))


def test_the_inventories_of_the_apply_are_used(tmp_path: Path) -> None:
    """The base first, the event's own last; another one when it is named."""
    own, base = tmp_path / "show" / "inventory", tmp_path / "base"
    for folder in (own, base, tmp_path / "show" / "event"):
        folder.mkdir(parents=True)
    noted = {"inventories": [str(base), str(own), "/gone"]}
    (tmp_path / "show" / "event" / "applied.json").write_text(json.dumps(noted), encoding="utf-8")
    assert deployed.find("show", states=tmp_path).inventories == (str(base), str(own))
    assert deployed.find("show", str(base), states=tmp_path).inventories == (str(base),)
    with pytest.raises(ConfigError, match="--inventory mine: there is no such file or folder"):
        deployed.find("show", "mine", states=tmp_path)
    with pytest.raises(ConfigError, match="apply the event first"):
        deployed.find("fair", states=tmp_path)


def test_a_file_that_changed_since_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that did not is not."""
    monkeypatch.setattr(deployed, "STATES", tmp_path)
    path, folder = tmp_path / "show.yml", tmp_path / "show" / "event"
    path.write_text("event: show\n", encoding="utf-8")
    folder.mkdir(parents=True)
    noted = {"event": str(path), "digest": target.digest(path)}
    (folder / "applied.json").write_text(json.dumps(noted), encoding="utf-8")
    show = deployed.Deployed("show", ())
    assert deployed.remark(show) == ""
    path.write_text("event: show\nabout: other\n", encoding="utf-8")
    assert "has changed since it was applied" in deployed.remark(show)
