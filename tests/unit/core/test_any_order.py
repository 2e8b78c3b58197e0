"""Whatever is asked in whatever order, the map stays whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.core.decide import decide
from broker.core.decisions import Decision
from broker.core.on_stage import on_stage, restaged
from broker.core.plan import plan_changes
from broker.core.requests import (
    Admit,
    Attach,
    ChangeScenario,
    CloseSession,
    Drain,
    GatewayLost,
    Leave,
    MediaDown,
    MediaUp,
    OpenSession,
    Reap,
    Remove,
    Reorganise,
    Request,
    SetRole,
    Talking,
    Undrain,
    Vacate,
    Warmup,
)
from broker.sim.world import World
from rtcdn.errors import RtcdnError
from rtcdn.model import Role, SessionIntent
from tests.unit.core.worlds import AUDIO, CAMERA, SCREEN, SIMULCAST, continents, opened, speaks, watches

NAMES = st.sampled_from(("alice", "bob", "carol", "dave", "eve"))
NODES = st.sampled_from(
    tuple(f"{region}-{kind}{i}" for region in ("eu", "us") for kind in ("vr", "ab", "st") for i in (1, 2))
)
ROLES = st.sampled_from(tuple(Role))
LEGS = st.sampled_from(("publish", "view", "talk"))
REGIONS = st.sampled_from(((), ("eu",), ("us", "eu")))
GATEWAYS = st.sampled_from(("gw", "gw2"))
NAMED_CAMERA, NAMED_SCREEN = replace(SIMULCAST, source="camera"), replace(SCREEN, source="screen")
STREAMS = st.sampled_from(
    (
        (AUDIO, CAMERA),
        (AUDIO,),
        (SIMULCAST,),
        (AUDIO, CAMERA, SCREEN),
        (NAMED_CAMERA, NAMED_SCREEN),
        (NAMED_SCREEN,),
        (),
    )
)
RIGHTS = st.sampled_from(((), ("view", "speak"), ("view", "speak", "publish")))
GENERATIONS = st.integers(0, 4)
INTENTS = st.builds(
    SessionIntent,
    slots=st.just(2),
    audience=st.dictionaries(st.sampled_from(("eu", "us", "moon")), st.integers(0, 500), max_size=2),
)
S = st.just("demo")
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(Attach, S, NAMES, LEGS.map(lambda leg: (leg,)), ROLES, gateway=GATEWAYS, regions=REGIONS),
    st.builds(Attach, S, NAMES, st.just(("publish", "view")), ROLES, gateway=GATEWAYS, regions=REGIONS),
    st.builds(Attach, S, NAMES, st.just(("view",)), ROLES, RIGHTS, gateway=GATEWAYS, ready=st.just(True)),
    st.builds(Attach, S, NAMES, st.just(("talk",)), ROLES, RIGHTS, gateway=GATEWAYS),
    st.builds(Attach, S, NAMES, st.just(("view",)), gateway=GATEWAYS, regions=REGIONS, resume=st.just("0" * 64)),
    st.builds(Warmup, S, st.dictionaries(st.sampled_from(("eu", "us")), st.integers(0, 900), max_size=2)),
    st.builds(Reorganise, S, st.integers(0, 2)),
    st.builds(MediaUp, S, NAMES, LEGS, GENERATIONS, st.just(1), st.just(1), STREAMS, GATEWAYS),
    st.builds(MediaUp, S, NAMES, LEGS, GENERATIONS, st.integers(1, 3), st.just(1), STREAMS),
    st.builds(MediaUp, S, NAMES, st.just("publish"), GENERATIONS, st.integers(1, 3), st.just(1), STREAMS),
    st.builds(MediaDown, S, NAMES, LEGS, GENERATIONS),
    st.builds(Leave, S, NAMES, st.sampled_from(("", "publish", "view", "talk")), GENERATIONS),
    st.builds(Admit, S, NAMES, ROLES),
    st.builds(SetRole, S, NAMES, ROLES),
    st.builds(SetRole, S, NAMES, ROLES, NAMES),
    st.builds(Remove, S, NAMES),
    st.builds(Remove, S, NAMES, NAMES),
    st.builds(Talking, S, NAMES),
    st.builds(Drain, NODES, st.just("op"), st.sampled_from((0.0, 1_000_010.0))),
    st.builds(Undrain, NODES),
    st.builds(Vacate, S, NODES, st.booleans()),
    st.builds(GatewayLost, S, GATEWAYS),
    st.builds(Reap, S),
    st.builds(OpenSession, S, INTENTS),
    st.builds(ChangeScenario, S, st.sampled_from(("archipelago", "atollo", "big_island"))),
    st.builds(CloseSession, S, st.booleans()),
)
EVENTS = st.one_of(
    REQUESTS,
    REQUESTS,
    REQUESTS,
    st.tuples(st.just("comes"), NAMES, st.sampled_from(("publish", "view")), REGIONS, STREAMS),
    st.tuples(st.sampled_from(("kill", "revive")), NODES),
    st.tuples(st.just("tick"), st.sampled_from((1.0, 10.0, 61.0))),
    st.tuples(st.just("housekeep")),
)


def _is_open(world: World) -> bool:
    return world.vmap.session("demo") is not None


def happen(world: World, event: Any) -> None:
    """Let one event happen; what is wrong with a request is an error of ours, never another one."""
    if not isinstance(event, tuple):
        try:
            world.ask(event)
        except RtcdnError:
            return
    elif event[0] == "comes":
        _, name, leg, regions, streams = event
        attach = Attach("demo", name, (leg,), Role.SPEAKER, gateway="gw", regions=regions)
        answer = world.ask(attach) if _is_open(world) else None
        if isinstance(answer, Decision) and answer.grant:
            world.ask(MediaUp("demo", name, leg, answer.grant.generation, 1, 2, streams))
    elif event[0] == "media":
        _, name, leg, generation, streams = event
        world.ask(MediaUp("demo", name, leg, generation, 3, 4, streams if leg == "publish" else ()))
    elif event[0] == "tick":
        world.tick(event[1])
    elif event[0] == "housekeep":
        world.housekeep()
    elif (event[1] in world.down) == (event[0] == "revive"):
        (world.kill if event[0] == "kill" else world.revive)(event[1])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=25))
def test_no_sequence_of_requests_breaks_the_map(events: list[Any]) -> None:
    """``check`` is empty after every step, no change of the stage goes unseen, and housekeeping comes to rest."""
    world = continents()
    world.gateway("gw2", "us")
    opened(world, slots=2, eu=10)
    speaks(world, "alice")
    watches(world, "eve")
    for event in events:
        before, told = world.vmap, on_stage(world.vmap, "demo")
        happen(world, event)
        assert world.vmap.check() == [], event
        if on_stage(world.vmap, "demo") != told:
            assert "demo" in restaged(before, world.vmap)
    world.housekeep()
    assert world.vmap.check() == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=15), REQUESTS)
def test_a_decision_is_repeatable_and_changes_no_map(events: list[Any], request: Request) -> None:
    """The same map, request and time give the same decision: what replay and explain rest on."""
    world = continents()
    opened(world, slots=2, eu=10)
    for event in events:
        happen(world, event)
    before = world.vmap.to_dict()
    try:
        first, second, full = (
            decide(world.vmap, request, world.policy, world.now_s, exhaustive=exhaustive)
            for exhaustive in (False, False, True)
        )
    except RtcdnError:
        return
    assert first == second
    assert world.vmap.to_dict() == before
    if isinstance(first, Decision) and isinstance(full, Decision):
        assert [choice.chosen for choice in full.choices] == [choice.chosen for choice in first.choices]
        assert (full.changes, full.grant, full.plan) == (first.changes, first.grant, first.plan)


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_commit_that_was_cut_off_is_mended(cut: int) -> None:
    """Large decisions are committed in portions: after any prefix, housekeeping makes the map whole."""
    world = continents()
    opened(world, slots=3, eu=10, us=10)
    speaks(world, "alice", (AUDIO, CAMERA, SCREEN))
    speaks(world, "bob")
    answer = decide(world.vmap, Leave("demo", "alice"), world.policy, world.now_s)
    assert isinstance(answer, Decision)
    world.commit(answer.changes[:cut])
    world.housekeep()
    assert world.vmap.check() == []
    wide = SessionIntent(slots=3, audience={"eu": 700, "us": 700})
    more = decide(world.vmap, OpenSession("demo", wide), world.policy, world.now_s)
    assert isinstance(more, Decision)
    assert len(more.changes) > 4
    world.commit(more.changes[:cut])
    world.housekeep()
    assert world.vmap.check() == []


def test_a_plan_follows_from_the_changes_alone() -> None:
    """A new leader derives the same steps from the same intent."""
    world = continents()
    opened(world, eu=10)
    speaks(world, "alice")
    answer = decide(world.vmap, CloseSession("demo"), world.policy, world.now_s)
    assert isinstance(answer, Decision)
    orders = [step for step in answer.plan if hasattr(step, "order")]
    assert plan_changes(world.vmap, answer.changes, orders) == answer.plan
