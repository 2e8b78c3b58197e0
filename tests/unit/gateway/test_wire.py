"""Reading what clients send: nothing raises, and each problem names its request and the cure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.client import wire
from gateway.client.events import Data, Muted, Problem, Refused
from gateway.client.requests import ALL, MAX_MESSAGE_BYTES, Join, Layout, Ping, Quality, Request, Send, Wanted
from gateway.client.wire import Unreadable

ARBITRARY = 3400  # messages of each of three kinds
QUIET = settings(max_examples=ARBITRARY, deadline=None, suppress_health_check=list(HealthCheck), database=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
VALUES = JSON | st.sampled_from([0, -1, 2**53, 2**53 + 1, 2**70, 1e308, "", "x" * 200, [], {}, [[]], None, True])


def valid(kind: type[Request]) -> dict[str, Any]:
    """The smallest request of a kind that is right, as a plain object."""
    wanted = {"session": "demo", "token": "t", "participant": "p", "key": "k" * 20, "sdp": "v=0", "data": "d"}
    wanted |= {"connection": "c1", "sources": {"0": "camera"}, "videos": [{"slot": "v1"}]}
    names = {field.name for field in msgspec.structs.fields(kind)}
    return {"type": kind.__struct_config__.tag, "id": 7} | {k: v for k, v in wanted.items() if k in names}


def check(text: str | bytes) -> Request | Unreadable:
    """Read; whatever comes must be a request or say what to answer, and can be answered."""
    found = wire.read(text)
    if isinstance(found, Unreadable):
        kind = found.problem.type.removeprefix("urn:rtcdn:problem:")
        assert kind in ("malformed", "bad-request", "unknown-request")
        assert found.problem.detail
        assert found.problem.cure
        assert len(found.problem.detail) < 300
        json.loads(wire.write(Refused(re=found.re or 0, problem=found.problem)))
    else:
        assert isinstance(found, ALL)
        assert isinstance(wire.read(wire.write(found)), type(found))
    return found


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: str(kind.__struct_config__.tag))
def test_every_request_is_read(kind: type[Request]) -> None:
    """From its smallest form, with what is unknown ignored."""
    found = check(json.dumps(valid(kind) | {"colour": [1, {"deep": None}], "re": "x"}))
    assert isinstance(found, kind)
    assert found.id == 7


@pytest.mark.parametrize(
    ("message", "field", "told"),
    [
        ({"type": "join", "id": 7, "session": "s"}, "token", "add token: a text of 1 to 8192 characters"),
        ({"type": "join", "id": 7, "session": "", "token": "t"}, "session", "send a text of 1 to 96 characters"),
        ({"type": "quality", "id": 7, "limit": "best"}, "limit", "send one of audio, auto, high, low, medium"),
        ({"type": "mute", "id": 7, "on": 1}, "on", "send true or false"),
        ({"type": "layout", "id": 7, "videos": [{}]}, "videos[0].slot", "add videos[0].slot: a text of at most 8"),
        (
            {"type": "layout", "id": 7, "videos": [{"slot": "v1", "width": 10**6}]},
            "videos[0].width",
            "send a whole number from 0 to 16384",
        ),
        ({"type": "layout", "id": 7, "videos": [{"slot": "v1"}] * 33}, "videos", "send a list of at most 32 items"),
        ({"type": "send", "id": 7, "data": "x" * 16385}, "data", "send a text of at most 16384 characters"),
        ({"type": "participants", "id": 7, "limit": 1.5}, "limit", "send a whole number from 1 to 200"),
        ({"id": 7}, "type", "add type"),
        ({"id": 7, "type": 3}, "type", "add type"),
    ],
)
def test_a_wrong_field_is_named_with_the_cure(message: dict[str, Any], field: str, told: str) -> None:
    """So that a client's author knows what to send."""
    found = check(json.dumps(message))
    assert isinstance(found, Unreadable)
    assert (found.re, found.problem.type, found.problem.field) == (7, "urn:rtcdn:problem:bad-request", field)
    assert found.problem.cure.startswith(told)


@pytest.mark.parametrize("number", ["-1", "1.5", "true", '"1"', "null", "1e999", "9" * 400, "[1]"])
def test_a_number_that_is_none_is_told_without_one(number: str) -> None:
    """There is nothing that the answer could refer to."""
    found = check(f'{{"type":"ping","id":{number}}}')
    assert isinstance(found, Unreadable)
    assert (found.re, found.problem.field) == (None, "id")


