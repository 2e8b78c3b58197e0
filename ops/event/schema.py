"""What the schema says against a file, each problem in one line with its cure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ops.event.source import Key, Source

FILE = Path(__file__).with_name("schema.json")
TYPES = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
         "boolean": "true or false"}  # fmt: skip
# Words that people bring along from elsewhere, or that are not built yet.
KNOWN_AS = {
    "name": "event", "id": "event", "description": "about", "title": "about", "codecs": "codec",
    "bitrate": "bitrate_kbps", "server": "directory", "mail": "email", "contact": "email",
    "lat_lon": "place", "coordinates": "place", "location": "place", "duration": "length", "concurrent": "at_once",
    "parallel": "at_once", "images": "versions", "shares": "regions", "currencies": "currency", "max_hosts": "hosts",
    "public_ip": "public", "private_ip": "private", "ansible_host": "ssh", "ansible_user": "user", "roles": "duties",
}  # fmt: skip
LATER = {"recordings": "recordings are not part of this release", "chat": "chat is the application's own",
         "slides": "slides are the application's own"}  # fmt: skip
SECRET = ("password", "passwd", "secret", "token", "private_key", "api_key", "credential", "passphrase")


@cache
def validator() -> Draft202012Validator:
    """Of ``schema.json``."""
    return Draft202012Validator(json.loads(FILE.read_text(encoding="utf-8")))


def problems(source: Source) -> list[str]:
    """Every problem, in the order of the file."""
    found = [(source.line(key), source.say(key, text)) for key, text in _found(source.content)]
    return [text for _, text in sorted(dict.fromkeys(found))]


def _found(content: dict[str, Any]) -> Iterator[tuple[Key, str]]:
    for error in validator().iter_errors(content):
        key: Key = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown(key, error)
        elif error.validator == "required":
            lacking = [each for each in error.validator_value if each not in error.instance]
            yield from ((key, f"lacks `{each}`: {_about(error.schema, each)}") for each in lacking)
        elif "propertyNames" in error.absolute_schema_path:
            yield (*key, str(error.instance)), _name(error)
        else:
            yield key, _text(error)


def _unknown(key: Key, error: ValidationError) -> Iterator[tuple[Key, str]]:
    known = error.schema.get("properties", {})
    for each in error.instance:
        if each in known:
            continue
        own = (*key, each)
        if any(word in each.lower() for word in SECRET):
            yield own, "a secret does not belong into an event file: the deployment makes its own, see docs/events.md"
        elif key == ("features",) and each in LATER:
            yield own, f"is not available: {LATER[each]}; remove it"
        else:
            meant = KNOWN_AS.get(each, "")
            near = [meant] if meant in known else difflib.get_close_matches(each, known, 1)
            yield own, f"is not known: did you mean {near[0]}?" if near else f"is not known: use {', '.join(known)}"


def _about(schema: dict[str, Any], name: str) -> str:
    told = str(schema.get("properties", {}).get(name, {}).get("description", "add it"))
    return told[0].lower() + told[1:].rstrip(".")


def _name(error: ValidationError) -> str:
    if error.validator == "enum":
        near = difflib.get_close_matches(str(error.instance), error.validator_value, 1)
        return f"is not known: did you mean {near[0]}?" if near else f"is not known: use {_list(error)}"
    return f"is no name: {error.schema.get('cure', 'use another')}"


def _list(error: ValidationError) -> str:
    return ", ".join(str(each) for each in error.validator_value)


def _text(error: ValidationError) -> str:
    shown = json.dumps(error.instance, ensure_ascii=False)
    shown = shown if len(shown) < 60 else f"{shown[:57]}..."
    cure = error.schema.get("cure")
    if error.validator == "type":
        wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        return f"is {shown}: write {' or '.join(TYPES[each] for each in wanted)}" if not cure else f"is {shown}: {cure}"
    if error.validator == "enum":
        near = difflib.get_close_matches(str(error.instance), [str(each) for each in error.validator_value], 1)
        return f"is {shown}: " + (cure or (f"did you mean {near[0]}?" if near else f"use {_list(error)}"))
    if error.validator in ("minItems", "minProperties") and not error.instance:
        return f"is empty: {cure or 'say at least one'}"
    if error.validator == "uniqueItems":
        return f"is {shown}: name each once"
    return f"is {shown}: {cure or error.message}"
