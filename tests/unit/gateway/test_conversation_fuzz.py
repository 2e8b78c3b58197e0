"""Ten thousand messages, wild and half right, before and after the join: one answer each, nothing unauthorised."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from gateway.client import effects as fx
from gateway.client.effects import problem
from gateway.client.limits import IN_FLIGHT
from gateway.client.requests import ALL, Request
from gateway.client.wire import read
from rtcdn.model import Leg, StreamInfo
from tests.unit.gateway.talk import BOTH, CAMERA, RECEIVE, TOKENS, VOICE, Talk

MESSAGES = 12_000
TEXTS = [
    "",
    "bob",
    "eve",
    "demo",
    "viewer",
    "speaker",
    "v1",
    "r1",
    "s2",
    "v2",
    "x" * 3000,
    "\u202e\U0001f468",
    "\ud800",
]
TEXTS += [RECEIVE, VOICE, CAMERA, BOTH, "v=0", RECEIVE.replace("opus", "pcmu"), CAMERA * 4]
NUMBERS = [0, 1, -1, 2, 2**53, 2**70, 1e300, 0.5]
ODD = [None, [], {}, True, "nonsense", [[[]]], {"a": {"b": 1}}]
ALLOWED = {
    fx.SetRole: lambda role, effect: role == "moderator" or effect.participant == "bob",
    fx.Remove: lambda role, _: role == "moderator",
    fx.Tell: lambda role, _: role == "moderator",
    fx.Speak: lambda role, effect: role != "viewer" or not effect.on,
}


class Fuzz:
    """Makes messages, answers effects, and checks after each."""

    def __init__(self, token: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.token = token
        self.inside = 0  # messages of somebody who had joined
        self.fresh()

    def fresh(self) -> None:
        """Another socket of another participant."""
        self.talk = Talk(self.token)
        self.generation = 0

    def value(self, kind: inspect.Type) -> Any:
        """Something of a type, or nearly."""
        pick = self.random
        if pick.random() < 0.04:
            return pick.choice(ODD)
        match kind:
            case inspect.Metadata(type=inner):
                return self.value(inner)
            case inspect.StrType():
                return pick.choice(TEXTS + list(self.known()))
            case inspect.IntType() | inspect.FloatType():
                return pick.choice(NUMBERS)
            case inspect.BoolType():
                return pick.random() < 0.5
            case inspect.LiteralType(values=values):
                return pick.choice(values)
            case inspect.ListType(item_type=inner):
                return [self.value(inner) for _ in range(pick.choice((0, 1, 2, 70)))]
            case inspect.DictType(key_type=key, value_type=inner):
                return {str(self.value(key)): self.value(inner) for _ in range(pick.choice((0, 1, 3)))}
            case inspect.StructType(cls=cls):
                return {f.name: self.value(f.type) for f in msgspec.structs.fields(cls) if pick.random() < 0.8}
        return None

    def known(self) -> list[str]:
        """Connections that there are."""
        acting = self.talk.conversation.acting
        return list(acting.connections.all) if acting else []

    def message(self) -> bytes:
        """One message, most of them readable."""
        pick = self.random
        kind: type[Request] = pick.choice(ALL)
        fields = {field.name: field.type for field in inspect.type_info(kind).fields}  # type: ignore[union-attr]
        made = {name: self.value(of) for name, of in fields.items() if pick.random() < 0.8}
        made |= {"id": self.talk.number, "type": kind.__struct_config__.tag}
        if kind.__name__ in ("Join", "Resume") and pick.random() < 0.8:
            made |= {"session": "demo", "token": self.token, "version": 1}
        if pick.random() < 0.01:
            made.pop(pick.choice(("id", "type")))
        text = msgspec.json.encode(msgspec.json.decode(msgspec.json.encode(_sound(made))))
        return text[: pick.randrange(len(text))] if pick.random() < 0.005 else text

    def step(self) -> None:
        """One message, some effects answered, some news, some time."""
        talk, pick = self.talk, self.random
        talk.number += 1
        found = read(self.message())
        before = len([each for each in talk.said if "re" in each])
        self.inside += talk.conversation.member is not None
        talk.conversation.hear(found, talk.now_s)
        talk.collect()
        assert len([each for each in talk.said if "re" in each]) <= before + 1 + IN_FLIGHT
        self.check()
        for _ in range(pick.choice((0, 1, 1, 2, 4))):
            self.answer()
        self.news()
        talk.later(pick.choice((0.01, 0.05, 0.3, 3)))
        if talk.finished:
            self.close()

    def check(self) -> None:
        """No effect that the role does not allow; nothing grows without bound."""
        acting = self.talk.conversation.acting
        if acting:
            for effect in self.talk.effects:
                rule = ALLOWED.get(type(effect))
                if rule:
                    assert rule(acting.role, effect) or acting.over or self.demoted, effect
            assert len(acting.connections.all) <= 8
            assert len(acting.todo) <= IN_FLIGHT + 16
            assert all(len(each.kept) <= 64 for each in acting.connections.all.values())
            if acting.role == "viewer" and not self.demoted:
                assert not [c for c in acting.connections.all.values() if c.purpose == "send"]

    demoted = False  # effects of an earlier role may still wait

    def answer(self) -> None:
        """Answer one effect, well or not."""
        talk, pick = self.talk, self.random
        waiting = [each for each in talk.effects if getattr(each, "op", 0)]
        talk.effects = waiting
        if not waiting:
            return
        effect = pick.choice(waiting)
        talk.effects.remove(effect)
        outcome: Any = True
        if pick.random() < 0.15:
            outcome = problem(pick.choice((403, 404, 406, 409, 410, 503)), "bad-luck", "no")
        elif isinstance(effect, fx.Attach):
            outcome = talk.grant(*effect.want)
        elif isinstance(effect, fx.Open | fx.Renegotiate):
            outcome = fx.Opened("answer", (("audio", "0"), ("video", "1")), (StreamInfo(mid="0"),))
        elif isinstance(effect, fx.SayData):
            outcome = 7
        elif isinstance(effect, fx.PageOf | fx.Restore):
            outcome = problem(410, "resume-too-late", "late")
        todo = talk.conversation.todo if isinstance(effect, fx.Restore) else talk.member.todo
        todo.done(effect.op, outcome, talk.now_s)
        talk.collect()

    def news(self) -> None:
        """What comes by itself."""
        talk, pick = self.talk, self.random
        member = talk.conversation.member
        if member is None or pick.random() < 0.6:
            return
        connections = list(member.connections.all) or ["r1"]
        match pick.randrange(6):
            case 0:
                member.connections.came_up(pick.choice(connections), talk.now_s)
            case 1:
                member.connections.lost(pick.choice(connections), talk.now_s)
            case 2:
                self.generation = max(self.generation, talk.generation) + 1
                talk.generation = self.generation
                leg = Leg(pick.choice(("view", "talk")), generation=self.generation, slots=("v1",))
                member.ordered_move([leg], self.generation, talk.now_s)
            case 3 if self.token != "viewer":
                self.demoted = True
                member.ordered_role(pick.choice(("viewer", "speaker")), "", talk.now_s)
            case 4:
                member.told({"mute": True, "lower": True, "by": "chair"}, talk.now_s)
            case 5:
                member.talks(pick.choice(("bob", "link~voice-a")), on=pick.random() < 0.5)
        talk.collect()

    def close(self) -> None:
        """The socket is closed: what was not answered never is; then another one begins."""
        talk = self.talk
        for effect in [each for each in talk.effects if getattr(each, "op", 0)]:
            acting = talk.conversation.acting
            todo = talk.conversation.todo if isinstance(effect, fx.Restore) else acting.todo if acting else None
            if todo:
                todo.done(effect.op, problem(503, "x", "x"), talk.now_s)
        answered = [each["re"] for each in talk.said if "re" in each]
        assert len(answered) == len(set(answered)), "a request has two answers"
        talk.conversation.closed(talk.now_s)
        self.fresh()
        self.demoted = False


def _sound(content: Any) -> Any:
    """Texts that can be written as JSON at all."""
    if isinstance(content, str):
        return content.encode("utf-8", "replace").decode()
    if isinstance(content, dict):
        return {_sound(key): _sound(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_sound(each) for each in content]
    return content if not isinstance(content, int) or abs(content) < 2**63 else float(content)


@pytest.mark.parametrize("token", [name for name in TOKENS if name != "hall"])
def test_nothing_that_is_said_breaks_or_oversteps(token: str) -> None:
    """Whoever says it."""
    fuzz = Fuzz(token, seed=len(token))
    for _ in range(MESSAGES // (len(TOKENS) - 1) + 1):
        fuzz.step()
    assert fuzz.inside > MESSAGES / len(TOKENS) / 3


@pytest.mark.parametrize("seed", range(8))
def test_every_request_is_answered_once(seed: int) -> None:
    """A patient client: whatever it asks, after all effects were answered there is one answer each."""
    fuzz = Fuzz("speaker", seed)
    talk = fuzz.talk
    talk.join("view", "talk")
    asked = []
    for _ in range(300):
        talk.number += 1
        found = read(fuzz.message())
        number = found.id if isinstance(found, Request) else found.re
        if number != talk.number or isinstance(found, Request) and found.__struct_config__.tag == "leave":
            continue
        asked.append(number)
        talk.conversation.hear(found, talk.now_s)
        for _ in range(20):
            talk.collect()
            fuzz.answer()
        talk.now_s += 0.2
        assert talk.finished is None
    answered = [each["re"] for each in talk.said if "re" in each]
    assert sorted(answered[1:]) == asked
