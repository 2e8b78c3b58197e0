"""A running session takes another scenario, and nobody moves who need not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.core.decisions import Decision, IntentChange, Refusal
from broker.core.requests import ChangeScenario, OpenSession
from broker.core.views import LEAVING
from broker.sim.node import FakeNode
from broker.sim.world import World
from rtcdn import keys
from rtcdn.errors import InvalidRequest, UnknownSession
from rtcdn.model import Capacity, ContextIntent, Kind, Leg, ParticipantIntent, PlanRecord, Role, SessionIntent
from tests.unit.core.test_atollo import everything, host, hosts, places, small
from tests.unit.core.worlds import continents, opened, shown, speaks, steps, voices, watches


def where(world: World) -> dict[str, list[str]]:
    """Everybody's legs, by node."""
    known = world.vmap.sessions["demo"].participants
    return {name: [leg.node for leg in known[name].legs] for name in sorted(known)}


def refused(world: World, scenario: str) -> Refusal:
    answer = world.ask(ChangeScenario("demo", scenario))
    assert isinstance(answer, Refusal), answer
    return answer


def test_an_atollo_becomes_an_archipelago_and_nobody_moves() -> None:
    """From then on stages are made for the audience."""
    world = hosts()
    everything(world)
    before, seen = where(world), shown(world)
    answer = world.ask(ChangeScenario("demo", "archipelago"))
    assert isinstance(answer, Decision)
    assert steps(answer) == []
    world.ask(OpenSession("demo", SessionIntent("archipelago", audience={"eu": 500, "us": 10})))
    world.housekeep()
    assert set(world.vmap.sessions["demo"].stages) == {"eu", "us"}
    assert (where(world), shown(world), voices(world)) == (before, seen, {"ann", "bob"})
    assert world.vmap.check() == []


def test_an_empty_atollo_gets_a_mix_when_it_becomes_an_archipelago() -> None:
    """What the new shape lacks is made at once."""
    world = hosts()
    small(world, eu=5)
    answer = world.ask(ChangeScenario("demo", "archipelago"))
    assert [step for step in steps(answer) if step.startswith("create")] == ["create_context mix-eu1-ab"]
    assert world.vmap.check() == []


def test_there_and_back_changes_no_leg_and_what_is_too_much_goes() -> None:
    """Stages that were made for an audience that did not come are removed when they were idle long enough."""
    world = hosts()
    everything(world)
    before = where(world)
    world.ask(ChangeScenario("demo", "archipelago"))
    world.ask(OpenSession("demo", SessionIntent("archipelago", audience={"eu": 500, "us": 10})))
    assert len(places(world)) == 5
    assert isinstance(world.ask(ChangeScenario("demo", "atollo")), Decision)
    assert len(places(world)) == 5
    for _ in range(2):
        world.tick(61)
        world.housekeep()
        assert world.vmap.check() == []
    assert (len(places(world)), len(set(places(world).values())), where(world)) == (3, 1, before)
    assert shown(world) == {"v1": "ann", "v2": "bob"}


def test_what_stood_on_several_hosts_is_brought_to_that_of_the_people() -> None:
    """An empty ingress elsewhere is made anew beside the stage that viewers are on; they stay where they are."""
    world = hosts()
    world.ask(OpenSession("demo", SessionIntent("archipelago", audience={"eu": 10, "us": 10})))
    assert watches(world, "eve", regions=("us",)) == "us1-st"
    assert places(world)["ingress-eu1-vr"] == "eu1"
    answer = world.ask(ChangeScenario("demo", "atollo"))
    assert [step for step in steps(answer) if step.startswith("create")] == [
        "create_context mix-us1-ab",
        "create_context ingress-us1-vr",
    ]
    for _ in range(2):
        world.tick(61)
        world.housekeep()
        assert world.vmap.check() == []
    assert (sorted(places(world)), where(world)) == (
        ["ingress-us1-vr", "mix-us1-ab", "stage-us1-st"],
        {"eve": ["us1-st"]},
    )


def test_what_is_too_large_for_an_atollo_is_refused_and_says_how_much() -> None:
    """Too many people, or people on several hosts."""
    world = continents()
    opened(world, eu=20)
    for number in range(17):
        watches(world, f"guest~{number}", regions=("eu",))
    answer = refused(world, "atollo")
    assert (answer.code, answer.detail.split(",")[0]) == ("too-large", "17 participants are here")
    spread = continents()
    opened(spread, eu=20)
    speaks(spread, "ann", regions=("us",))
    watches(spread, "eve", regions=("eu",))
    answer = refused(spread, "atollo")
    assert (answer.code, "people are on 2 hosts" in answer.detail) == ("too-large", True)


