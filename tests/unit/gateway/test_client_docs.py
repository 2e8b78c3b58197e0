"""docs/client-api.md names every message and field there is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gateway.client import conversation, identity
from gateway.client.events import EVENTS
from gateway.client.requests import ALL

TEXT = (Path(__file__).parents[3] / "docs" / "client-api.md").read_text(encoding="utf-8")
ROWS = {line.split("|")[1].strip(): line for line in TEXT.splitlines() if line.startswith("| `")}


@pytest.mark.parametrize("kind", [*ALL, *EVENTS], ids=lambda kind: kind.__name__)
def test_a_message_is_in_its_table_with_all_its_fields(kind: type[msgspec.Struct]) -> None:
    """In the row of its name."""
    tag = f"`{kind.__struct_config__.tag}`"
    rows = [row for name, row in ROWS.items() if tag in name.split(", ")]
    assert rows, f"{tag} is not in the tables"
    missing = [f.name for f in msgspec.structs.fields(kind) if f.name != "id" and not any(f.name in r for r in rows)]
    assert missing == []


def test_every_close_code_is_listed() -> None:
    """With what to do."""
    codes = {conversation.FIRST, conversation.SLOW, conversation.BAD, conversation.TOKEN, conversation.LATE}
    codes |= {conversation.FLOOD, identity.OVER, identity.TAKEN_OVER, identity.RESTART}
    assert [code for code in codes if f"| {code} |" not in TEXT] == []
