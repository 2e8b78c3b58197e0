"""The desk and the plans: intent first, then acts; undone, resumed, decided again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broker.core.actions import CreateContext, Order, Step, StopLink, step_name
from broker.core.decisions import Decision, IntentChange
from broker.core.requests import Attach, CloseSession, OpenSession, SetRole
from broker.desk import Refused
from broker.plans import step_from_dict, step_to_dict
from rtcdn import keys
from rtcdn.errors import NodeAway, NotLeader, StoreAway
from rtcdn.model import Kind, Leg, ParticipantIntent, PlanRecord, Role, SessionIntent
from rtcdn.store.port import Commit, put_many
from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig

OPEN = OpenSession("demo", SessionIntent(audience={"here": 10}))
VIEW = Attach("demo", "vic", ("view",), rights=("view",), gateway="1", regions=("here",))


def test_the_intent_stands_before_anything_is_touched_and_the_plan_is_gone_afterwards(rig: Rig) -> None:
    """Commit, then act, wave by wave in ``PL:``: three contexts side by side, then the link between two of them."""
    seen: list[tuple[int, bool]] = []

    def look(step: Step) -> None:
        record = PlanRecord.from_json(rig.store.read("PL:demo").values["PL:demo"].text)
        assert record is not None
        seen.append((record.step, "SS:demo" in rig.keys("SS:")))
        assert step_name(step) in [each["step"] for each in record.steps][record.step :]

    rig.actor.before = look
    rig.desk.handle(OPEN)
    assert seen == [(0, True), (0, True), (0, True), (3, True)]
    assert not rig.keys("PL:")
    assert len(rig.actor.done) == 4


def test_every_step_survives_the_store(rig: Rig) -> None:
    """What another leader reads is what this one planned."""
    rig.desk.handle(OPEN)
    rig.desk.handle(CloseSession("demo"))
    for step in rig.actor.steps:
        assert step_from_dict(json.loads(json.dumps(step_to_dict(step)))) == step
    assert step_from_dict({"step": "never"}) is None


def test_an_open_that_a_node_does_not_answer_is_taken_back(rig: Rig) -> None:
    """All or nothing for who waits for it: no intent, no context is left, and the next try may succeed."""
    rig.actor.away = {"ab1"}
    with pytest.raises(NodeAway):
        rig.desk.handle(OPEN)
    assert not rig.keys("CX:") | rig.keys("SS:") | rig.keys("LK:") | rig.keys("PL:")
    assert rig.keeper.current.session("demo") is None
    made = {each.partition(" ")[2] for each in rig.actor.done if each.startswith("create_context")}
    gone = {each.partition(" ")[2] for each in rig.actor.done if each.startswith("destroy_context")}
    assert made == gone - {"demo/mix-ab1"}
    rig.actor.away = set()
    rig.desk.handle(OPEN)
    assert len(rig.keys("CX:")) == 3


def test_a_plan_left_in_the_middle_is_finished_from_its_step(rig: Rig) -> None:
    """As a new leader finds it."""
    decision = rig.desk.handle(OPEN)
    record = PlanRecord("d-old", 2, 1, tuple(step_to_dict(step) for step in decision.plan))
    rig.leadership.commit({keys.plan("demo"): record.to_json()})
    rig.actor.done.clear()
    rig.performer.finish("demo")
    assert rig.actor.done == [f"{step_name(step)} demo/{step.id}" for step in decision.plan[2:]]
    assert not rig.keys("PL:")
    rig.performer.finish("demo")


def test_steps_that_need_nothing_of_each_other_are_performed_side_by_side(rig: Rig) -> None:
    """Each waits until the others have begun; one that fails does not keep them."""
    together = threading.Barrier(3, timeout=10)

    def meet(step: Step) -> None:
        if isinstance(step, CreateContext):
            together.wait()

    rig.actor.before = meet
    rig.actor.away = {"ab1"}
    with pytest.raises(NodeAway):
        rig.desk.handle(OPEN)
    assert {each for each in rig.actor.done if each.startswith("create")} == {
        "create_context demo/stage-st1",
        "create_context demo/ingress-vr1",
    }


def test_waves_after_one_that_failed_are_performed_all_the_same(rig: Rig) -> None:
    """A close with a node that does not answer removes what is on the others."""
    rig.desk.handle(OPEN)
    rig.actor.done.clear()

    def refuse(step: Step) -> None:
        if isinstance(step, StopLink):
            raise NodeAway("not now")

    rig.actor.before = refuse
    rig.desk.handle(CloseSession("demo"))
    assert len([each for each in rig.actor.done if each.startswith("destroy_context")]) == 3


def test_a_leader_deposed_between_two_waves_touches_nothing_more(rig: Rig) -> None:
    """The number of the next wave's first step cannot be committed."""
    deposed = threading.Lock()

    def depose(step: Step) -> None:
        if deposed.acquire(blocking=False):
            rig.store.commit(_delete(keys.LEADER))
            rig.store.put(keys.LEADER, "another")

    rig.actor.before = depose
    with pytest.raises(NotLeader):
        rig.desk.handle(OPEN)
    assert len(rig.actor.done) == 3
    assert rig.keys("PL:") == {"PL:demo"}


