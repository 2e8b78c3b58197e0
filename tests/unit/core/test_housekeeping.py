"""What time brings: drains, lost nodes and gateways, idle contexts, the floor."""

from __future__ import annotations

from broker.core.actions import Order
from broker.core.decisions import Decision
from broker.core.housekeeping import due
from broker.core.requests import (
    Attach,
    CloseSession,
    Drain,
    GatewayLost,
    Leave,
    MediaUp,
    Reap,
    Talking,
    Undrain,
    Vacate,
)
from rtcdn.model import Leg, PluginData, Role
from tests.unit.core.worlds import (
    AUDIO,
    CAMERA,
    attach,
    continents,
    local,
    opened,
    short,
    shown,
    speaks,
    voices,
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


def test_a_drained_egress_is_left_by_make_before_break() -> None:
    """The new stage is linked before viewers move; the old one goes when nobody is reported on it."""
    world = local()
    opened(world, local=10)
    speaks(world, "alice")
    watches(world, "eve")
    stage = world.nodes["st1"].contexts
    stage["demo/stage-st1"] = stage["demo/stage-st1"].__class__(**{**_fields(stage["demo/stage-st1"]), "viewers": 1})
    world.tick(1)
    world.ask(Drain("st1", "op"))
    world.housekeep()
    assert orders(world.orders, "move") == [("gw", "eve")]
    assert world.vmap.sessions["demo"].participants["eve"].legs[0].node == "st2"
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st1", "stage-st2"]
    stage["demo/stage-st1"] = stage["demo/stage-st1"].__class__(**{**_fields(stage["demo/stage-st1"]), "viewers": 0})
    world.tick(1)
    world.housekeep()
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st2"]
    assert (shown(world), world.vmap.check()) == ({"v1": "alice"}, [])


def _fields(info: object) -> dict[str, object]:
    return {name: getattr(info, name) for name in info.__class__.__slots__}  # type: ignore[attr-defined]


def test_a_drain_without_another_node_waits() -> None:
    """Nothing is torn down for a drain; when there is room it goes on; undrain ends it."""
    world = local(stages=1)
    opened(world)
    watches(world, "eve")
    world.ask(Drain("st1", "op"))
    assert world.housekeep() == [Vacate("demo", "st1")]
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st1"]
    world.ask(Undrain("st1"))
    assert world.housekeep() == []


def test_a_large_stage_is_moved_in_portions() -> None:
    """So that no decision is too large; it comes to rest with everybody elsewhere."""
    world = local(stages=3, handles=200)
    opened(world)
    for number in range(60):
        attach(world, f"guest~{number}")
    world.tick(20)
    world.ask(Drain("st1", "op"))
    asked = world.housekeep()
    assert asked.count(Vacate("demo", "st1")) >= 2
    view = world.vmap.sessions["demo"]
    assert view.attached.get("stage-st1", 0) == 0
    assert sum(view.attached.values()) == 60
    assert world.vmap.check() == []


def test_a_drained_ingress_keeps_a_speaker_until_he_is_up_elsewhere() -> None:
    """He is shown from the old one all the while."""
    world = continents()
    opened(world, eu=10)
    assert speaks(world, "alice", regions=("eu",)) == "eu-vr1"
    world.ask(Drain("eu-vr1", "op"))
    world.housekeep()
    participant = world.vmap.sessions["demo"].participants["alice"]
    assert (participant.legs[0].node, shown(world)) == ("eu-vr2", {"v1": "alice"})
    world.nodes["eu-vr2"].publish("demo/ingress-eu-vr2", "alice")
    world.ask(MediaUp("demo", "alice", "publish", participant.generation, 5, 6, (AUDIO, CAMERA)))
    world.housekeep()
    view = world.vmap.sessions["demo"]
    assert sorted(view.duty("ingress")) == ["ingress-eu-vr2"]
    assert view.links["v1-eu-st1"].source == "ingress-eu-vr2"
    assert world.vmap.check() == []


def test_at_the_deadline_a_drained_ingress_goes_with_what_is_left() -> None:
    """A WHIP client cannot be led anywhere: it ends and comes again."""
    world = continents()
    opened(world, eu=10)
    speaks(world, "alice", regions=("eu",))
    world.ask(Drain("eu-vr1", "op", world.now_s + 20))
    world.housekeep()
    assert shown(world) == {"v1": "alice"}
    world.tick(20)
    world.housekeep()
    assert (shown(world), voices(world)) == ({}, set())
    assert sorted(world.vmap.sessions["demo"].duty("ingress")) == ["ingress-eu-vr2"]
    assert world.vmap.check() == []


def test_a_drained_mix_moves_with_all_voices() -> None:
    """Every stage hears the new one before the old is gone."""
    world = continents()
    opened(world, eu=10)
    speaks(world, "alice")
    world.ask(Drain("eu-ab1", "op"))
    answer = world.ask(Vacate("demo", "eu-ab1"))
    assert isinstance(answer, Decision)
    view = world.vmap.sessions["demo"]
    assert sorted(view.duty("mix")) == ["mix-eu-ab2"]
    assert {link.source for link in view.links.values() if link.kind == "mix"} == {"mix-eu-ab2"}
    assert view.links["voice-alice"].target == "mix-eu-ab2"
    assert world.vmap.check() == []


def test_a_silent_node_is_lost_after_the_grace_and_not_before() -> None:
    """Silent is not ill: a Janus restarts within the grace."""
    world = local()
    opened(world, local=10)
    watches(world, "eve")
    world.kill("st1")
    world.tick(10)
    assert world.housekeep() == []
    world.tick(6)
    world.housekeep()
    assert orders(world.orders, "move") == [("gw", "eve")]
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st2"]
    assert world.vmap.check() == []


def test_a_lost_ingress_frees_the_slots_and_leads_its_speakers_elsewhere() -> None:
    """His media is gone; the next speaker is in v1 at once."""
    world = continents()
    opened(world, eu=10)
    speaks(world, "alice", regions=("eu",))
    speaks(world, "bob", regions=("us",))
    world.kill("eu-vr1")
    world.tick(16)
    world.housekeep()
    assert shown(world) == {"v1": "bob"}
    assert orders(world.orders, "move") == [("gw", "alice")]
    assert world.vmap.check() == []


def test_when_most_nodes_fall_silent_at_once_the_store_was_away() -> None:
    """Nothing is torn down then."""
    world = local()
    opened(world, local=10)
    for name in ("vr1", "ab1", "st1"):
        world.kill(name)
    world.tick(100)
    assert world.housekeep() == []


def test_a_lost_stage_without_another_node_is_kept_in_the_intent() -> None:
    """It is made again when its node comes back."""
    world = local(stages=1)
    opened(world)
    speaks(world, "alice")
    world.kill("st1")
    world.tick(20)
    world.housekeep()
    assert shown(world) == {"v1": "alice"}
    world.revive("st1")
    world.tick(5)
    assert [short(step) for step in world.reconcile()][-3:] == [
        "create_context stage-st1",
        "repoint_link mix-st1",
        "repoint_link v1-st1",
    ]


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
        plugin = PluginData(world.vmap.nodes["ab1"].plugin.contexts, talking={"demo/mix-ab1": f"link~voice-{who}"})
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
        plugin = PluginData(talking={context: who}).to_json()
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
    late = Leg("view", node="st1", context="demo/stage-st1").to_dict()
    world.vmap = world.vmap.apply([("SS:demo", None, 98)], world.now_s)
    assert late["node"] == "st1"
    assert world.housekeep() == [CloseSession("demo")]
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
