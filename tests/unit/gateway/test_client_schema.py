"""The JSON schema and the TypeScript types are what the messages are."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest

from gateway.client import events, schema
from gateway.client.requests import ALL, Layout, Offer, Wanted
from gateway.client.wire import TYPES


def fits(message: Any, name: str) -> bool:
    """Does a message fit the definition of that name?"""
    document = schema.document() | {"anyOf": [{"$ref": f"#/$defs/{name}"}]}
    return bool(jsonschema.Draft202012Validator(document).is_valid(message))


@pytest.mark.parametrize("path", schema.texts(), ids=lambda path: path.name)
def test_the_generated_files_are_up_to_date(path: Any) -> None:
    """Mend with: python -m gateway.client.schema."""
    assert schema.texts()[path] == path.read_text(encoding="utf-8")


def test_the_schema_is_one() -> None:
    """It is valid in its dialect, and knows each request, answer and event."""
    document = schema.document()
    jsonschema.Draft202012Validator.check_schema(document)
    names = {kind.__name__ for kind in (*ALL, *events.ANSWERS, *events.EVENTS)}
    assert names - set(document["$defs"]) == set()
    assert set(document["x-answers"]) == set(TYPES)


def test_the_schema_takes_what_the_gateway_takes() -> None:
    """Messages fit their own definition and no other's."""
    layout = msgspec.to_builtins(Layout(id=1, videos=[Wanted("v1", 960, 540)]))
    assert fits(layout, "Layout")
    assert not fits(layout, "Offer")
    assert not fits(layout | {"videos": [{"slot": "v1", "width": -1}]}, "Layout")
    assert fits(msgspec.to_builtins(Offer(id=1, sdp="v=0", sources={"0": "camera"})), "AnyRequest")
    assert not fits({"type": "offer", "id": 1}, "AnyRequest")
    sent = msgspec.to_builtins(events.Sent(re=1, n=2))
    assert fits(sent, "Sent")
    assert not fits(sent | {"ok": False}, "Sent")


def test_every_field_with_a_comment_carries_it_to_both() -> None:
    """What stands beside a field in the source is its documentation."""
    text = schema.texts()[schema.MESSAGES]
    assert "  /** decoded or encoded */\n  frames?: number;" in text
    properties = schema.document()["$defs"]["Person"]["properties"]
    assert properties["live"]["description"] == "heard, or could be: on stage"
