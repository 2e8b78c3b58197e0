"""What time brings: idle contexts, the floor, lost gateways, sessions cut off."""

from __future__ import annotations

from dataclasses import replace

from broker.core.actions import Order
from broker.core.housekeeping import due
from broker.core.policy.registry import BALANCED, Registry
from broker.core.requests import (
    Attach,
    CloseSession,
    GatewayLost,
    Leave,
    OpenSession,
    Reap,
    Talking,
)
from rtcdn.model import PluginData, Role, SessionIntent
from tests.unit.core.worlds import (
    attach,
    continents,
    local,
    opened,
    speaks,
    watches,
)


def orders(found: list[Order], kind: str) -> list[tuple[str, str]]:
    """Orders of one kind: gateway and participant."""
    return [(order.gateway, order.id) for order in found if order.order == kind]


def test_a_quiet_session_asks_for_nothing() -> None:
    """All is well, whatever time it is."""
    world = local()
    opened(world, local=10)
    speaks(world, "alice")
    watches(world, "eve")
    for _ in range(5):
        world.tick(100)
        assert list(due(world.vmap, world.policy, world.now_s)) == []


def test_an_idle_stage_goes_after_its_time_the_last_one_stays() -> None:
    """Marked first; whoever comes meanwhile keeps it."""
    world = local(stages=2, handles=20)
    opened(world)
    world.nodes["st1"].used = 90.0
    world.tick(1)
    assert watches(world, "eve") == "st2"
    world.ask(Leave("demo", "eve"))
    world.nodes["st1"].used = 0.0
    world.tick(1)
    assert world.housekeep() == [Reap("demo")]
    assert {c.node for c in world.vmap.sessions["demo"].contexts.values() if c.idle_since_s} == {"st1", "st2"}
    world.tick(61)
    world.housekeep()
    assert len(world.vmap.sessions["demo"].duty("stage")) == 1
    world.tick(1000)
    world.housekeep()
    assert len(world.vmap.sessions["demo"].duty("stage")) == 1
    assert world.vmap.check() == []


def test_stages_that_the_audience_was_promised_stay() -> None:
    """Warm, though nobody is there yet."""
    world = local(stages=3, handles=100)
    opened(world, local=150)
    world.tick(1000)
    world.housekeep()
    world.tick(1000)
    world.housekeep()
    assert len(world.vmap.sessions["demo"].duty("stage")) == 2


def test_a_viewer_who_never_comes_up_is_forgotten() -> None:
    """Nothing leaks when a gateway dies between grant and media."""
    world = local()
    opened(world)
    attach(world, "ghost")
    world.tick(31)
    assert world.housekeep() == [Reap("demo")]
    assert dict(world.vmap.sessions["demo"].participants) == {}
    assert world.vmap.check() == []


def test_the_floor_follows_who_talks_long_enough() -> None:
    """Two seconds, by report; a cough moves nobody."""
    world = local()
    opened(world)
    speaks(world, "alice")
    speaks(world, "bob")

    def talks(who: str) -> None:
        plugin = PluginData(world.vmap.nodes["ab1"].plugin.contexts, talkers={"demo/mix-ab1": (f"link~voice-{who}",)})
        world.vmap = world.vmap.apply([("AB:ab1:PLUGIN", plugin.to_json(), 99)], world.now_s)

    talks("bob")
    world.now_s += 1
    talks("bob")
    assert list(due(world.vmap, world.policy, world.now_s)) == []
    world.now_s += 1
    assert list(due(world.vmap, world.policy, world.now_s)) == [Talking("demo", "bob")]
    talks("alice")
    assert list(due(world.vmap, world.policy, world.now_s + 5)) == []


def test_two_who_talk_at_once_do_not_toss_the_main_slot_about() -> None:
    """It changes when its owner is silent."""
    world = continents()
    opened(world, eu=10)
    speaks(world, "alice", regions=("eu",))
    speaks(world, "bob", regions=("us",))
    for region, who in (("eu", "alice"), ("us", "bob")):
        context = f"demo/ingress-{region}-vr1"
        plugin = PluginData(talkers={context: (who,)}).to_json()
        world.vmap = world.vmap.apply([(f"VR:{region}-vr1:PLUGIN", plugin, 99)], world.now_s)
    assert list(due(world.vmap, world.policy, world.now_s + 9)) == []
    world.vmap = world.vmap.apply([("VR:eu-vr1:PLUGIN", PluginData().to_json(), 99)], world.now_s)
    assert list(due(world.vmap, world.policy, world.now_s + 9)) == [Talking("demo", "bob")]


