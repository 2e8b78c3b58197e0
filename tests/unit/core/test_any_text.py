"""Whatever stands in the store: nothing raises, and what is whole goes on."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from broker.core.decide import decide
from broker.core.decisions import Decision, Refusal
from broker.core.housekeeping import due
from broker.core.map_draft import READERS
from broker.core.reconcile import reconcile
from broker.core.requests import Attach
from rtcdn.errors import RtcdnError
from rtcdn.model import ContextInfo, Labels, Leg, PluginData
from tests.unit.core.worlds import attach, continents, opened, speaks, watches

IDS = st.sampled_from(
    ("demo", "other", "eu-st1", "eu-vr1", "stage-eu-st1", "mix-eu-ab1", "alice", "eve", "gw", "v1-eu-st1")
)
FIELDS = st.sampled_from(("ADDRESS", "CPU", "WEIGHT", "REGION", "LABELS", "PLUGIN"))
KEYS = st.one_of(
    st.builds("{}:{}".format, st.sampled_from(("JN", "GW", "SS", "ND", "PL")), IDS),
    st.builds("{}:demo:{}".format, st.sampled_from(("CX", "LK", "PT")), IDS),
    st.builds("{}:{}:{}".format, st.sampled_from(("VR", "AB", "ST")), IDS, FIELDS),
    st.text(max_size=12),
)
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.just(10**400),
    IDS,
    st.sampled_from(("VR", "ST", "stage", "up", "slot")),
)
NAMES = st.sampled_from(
    [field.name for kind in (*READERS.values(), Leg, Labels, PluginData, ContextInfo) for field in fields(kind)]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=8,
)
TEXTS = st.one_of(st.none(), st.text(max_size=8), VALUES.map(json.dumps))


@example([("CX:demo:mix-eu-ab1", "{}")])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(KEYS, TEXTS), max_size=12))
def test_no_text_raises(changes: list[tuple[str, str | None]]) -> None:
    """Neither the map, nor what the leader asks of it each second, nor a viewer's attach."""
    world = continents()
    opened(world, eu=10)
    speaks(world, "alice")
    watches(world, "eve")
    opened(world, "whole", us=10)
    vmap = world.vmap.apply([(key, text, 99) for key, text in changes], world.now_s)
    built = vmap.build({key: (text, 1) for key, text in changes if text is not None}, world.now_s)
    for each in (vmap, built):
        each.check()
        each.to_dict()
        for request in due(each, world.policy, world.now_s + 100):
            try:
                decide(each, request, world.policy, world.now_s + 100)
            except RtcdnError:
                continue
        reconcile(each, world.now_s + 100)
    answer = decide(vmap, Attach("whole", "zoe"), world.policy, world.now_s)
    assert isinstance(answer, Decision | Refusal)
    assert isinstance(attach(world, "zoe", session="whole"), Decision)