def test_a_large_session_is_closed_with_a_small_record_of_its_plan(rig: Rig) -> None:
    """An order for everybody, but not in ``PL:``; the keys go in portions."""
    rig.desk.handle(OPEN)
    leg = Leg("view", Kind.ST, "st1", context="demo/stage-st1", state="up", generation=1, gateway="1")
    viewer = ParticipantIntent(gateway="1", legs=(leg,), generation=1).to_json()
    revision = put_many(rig.store, {keys.participant("demo", f"v{n}"): viewer for n in range(1000)})
    rig.keeper.wait_for(lambda vmap: vmap.revision >= revision, 10)
    sizes: list[int] = []

    def look(step: Step) -> None:
        record = rig.store.read("PL:demo").values.get("PL:demo")
        sizes.append(len(record.text) if record else 0)

    rig.actor.before = look
    rig.desk.handle(CloseSession("demo"))
    assert len([step for step in rig.actor.steps if isinstance(step, Order)]) == 1000
    assert max(sizes) < 10_000
    assert not rig.keys("PT:") | rig.keys("CX:") | rig.keys("SS:") | rig.keys("PL:")


def test_a_change_by_another_is_seen_and_decided_again(rig: Rig) -> None:
    """The map is behind the store when it decides: the commit conflicts, and the second decision fits."""
    rig.desk.handle(OPEN)
    rig.keeper._watch.close()
    wait_for(lambda: not rig.keeper._thread.is_alive(), "the watch has ended")
    behind = rig.keeper.current.session("demo")
    assert behind is not None
    change = IntentChange(keys.session("demo"), SessionIntent(audience={"here": 11}, opened_s=1.0))
    revision = rig.store.put(change.key, change.value or "")
    caught_up = []

    def catch_up(condition: object, timeout_s: float) -> bool:
        caught_up.append(True)
        rig.keeper.current = rig.keeper.current.apply([(change.key, change.value, revision)], 0.0)
        return True

    rig.keeper.wait_for = catch_up  # type: ignore[method-assign, assignment]
    rig.desk.handle(OpenSession("demo", SessionIntent(audience={"here": 500})))
    assert caught_up == [True]
    assert '"here":500' in rig.store.read("SS:").values["SS:demo"].text


def test_an_attach_is_answered_by_a_replica_that_does_not_lead_and_written_afterwards(rig: Rig, tmp_path: Path) -> None:
    """No commit, no leader."""
    rig.desk.handle(OPEN)
    follower = Rig(rig.store, tmp_path, "b2", stands=False)
    wait_for(lambda: follower.keeper.current.session("demo"), "the follower sees the session")
    decision = follower.desk.handle(VIEW)
    assert decision.grant is not None
    assert follower.keeper.current.session("demo").participants.get("vic") is not None  # type: ignore[union-attr]
    wait_for(lambda: rig.keys("PT:") == {"PT:demo:vic"}, "the key is written")
    with pytest.raises(NotLeader) as caught:
        follower.desk.handle(CloseSession("demo"))
    assert caught.value.leader_url == "https://b1.invalid"
    follower.close()


def test_attaches_while_the_store_is_away_are_written_when_it_is_back(rig: Rig) -> None:
    """The latest of each participant."""
    rig.desk.handle(OPEN)
    rig.store.go_away()
    wait_for(lambda: rig.keeper.away, "noticed")
    for _ in range(3):
        last = rig.desk.handle(VIEW)
    with pytest.raises(StoreAway):
        rig.desk.handle(CloseSession("demo"))
    assert rig.batches.waiting == 1
    rig.store.come_back()
    wait_for(lambda: rig.keys("PT:") == {"PT:demo:vic"}, "the key is written")
    assert last.grant is not None
    assert f'"generation":{last.grant.generation}' in rig.store.read("PT:").values["PT:demo:vic"].text


