"""Whatever happens to a big island in whatever order, its map stays whole and everyone hears everyone."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.core.decide import decide
from broker.core.decisions import Decision
from broker.core.requests import Attach, Drain, Leave, MediaUp, Reap, Request, SetRole, Vacate, Watched
from broker.sim.world import World
from rtcdn.errors import RtcdnError
from rtcdn.model import Role
from tests.unit.core.islands import all_hear_all, island, says
from tests.unit.core.worlds import AUDIO, CAMERA, watches

NAMES = st.sampled_from(tuple("abcdefghij"))
NODES = st.sampled_from(
    tuple(f"{region}-{kind}{i}" for region in ("eu", "us") for kind in ("vr", "ab", "st") for i in (1, 2))
)
REGIONS = st.sampled_from((("eu",), ("us",), ()))
S = st.just("demo")
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(Attach, S, NAMES, st.just(("talk",)), st.sampled_from(Role), st.just(("speak",)), regions=REGIONS),
    st.builds(
        Attach,
        S,
        NAMES,
        st.just(("view",)),
        st.just(Role.VIEWER),
        st.just(("speak",)),
        ready=st.just(True),
        regions=REGIONS,
    ),
    st.builds(SetRole, S, NAMES, st.sampled_from(Role)),
    st.builds(
        MediaUp,
        S,
        NAMES,
        st.sampled_from(("talk", "publish")),
        st.integers(1, 4),
        st.just(1),
        st.just(1),
        st.just((AUDIO, CAMERA)),
    ),
    st.builds(Leave, S, NAMES),
    st.builds(Drain, NODES, st.just("op"), st.sampled_from((0.0, 1_000_010.0))),
    st.builds(Vacate, S, NODES, st.booleans()),
    st.builds(Watched, S, st.lists(NAMES, max_size=3).map(tuple)),
    st.builds(Reap, S),
)
EVENTS = st.one_of(
    REQUESTS,
    REQUESTS,
    st.tuples(st.just("publish"), NAMES, REGIONS),
    st.tuples(st.just("talk"), NAMES, REGIONS),
    st.tuples(st.just("says"), NAMES),
    st.tuples(st.sampled_from(("kill", "revive")), NODES),
    st.tuples(st.just("tick"), st.sampled_from((1.0, 10.0, 61.0))),
    st.tuples(st.just("housekeep")),
)


def happen(world: World, event: Any) -> None:
    """Let one event happen."""
    match event:
        case ("publish" | "talk" as leg, name, regions):
            answer = world.ask(Attach("demo", name, (leg,), Role.SPEAKER, gateway="gw", regions=regions))
            if isinstance(answer, Decision) and answer.grant:
                world.ask(MediaUp("demo", name, leg, answer.grant.generation, 1, 2, (AUDIO, CAMERA)))
        case ("says", name):
            says(world, name)
        case ("tick", seconds):
            world.tick(seconds)
        case ("housekeep",):
            world.housekeep()
        case ("kill" | "revive" as what, node):
            if (node in world.down) == (what == "revive"):
                (world.kill if what == "kill" else world.revive)(node)
        case _:
            try:
                world.ask(event)
            except RtcdnError:
                return


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=25))
def test_no_sequence_of_requests_breaks_an_island(events: list[Any]) -> None:
    """``check`` is empty after every step; decisions are repeatable; in the end everyone hears everyone once."""
    world = island(eu=10, us=10)
    watches(world, "eve", regions=("us",))
    for event in events:
        if not isinstance(event, tuple):
            answers = [repr(_decided(world, event)) for _ in range(2)]
            assert answers[0] == answers[1]
        happen(world, event)
        assert world.vmap.check() == [], event
    world.housekeep()
    assert world.vmap.check() == []
    assert all_hear_all(world)


def _decided(world: World, request: Request) -> Any:
    try:
        return decide(world.vmap, request, world.policy, world.now_s)
    except RtcdnError as error:
        return type(error)
