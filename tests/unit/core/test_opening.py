"""Opening an archipelago: contexts, capacity, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.core.decisions import Refusal
from broker.core.requests import OpenSession
from rtcdn.errors import InvalidRequest
from rtcdn.model import Codec, SessionIntent
from tests.unit.core.worlds import (
    continents,
    local,
    opened,
    steps,
)


def test_a_session_opens_with_a_stage_a_mix_and_an_ingress() -> None:
    """What receives is made first, the link when both its ends are there."""
    world = local()
    answer = opened(world, local=10)
    assert steps(answer) == [
        "create_context stage-st1",
        "create_context mix-ab1",
        "create_context ingress-vr1",
        "start_link mix-st1",
    ]
    assert [change.key for change in answer.changes] == [
        "SS:demo",
        "CX:demo:ingress-vr1",
        "CX:demo:mix-ab1",
        "CX:demo:stage-st1",
        "LK:demo:mix-st1",
    ]


def test_opening_again_changes_nothing() -> None:
    """PUT is idempotent."""
    world = local()
    opened(world, local=10)
    world.now_s += 5
    assert opened(world, local=10).changes == ()


def test_an_audience_gets_as_many_stages_as_it_needs() -> None:
    """90 of 100 handles of a node may be used: 150 viewers need two nodes."""
    world = local(stages=3, handles=100)
    opened(world, local=150)
    assert sorted(world.vmap.sessions["demo"].duty("stage")) == ["stage-st1", "stage-st2"]


def test_an_audience_too_large_is_served_as_far_as_it_goes_and_said_so() -> None:
    """Operators learn what is missing, where."""
    answer = opened(local(stages=2, handles=100), local=500)
    assert [reason.code for reason in answer.reasons] == ["short-of-capacity", "impossible-audience"]
    assert "room for 180 of 500 viewers" in answer.reasons[0].detail


def test_each_region_with_an_audience_gets_its_own_egress() -> None:
    """And the mix stands where most of the audience is, no speaker being known yet."""
    world = continents()
    opened(world, us=100, eu=50)
    view = world.vmap.sessions["demo"]
    assert sorted(view.contexts) == ["ingress-us-vr1", "mix-us-ab1", "stage-eu-st1", "stage-us-st1"]


def test_sessions_are_spread_over_equal_nodes() -> None:
    """Of two idle nodes the one with fewer sessions takes the next."""
    world = local()
    opened(world, "one", local=10)
    opened(world, "two", local=10)
    assert sorted(world.vmap.sessions["two"].duty("stage")) == ["stage-st2"]


@pytest.mark.parametrize(
    ("field", "intent"),
    [
        ("scenario", SessionIntent(scenario="atoll")),
        ("slots", SessionIntent(slots=0)),
        ("bitrate_bps", SessionIntent(bitrate_bps=1)),
        ("audience.eu", SessionIntent(audience={"eu": -1})),
    ],
)
def test_an_intent_that_cannot_be_served_is_refused_by_field(field: str, intent: SessionIntent) -> None:
    """The field is named."""
    with pytest.raises(InvalidRequest) as caught:
        local().ask(OpenSession("demo", intent))
    assert caught.value.field == field


def test_the_codec_of_a_running_session_stays() -> None:
    """Mountpoints cannot change it."""
    world = local()
    opened(world)
    with pytest.raises(InvalidRequest, match="codec"):
        world.ask(OpenSession("demo", SessionIntent(codec=Codec.H264)))


def test_without_a_node_of_a_kind_nothing_opens() -> None:
    """The refusal counts the nodes that were left out, by reason."""
    world = local()
    world.kill("ab1")
    answer = world.ask(OpenSession("demo", SessionIntent()))
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.choices[0].excluded) == ("no-capacity", {"silent": 1, "kind": 3})


def test_an_audience_where_no_node_stands_is_served_from_elsewhere_once() -> None:
    """And housekeeping neither opens more and more for it nor takes its stages away."""
    world = continents()
    opened(world, moon=300, eu=10)
    stages = sorted(world.vmap.sessions["demo"].duty("stage"))
    assert len(stages) == 1
    for _ in range(4):
        world.tick(100)
        assert world.housekeep() == []
    wide = opened(world, moon=500, eu=10)
    assert len(wide.changes) == 3


def test_a_busy_processor_opens_no_stages_for_a_promise() -> None:
    """Its load comes and goes; stages made and removed with it would help nobody."""
    world = local(stages=2, handles=100)
    opened(world, local=80)
    terms = {"cpu": 80.0, "handles": 5.0, "bandwidth": 3.0}
    labels = replace(world.vmap.nodes["st1"].labels, weight_terms=terms).to_json()
    changes = [("ST:st1:LABELS", labels, 99), ("ST:st1:WEIGHT", "80", 99)]
    world.vmap = world.vmap.apply(changes, world.now_s)
    assert world.housekeep() == []