def test_a_refusal_says_why_and_touches_nothing(rig: Rig) -> None:
    """No audio bridge, no session."""
    rig.store.commit(_delete(keys.node("ab1")))
    wait_for(lambda: not rig.keeper.current.serving("ab1"), "the node is silent")
    with pytest.raises(Refused) as caught:
        rig.desk.handle(OPEN)
    assert caught.value.refusal.code == "no-capacity"
    assert not rig.actor.done
    assert not rig.keys("SS:")
    rig.present(ab1=Kind.AB)


def _delete(key: str) -> Commit:
    return Commit(deletes=(key,))


def test_attaches_of_a_batch_are_decided_one_on_the_map_of_the_other(rig: Rig) -> None:
    """Whoever comes twice is taken over, own grants count, and what cannot be is the answer to him alone."""
    rig.desk.handle(OPEN)
    wrong = replace(VIEW, participant="eve", want=("publish",))
    first, refused, again, *_ = outcomes = rig.desk.attach_each(
        [VIEW, wrong, VIEW, *(replace(VIEW, participant=f"v{n}") for n in range(5))]
    )
    assert isinstance(refused, Refused)
    assert isinstance(first, Decision)
    assert isinstance(again, Decision)
    assert first.grant
    assert again.grant
    assert (first.grant.generation, again.grant.generation) == (1, 2)
    assert len({each.id for each in outcomes if isinstance(each, Decision)}) == len(outcomes) - 1
    stage = rig.keeper.current.node(again.grant.legs[0].node)
    assert stage is not None
    assert stage.recent("demo") == len(outcomes) - 1
    assert all(rig.decisions.find(each.id) for each in outcomes if isinstance(each, Decision))
    wait_for(lambda: len(rig.keys("PT:")) == 6, "the keys are written")


def test_a_batch_that_needs_the_leader_leaves_nothing_on_a_follower(rig: Rig, tmp_path: Path) -> None:
    """It is passed on whole, and decided once."""
    rig.desk.handle(OPEN)
    rig.desk.handle(VIEW)
    follower = Rig(rig.store, tmp_path, "b2", stands=False)
    wait_for(lambda: rig.keys("PT:"), "the key is written")
    wait_for(lambda: (view := follower.keeper.current.session("demo")) and view.participants, "the follower sees it")
    batch = [replace(VIEW, participant="new"), replace(VIEW, gateway="2")]
    with pytest.raises(NotLeader):
        follower.desk.attach_each(batch)
    seen = follower.keeper.current.session("demo")
    assert seen is not None
    assert set(seen.participants) == {"vic"}
    assert follower.batches.waiting == 0
    assert all(isinstance(each, Decision) for each in rig.desk.attach_each(batch))
    follower.close()


def test_what_was_left_of_a_session_is_not_the_one_opened_since(rig: Rig) -> None:
    """Housekeeping saw the rest of a close that took its time, and waited for its turn while it was opened anew."""
    rig.desk.handle(OPEN)
    assert rig.desk.handle(CloseSession("demo", left=True)).changes == ()
    assert rig.keys("SS:") == {"SS:demo"}
    rig.leadership.commit(deletes=[keys.session("demo")])
    wait_for(lambda: rig.keeper.current.sessions["demo"].intent is None, "its own key is gone")
    rig.desk.handle(CloseSession("demo", left=True))
    assert not rig.keys("SS:") | rig.keys("CX:") | rig.keys("LK:")


@pytest.mark.parametrize(
    "text_of", [ParticipantIntent.to_json, lambda record: record.to_json().replace("{", '{"novel":1,', 1)]
)
def test_a_role_is_given_on_what_another_replica_reported_meanwhile(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, text_of: Callable[[ParticipantIntent], str]
) -> None:
    """His view comes up elsewhere while the leader decides, and our watch is slower than that: both stand, in the end.

    Another version may write the same in other words.
    """
    rig.desk.handle(OPEN)
    rig.desk.handle(VIEW)
    wait_for(lambda: not rig.keeper._ahead, "he is written")
    vic = keys.participant("demo", "vic")
    known = rig.keeper.current.sessions["demo"].participants["vic"]
    up = replace(known, legs=(replace(known.legs[0], state="up", handle=7),))
    decide, decided = rig.desk._decide, []

    def slow(*args: Any, **options: Any) -> Any:
        found = decide(*args, **options)
        if not decided:
            rig.store.put(vic, text_of(up))
        decided.append(found)
        return found

    monkeypatch.setattr(rig.desk, "_decide", slow)
    rig.desk.handle(SetRole("demo", "vic", Role.SPEAKER))
    stored = ParticipantIntent.from_json(rig.store.read(vic).values[vic].text)
    assert stored
    assert (stored.role, stored.legs) == (Role.SPEAKER, up.legs)
    assert len(decided) > 1
