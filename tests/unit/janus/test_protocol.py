"""The Janus API without I/O."""

from __future__ import annotations

import itertools
import json

import pytest

from rtcdn.errors import NodeRefused
from rtcdn.janus.protocol import Answer, Conversation, Event, Jsep, core_answer, plugin_answer


@pytest.fixture
def talk() -> Conversation:
    numbers = itertools.count(1)
    return Conversation(lambda: f"t{next(numbers)}")


def test_a_request_carries_its_transaction(talk: Conversation) -> None:
    """The text sent is the message with the transaction that its answer will bear."""
    transaction, text = talk.ask({"janus": "create"})
    assert json.loads(text) == {"janus": "create", "transaction": transaction}


def test_a_synchronous_request_is_answered_by_success(talk: Conversation) -> None:
    """Data of Janus itself is the inner ``data``."""
    talk.ask({"janus": "create"})
    assert talk.hear('{"janus":"success","transaction":"t1","data":{"id":7}}') == Answer("t1", {"id": 7})


def test_an_asynchronous_request_waits_past_its_ack(talk: Conversation) -> None:
    """The event of the same transaction answers, with its description."""
    talk.ask({"janus": "message"}, asynchronous=True)
    assert talk.hear('{"janus":"ack","transaction":"t1"}') is None
    event = {"janus": "event", "transaction": "t1", "plugindata": {"data": {"streaming": "event"}}}
    event["jsep"] = {"type": "offer", "sdp": "v=0"}
    assert talk.hear(json.dumps(event)) == Answer("t1", {"streaming": "event"}, Jsep("offer", "v=0"))


def test_a_keepalive_is_answered_by_its_ack(talk: Conversation) -> None:
    """A synchronous request takes an ack for an answer."""
    talk.ask({"janus": "keepalive"})
    heard = talk.hear('{"janus":"ack","transaction":"t1"}')
    assert isinstance(heard, Answer)
    assert heard.error is None


@pytest.mark.parametrize(
    "text",
    [
        '{"janus":"error","transaction":"t1","error":{"code":458,"reason":"No such session 1"}}',
        '{"janus":"event","transaction":"t1","plugindata":{"data":{"error_code":458,"error":"No such session 1"}}}',
    ],
)
def test_errors_of_janus_and_of_the_plugin_are_alike(talk: Conversation, text: str) -> None:
    """Both become a refusal with code and reason."""
    talk.ask({"janus": "message"}, asynchronous=True)
    heard = talk.hear(text)
    assert isinstance(heard, Answer)
    assert heard.error is not None
    assert (heard.error.code, heard.error.reason) == (458, "No such session 1")


def test_what_nobody_asked_for_is_an_event_of_its_handle(talk: Conversation) -> None:
    """Also a plugin event of another's transaction."""
    assert talk.hear('{"janus":"webrtcup","session_id":1,"sender":2}') == Event(
        "webrtcup", 1, 2, {"janus": "webrtcup", "session_id": 1, "sender": 2}
    )
    text = '{"janus":"event","session_id":1,"sender":2,"transaction":"x","plugindata":{"data":{"a":1}}}'
    assert talk.hear(text) == Event("event", 1, 2, {"a": 1})


@pytest.mark.parametrize("text", ["", "no json", "[]", "3", '{"janus":"ack","transaction":"old"}', b"\xff"])
def test_what_cannot_be_understood_is_nothing(talk: Conversation, text: str | bytes) -> None:
    """Bad text, late answers: nobody's attention."""
    assert talk.hear(text) is None


def test_an_answer_that_nobody_waits_for_any_more_is_nothing(talk: Conversation) -> None:
    """After its waiter gave up, or the connection broke."""
    talk.ask({"janus": "create"})
    talk.forget("t1")
    assert talk.hear('{"janus":"success","transaction":"t1"}') is None
    talk.ask({"janus": "create"})
    talk.ask({"janus": "create"})
    assert talk.lose() == ("t2", "t3")
    assert talk.lose() == ()


def test_a_description_does_not_show_in_logs() -> None:
    """The repr of an SDP holds no SDP."""
    assert "v=0" not in repr(Jsep("offer", "v=0"))


def test_readers_raise_refusals_and_pass_the_rest() -> None:
    """Alone, for callers without a conversation."""
    assert plugin_answer({"videoroom": "success"}) == {"videoroom": "success"}
    assert core_answer({"janus": "success"}) == {"janus": "success"}
    with pytest.raises(NodeRefused):
        plugin_answer({"error_code": 426, "error": "No such room"})
    with pytest.raises(NodeRefused):
        core_answer({"janus": "error", "error": {"code": 403, "reason": "no"}})
