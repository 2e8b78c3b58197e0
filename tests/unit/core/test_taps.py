"""Taps: modules get the mix or one speaker, and are heard; whatever happens to either end."""

from __future__ import annotations

import pytest

from broker.core.decisions import Decision, Refusal
from broker.core.on_stage import on_stage
from broker.core.requests import Attach, CloseSession, Drain, EndTap, Leave, PutTap
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import BUILT_IN_KINDS, WrapperKind
from broker.sim.world import World
from rtcdn import keys
from rtcdn.errors import InvalidRequest, UnknownParticipant, UnknownSession
from rtcdn.ids import speaker_of
from rtcdn.model import LinkIntent, Role
from tests.unit.core.worlds import node, opened, speaks, steps, watches

MODULES = ("ai1", "ai2")


def world(*modules: str, stages: int = 1) -> World:
    """A region with modules, and a session in it."""
    nodes = [node("vr1", "VR", "local", 1), node("ab1", "AB", "local", 2), node("ab2", "AB", "local", 3)]
    nodes += [node(f"st{i}", "ST", "local", 10 + i) for i in range(1, stages + 1)]
    nodes += [node(name, "AI", "local", 20 + number) for number, name in enumerate(modules or MODULES)]
    made = World(nodes)
    made.gateway("gw", "local")
    opened(made)
    return made


def put(made: World, source: str = "mix", *, speaks: bool = False, module: str = "", tap: str = "t") -> Decision:
    """A tap is asked for and granted."""
    answer = made.ask(PutTap("demo", tap, source, speaks, module))
    assert isinstance(answer, Decision), answer
    assert made.vmap.check() == []
    return answer


def links(made: World) -> dict[str, LinkIntent]:
    """Links of taps."""
    view = made.vmap.sessions["demo"].links
    return {name: view[name] for name in sorted(view) if view[name].kind == "tap"}


def at(made: World, tap: str = "t") -> str:
    """The module of a tap."""
    return str(made.vmap.sessions["demo"].contexts[f"tap-{tap}"].node)


def settle(made: World) -> list[str]:
    """Reports come, what is missing is mended; then nothing may be left to mend. Gives what was mended."""
    found = []
    for _ in range(4):
        made.tick(5)
        found += [f"{type(step).__name__} {step.id}" for step in made.reconcile()]
    made.tick(5)
    assert made.reconcile() == ()
    return found


def test_a_module_that_speaks_and_one_that_does_not() -> None:
    """One is an RTP participant of the mix, the other gets a forwarder; nothing is to be mended afterwards."""
    made = world()
    assert steps(put(made, speaks=True, module="ai1")) == ["create_context tap-t", "start_link tap-t"]
    put(made, module="ai2", tap="quiet")
    room = made.nodes["ab1"].contexts["demo/mix-ab1"]
    assert room.links == ("link~tap-t",)
    port = made.nodes["ai2"].contexts["demo/tap-quiet"].media[0].port
    assert (made.nodes["ai2"].host, port) in {(each.host, each.port) for each in room.forwarders}
    assert settle(made) == []
    again = made.ask(PutTap("demo", "t", "mix", speaks=True))
    assert isinstance(again, Decision)
    assert (again.changes, again.plan) == ((), ())


def test_a_tap_of_a_speaker_waits_while_he_is_away_and_is_answered_by_a_link_of_its_own() -> None:
    """His audio goes to the module; the module is heard in the mix; he leaves and comes back."""
    made = world()
    speaks(made, "ann")
    put(made, "ann", speaks=True)
    assert {name: (link.source, link.target) for name, link in links(made).items()} == {
        "answer-t": ("tap-t", "mix-ab1"),
        "tap-t": ("ingress-vr1", "tap-t"),
    }
    assert settle(made) == []
    made.ask(Leave("demo", "ann"))
    made.nodes["vr1"].unpublish("demo/ingress-vr1", "ann")
    assert list(links(made)) == ["answer-t"]
    assert settle(made) == []
    assert isinstance(made.ask(PutTap("demo", "t", "ann", speaks=True)), Decision), "the same again, while it waits"
    speaks(made, "ann")
    assert list(links(made)) == ["answer-t", "tap-t"]
    assert settle(made) == []