def test_an_unknown_request_is_answered_by_its_number() -> None:
    """A newer client learns that this gateway is older, by name."""
    found = check('{"type":"dance","id":9,"with":"me"}')
    assert isinstance(found, Unreadable)
    assert (found.re, found.problem.type) == (9, "urn:rtcdn:problem:unknown-request")
    assert "'dance'" in found.problem.detail


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "3", '"ping"', "null", '{"id":NaN}', '{"id":1}x', "\x00", "{" * 9999, "\ud800", b"\xff\xfe"),
        '{"type":"ping","id":1,"x":' + "[" * 30000 + "]" * 30000 + "}",
        b'{"type":"ping","id":1,"x":"\xff"',
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_no_message_is_malformed(text: str | bytes) -> None:
    """Not JSON, no object, no UTF-8, too deep."""
    found = check(text)
    assert isinstance(found, Unreadable)
    assert (found.re, found.problem.type) == (None, "urn:rtcdn:problem:malformed")


def test_a_message_that_is_too_large_is_not_read() -> None:
    """Measured in bytes of UTF-8."""
    text = json.dumps({"type": "ping", "id": 1, "x": "é" * MAX_MESSAGE_BYTES}, ensure_ascii=False)
    found = check(text)
    assert isinstance(found, Unreadable)
    assert found.problem.status == 413
    assert isinstance(check('{"type":"ping","id":1,"x":"' + "x" * (MAX_MESSAGE_BYTES - 30) + '"}'), Ping)


@pytest.mark.parametrize("name", ["ж" * 128, "\u202eevil\u202c", "👩‍👩‍👧‍👦", "a\u0000\u0007\n\u2028b", "", "\u200b"])
def test_any_script_survives_both_ways(name: str) -> None:
    """Names come out as they went in: right to left, emoji, control characters."""
    found = check(json.dumps({"type": "join", "id": 1, "session": "s", "token": "t", "name": name}))
    assert isinstance(found, Join)
    assert found.name == name
    assert json.loads(wire.write(Data(n=1, sender="p", name=found.name)))["name"] == name


def test_half_an_emoji_is_replaced() -> None:
    """JavaScript cuts texts in the middle of a character; the rest of the message is still read."""
    found = check('{"type":"send","id":1,"data":"\\\\ud83d \\ud83d\\ude00 \\ud83d \\ude00\\ud83d"}')
    assert isinstance(found, Send)
    assert found.data == "\\ud83d 😀 \ufffd \ufffd\ufffd"
    assert json.loads(wire.write(Muted(on=True, by="a\ud83d")))["by"] == "a?"


def test_the_last_of_two_equal_fields_counts() -> None:
    """As in browsers; a type told twice differently is refused or read, never both."""
    found = check('{"type":"quality","id":1,"limit":"low","id":2,"limit":"high"}')
    assert found == Quality(id=2, limit="high")
    check('{"type":"ping","id":1,"type":"leave"}')


def test_what_a_client_writes_is_what_is_read() -> None:
    """Both directions use the same names."""
    layout = Layout(id=3, videos=[Wanted("v1", 960, 540), Wanted("s1")])
    assert check(wire.write(layout)) == layout
    refused = Refused(re=3, problem=wire.problem("bad-request", "why", "mend", "f"))
    document = {"type": "urn:rtcdn:problem:bad-request", "title": "Bad request", "status": 400}
    document |= {"detail": "why", "cure": "mend", "field": "f"}
    assert json.loads(wire.write(refused)) == {"re": 3, "ok": False, "problem": document}
    assert msgspec.convert(document, Problem) == refused.problem


@contextmanager
def counted(least: int) -> Iterator[list[int]]:
    """Fail when fewer examples than stated were really tried."""
    tried = [0]
    yield tried
    assert tried[0] >= least


def test_arbitrary_messages_are_survived() -> None:
    """At least 10,000 in a run: any bytes, any JSON, and right requests with parts of them changed."""
    with counted(3 * ARBITRARY) as tried:
        bytes_survive(tried)
        json_survives(tried)
        mutations_survive(tried)


def bytes_survive(tried: list[int]) -> None:
    @QUIET
    @given(st.binary(max_size=200) | st.text(st.characters(), max_size=200))
    def each(text: str | bytes) -> None:
        tried[0] += 1
        check(text)

    each()


def json_survives(tried: list[int]) -> None:
    @QUIET
    @given(JSON, st.sampled_from(["type", "id", "x"]), VALUES)
    def each(content: Any, name: str, value: Any) -> None:
        tried[0] += 1
        message = content | {name: value} if isinstance(content, dict) else content
        check(json.dumps(message))

    each()


def mutations_survive(tried: list[int]) -> None:
    @QUIET
    @given(st.sampled_from(ALL), st.data())
    def each(kind: type[Request], data: st.DataObject) -> None:
        tried[0] += 1
        message = valid(kind)
        names = [field.name for field in msgspec.structs.fields(kind)] + ["type", "y"]
        message |= data.draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=3))
        if data.draw(st.booleans()):
            message.pop(data.draw(st.sampled_from(sorted(message))))
        text = json.dumps(message)
        cut = data.draw(st.integers(0, len(text)) | st.none())
        check(text if cut is None else text[:cut] + data.draw(st.text(max_size=3)) + text[cut + 1 :])

    each()
