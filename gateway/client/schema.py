"""The client API as a JSON schema and as TypeScript types, both from the messages themselves.

``python -m gateway.client.schema`` writes docs/client-api.schema.json and sdk/js/src/messages.ts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gateway.client import events, typescript
from gateway.client.comments import comments
from gateway.client.requests import ALL, MAX_DATA_BYTES, MAX_MESSAGE_BYTES, PROTOCOL, VERSION
from gateway.client.wire import TYPES

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "docs" / "client-api.schema.json"
MESSAGES = ROOT / "sdk" / "js" / "src" / "messages.ts"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PLAIN = events.Answer
ANSWER_TO: dict[str, type[events.Answer]] = dict.fromkeys(TYPES, PLAIN) | {
    "join": events.Joined,
    "resume": events.Joined,
    "offer": events.OfferAnswer,
    "publish": events.Published,
    "unpublish": events.Published,
    "participants": events.Page,
    "send": events.Sent,
}
"""What a request is answered with when it is done; ``Refused`` when it is not."""


def document() -> dict[str, Any]:
    """The JSON schema: any message there is, and ``$defs`` of each kind by its name."""
    everything: tuple[type[Struct], ...] = (*ALL, *events.ANSWERS, *events.EVENTS)
    _, found = msgspec.json.schema_components(everything, ref_template="#/$defs/{name}")
    definitions = {name: _commented(name, found[name]) for name in sorted(found)}
    for kind in events.ANSWERS:
        definitions[kind.__name__]["properties"]["ok"] = {"const": kind is not events.Refused}
        definitions[kind.__name__]["required"] = sorted({*definitions[kind.__name__]["required"], "ok"})
    return {
        "$schema": DIALECT,
        "$id": f"urn:rtcdn:client-api:{VERSION}",
        "title": "rtcdn client API",
        "description": f"Every message of the WebSocket protocol {PROTOCOL}; unknown fields are ignored by both sides.",
        "x-version": VERSION,
        "x-protocol": PROTOCOL,
        "x-limits": {"message_bytes": MAX_MESSAGE_BYTES, "data_bytes": MAX_DATA_BYTES},
        "x-answers": {name: kind.__name__ for name, kind in ANSWER_TO.items()},
        "anyOf": [{"$ref": f"#/$defs/Any{kind}"} for kind in ("Request", "Answer", "Event")],
        "$defs": {
            "AnyRequest": _any(ALL, "type"),
            "AnyAnswer": {"anyOf": [_reference(kind) for kind in events.ANSWERS]},
            "AnyEvent": _any(events.EVENTS, "event"),
            **definitions,
        },
    }


def texts() -> dict[Path, str]:
    """Every generated file and what it should be."""
    schema = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    return {SCHEMA: schema, MESSAGES: typescript.module(ANSWER_TO)}


def _commented(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    """A definition with the comments that stand beside its fields."""
    kind = getattr(events, name, None) or typescript.REQUEST_SIDE[name]
    for field, comment in comments(kind).items():
        prop = definition.get("properties", {}).get(field)
        if prop is not None and "description" not in prop:
            prop["description"] = comment
    return definition


def _any(kinds: tuple[type[Struct], ...], tag: str) -> dict[str, Any]:
    mapping = {str(kind.__struct_config__.tag): f"#/$defs/{kind.__name__}" for kind in kinds}
    discriminator = {"propertyName": tag, "mapping": mapping}
    return {"anyOf": [_reference(kind) for kind in kinds], "discriminator": discriminator}


def _reference(kind: type[Struct]) -> dict[str, str]:
    return {"$ref": f"#/$defs/{kind.__name__}"}


def main() -> int:
    """Write both files."""
    for path, text in texts().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