def test_a_lost_gateways_participants_go_to_another_of_its_region() -> None:
    """With their legs, to be claimed."""
    world = local()
    world.gateway("near", "local")
    world.gateway("far", "us")
    opened(world)
    speaks(world, "alice")
    watches(world, "eve")
    world.gateway("gw", there=False)
    assert world.housekeep() == []
    world.now_s += 3
    world.housekeep()
    assert orders(world.orders, "adopt") == [("near", "alice"), ("near", "eve")]
    assert {p.gateway for p in world.vmap.sessions["demo"].participants.values()} == {"near"}
    assert (world.housekeep(), world.vmap.check()) == ([], [])


def test_only_the_legs_of_the_lost_gateway_are_adopted() -> None:
    """The other gateway keeps its own."""
    world = local()
    world.gateway("other", "local")
    opened(world)
    speaks(world, "alice")
    world.ask(Attach("demo", "alice", ("view",), Role.SPEAKER, gateway="other"))
    world.gateway("gw", there=False)
    world.ask(GatewayLost("demo", "gw"))
    legs = world.vmap.sessions["demo"].participants["alice"].legs
    assert {leg.leg: leg.gateway for leg in legs} == {"view": "other", "publish": "other"}
    assert [leg.leg for leg in world.orders[-1].legs] == ["publish"]


def test_what_is_left_of_a_session_without_intent_is_closed() -> None:
    """A close that was cut off, or a participant's key written too late."""
    world = local()
    opened(world)
    watches(world, "eve")
    world.vmap = world.vmap.apply([("SS:demo", None, 98), ("CX:demo:stage-st1", None, 98)], world.now_s)
    assert world.housekeep() == [CloseSession("demo", left=True)]
    assert (dict(world.vmap.sessions), world.vmap.check()) == ({}, [])


def test_what_cannot_be_read_is_not_closed() -> None:
    """An unreadable session key is no order to tear down."""
    world = local()
    opened(world)
    view = world.vmap.sessions["demo"]
    snapshot = {"SS:demo": ("{", 1)}
    snapshot |= {f"CX:demo:{name}": (view.contexts[name].to_json(), 1) for name in view.contexts}
    world.vmap = world.vmap.build(snapshot, world.now_s)
    assert list(due(world.vmap, world.policy, world.now_s)) == []


def test_a_plan_that_was_cut_off_is_mended() -> None:
    """Any link that is missing in the intent is put back; stages agree again."""
    world = local(stages=2, handles=20)
    opened(world, local=30)
    speaks(world, "alice")
    speaks(world, "bob")
    for name in ("mix-st1", "v1-st2", "v2-st1", "voice-bob"):
        before = world.vmap.sessions["demo"].links
        world.vmap = world.vmap.apply([(f"LK:demo:{name}", None, 99)], world.now_s)
        world.housekeep()
        assert set(world.vmap.sessions["demo"].links) == set(before), name
        assert world.vmap.check() == [], name


def test_a_session_is_looked_at_by_the_policy_that_it_names() -> None:
    """By the deployment's its stage was to go each second, and its own, which decides, kept it."""
    patient = replace(BALANCED, name="patient", limits=replace(BALANCED.limits, idle_s=600.0))
    find = Registry((BALANCED, patient)).find
    world = local(stages=2)
    world.policy = patient
    world.ask(OpenSession("demo", SessionIntent(audience={"local": 500}, policy="patient")))
    world.ask(OpenSession("demo", SessionIntent(policy="patient")))
    world.housekeep()
    world.tick(100)
    assert list(due(world.vmap, BALANCED, world.now_s)) == [Reap("demo")]
    assert list(due(world.vmap, BALANCED, world.now_s, find)) == []
    world.tick(600)
    assert list(due(world.vmap, BALANCED, world.now_s, find)) == [Reap("demo")]
    unknown = Registry((BALANCED,)).find
    assert list(due(world.vmap, BALANCED, world.now_s, unknown)) == [Reap("demo")]
