"""The map as the store's keys make it."""

from __future__ import annotations

from typing import Any

from broker.core.requests import Drain, Undrain
from broker.core.tables import Table
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import SETTLE_S
from rtcdn import keys
from rtcdn.model import GatewayInfo, LeaderInfo, Leg, ParticipantIntent, PlanRecord
from tests.unit.core.worlds import local, node, opened, speaks, watches

NOW_S = 1_000_000.0


def keys_of(name: str = "st1", kind: str = "ST") -> dict[str, tuple[str, int]]:
    """What a collector writes of one node."""
    return {key: (text, 1) for key, text in node(name, kind, "local", 9).report()}


def test_details_without_presence_are_not_shown() -> None:
    """JN: is written last and gates the rest; when it comes the details are there."""
    details = {key: value for key, value in keys_of().items() if not key.startswith("JN:")}
    vmap = VirtualMap.build(details, NOW_S)
    wrapper = vmap.node("st1")
    assert wrapper is not None
    assert (wrapper.out, vmap.shelves["ST", "local"].size) == ("silent", 0)
    vmap = vmap.apply([("JN:st1", "ST", 2)], NOW_S)
    assert vmap.shelves["ST", "local"].size == 1
    assert vmap.check() == []


def test_a_node_whose_presence_goes_is_silent_and_keeps_its_details() -> None:
    """Links still end there; when it comes back it works again."""
    vmap = VirtualMap.build(keys_of(), NOW_S)
    gone = vmap.apply([("JN:st1", None, 2), ("ST:st1:ADDRESS", None, 2)], NOW_S + 1)
    wrapper = gone.node("st1")
    assert wrapper is not None
    assert (wrapper.silent, wrapper.silent_since_s, wrapper.address) == (True, NOW_S + 1, "192.0.2.9:8188")
    back = gone.apply([("JN:st1", "ST", 3)], NOW_S + 2)
    assert back.serving("st1")
    assert gone.check() == back.check() == []


def test_text_that_cannot_be_read_makes_the_node_silent_and_nothing_else() -> None:
    """Each kind of damage; the key is kept for the log; readable text heals."""
    damages = {
        "ST:st1:WEIGHT": "-3",
        "ST:st1:CPU": "nan",
        "ST:st1:PLUGIN": "{",
        "ST:st1:LABELS": '{"capacity": 3}',
        "ST:st1:ADDRESS": "",
        "JN:st1": "XX",
    }
    good = {**keys_of("st2"), **keys_of()}
    for key, text in damages.items():
        vmap = VirtualMap.build(good, NOW_S).apply([(key, text, 2)], NOW_S)
        assert (vmap.serving("st1"), vmap.serving("st2"), list(vmap.unreadable)) == (False, True, [key]), key
        healed = vmap.apply([(key, good[key][0], 3)], NOW_S)
        assert (healed.serving("st1"), healed.unreadable) == (True, {}), key
        assert vmap.check() == healed.check() == []


def test_strange_keys_are_passed_over() -> None:
    """Keys that are not of the schema change nothing."""
    vmap = VirtualMap.build({"hello": ("x", 1), "ST:a:b:c": ("x", 1), "JN:": ("ST", 1), "CX:only": ("{}", 1)}, NOW_S)
    assert (len(vmap.nodes), len(vmap.sessions), vmap.unreadable) == (0, 0, {})


def test_an_intent_that_cannot_be_read_stays_as_it_was() -> None:
    """And is neither taken down nor mended by guess."""
    world = local()
    opened(world)
    vmap = world.vmap.apply([("SS:demo", "{", 99)], world.now_s)
    assert vmap.sessions["demo"].intent == world.vmap.sessions["demo"].intent
    assert list(vmap.unreadable) == ["SS:demo"]


