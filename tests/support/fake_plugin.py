"""What the plugins of ``fake_janus`` have in common."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Reply:
    """What a handle's message gets: at once, or by an event."""

    data: Json
    asynchronous: bool = True
    jsep: Json | None = None


class Refused(Exception):
    """An error of the plugin."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.data = {"error_code": code, "error": reason}


@dataclass
class Context:
    """A room, mix or mountpoint."""

    id: str
    secret: str
    pin: str
    people: dict[str, Json] = field(default_factory=dict)
    forwarders: list[Json] = field(default_factory=list)
    media: list[Json] = field(default_factory=list)
    viewers: int = 0


class FakePlugin:
    """What the three have in common."""

    name = ""
    id_field = "room"
    none, exists, unauthorized = 0, 0, 0
    immediate: tuple[str, ...] = ()

    def __init__(self, admin_key: str, media_ip: str) -> None:
        self.admin_key, self.media_ip = admin_key, media_ip
        self.contexts: dict[str, Context] = {}
        self.ports = itertools.count(30000)
        self.numbers = itertools.count(1)

    def synchronous(self, body: Json) -> Json:
        """A request through the Admin API."""
        try:
            return self._do(body)
        except Refused as error:
            return {self.name: "event", **error.data}

    def message(self, body: Json, state: Json, jsep: Json | None) -> Reply:
        """A request of a handle, whose ``state`` it may change."""
        act = getattr(self, f"handle_{body['request']}", None)
        try:
            if act is None:
                return Reply(self._do(body), asynchronous=False)
            answer: Reply = act(body, state, jsep)
        except Refused as error:
            return Reply({self.name: "event", **error.data}, asynchronous=act is not None)
        return answer

    def left(self, state: Json) -> None:
        """The handle of ``state`` is gone."""
        context = self.contexts.get(state.get("room", ""))
        if context:
            context.people.pop(state.get("id", ""), None)

    def _do(self, body: Json) -> Json:
        act = getattr(self, f"do_{body['request']}", None)
        if act is None:
            raise Refused(self.none - 3, f"Unknown request '{body['request']}'")
        answer: Json = act(body)
        return {self.name: answer.pop("kind", "success"), **answer}

    def _context(self, body: Json, *, secret: bool = True) -> Context:
        context = self.contexts.get(body[self.id_field])
        if context is None:
            raise Refused(self.none, f"No such {self.id_field} ({body[self.id_field]})")
        if secret and body.get("secret") != context.secret:
            raise Refused(self.unauthorized, "Unauthorized (wrong secret)")
        return context

    def _admin(self, body: Json) -> None:
        if body.get("admin_key") != self.admin_key:
            raise Refused(self.unauthorized, "Unauthorized (wrong admin_key)")

    def do_create(self, body: Json) -> Json:
        self._admin(body)
        janus_id = body[self.id_field]
        if janus_id in self.contexts:
            raise Refused(self.exists, f"{janus_id} already exists")
        self.contexts[janus_id] = Context(janus_id, body.get("secret", ""), body.get("pin", ""))
        return {"kind": "created", self.id_field: janus_id}

    def do_destroy(self, body: Json) -> Json:
        del self.contexts[self._context(body).id]
        return {"kind": "destroyed"}

    def do_list(self, body: Json) -> Json:
        shown = self.contexts.values() if body.get("admin_key") == self.admin_key else ()
        return {"list": [{self.id_field: each.id, "num_participants": len(each.people)} for each in shown]}

    def do_listparticipants(self, body: Json) -> Json:
        context = self._context(body, secret=False)
        hidden = ("remotes",)
        people = [{"id": i, **{k: v for k, v in t.items() if k not in hidden}} for i, t in context.people.items()]
        return {"kind": "participants", "participants": people}

    def _kick(self, body: Json, unknown: int) -> Json:
        if self._context(body).people.pop(body["id"], None) is None:
            raise Refused(unknown, f"No such user {body['id']}")
        return {}
