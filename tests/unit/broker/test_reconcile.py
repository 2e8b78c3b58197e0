"""The leader's loop: what is missing is made, what fails is left alone for a while, what was left is finished."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from broker.core.actions import Step
from broker.core.policy.registry import Registry
from broker.core.requests import OpenSession
from broker.plans import step_to_dict
from broker.reconcile import Patience, Reconciler
from rtcdn import keys
from rtcdn.errors import NotLeader
from rtcdn.model import PlanRecord, SessionIntent
from rtcdn.store.port import Commit
from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig

LATER_S = 60.0  # by then every report must have shown what was made


@pytest.fixture
def reconciler(rig: Rig) -> Iterator[Reconciler]:
    made = Reconciler(
        keeper=rig.keeper,
        leadership=rig.leadership,
        desk=rig.desk,
        performer=rig.performer,
        registry=Registry(),
        now_s=lambda: time.time() + LATER_S,
    )
    yield made
    made.close()


def made_contexts(rig: Rig) -> list[str]:
    return sorted(each for each in rig.actor.done if each.startswith("create_context"))


def test_what_nodes_do_not_report_is_made_again(rig: Rig, reconciler: Reconciler) -> None:
    """A Janus restarted: its report is empty, the intent is not."""
    rig.desk.handle(OpenSession("demo", SessionIntent()))
    first = made_contexts(rig)
    rig.actor.done.clear()
    reconciler.turn()
    assert made_contexts(rig) == first
    assert reconciler.repairs >= 3


def test_what_fails_is_left_alone_for_a_while(rig: Rig, reconciler: Reconciler) -> None:
    """And the rest is mended nevertheless."""
    rig.desk.handle(OpenSession("demo", SessionIntent()))
    rig.actor.done.clear()
    rig.actor.away = {"ab1"}
    reconciler.turn()
    assert made_contexts(rig) == ["create_context demo/ingress-vr1", f"create_context demo/{stage(rig)}"]
    rig.actor.away, rig.actor.done = set(), []
    reconciler.turn()
    assert "create_context demo/mix-ab1" not in rig.actor.done


def test_a_surprise_in_one_session_holds_up_no_other(rig: Rig, reconciler: Reconciler) -> None:
    """Neither its repairs, nor a plan of it that was left; it is tried again later."""
    for session in ("bad", "good"):
        decision = rig.desk.handle(OpenSession(session, SessionIntent()))
    wait_for(lambda: not any(view.plan for view in rig.keeper.current.sessions.values()), "no plan is left")

    def fail(step: Step) -> None:
        if step.session == "bad":
            raise KeyError("surprise")

    rig.actor.before = fail
    rig.actor.done.clear()
    reconciler.turn()
    assert {name.split()[1].split("/")[0] for name in made_contexts(rig)} == {"good"}
    bad = PlanRecord("d-old", 0, 1, tuple(step_to_dict(replace(step, session="bad")) for step in decision.plan))
    rig.leadership.commit({keys.plan("bad"): bad.to_json()})
    wait_for(lambda: rig.keeper.current.sessions["bad"].plan, "the map shows it")
    reconciler.turn()
    assert reconciler.turns == 2


def stage(rig: Rig) -> str:
    return next(key.split(":")[2] for key in rig.keys("CX:") if "stage" in key)


def test_patience_doubles_up_to_its_limit_and_ends_with_success() -> None:
    """In the clock that is passed in."""
    now = [0.0]
    patience = Patience(lambda: now[0])
    waits = []
    for _ in range(8):
        patience.failed("x")
        began = now[0]
        while not patience.may("x"):
            now[0] += 0.5
        waits.append(now[0] - began)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    patience.done("x")
    assert patience.may("x")


def test_a_plan_that_was_left_is_finished_by_the_loop_of_who_leads(rig: Rig, reconciler: Reconciler) -> None:
    """Found on the map, read from the store."""
    decision = rig.desk.handle(OpenSession("demo", SessionIntent()))
    record = PlanRecord("d-old", 3, 1, tuple(step_to_dict(step) for step in decision.plan))
    rig.leadership.commit({keys.plan("demo"): record.to_json()})
    wait_for(lambda: rig.keeper.current.sessions["demo"].plan, "the map shows it")
    rig.actor.done.clear()
    reconciler._finish_plans()
    assert len(rig.actor.done) == 1
    assert not rig.keys("PL:")


def test_who_leads_no_more_mends_nothing(rig: Rig, reconciler: Reconciler) -> None:
    """Asked of the store before each step."""
    rig.desk.handle(OpenSession("demo", SessionIntent()))
    rig.actor.done.clear()
    rig.store.commit(Commit(deletes=(keys.LEADER,)))
    rig.store.put(keys.LEADER, "another")
    with pytest.raises(NotLeader):
        reconciler.turn()
    assert not rig.actor.done