def test_building_and_applying_give_the_same_map() -> None:
    """A replica that starts now sees what one sees that was there all along."""
    world = local()
    opened(world, local=10)
    speaks(world, "alice")
    watches(world, "eve")
    world.ask(Drain("st2", "op", 5.0))
    snapshot = {key: (text, 1) for fake in world.nodes.values() for key, text in fake.report()}
    view = world.vmap.sessions["demo"]
    assert view.intent is not None
    snapshot["SS:demo"] = (view.intent.to_json(), view.revision)
    snapshot["ND:st2"] = ('{"by": "op", "deadline_s": 5.0}', 1)
    snapshot["GW:gw"] = (GatewayInfo(region="local").to_json(), 1)
    tables: dict[str, Table[Any]] = {"CX": view.contexts, "LK": view.links, "PT": view.participants}
    for prefix, table in tables.items():
        snapshot |= {f"{prefix}:demo:{name}": (table[name].to_json(), 1) for name in table}
    built = VirtualMap.build(snapshot, world.now_s, 50)
    world.report(*world.nodes)
    assert built.to_dict()["sessions"] == world.vmap.to_dict()["sessions"]
    assert built.to_dict()["gateways"] == world.vmap.to_dict()["gateways"]
    assert built.revision == 50
    assert built.check() == []


def test_own_grants_count_until_a_report_can_contain_them() -> None:
    """A report that comes right after a grant does not know it yet."""
    world = local(handles=100)
    opened(world)
    before = world.vmap.nodes["st1"].weight
    node_id = watches(world, "eve")
    assert world.vmap.nodes[node_id].weight == before + 1.0
    world.now_s += 1
    world.report(node_id)
    assert world.vmap.nodes[node_id].own_cost == 1.0
    world.now_s += SETTLE_S
    world.report(node_id)
    assert world.vmap.nodes[node_id].own_cost == 0.0


def test_a_grant_is_counted_once_however_often_its_key_comes() -> None:
    """Own decision, then the watch, then media up: one viewer."""
    world = local(handles=100)
    opened(world)
    node_id = watches(world, "eve")
    record = world.vmap.sessions["demo"].participants["eve"]
    again = world.vmap.apply([(keys.participant("demo", "eve"), record.to_json(), 99)], world.now_s)
    assert again.nodes[node_id].own_cost == 1.0
    assert again.sessions["demo"].attached["stage-st1"] == 1


def test_a_grant_of_another_replica_counts_here_too() -> None:
    """Its participant's key is all it takes."""
    world = local(handles=100)
    opened(world)
    leg = Leg("view", node="st1", context="demo/stage-st1", generation=1)
    text = ParticipantIntent(legs=(leg,), generation=1, joined_s=world.now_s).to_json()
    vmap = world.vmap.apply([("PT:demo:eve", text, 99)], world.now_s)
    assert vmap.nodes["st1"].own_cost == 1.0


def test_an_event_copies_only_what_it_touches() -> None:
    """A status report leaves sessions, other nodes and other regions' shelves the same objects."""
    world = local(stages=3)
    opened(world)
    after = world.vmap.apply([("ST:st1:WEIGHT", "7.5", 99)], world.now_s)
    assert after.sessions is world.vmap.sessions
    assert after.nodes["st2"] is world.vmap.nodes["st2"]
    assert after.shelves["VR", "local"] is world.vmap.shelves["VR", "local"]
    assert after.nodes["st1"].reported_weight == 7.5
    assert after.check() == []


def test_a_node_that_changes_its_region_takes_its_stages_along() -> None:
    """Labels may be corrected while sessions run."""
    world = local()
    opened(world)
    vmap = world.vmap.apply([("ST:st1:REGION", "eu", 99)], world.now_s)
    assert vmap.sessions["demo"].stages == {"eu": {"st1": "stage-st1"}}
    assert vmap.check() == []