def test_a_tap_changes_what_it_taps_whether_it_speaks_and_where() -> None:
    """Each change tells the module anew and makes the links anew; the old module forgets it."""
    made = world()
    put(made, module="ai1")
    assert steps(put(made, speaks=True)) == ["create_context tap-t", "repoint_link tap-t"]
    assert settle(made) == []
    moved = steps(put(made, speaks=True, module="ai2"))
    assert moved == ["create_context tap-t", "repoint_link tap-t", "destroy_context tap-t"]
    assert "demo/tap-t" not in made.nodes["ai1"].contexts
    assert settle(made) == []
    speaks(made, "ann")
    put(made, "ann", module="ai2")
    assert list(links(made)) == ["tap-t"]
    assert settle(made) == []
    assert made.nodes["ab1"].contexts["demo/mix-ab1"].links == ("link~voice-ann",)


@pytest.mark.parametrize("source", ["mix", "ann"])
def test_a_module_that_restarts_is_told_again(source: str) -> None:
    """It reports no tap: it gets it again, and the links are made again."""
    made = world("ai1")
    speaks(made, "ann")
    put(made, source, speaks=True)
    made.nodes["ai1"].restart()
    mended = settle(made)
    assert "CreateContext tap-t" in mended
    assert set(made.nodes["ai1"].contexts) == {"demo/tap-t"}
    assert made.nodes["ai1"].contexts["demo/tap-t"].forwarders, "it is heard again"


@pytest.mark.parametrize("source", ["mix", "ann"])
def test_a_mix_that_restarts_gets_its_taps_back(source: str) -> None:
    """The RTP participant is made again."""
    made = world("ai1")
    speaks(made, "ann")
    put(made, source, speaks=True)
    made.nodes["ab1"].restart()
    settle(made)
    held = set(made.nodes["ab1"].contexts["demo/mix-ab1"].links)
    assert held == {"link~voice-ann", "link~tap-t" if source == "mix" else "link~answer-t"}


def test_a_voice_that_is_missing_is_seen_though_a_module_on_the_same_host_gets_it_too() -> None:
    """Mix and module share an address: the forwarder to the module is not taken for the voice's."""
    made = world("ai1")
    made.nodes["ai1"].host = made.nodes["ab1"].host
    made.tick(1)
    speaks(made, "ann")
    put(made, "ann")
    room = made.nodes["vr1"].contexts["demo/ingress-vr1"]
    (module_port,) = (medium.port for medium in made.nodes["ai1"].contexts["demo/tap-t"].media)
    (voice,) = (each for each in room.forwarders if each.type == "audio" and each.port != module_port)
    made.nodes["vr1"].stop_stream("demo/ingress-vr1", voice.stream_id)
    assert settle(made) == ["StartLink voice-ann"]


def test_a_lost_module_gives_its_taps_to_another_and_keeps_them_while_there_is_none() -> None:
    """SIGKILL of the module's host; later of the other one too."""
    made = world()
    put(made, speaks=True)
    first = at(made)
    made.kill(first)
    made.tick(20)
    made.housekeep()
    second = at(made)
    assert second != first
    assert settle(made) == []
    made.kill(second)
    made.tick(20)
    made.housekeep()
    assert at(made) == second
    made.revive(first)
    made.housekeep()
    assert at(made) == first
    settle(made)
    assert made.vmap.check() == []


def test_a_draining_module_is_left_and_the_last_one_ends_its_taps_at_the_deadline() -> None:
    """Move while there is somewhere to go; without, the tap stays until the deadline."""
    made = world()
    put(made, speaks=True, module="ai1")
    made.ask(Drain("ai1"))
    made.housekeep()
    assert at(made) == "ai2"
    made.ask(Drain("ai2", deadline_s=made.now_s + 60))
    made.housekeep()
    assert at(made) == "ai2"
    made.tick(61)
    made.housekeep()
    assert "tap-t" not in made.vmap.sessions["demo"].contexts
    assert links(made) == {}
    settle(made)
    assert made.nodes["ab1"].contexts["demo/mix-ab1"].links == ()


def test_a_mix_that_moves_takes_its_taps_along() -> None:
    """Its node drains: the tap goes on at the new mix."""
    made = world("ai1")
    put(made, speaks=True)
    made.ask(Drain("ab1"))
    made.housekeep()
    assert links(made)["tap-t"].source == "mix-ab2"
    assert settle(made) == []
    assert made.nodes["ab2"].contexts["demo/mix-ab2"].links == ("link~tap-t",)


