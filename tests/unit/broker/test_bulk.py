"""Many at once: decided together, committed in portions, answered one by one."""

from __future__ import annotations

from typing import Any

import pytest

from broker.core.actions import Step
from broker.core.decisions import IntentChange
from rtcdn import keys
from rtcdn.errors import StoreConflict
from rtcdn.model import SessionIntent
from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig

SESSIONS = "/v1/sessions"


def open_many(rig: Rig, count: int, **body: Any) -> dict[str, Any]:
    """Answers by session."""
    asked = {"sessions": {f"s{number:03}": {"audience": {"here": 10}, **body} for number in range(count)}}
    answer = rig.client().post(SESSIONS, json=asked, headers=rig.operator())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()["answers"]
    return found


def close_many(rig: Rig, *names: str) -> dict[str, Any]:
    answer = rig.client().post(f"{SESSIONS}/close", json={"sessions": list(names)}, headers=rig.operator())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()["answers"]
    return found


def test_many_sessions_are_opened_and_closed_and_nothing_is_left(rig: Rig) -> None:
    """Sixty: more than one transaction holds; each is whole, and each is gone afterwards."""
    answers = open_many(rig, 60)
    assert list(answers) == [f"s{number:03}" for number in range(60)]
    assert all(set(answer) == {"decision", "remarks"} for answer in answers.values())
    assert len(rig.keys("SS:")) == 60
    assert len(rig.keys("CX:")) == 180
    assert rig.keys("PL:") == set()
    assert len(rig.actor.done) == 60 * 4
    assert rig.keeper.current.check() == []
    closed = close_many(rig, *answers, "never")
    assert closed.pop("never")["problem"]["type"].endswith("unknown-session")
    assert all("decision" in answer for answer in closed.values())
    assert not any(rig.keys(prefix) for prefix in ("SS:", "CX:", "LK:", "PL:"))


def test_each_sees_what_those_before_it_were_given(rig: Rig) -> None:
    """Two equal egress nodes: half of the stages on each, as when they are opened one by one."""
    open_many(rig, 20)
    hosting = {name: len(rig.keeper.current.nodes[name].hosting) for name in ("st1", "st2")}
    assert hosting == {"st1": 10, "st2": 10}


def test_one_that_is_wrong_does_not_touch_the_others(rig: Rig) -> None:
    """An unknown policy is one problem among answers."""
    asked = {"sessions": {"good": {}, "bad": {"policy": "none"}}}
    answers = rig.client().post(SESSIONS, json=asked, headers=rig.operator()).get_json()["answers"]
    assert answers["bad"]["problem"]["field"] == "policy"
    assert "decision" in answers["good"]
    assert rig.keys("SS:") == {keys.session("good")}


def test_one_that_a_node_does_not_take_is_taken_back_alone(rig: Rig) -> None:
    """The others stand; of it nothing is left."""

    def fail(step: Step) -> None:
        if step.session == "s001":
            rig.actor.away = {getattr(getattr(step, "after", None), "node", "")}
        else:
            rig.actor.away = set()

    rig.actor.before = fail
    sequence = open_one_by_one(rig)
    assert sequence["s001"]["problem"]["type"].endswith("node-away")
    assert [name for name, answer in sequence.items() if "decision" in answer] == ["s000", "s002"]
    assert {key.split(":")[1] for key in rig.keys("CX:") | rig.keys("SS:")} == {"s000", "s002"}
    assert rig.keys("PL:") == set()


def open_one_by_one(rig: Rig) -> dict[str, Any]:
    """Three, performed by one thread, so that a fault can be laid at one session's door."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("broker.bulk.AT_ONCE", 1)
        return open_many(rig, 3)


def test_a_portion_that_another_writer_came_before_is_decided_again(rig: Rig) -> None:
    """Another replica opened one of them meanwhile: all are there in the end."""
    commit, failed = rig.leadership.commit, []

    def conflicting(*args: Any, **kwargs: Any) -> int:
        if not failed:
            failed.append(True)
            rig.put_intent(IntentChange(keys.session("s001"), SessionIntent(audience={"here": 10})))
            wait_for(lambda: rig.keeper.current.session("s001"), "the map shows it")
            raise StoreConflict("changed by others")
        return commit(*args, **kwargs)

    rig.leadership.commit = conflicting  # type: ignore[method-assign]
    answers = open_many(rig, 3)
    assert all("decision" in answer for answer in answers.values())
    assert len(rig.keys("CX:")) == 9


def test_many_participants_are_admitted_by_one_call(rig: Rig) -> None:
    """Each gets a token of his own; who shares a link is not announced."""
    rig.client().put(f"{SESSIONS}/demo", json={}, headers=rig.operator())
    people: dict[str, Any] = {f"p{number}": {"role": "speaker"} for number in range(50)}
    people["crowd"] = {"shared": True}
    answer = (
        rig.client()
        .post(f"{SESSIONS}/demo/participants", json={"participants": people}, headers=rig.operator())
        .get_json()
    )
    assert answer["gateways"] == {"here": ["https://gw.invalid"]}
    assert list(answer["answers"]) == list(people)
    claims = rig.parts.verifier.verify(answer["answers"]["p7"]["token"], "demo")
    assert (claims.sub, claims.role) == ("p7", "speaker")
    assert len(rig.keeper.current.sessions["demo"].participants) == 50
    wait_for(lambda: len(rig.keys("PT:demo:")) == 50, "they are written")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SESSIONS, {"sessions": {}}),
        (SESSIONS, {"sessions": {"UPPER": {}}}),
        (SESSIONS, {"sessions": {"a": {"slots": 99}}}),
        (f"{SESSIONS}/close", {"sessions": []}),
        (f"{SESSIONS}/demo/participants", {"participants": {"x": {"shared": True, "role": "speaker"}}}),
    ],
)
def test_what_is_wrong_with_the_call_itself_is_refused_whole(rig: Rig, path: str, body: dict[str, Any]) -> None:
    """400, and nothing is done."""
    assert rig.client().post(path, json=body, headers=rig.operator()).status_code == 400
    assert not rig.keys("SS:")
