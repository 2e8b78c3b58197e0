"""up: what was chosen is kept; steps are shown; the tools are made anew only when needed."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ops import bootstrap, cli, collections, up
from ops.progress import Screen, clock

ROOT = Path(__file__).resolve().parents[3]


def test_choices_outlive_the_run(tmp_path: Path) -> None:
    """The next run without options does the same."""
    kept = tmp_path / "state" / "choices.json"
    first = up.choices("192.0.2.7", ["nginx=9443"], kept, up.tables())
    up.keep(first, kept)
    assert up.choices(None, [], kept, up.tables()) == first
    assert first["rtcdn_public_address"] == "192.0.2.7"
    assert first["rtcdn_ports"]["nginx"] == 9443
    assert "rtcdn_nodes" not in first


def test_a_port_can_be_given_back(tmp_path: Path) -> None:
    """The inventory's own port is no choice."""
    kept = tmp_path / "choices.json"
    up.keep(up.choices("192.0.2.7", ["nginx=9443"], kept, up.tables()), kept)
    assert up.choices(None, ["nginx=8443"], kept, up.tables()) == {"rtcdn_public_address": "192.0.2.7"}


def test_a_step_is_one_line() -> None:
    """Number, name, time, changes; a long one shows life."""
    out = io.StringIO()
    screen = Screen(out, live=False)
    for at_s, event in (
        (0, {"event": "start", "plays": 2}),
        (1, {"event": "play", "name": "Prepare"}),
        (2, {"event": "task", "name": "Install"}),
        (3, {"event": "changed"}),
        (70, {"event": "play", "name": "Deploy"}),
        (71, {"event": "task", "name": "Look"}),
        (75, {"event": "end", "changed": 1, "failed": 0}),
    ):
        screen.on_event(event, at_s)
        if at_s == 3:
            screen.tick(30)
    assert [line.replace(".", "").split() for line in out.getvalue().splitlines()] == [
        ["0:29", "Install"],
        ["[", "1/", "2]", "Prepare", "1:09", "1", "changed"],
        ["[", "2/", "2]", "Deploy", "0:05", "ok"],
    ]


def test_the_clock_shows_minutes() -> None:
    """``m:ss``."""
    assert [clock(0), clock(59.9), clock(600)] == [" 0:00", " 0:59", "10:00"]


@pytest.mark.parametrize("name", bootstrap.INPUTS)
def test_every_input_changes_the_fingerprint(tmp_path: Path, name: str) -> None:
    """A new pin, a new collection, a new way: the environment is made again."""
    for each in bootstrap.INPUTS:
        (tmp_path / each).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / each, tmp_path / each)
    before = bootstrap.fingerprint(tmp_path)
    (tmp_path / name).write_text("other")
    assert bootstrap.fingerprint(tmp_path) != before


def test_collections_are_taken_out_of_the_wheel(tmp_path: Path) -> None:
    """Wanted ones, without their tests; versions are read back."""
    manifest = json.dumps({"collection_info": {"namespace": "a", "name": "b", "version": "1.2.3"}})
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as wheel:
        for member in ("a/b/MANIFEST.json", "a/b/tests/x.py", "a/b/plugins/p.py", "a/c/plugins/p.py"):
            wheel.writestr(f"ansible_collections/{member}", manifest)
    collections.unpack(tmp_path / "w.whl", tmp_path, {"a.b"})
    files = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.suffix in (".py", ".json"))
    assert files == ["ansible_collections/a/b/MANIFEST.json", "ansible_collections/a/b/plugins/p.py"]
    assert collections.installed(tmp_path) == {"a.b": "1.2.3"}


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is a module of its own with arguments."""
    with pytest.raises(SystemExit) as ended:
        cli.build_parser(verb).parse_args([verb, "--help"])
    assert ended.value.code == 0
    assert cli.VERBS[verb] in " ".join(capsys.readouterr().out.split())


def test_only_the_asked_verb_is_imported() -> None:
    """``rtcdn logs`` must not pay for what ``rtcdn bench`` needs."""
    code = (
        "import sys; from ops import cli; cli.build_parser('down'); print([m for m in sys.modules if m == 'ops.bench'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
