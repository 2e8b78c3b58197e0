"""A backup is whole, of the deployment that is meant, and for its owner alone; anything else is refused."""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import tarfile
from pathlib import Path

import pytest

from ops import backup, restore
from rtcdn.errors import ConfigError


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "show"
    for inside, text in (
        ("pki/ca.key", "key"),
        ("secrets/turn.json", "{}"),
        ("journal.log", "x"),
        ("etcd.snapshot", "s"),
    ):
        path = folder / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
    return folder


@pytest.fixture
def taken(tmp_path: Path, state: Path) -> Path:
    target = tmp_path / "show.backup"
    backup.write(target, "show", state, 5.0)
    return target


def test_what_is_backed_up_comes_back(tmp_path: Path, taken: Path) -> None:
    """Content and modes; the journal of the controller is none of it."""
    manifest, files = backup.read(taken, "show")
    assert (manifest["taken_s"], sorted(files)) == (5.0, ["etcd.snapshot", "pki/ca.key", "secrets/turn.json"])
    restore.put_back(tmp_path / "anew", files)
    key = tmp_path / "anew" / "pki" / "ca.key"
    assert (key.read_text(encoding="utf-8"), key.stat().st_mode & 0o777) == ("key", 0o600)


def test_it_is_for_its_owner_alone(taken: Path) -> None:
    """It holds every secret."""
    assert taken.stat().st_mode & 0o777 == 0o600


def test_another_deployments_backup_is_refused(taken: Path) -> None:
    """By name."""
    with pytest.raises(ConfigError, match="is of the deployment 'show', not of 'fair'"):
        backup.read(taken, "fair")


def changed(taken: Path, change: dict[str, bytes]) -> Path:
    """The backup with members replaced or added."""
    with tarfile.open(taken, "r:gz") as archive:
        files = {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]
    with tarfile.open(taken, "w:gz") as archive:
        for name, content in (files | change).items():
            head = tarfile.TarInfo(name)
            head.size = len(content)
            archive.addfile(head, io.BytesIO(content))
    return taken


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pki/ca.key": b"other"}, "pki/ca.key differ from what was backed up"),
        ({"pki/more.key": b""}, "pki/more.key differ"),
        ({"../escaped": b""}, "does not belong into a backup"),
        ({"/etc/passwd": b""}, "does not belong into a backup"),
        ({backup.MANIFEST: b'{"form": 9, "deployment": "show", "files": {}}'}, "has form 9"),
        ({backup.MANIFEST: b"[]"}, "cannot be read as a backup"),
    ],
)
def test_what_is_not_whole_is_refused(taken: Path, change: dict[str, bytes], said: str) -> None:
    """Each with the file named."""
    with pytest.raises(ConfigError, match=said):
        backup.read(changed(taken, change), "show")


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    """Another file, a file that was cut off, none at all."""
    other = tmp_path / "other"
    other.write_text("hello", encoding="utf-8")
    for path in (other, tmp_path / "none"):
        with pytest.raises(ConfigError, match="cannot be read as a backup"):
            backup.read(path, "show")


def test_a_backup_that_was_cut_off_is_refused(taken: Path) -> None:
    """In the middle of the file."""
    taken.write_bytes(taken.read_bytes()[:-40])
    with pytest.raises(ConfigError, match="cannot be read as a backup"):
        backup.read(taken, "show")


def test_no_damage_to_a_file_escapes_the_check(tmp_path: Path, state: Path) -> None:
    """Whatever byte was hit: it is refused in words, or was of no consequence."""
    (state / "pki" / "ca.crt").write_bytes(bytes(range(256)) * 20 + random.Random(1).randbytes(2000))
    taken = tmp_path / "show.backup"
    backup.write(taken, "show", state, 5.0)
    whole = taken.read_bytes()
    for position in range(0, len(whole), 5):
        taken.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        with contextlib.suppress(ConfigError):
            assert backup.read(taken, "show")[1]["etcd.snapshot"][0] == b"s"


def test_a_restore_asks_where_somebody_can_answer(tmp_path: Path, taken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it names --yes, and changes nothing."""
    monkeypatch.setattr(restore, "STATES", tmp_path / "states")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    args = argparse.Namespace(event="show", file=taken, only="", inventory="", yes=False)
    with pytest.raises(ConfigError, match="answer with --yes"):
        restore.run(args)
    assert not (tmp_path / "states").exists()
