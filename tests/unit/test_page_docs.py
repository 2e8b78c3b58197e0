"""docs/client-api.md names every parameter of a link to the page, and every field of ``window.rtcdn``."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "sdk" / "js" / "page"
TEXT = (ROOT / "docs" / "client-api.md").read_text(encoding="utf-8")
SECTION = TEXT.split("## The page\n")[1].split("\n## ")[0]
NAMED = set(re.findall(r"`([a-zA-Z]+)(?:\(\w*\))?`", SECTION))


def test_parameters_of_a_link() -> None:
    """Each parameter that the page reads has a row, and no other."""
    source = (PAGE / "link.ts").read_text(encoding="utf-8")
    read = set(re.findall(r"parts\.get\('(\w+)'\)", source))
    assert read == set(re.findall(r"^\| `(\w+)` \|", SECTION, re.MULTILINE))


def test_fields_for_tests() -> None:
    """Each field of `window.rtcdn` is named."""
    source = (PAGE / "window.ts").read_text(encoding="utf-8").split("interface Watched {")[1].split("\n}")[0]
    fields = set(re.findall(r"^  (?:readonly )?(\w+)[:(]", source, re.MULTILINE))
    assert len(fields) > 10
    assert fields - NAMED == set()


def test_keys() -> None:
    """Each shortcut is named."""
    keys = re.findall(r"\{key: '(.)'", (PAGE / "keys.ts").read_text(encoding="utf-8"))
    assert keys
    assert [key for key in keys if f"`{key}`" not in SECTION] == []