def test_the_same_scenario_again_changes_nothing() -> None:
    """Asked twice is asked once."""
    world = hosts()
    everything(world)
    answer = world.ask(ChangeScenario("demo", "atollo"))
    assert isinstance(answer, Decision)
    assert (answer.changes, answer.plan) == ((), ())


def test_while_another_change_runs_it_is_refused() -> None:
    """With the word to ask again; a plan that is done is no hindrance."""
    world = hosts()
    everything(world)
    for step, wanted in ((0, Refusal), (1, Decision)):
        plan = PlanRecord("d-1", step, 1, ({"step": "stop_link"},))
        world.vmap = world.vmap.apply([(keys.plan("demo"), plan.to_json(), 900 + step)], world.now_s)
        answer = world.ask(ChangeScenario("demo", "archipelago"))
        assert isinstance(answer, wanted)
        if isinstance(answer, Refusal):
            assert (answer.code, "ask again" in answer.detail) == ("busy", True)


def test_a_change_of_nothing_or_to_nothing_is_an_error() -> None:
    """It names the scenarios there are; opening anew names the way to change."""
    world = hosts()
    small(world, eu=5)
    with pytest.raises(UnknownSession):
        world.ask(ChangeScenario("other", "atollo"))
    with pytest.raises(InvalidRequest, match="archipelago, atollo, big_island"):
        world.ask(ChangeScenario("demo", "atoll"))
    with pytest.raises(InvalidRequest, match="PATCH /v1/sessions/demo"):
        world.ask(OpenSession("demo", SessionIntent("archipelago")))


def islands() -> World:
    """A big island with people in mixes of both regions."""
    from broker.core.decisions import IntentChange

    world = continents()
    world.ask(OpenSession("demo", SessionIntent("archipelago", audience={"eu": 10, "us": 10})))
    world.commit([IntentChange(keys.session("demo"), SessionIntent("big_island", audience={"eu": 10, "us": 10}))])
    for name, node in (("ann", "eu-ab1"), ("bob", "us-ab1"), ("cid", "us-ab1")):
        leg = Leg("talk", Kind.AB, node, f"{node}:8188", f"demo/mix-{node}", "up", generation=1, gateway="gw")
        world.commit(
            [
                IntentChange(keys.context("demo", f"mix-{node}"), ContextIntent(node, Kind.AB, "mix")),
                IntentChange(
                    keys.participant("demo", name), ParticipantIntent(Role.SPEAKER, legs=(leg,), generation=1)
                ),
            ]
        )
    assert world.vmap.check() == []
    return world


def test_mixes_that_are_too_many_stay_linked_until_their_people_are_led_over() -> None:
    """Everybody hears everybody all the while; in the end there is one mix."""
    world = islands()
    before = where(world)
    answer = world.ask(ChangeScenario("demo", "archipelago"))
    assert "start_link trunk-eu-ab1-us-ab1" in steps(answer)
    assert where(world) == before
    assert world.vmap.check() == []
    world.housekeep()
    assert {node for nodes in where(world).values() for node in nodes} == {"eu-ab1"}
    assert sorted((order.id, order.order) for order in world.orders) == [("bob", "move"), ("cid", "move")]
    assert not [name for name in world.vmap.sessions["demo"].links if name.startswith("trunk")]
    world.tick(61)
    world.housekeep()
    assert sorted(world.vmap.sessions["demo"].duty("mix")) == ["mix-eu-ab1"]
    assert world.vmap.check() == []


def test_an_ingress_made_for_few_takes_all_who_may_publish_when_it_becomes_an_island() -> None:
    """A room is made once, so it is made for the largest shape."""
    world = continents()
    opened(world, slots=2, eu=10)
    assert isinstance(world.ask(ChangeScenario("demo", "big_island")), Decision)
    ingress = world.vmap.sessions["demo"].duty("ingress")
    assert ingress
    assert all(each.options["publishers"] >= world.policy.limits.cameras for each in ingress.values())


def test_an_atollo_does_not_gather_on_a_stage_that_was_being_emptied() -> None:
    """A reorganisation was under way when the scenario changed: it and upkeep led people against each other."""
    nodes = host("eu1", "eu", 1)
    world = World([*nodes, FakeNode("eu1-st2", "ST", "eu", "192.0.2.1", Capacity(), machine="eu1")])
    world.gateway("gw", "eu")
    opened(world)
    stages = {"stage-eu1-st": "eu1-st", "stage-eu1-st2": "eu1-st2"}
    marked = {LEAVING: int(1000 * world.now_s)}
    for name, at in stages.items():
        context = ContextIntent(at, Kind.ST, "stage", slots=("v1", "v2", "v3", "v4", "s1"))
        made = replace(context, options=marked if at == "eu1-st" else {})
        world.commit([IntentChange(keys.context("demo", name), made)])
    assert isinstance(world.ask(ChangeScenario("demo", "atollo")), Decision)
    assert watches(world, "eve") == "eu1-st2"
