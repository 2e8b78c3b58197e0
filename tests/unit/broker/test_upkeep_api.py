"""Warm-up and reorganise by the API: what is answered, and how a prober is asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from broker.api.app import create_app
from broker.api.context import Parts
from broker.core.requests import Reorganise
from broker.probing import Probing
from broker.settings import read
from rtcdn.errors import ConfigError
from rtcdn.janus.plugins import Srtp
from rtcdn.model import Capacity, Labels, MountpointMedia
from rtcdn.probe import ProbeAnswer, ProbeAsk
from rtcdn.store.port import put_many
from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig

SESSION = "/v1/sessions/demo"
PROBERS = {"here": ("https://prober.invalid",)}


@dataclass
class FakeClient:
    """A node whose stages have ports."""

    media_ip: str = "192.0.2.7"
    media: tuple[MountpointMedia, ...] = (MountpointMedia("v1", "video", 5004, 5005, 5006, 5007),)

    def stage_media(self, _: str) -> tuple[MountpointMedia, ...]:
        return self.media

    def stage_key(self, _: str, generation: int) -> Srtp | None:
        return Srtp(80, "key", generation) if generation else None


@dataclass
class FakeNodes:
    """Gives the same client for every node."""

    found: FakeClient = field(default_factory=FakeClient)

    def client(self, _vmap: Any, _node: str) -> FakeClient:
        return self.found


class Proving:
    """A rig whose prober answers as a test says; ``asked`` holds what it was asked."""

    def __init__(self, rig: Rig, answer: Callable[[ProbeAsk], httpx.Response], probers: Any = None) -> None:
        self.rig, self.asked = rig, list[ProbeAsk]()
        self.nodes = FakeNodes()

        def handle(request: httpx.Request) -> httpx.Response:
            ask = ProbeAsk.from_json(request.content.decode())
            assert ask is not None
            self.asked.append(ask)
            return answer(ask)

        known = PROBERS if probers is None else probers
        probing = Probing(known, None, self.nodes, httpx.MockTransport(handle))  # type: ignore[arg-type]
        parts: Parts = replace(rig.parts, probing=probing)
        self.app = create_app(parts, lambda error: None)  # type: ignore[arg-type, return-value]

    def post(self, path: str, body: Any = None) -> Any:
        """As an operator."""
        client = self.app.test_client()
        return client.post(path, json=body, headers=self.rig.operator())


def decoded(_: ProbeAsk) -> httpx.Response:
    return httpx.Response(200, text=ProbeAnswer(decoded=True, took_ms=300.0, width=320, height=176).to_json())


@pytest.fixture
def opened(rig: Rig) -> Rig:
    answer = rig.client().put(SESSION, json={"audience": {"here": 10}}, headers=rig.operator())
    assert answer.status_code == 201, answer.text
    return rig


def test_it_is_ready_when_every_stage_was_decoded(opened: Rig) -> None:
    """Each stage is listed with its time; nobody is on stage, so a clip is fed into the main slot's three ports."""
    proving = Proving(opened, decoded)
    answer = proving.post(f"{SESSION}/warmup", {"viewers": {"here": 500}})
    body = answer.get_json()
    assert (answer.status_code, body["ready"]) == (200, True)
    (row,) = body["stages"]
    assert row["ready_ms"] > 0
    assert {name: row[name] for name in ("region", "proof", "fed")} == {
        "region": "here",
        "proof": "decoded",
        "fed": True,
    }
    (ask,) = proving.asked
    assert (ask.slot, ask.feed_ip, ask.feed_ports) == ("v1", "192.0.2.7", (5004, 5005, 5006))
    assert (ask.leg.context, ask.leg.node) == (f"demo/{row['stage']}", row["node"])
    intent = opened.parts.keeper.current.sessions["demo"].intent
    assert intent is not None
    assert intent.warm == {"here": 500}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            lambda _: httpx.Response(200, text=ProbeAnswer(reason="no frame of slot v1").to_json()),
            "no frame of slot v1",
        ),
        (lambda _: httpx.Response(403, text="only a broker"), "answered 403: only a broker"),
        (lambda _: httpx.Response(200, text="{"), "answered 200"),
    ],
)
def test_it_is_not_ready_while_a_stage_is_not_proven_and_says_why(
    opened: Rig, answer: Callable[[ProbeAsk], httpx.Response], why: str
) -> None:
    """504, with the reason at the stage; the promise stands, so asking again proves again."""
    told = Proving(opened, answer).post(f"{SESSION}/warmup", {"viewers": {"here": 5}})
    assert (told.status_code, told.get_json()["ready"]) == (504, False)
    assert why in told.get_json()["stages"][0]["reason"]
    assert Proving(opened, decoded).post(f"{SESSION}/warmup", {"viewers": {"here": 5}}).status_code == 200


