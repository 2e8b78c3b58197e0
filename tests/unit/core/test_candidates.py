"""Those who wait to speak: a talk leg from the start, a few hundred of them, moved with the mix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.core.decisions import Decision, Refusal
from broker.core.policy.registry import BALANCED
from broker.core.requests import Attach, Drain, GatewayLost, Leave, MediaUp, Request, SetRole, Undrain, Vacate
from broker.sim.world import World
from rtcdn.model import SRTP, Role
from tests.unit.core.worlds import CAMERA, continents, local, opened, speaks

FEW = replace(BALANCED, limits=replace(BALANCED.limits, candidates=3, portion=2))
SPEAK = ("view", "speak")


def waits(world: World, name: str, *rights: str, role: Role = Role.VIEWER, ready: bool = True) -> list[str]:
    """A viewer comes; the legs he is given."""
    answer = world.ask(Attach("demo", name, ("view",), role, rights or SPEAK, gateway="gw", ready=ready))
    assert isinstance(answer, Decision), answer
    assert answer.grant is not None
    assert not answer.needs_leader
    assert world.vmap.check() == []
    return [leg.leg for leg in answer.grant.legs]


def talks(world: World, name: str, role: Role = Role.SPEAKER) -> None:
    """Somebody is in the mix, connected."""
    answer = world.ask(Attach("demo", name, ("talk",), role, SPEAK, gateway="gw"))
    assert isinstance(answer, Decision), answer
    assert answer.grant is not None
    world.ask(MediaUp("demo", name, "talk", answer.grant.generation, 1, 2))


def test_who_may_speak_is_made_ready_beside_his_view() -> None:
    """One grant, both legs of one generation; who may not, or does not ask, only watches."""
    world = local()
    opened(world)
    assert waits(world, "ann") == ["view", "talk"]
    assert waits(world, "bob", "publish") == ["view", "talk"]
    assert waits(world, "cat", role=Role.SPEAKER) == ["view", "talk"]
    assert waits(world, "dan", "view") == ["view"]
    assert waits(world, "eve", ready=False) == ["view"]
    legs = world.vmap.sessions["demo"].participants["ann"].legs
    assert [(leg.leg, leg.context, leg.generation) for leg in legs] == [
        ("view", "demo/stage-st1", 1),
        ("talk", "demo/mix-ab1", 1),
    ]


def test_beyond_the_cap_nobody_is_made_ready_but_who_asks_to_talk_is_placed() -> None:
    """His hand is up. Who comes again has not taken a place from himself; one that leaves makes room."""
    world = local(policy=FEW)
    opened(world)
    assert [len(waits(world, name)) for name in ("a", "b", "c", "d")] == [2, 2, 2, 1]
    assert len(waits(world, "b")) == 2
    assert isinstance(world.ask(Attach("demo", "d", ("talk",), Role.VIEWER, SPEAK, gateway="gw")), Decision)
    assert world.vmap.sessions["demo"].talk_legs == 4
    for name in ("a", "b"):
        world.ask(Leave("demo", name, "talk"))
    assert len(waits(world, "e")) == 2


def test_nobody_is_made_ready_in_a_mix_that_is_full_or_away() -> None:
    """He watches all the same."""
    world = local()
    opened(world)
    world.nodes["ab1"].used = 90.0
    world.tick(5)
    assert waits(world, "ann") == ["view"]
    world.nodes["ab1"].used = 0.0
    world.tick(5)
    world.kill("ab1")
    assert waits(world, "bob") == ["view"]


def test_talking_needs_a_right() -> None:
    """The refusal names it."""
    world = local()
    opened(world)
    answer = world.ask(Attach("demo", "eve", ("talk",), Role.VIEWER, ("view",)))
    assert isinstance(answer, Refusal)
    assert answer.code == "may-not-speak"


def test_one_who_waits_costs_a_handle_one_who_is_heard_a_sixtieth() -> None:
    """Own grants count until a report can contain them: 1 of 400 handles, 1 of 60 participants."""
    world = local()
    opened(world)
    before = world.vmap.nodes["ab1"].weight
    waits(world, "ann")
    waiting = world.vmap.nodes["ab1"].weight
    talks(world, "bob")
    heard = world.vmap.nodes["ab1"].weight
    assert round(waiting - before, 3) == 0.25
    assert round(heard - waiting, 3) == round(100 / 60, 3)


def test_a_talk_leg_that_never_comes_up_is_forgotten_the_view_stays() -> None:
    """It holds no place among those who wait."""
    world = local()
    opened(world)
    waits(world, "ann")
    world.ask(MediaUp("demo", "ann", "view", 1, 1, 2))
    world.tick(31)
    world.housekeep()
    assert [leg.leg for leg in world.vmap.sessions["demo"].participants["ann"].legs] == ["view"]
    assert (world.vmap.sessions["demo"].talk_legs, world.vmap.check()) == (0, [])


def test_a_drained_mix_moves_all_who_are_in_it_first_those_who_are_heard() -> None:
    """The new one is there before anybody is led to it, and every stage hears it."""
    world = continents(FEW)
    opened(world, eu=10)
    speaks(world, "zoe")
    for name in ("ann", "bob"):
        talks(world, name, Role.VIEWER)
    talks(world, "zoe")
    world.ask(Drain("eu-ab1", "op"))
    first = world.ask(Vacate("demo", "eu-ab1"))
    assert isinstance(first, Decision)
    assert [(o.order, o.id, o.legs[0].leg, o.legs[0].node) for o in world.orders] == [
        ("move", "zoe", "talk", "eu-ab2"),
        ("move", "ann", "talk", "eu-ab2"),
    ]
    world.housekeep()
    view = world.vmap.sessions["demo"]
    assert [order.id for order in world.orders] == ["zoe", "ann", "bob"]
    assert (sorted(view.duty("mix")), view.talk_legs) == (["mix-eu-ab2"], 3)
    assert {link.source for link in view.links.values() if link.kind == "mix"} == {"mix-eu-ab2"}
    assert view.links["voice-zoe"].target == "mix-eu-ab2"
    assert world.vmap.check() == []


@pytest.mark.parametrize("ends", ["all are in the new one", "the deadline"])
@pytest.mark.parametrize("among", ["trunk", "bridge"])
def test_a_drained_mix_is_heard_until_its_people_are_in_the_new_one(among: str, ends: str) -> None:
    """Both mixes hear each other before any stage hears the new one, and until the old one is reported empty."""
    world = continents()
    if among == "bridge":  # between hosts, where links are SRTP
        for name, sim in world.nodes.items():
            sim.machine, sim.links = name, SRTP
        world.tick(1)
    opened(world, eu=10)
    talks(world, "zoe")
    reported(world, "eu-ab1", 1)
    world.ask(Drain("eu-ab1", "op", world.now_s + 60))
    first = world.ask(Vacate("demo", "eu-ab1"))
    assert isinstance(first, Decision)
    plan = [(type(step).__name__, getattr(step, "after", None)) for step in first.plan]
    kinds = [(name, getattr(after, "kind", "")) for name, after in plan]
    linked = max(n for n, each in enumerate(kinds) if each == ("StartLink", among))
    assert linked < min(n for n, each in enumerate(kinds) if each == ("RepointLink", "mix"))
    view = world.vmap.sessions["demo"]
    assert (sorted(view.duty("mix")), view.attached.get("mix-eu-ab1", 0)) == (["mix-eu-ab1", "mix-eu-ab2"], 0)
    assert {link.source for link in view.links.values() if link.kind == "mix"} == {"mix-eu-ab2"}
    world.housekeep()
    assert sorted(world.vmap.sessions["demo"].duty("mix")) == ["mix-eu-ab1", "mix-eu-ab2"]
    if ends == "the deadline":
        world.tick(61)
    else:
        reported(world, "eu-ab1", 0)
    world.housekeep()
    view = world.vmap.sessions["demo"]
    assert (sorted(view.duty("mix")), {link.kind for link in view.links.values()} & {"trunk", "bridge"}) == (
        ["mix-eu-ab2"],
        set(),
    )
    assert world.vmap.check() == []


@pytest.mark.parametrize("then", [Undrain("eu-ab1"), Drain("eu-ab2", "op")])
def test_the_mix_that_people_were_led_to_stays_in_use(then: Request) -> None:
    """The one they left works again before it is empty, or theirs is drained too and there is no third."""
    world = continents()
    opened(world, eu=10)
    talks(world, "zoe")
    for name in [name for name, node in world.nodes.items() if node.kind == "AB" and name not in ("eu-ab1", "eu-ab2")]:
        world.kill(name)
    world.tick(16)
    reported(world, "eu-ab1", 1)
    world.ask(Drain("eu-ab1", "op"))
    world.ask(Vacate("demo", "eu-ab1"))
    world.ask(then)
    world.housekeep()
    view = world.vmap.sessions["demo"]
    assert {link.source for link in view.links.values() if link.kind == "mix"} == {"mix-eu-ab2"}
    assert [leg.node for leg in view.participants["zoe"].legs] == ["eu-ab2"]
    assert world.vmap.check() == []


def reported(world: World, node: str, people: int) -> None:
    """A mix shows so many people."""
    info = world.nodes[node].contexts[f"demo/mix-{node}"]
    world.nodes[node].contexts[info.id] = replace(info, participants=people)
    world.tick(1)


def test_a_lost_mix_is_made_elsewhere_for_all_who_were_in_it() -> None:
    """Speakers and those who wait."""
    world = continents()
    opened(world, eu=10)
    talks(world, "zoe")
    waits(world, "ann")
    world.kill("eu-ab1")
    world.tick(16)
    world.housekeep()
    assert {(o.id, o.order, o.legs[0].leg) for o in world.orders} == {("zoe", "move", "talk"), ("ann", "move", "talk")}
    assert (sorted(world.vmap.sessions["demo"].duty("mix")), world.vmap.check()) == (["mix-eu-ab2"], [])


def test_where_two_gateways_claimed_one_the_later_has_him_and_the_other_lets_go() -> None:
    """One came back and adopts him while he resumes at another: both report, and both must not keep him."""
    world = local()
    opened(world)
    waits(world, "ann", "view", ready=False)
    reports = [MediaUp("demo", "ann", "view", 1, 1, 2, gateway=gateway) for gateway in ("gw", "near", "near")]
    world.ask(reports[0])
    assert world.orders == []
    world.ask(reports[1])
    told = [(o.gateway, o.order, o.reason, o.legs[0].gateway) for o in world.orders]
    assert told == [("near", "role", "resumed", "near"), ("gw", "remove", "taken-over", "near")]
    world.ask(reports[2])
    assert len(world.orders) == len(told)


def test_a_lost_gateways_participant_is_adopted_with_all_three_legs() -> None:
    """One order."""
    world = local()
    world.gateway("near", "local")
    opened(world)
    world.ask(Attach("demo", "zoe", ("view", "talk", "publish"), Role.SPEAKER, gateway="gw"))
    for leg in ("view", "talk", "publish"):
        world.ask(MediaUp("demo", "zoe", leg, 1, 1, 2, (CAMERA,) if leg == "publish" else ()))
    world.gateway("gw", there=False)
    world.ask(GatewayLost("demo", "gw"))
    assert [(o.order, o.gateway, [leg.leg for leg in o.legs]) for o in world.orders] == [
        ("adopt", "near", ["view", "talk", "publish"])
    ]
    assert world.vmap.check() == []


def test_a_promotion_changes_no_leg() -> None:
    """He is in the mix already: his gateway resumes him."""
    world = local()
    opened(world)
    waits(world, "ann")
    world.ask(SetRole("demo", "ann", Role.SPEAKER))
    assert [leg.leg for leg in world.orders[-1].legs] == ["view", "talk"]
    assert [leg.leg for leg in world.vmap.sessions["demo"].participants["ann"].legs] == ["view", "talk"]
