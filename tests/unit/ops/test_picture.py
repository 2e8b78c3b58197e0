"""Pictures of sessions: everything of a map is in them, whatever the map."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from broker.sim.world import World
from ops import map as shown
from ops.cli import main
from ops.picture import draw
from tests.unit.core.worlds import node, opened, speaks


def world() -> World:
    """A stage on two nodes and a speaker."""
    fakes = [node("vr1", "VR", "eu", 1), node("ab1", "AB", "eu", 2)]
    fakes += [node(f"st-{region}", "ST", region, 10 + n) for n, region in enumerate(("eu", "us"))]
    made = World(fakes)
    opened(made, eu=50, us=50)
    made.gateway("gw", "eu")
    speaks(made, "ada")
    return made


def test_every_context_and_link_is_in_the_picture() -> None:
    """It is well-formed, names every node in its region, and has a line per kind and pair."""
    vmap = world().vmap.to_dict()
    text = draw(json.loads(json.dumps(vmap)), "demo")
    root = ET.fromstring(text)
    words = [element.text or "" for element in root.iter() if element.tag.endswith("text")]
    view = vmap["sessions"]["demo"]
    assert {context["node"] for context in view["contexts"].values()} <= set(words)
    assert {"eu", "us"} <= set(words)
    kinds = [element.get("class") for element in root.iter() if element.tag.endswith("path") and len(element)]
    pairs = {(link["kind"], link["source"], link["target"]) for link in view["links"].values()}
    assert sorted(kind for kind in kinds if kind != "leg") == sorted(kind for kind, *_ in pairs)


def test_names_are_escaped() -> None:
    """A name with a bracket does not break the picture."""
    vmap = json.loads(json.dumps(world().vmap.to_dict()).replace('"st-us"', '"st<us&"'))
    assert "st<us&" in "".join(ET.fromstring(draw(vmap, "demo")).itertext())


def test_the_command_reads_a_saved_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text or picture; a session that is not there and a file that is no map are named."""
    saved, picture = tmp_path / "map.json", tmp_path / "demo.svg"
    saved.write_text(json.dumps(world().vmap.to_dict()), encoding="utf-8")
    assert main(["map", "demo", "--from", str(saved)]) == 0
    assert "mix-st-us" in capsys.readouterr().out
    assert main(["map", "demo", "--from", str(saved), "--svg", str(picture)]) == 0
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    capsys.readouterr()
    assert main(["map", "other", "--from", str(saved)]) == 1
    assert "other" in capsys.readouterr().err
    saved.write_text("{", encoding="utf-8")
    assert main(["map", "demo", "--from", str(saved)]) == 1
    assert str(saved) in capsys.readouterr().err
    assert shown.text(world().vmap.to_dict(), "demo").startswith("demo (archipelago)")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "is no map"),
        ("null", "is no map"),
        ('{"sessions": ["demo"], "nodes": {}}', "is no map"),
        ('{"sessions": {"demo": null}, "nodes": {}}', "cannot be shown"),
        ('{"sessions": {"demo": {}}, "nodes": {}}', "cannot be shown"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--svg", "picture.svg")])
def test_odd_maps_are_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    words: str,
    more: tuple[str, ...],
) -> None:
    """With the cure; no picture is begun."""
    saved = tmp_path / "map.json"
    saved.write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["map", "demo", "--from", str(saved), *more]) == 1
    told = capsys.readouterr().err
    assert words in told
    assert "GET /v1/map" in told
    assert told.count("\n") == 1
    assert not list(tmp_path.glob("*.svg"))


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a traceback."""
    saved, picture = tmp_path / "map.json", tmp_path / "none" / "demo.svg"
    saved.write_text(json.dumps(world().vmap.to_dict()), encoding="utf-8")
    assert main(["map", "demo", "--from", str(saved), "--svg", str(picture)]) == 1
    assert f"{picture}: " in capsys.readouterr().err