def test_a_prober_that_is_away_is_replaced_by_one_of_another_region(opened: Rig) -> None:
    """The proof is as good; and without any prober nothing is called ready."""

    def away_here(ask: ProbeAsk) -> httpx.Response:
        if len(proving.asked) == 1:
            raise httpx.ConnectError("refused")
        return decoded(ask)

    proving = Proving(opened, away_here, {"here": ("https://a.invalid",), "there": ("https://b.invalid",)})
    assert proving.post(f"{SESSION}/warmup", {"viewers": {"here": 5}}).status_code == 200
    told = Proving(opened, decoded, {}).post(f"{SESSION}/warmup", {"viewers": {"here": 5}})
    assert told.status_code == 504
    assert "no prober is configured" in told.get_json()["stages"][0]["reason"]


def test_a_mountpoint_that_is_not_there_is_no_proof(opened: Rig) -> None:
    """Nothing is fed nowhere."""
    proving = Proving(opened, decoded)
    proving.nodes.found = FakeClient(media=())
    told = proving.post(f"{SESSION}/warmup", {"viewers": {"here": 5}})
    assert told.status_code == 504
    assert "is not there" in told.get_json()["stages"][0]["reason"]
    assert proving.asked == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"viewers": {"moon": 5}}, 400, "viewers.moon"),
        ({"viewers": {"here": -5}}, 400, "viewers.here"),
        ({"viewers": {"here": 10_000_001}}, 400, "viewers.here"),
        ({"viewer": {}}, 400, "viewers"),
        ({"viewers": {}, "within_s": 60}, 400, "within_s"),
    ],
)
def test_bad_input_is_named_and_nothing_is_done(opened: Rig, body: Any, status: int, field: str) -> None:
    """The field, and nothing that should be is changed."""
    before = opened.keys("CX:") | opened.keys("LK:")
    answer = Proving(opened, decoded).post(f"{SESSION}/warmup", body)
    assert (answer.status_code, answer.get_json()["field"]) == (status, field)
    intent = opened.parts.keeper.current.sessions["demo"].intent
    assert intent is not None
    assert (intent.warm, opened.keys("CX:") | opened.keys("LK:")) == ({}, before)


def test_a_warm_up_of_no_session_is_not_found_and_taking_it_back_needs_no_proof(opened: Rig) -> None:
    """404; and {} is ready at once."""
    proving = Proving(opened, decoded)
    assert proving.post("/v1/sessions/none/warmup", {"viewers": {}}).status_code == 404
    proving.post(f"{SESSION}/warmup", {"viewers": {"here": 5}})
    answer = proving.post(f"{SESSION}/warmup", {"viewers": {}})
    assert (answer.status_code, answer.get_json()["stages"]) == (200, [])
    assert len(proving.asked) == 1


def test_a_failed_plan_takes_the_promise_back(opened: Rig) -> None:
    """Both egress nodes are needed and one does not answer: 503, and the intent is as it was."""
    narrow = {f"ST:{node}:LABELS": Labels(capacity=Capacity()).to_json() for node in ("st1", "st2")}
    revision = put_many(opened.store, narrow)
    wait_for(lambda: opened.keeper.current.revision >= revision, "the map shows how little they carry")
    stood = opened.keys("CX:demo:")
    opened.actor.away = {node for node in ("st1", "st2") if f"CX:demo:stage-{node}" not in stood}
    answer = Proving(opened, decoded).post(f"{SESSION}/warmup", {"viewers": {"here": 500}})
    intent = opened.parts.keeper.current.sessions["demo"].intent
    assert intent is not None
    assert (answer.status_code, intent.warm, opened.keys("CX:demo:")) == (503, {}, stood)
    opened.actor.away = set()
    assert len(Proving(opened, decoded).post(f"{SESSION}/warmup", {"viewers": {"here": 500}}).get_json()["stages"]) == 2


def test_reorganise_lists_sessions_in_which_something_would_be_done(opened: Rig) -> None:
    """A session with one stage is none; one alone answers with no steps; an unknown one is not found."""
    proving = Proving(opened, decoded)
    assert proving.post("/v1/reorganise?dry_run=1").get_json() == {"sessions": []}
    told = proving.post(f"{SESSION}/reorganise?dry_run=1").get_json()
    assert (told["steps"], told["contexts"], told["decision"]) == ([], [], "")
    assert proving.post("/v1/sessions/none/reorganise").status_code == 404
    assert opened.desk.handle(Reorganise("demo")).changes == ()


def test_probers_are_read_by_region_and_what_is_none_is_a_problem() -> None:
    """All problems at once."""
    with pytest.raises(ConfigError) as caught:
        read({"RTCDN_PROBERS": "eu=https://a:1,eu=https://b:2,us=http://c:3,x"})
    problems = json.dumps(caught.value.problems)
    assert "us=http://c:3" in problems
    assert "'x' is not" in problems
    assert "https://a:1" not in problems