def test_a_node_known_only_from_the_intent_is_there_and_silent() -> None:
    """A broker that starts after a node died still knows what stood there."""
    world = local()
    opened(world)
    view = world.vmap.sessions["demo"]
    assert view.intent is not None
    snapshot = {"SS:demo": (view.intent.to_json(), 3)}
    snapshot |= {f"CX:demo:{name}": (view.contexts[name].to_json(), 3) for name in view.contexts}
    snapshot |= {f"LK:demo:{name}": (view.links[name].to_json(), 3) for name in view.links}
    vmap = VirtualMap.build(snapshot, NOW_S)
    assert (vmap.nodes["st1"].out, vmap.nodes["st1"].kind, vmap.nodes["st1"].silent_since_s) == ("silent", "ST", NOW_S)
    assert vmap.check() == []


def test_leader_plan_and_drain_are_read() -> None:
    """And their going too."""
    world = local()
    opened(world)
    vmap = world.vmap.apply(
        [("LD:", LeaderInfo("broker-1", "https://x").to_json(), 9), ("PL:demo", PlanRecord("d-1").to_json(), 9)], NOW_S
    )
    assert vmap.leader == LeaderInfo("broker-1", "https://x")
    assert vmap.sessions["demo"].plan == PlanRecord("d-1")
    vmap = vmap.apply([("LD:", None, 10), ("PL:demo", None, 10)], NOW_S)
    assert (vmap.leader, vmap.sessions["demo"].plan) == (None, None)
    world.ask(Drain("st1", "op"))
    assert (world.vmap.nodes["st1"].out, world.vmap.shelves["ST", "local"].size) == ("draining", 1)
    world.ask(Undrain("st1"))
    assert (world.vmap.nodes["st1"].out, world.vmap.shelves["ST", "local"].size) == ("", 2)
    assert world.vmap.check() == []


def test_a_silent_node_that_nobody_counts_on_is_forgotten_with_its_drain() -> None:
    """It leaves map and shelves, and is as new when it comes back. One that is there, or in use, stays."""
    world = local()
    opened(world, local=10)
    for name in ("st1", "st2"):
        world.ask(Drain(name, "op"))
    world.kill("st2")
    world.ask(Undrain("st1"))
    world.ask(Undrain("st2"))
    assert (world.vmap.node("st2"), world.vmap.regions()) == (None, ("local",))
    assert (world.vmap.shelves["ST", "local"].size, world.vmap.check()) == (1, [])
    world.kill("st1")
    world.ask(Drain("st1", "op"))
    world.ask(Undrain("st1"))
    assert (world.vmap.nodes["st1"].out, world.vmap.check()) == ("silent", [])
    world.revive("st2")
    assert (world.vmap.nodes["st2"].out, world.vmap.nodes["st2"].region) == ("", "local")
    assert (world.vmap.shelves["ST", "local"].size, world.vmap.check()) == (1, [])


def test_check_finds_what_is_broken() -> None:
    """The validator is no rubber stamp: each damage is named."""
    world = local()
    opened(world, local=10)
    speaks(world, "alice")
    link = world.vmap.sessions["demo"].links["v1-st1"].to_json()
    damages = {
        ("LK:demo:v9-st1", None): "",
        ("CX:demo:mix-ab1", None): "has no context 'mix-ab1'",
        ("LK:demo:mix-st1", None): "is not linked to a mix",
        ("LK:demo:v2-st1", link): "share slot v1",
        ("LK:demo:v1-st1", link.replace('"slot":"v1"', '"slot":"v3"')): "empty v1",
        ("PT:demo:alice", None): "who does not publish",
        ("SS:demo", None): "no intent",
        ("CX:demo:stage-st1", '{"node": "vr1", "kind": "ST", "duty": "stage"}'): "of kind VR",
    }
    for (key, text), expected in damages.items():
        found = world.vmap.apply([(key, text, 99)], world.now_s).check()
        assert bool(found) == bool(expected), (key, found)
        assert expected in "\n".join(found), (key, found)
