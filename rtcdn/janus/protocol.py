"""The Janus API without I/O: requests with transactions, and what comes back.

A synchronous request is answered ``success``; an asynchronous one ``ack`` and later ``event`` with the same
transaction. Anything else that arrives belongs to a handle or a janus_session and is an ``Event``.
Source: janus.conf.meetecho.com/docs/rest.html, and measured on 1.4.1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rtcdn.errors import NodeRefused

Json = dict[str, Any]

NO_SUCH_SESSION = 458
NO_SUCH_HANDLE = 459


@dataclass(frozen=True, slots=True)
class Jsep:
    """A session description: ``offer`` or ``answer``."""

    type: str
    sdp: str = field(repr=False)

    def to_dict(self) -> Json:
        """As Janus wants it."""
        return {"type": self.type, "sdp": self.sdp}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got: ``data`` of Janus or of the plugin, maybe a description; or an error."""

    transaction: str
    data: Json
    jsep: Jsep | None = None
    error: NodeRefused | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was not asked for.

    ``kind`` as Janus names it: ``event`` (of the plugin, in ``data``), ``webrtcup``, ``media``, ``slowlink``,
    ``hangup``, ``detached``, ``timeout`` (of a janus_session, no handle); also ``lost``, made by the client when a
    janus_session could not be claimed after a reconnect.
    """

    kind: str
    janus_session: int
    handle: int
    data: Json
    jsep: Jsep | None = None


def plugin_answer(data: Mapping[str, Any]) -> Json:
    """Data of a plugin, or ``NodeRefused`` when it is an error."""
    code = data.get("error_code")
    if isinstance(code, int):
        raise NodeRefused(code, str(data.get("error", "")))
    return dict(data)


def core_answer(message: Mapping[str, Any]) -> Json:
    """A message of Janus itself, or ``NodeRefused`` when it is an error."""
    error = message.get("error")
    if message.get("janus") == "error" and isinstance(error, dict):
        raise NodeRefused(int(error.get("code", 0)), str(error.get("reason", "")))
    return dict(message)


def read_jsep(message: Mapping[str, Any]) -> Jsep | None:
    """The description in a message, if there is one."""
    jsep = message.get("jsep")
    if isinstance(jsep, dict) and isinstance(jsep.get("sdp"), str):
        return Jsep(str(jsep.get("type", "")), jsep["sdp"])
    return None


def plugin_data(message: Mapping[str, Any]) -> Json | None:
    """Data of the plugin inside a message, errors included; None when it has none."""
    outer = message.get("plugindata")
    data = outer.get("data") if isinstance(outer, dict) else None
    return data if isinstance(data, dict) else None


class Conversation:
    """One connection's requests and what they wait for. No I/O: text goes in, ``Answer`` or ``Event`` comes out."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        """``new_id`` makes transaction ids that nobody can guess."""
        self._new_id = new_id
        self._waiting: dict[str, bool] = {}

    def ask(self, message: Mapping[str, Any], asynchronous: bool = False) -> tuple[str, str]:
        """``(transaction, text to send)``; an ``asynchronous`` request is answered by its event, not by its ack."""
        transaction = self._new_id()
        self._waiting[transaction] = asynchronous
        return transaction, json.dumps({**message, "transaction": transaction})

    def forget(self, transaction: str) -> None:
        """Nobody waits for this answer any more."""
        self._waiting.pop(transaction, None)

    def lose(self) -> tuple[str, ...]:
        """The connection broke: forget everything, and say which transactions will never be answered."""
        lost = tuple(self._waiting)
        self._waiting.clear()
        return lost

    def hear(self, text: str | bytes) -> Answer | Event | None:
        """What a received text means; None when it needs nobody's attention. Never raises on what was received."""
        try:
            message = json.loads(text)
        except ValueError:
            return None
        if not isinstance(message, dict):
            return None
        transaction, kind = message.get("transaction"), message.get("janus")
        if isinstance(transaction, str) and transaction in self._waiting:
            if kind == "ack" and self._waiting[transaction]:
                return None
            del self._waiting[transaction]
            return _answer(transaction, message)
        if kind in ("ack", "success", "error"):
            return None
        return _event(str(kind), message)


def _answer(transaction: str, message: Json) -> Answer:
    data, jsep = plugin_data(message), read_jsep(message)
    try:
        if data is not None:
            return Answer(transaction, plugin_answer(data), jsep)
        core = core_answer(message)
    except NodeRefused as refused:
        return Answer(transaction, {}, jsep, refused)
    inner = core.get("data")
    return Answer(transaction, inner if isinstance(inner, dict) else core, jsep)


def _event(kind: str, message: Json) -> Event:
    data = plugin_data(message)
    return Event(
        kind=kind,
        janus_session=_int(message.get("session_id")),
        handle=_int(message.get("sender")),
        data=message if data is None else data,
        jsep=read_jsep(message),
    )


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
