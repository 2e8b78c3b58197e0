"""Text of a socket to requests, and answers and events to text. Reading never raises, whatever was sent."""

from __future__ import annotations

import re
from typing import Any, Union

import msgspec
from msgspec import Struct, inspect

from gateway.client.events import Problem
from gateway.client.requests import ALL, MAX_MESSAGE_BYTES, Request, RequestId

TYPES: dict[str, type[Request]] = {str(kind.__struct_config__.tag): kind for kind in ALL}
NAME_SHOWN = 40  # characters of an unknown type that are repeated
_STEP = re.compile(r"\.([^.\[]+)|\[(?:\d+|\.\.\.)\]")
_PATH = re.compile(r"(?:- at `\$([^`]*)`|- at `(key)` in `\$([^`]*)`)$")
_MISSING = re.compile(r"missing required field `([^`]*)`")
_ESCAPES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)


class _Id(Struct):
    """The number of a request of which nothing else need be right."""

    id: RequestId


class _Type(Struct):
    """Likewise its type."""

    type: str


class Unreadable(Struct, frozen=True):
    """What is no request: ``re`` is its number where it has one, ``problem`` what to answer."""

    re: int | None
    problem: Problem


_REQUEST: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[ALL])  # noqa: UP007  (a union made of a tuple)
_ID = msgspec.json.Decoder(_Id)
_TYPE = msgspec.json.Decoder(_Type)
_ENCODER = msgspec.json.Encoder()


def read(text: str | bytes) -> Request | Unreadable:
    """The request that ``text`` is, or why it is none: ``malformed``, ``unknown-request`` or ``bad-request``."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if len(data) > MAX_MESSAGE_BYTES:
        detail = f"the message has {len(data)} bytes, more than {MAX_MESSAGE_BYTES}"
        return Unreadable(None, problem("malformed", detail, "send smaller messages", status=413))
    if b"\\u" in data:  # half an emoji, as JavaScript cuts texts
        data = _ESCAPES.sub(lambda found: b"\\ufffd" if len(found[0]) == 6 else found[0], data)
    try:
        found = _REQUEST.decode(data)
    except (msgspec.ValidationError, OverflowError) as error:
        return _explain(data, str(error))
    except _UNREADABLE:
        return _malformed()
    assert isinstance(found, Request)
    return found


def write(message: Struct) -> str:
    """An answer or event as text. Half characters of other writers are replaced; nothing is refused."""
    try:
        return _ENCODER.encode(message).decode()
    except UnicodeEncodeError:
        return _ENCODER.encode(_whole(msgspec.to_builtins(message))).decode()


def problem(kind: str, detail: str, cure: str = "", field: str = "", *, status: int = 400) -> Problem:
    """The problem of a kind, titled as those of the HTTP face are."""
    title = kind.replace("-", " ").capitalize()
    return Problem(type=f"urn:rtcdn:problem:{kind}", title=title, status=status, detail=detail, cure=cure, field=field)


def describe(kind: inspect.Type) -> str:
    """A type in plain words, with its bounds: what to send."""
    match kind:
        case inspect.Metadata(type=inner):
            text = describe(inner)
        case inspect.StrType(min_length=least, max_length=most):
            text = "a text" + _bounds(least, most, "characters")
        case inspect.IntType(ge=low, le=high):
            text = "a whole number" + _range(low, high)
        case inspect.FloatType(ge=low, le=high):
            text = "a number" + _range(low, high)
        case inspect.BoolType():
            text = "true or false"
        case inspect.LiteralType(values=values):
            text = "one of " + ", ".join(str(value) or "(empty)" for value in values)
        case inspect.ListType(max_length=most):
            text = "a list" + _bounds(None, most, "items")
        case inspect.DictType(max_length=most):
            text = "an object" + _bounds(None, most, "names")
        case _:
            text = "an object"
    return text


def _malformed() -> Unreadable:
    detail = "the message is no JSON object in UTF-8, or nested too deeply"
    return Unreadable(None, problem("malformed", detail, "send one JSON object in each text message"))


def _explain(data: bytes, reason: str) -> Unreadable:
    """JSON that is no request: whose number, which field, and what it should be."""
    try:
        number = _ID.decode(data).id
    except msgspec.ValidationError:
        if not data.lstrip(b" \t\r\n").startswith(b"{"):
            return _malformed()
        detail = "id is missing or no whole number from 0 to 2^53"
        return Unreadable(None, problem("bad-request", detail, "number your requests, from 1", "id"))
    except _UNREADABLE:
        return _malformed()
    return Unreadable(number, _of_type(data, reason))


def _of_type(data: bytes, reason: str) -> Problem:
    """What is wrong with a request that has a number."""
    try:
        kind = _TYPE.decode(data).type
    except _UNREADABLE:
        return problem("bad-request", "type is missing or no text", "add type", "type")
    request = TYPES.get(kind)
    if request is None:
        detail = f"there is no request {kind[:NAME_SHOWN]!r}"
        return problem("unknown-request", detail, f"one of {', '.join(TYPES)}", "type")
    return _bad_field(request, reason)


def _bad_field(request: type[Request], reason: str) -> Problem:
    place = _PATH.search(reason)
    path = (place[1] or place[3] or "") if place else ""
    if missing := _MISSING.search(reason):
        path += f".{missing[1]}"
    kind = _follow(inspect.type_info(request), path)
    if place and place[2] and isinstance(kind, inspect.DictType):
        kind = kind.key_type
    field = path.removeprefix(".")
    wanted = describe(kind)
    if missing:
        return problem("bad-request", f"{field} is missing", f"add {field}: {wanted}", field)
    named = f"a name in {field}" if place and place[2] else field
    return problem("bad-request", f"{named} is not {wanted}", f"send {wanted}", field)


def _follow(kind: inspect.Type, path: str) -> inspect.Type:
    """The type at a path such as ``.videos[0].slot``."""
    for step in _STEP.finditer(path):
        while isinstance(kind, inspect.Metadata):
            kind = kind.type
        match kind:
            case inspect.StructType(fields=fields) if step[1]:
                kind = next((field.type for field in fields if field.encode_name == step[1]), kind)
            case inspect.ListType(item_type=inner) | inspect.DictType(value_type=inner):
                kind = inner
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _bounds(least: int | None, most: int | None, what: str) -> str:
    if most is None:
        return f" of at least {least} {what}" if least else ""
    return f" of {least} to {most} {what}" if least else f" of at most {most} {what}"


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f" from {low:g} to {high:g}" if abs(high) < 1e6 else f" from {low:g}"


def _whole(content: Any) -> Any:
    """Plain content with every text made writable."""
    if isinstance(content, str):
        return content.encode("utf-8", "replace").decode()
    if isinstance(content, dict):
        return {_whole(key): _whole(value) for key, value in content.items()}
    return [_whole(each) for each in content] if isinstance(content, list) else content