def test_the_end_of_a_tap_and_of_a_session_leave_nothing() -> None:
    """Neither on the module nor in the mix."""
    made = world()
    put(made, speaks=True, module="ai1")
    put(made, module="ai1", tap="other")
    made.ask(EndTap("demo", "t"))
    assert set(made.nodes["ai1"].contexts) == {"demo/tap-other"}
    assert isinstance(made.ask(EndTap("demo", "t")), Decision), "again is fine"
    made.ask(CloseSession("demo"))
    assert made.nodes["ai1"].contexts == {}
    assert made.vmap.session("demo") is None


def test_taps_are_kept_while_viewers_come_and_the_session_is_tidied() -> None:
    """New stages and tidying rewrite the links; those of taps stay as they are."""
    made = world("ai1", stages=2)
    put(made, speaks=True)
    before = links(made)
    for number in range(30):
        watches(made, f"v{number}")
    speaks(made, "ann")
    made.tick(120)
    made.housekeep()
    assert links(made) == before
    assert settle(made) == []


def test_what_cannot_be_tapped_is_refused_with_the_cure() -> None:
    """Unknown names, a bad id, nobody's audio, no module."""
    made = world("ai1")
    watches(made, "vic")
    made.ask(Attach("demo", "bob", ("talk",), Role.SPEAKER, gateway="gw"))
    for request, error in (
        (PutTap("none", "t"), UnknownSession),
        (PutTap("demo", "t", "nobody"), UnknownParticipant),
        (PutTap("demo", "T!"), InvalidRequest),
        (PutTap("demo", "t" * 51), InvalidRequest),
        (PutTap("demo", "t", "No Body"), InvalidRequest),
        (PutTap("demo", "t", module="nowhere"), InvalidRequest),
        (PutTap("demo", "t", module="st1"), InvalidRequest),
    ):
        with pytest.raises(error):
            made.ask(request)
    for name in ("vic", "bob"):
        refused = made.ask(PutTap("demo", "t", name))
        assert isinstance(refused, Refusal)
        assert refused.code == "not-tappable"
        assert "WHIP" in refused.detail
    made.kill("ai1")
    for module in ("", "ai1"):
        refused = made.ask(PutTap("demo", "t", module=module))
        assert isinstance(refused, Refusal)
        assert refused.code == "no-capacity"
    assert "tap-t" not in made.vmap.sessions["demo"].contexts


def test_a_module_talks_under_the_name_of_its_tap() -> None:
    """So clients see who is heard."""
    assert speaker_of("link~tap-echo") == speaker_of("link~answer-echo") == "tap-echo"
    assert speaker_of("link~voice-ann") == "ann"
    made = world("ai1")
    put(made, speaks=True, tap="echo")
    text = '{"contexts":[],"talkers":{"demo/mix-ab1":["link~tap-echo"]}}'
    made.vmap = made.vmap.apply([("AB:ab1:PLUGIN", text, 99)], made.now_s)
    assert on_stage(made.vmap, "demo").talking == ("tap-echo",)


def test_a_kind_that_another_package_adds_is_known_by_its_keys() -> None:
    """Its node is on the map; the same keys without the package are a node that cannot be read."""
    details = {"ADDRESS": "192.0.2.9:80", "WEIGHT": "7", "REGION": "local", "LABELS": "{}", "PLUGIN": "{}"}
    snapshot = {keys.node_field("SUB", "sub1", name): (text, 1) for name, text in details.items()}
    snapshot[keys.node("sub1")] = ("SUB", 1)
    kinds = {**BUILT_IN_KINDS, "SUB": WrapperKind("SUB", ("subtitles",), "")}
    found = VirtualMap.build(snapshot, 1.0, 1, kinds).node("sub1")
    assert found is not None
    assert (found.kind, found.weight, found.region, found.silent) == ("SUB", 7.0, "local", False)
    strange = VirtualMap.build(snapshot, 1.0, 1)
    assert strange.node("sub1") is None or strange.nodes["sub1"].silent
    assert "JN:sub1" in strange.unreadable
