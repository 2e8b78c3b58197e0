"""Taps of an atollo: a module is no part of the session's home."""

from __future__ import annotations

from broker.core.decisions import Decision
from broker.core.requests import Drain, Leave, PutTap
from broker.sim.world import World
from tests.unit.core.test_atollo import KINDS, host, places, small
from tests.unit.core.worlds import speaks

ALL = (*KINDS, "AI")


def world(*us: str) -> World:
    """Two hosts in eu with modules beside the other nodes, one in us with what is said."""
    made = World([*host("eu1", "eu", 1, ALL), *host("eu2", "eu", 2, ALL), *host("us1", "us", 3, us or ("AI",))])
    made.gateway("gw", "eu")
    return made


def tapped(made: World, module: str, source: str = "mix", tap: str = "t") -> None:
    """A tap is asked for and granted."""
    assert isinstance(made.ask(PutTap("demo", tap, source, module=module)), Decision)
    assert made.vmap.check() == []


def rest(made: World) -> None:
    """Time passes; what it brings comes to rest."""
    for _ in range(4):
        made.tick(61)
        made.housekeep()
        made.reconcile()
    assert made.vmap.check() == []
    assert made.housekeep() == []


def test_a_tap_on_another_host_is_not_made_again_beside_the_session() -> None:
    """It was: a second one without a source, on the module of the session's own host."""
    made = world()
    small(made, eu=4)
    speaks(made, "ann")
    tapped(made, "us1-ai")
    rest(made)
    assert [name for name in places(made) if name.startswith("tap-")] == ["tap-t"]
    assert places(made)["tap-t"] == "us1"


def test_a_tap_that_was_there_first_says_nothing_of_where_the_session_goes() -> None:
    """The first participant does."""
    made = world(*ALL)
    small(made)
    tapped(made, "us1-ai")
    speaks(made, "ann", regions=("eu",))
    rest(made)
    assert {place for name, place in places(made).items() if name != "tap-t"} == {"eu1"}


def test_the_taps_of_a_module_that_drains_or_is_lost_go_to_another_and_the_session_stays() -> None:
    """Its other nodes on that host go on working."""
    made = world()
    small(made, eu=4)
    speaks(made, "ann")
    tapped(made, "eu1-ai")
    before = places(made)
    made.ask(Drain("eu1-ai"))
    rest(made)
    after = places(made)
    assert after["tap-t"] != "eu1"
    assert {**after, "tap-t": ""} == {**before, "tap-t": ""}
    made.kill(made.vmap.sessions["demo"].contexts["tap-t"].node)
    made.tick(61)
    made.housekeep()
    assert places(made)["tap-t"] not in ("eu1", after["tap-t"])
    assert {**places(made), "tap-t": ""} == {**before, "tap-t": ""}


def test_taps_that_wait_for_their_source_outlive_a_move() -> None:
    """Two of them, while the host of the session drains."""
    made = world()
    small(made, eu=4)
    speaks(made, "ann")
    for tap in ("t", "u"):
        tapped(made, "us1-ai", "ann", tap)
    made.ask(Leave("demo", "ann"))
    made.nodes["eu1-vr"].unpublish("demo/ingress-eu1-vr", "ann")
    made.ask(Drain("eu1-vr"))
    rest(made)
    assert {"tap-t", "tap-u"} <= set(places(made))
    assert {place for name, place in places(made).items() if not name.startswith("tap-")} == {"eu2"}
