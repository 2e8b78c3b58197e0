"""What ``status`` makes of the broker's map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.client import Deployment
from ops.status import seen, text

DEPLOYMENT = Deployment("local", Path("/state"), "https://a", "https://b", "", ("st1", "vr1"), ("1",))


def node(name: str, ages: dict[str, dict[str, int]] | None = None, state: str = "ready") -> dict[str, Any]:
    numbers = dict.fromkeys(("cpu", "mem", "weight", "viewers", "publishers"), 1)
    place = {"kind": "ST", "region": "local", "version": "1.4.1"}
    return {"id": name, "state": state, "media_age_ms": ages or {}, **place, **numbers}


def vmap(ages: dict[str, int] | None = None, **changes: Any) -> dict[str, Any]:
    stage = {"duty": "stage", "node": "st1"}
    demo = {
        "id": "demo",
        "intent": {"scenario": "archipelago", "codec": "vp8"},
        "publishers": ["anna"],
        "contexts": {"stage-st1": stage},
        "links": {
            "mix-st1": {"kind": "mix", "target": "stage-st1", "slot": ""},
            "v1-st1": {"kind": "slot", "target": "stage-st1", "slot": "v1"},
        },
        "attached": {"stage-st1": 3},
    }
    made = {
        "nodes": {
            "st1": node("st1", {"demo/stage-st1": ages or {"a": 20, "v1": 30, "v2": 40, "v3": -1}}),
            "vr1": node("vr1"),
        },
        "gateways": {"1": {"region": "local", "address": "127.0.0.1:8201"}},
        "sessions": {"demo": demo},
        "leader": {"broker": "broker-1"},
        "age_s": 0.1,
    }
    return {**made, **changes}


def test_a_flowing_session_is_well() -> None:
    """The mix and one picture are fresh; slots that nobody is linked to do not count."""
    answer = seen(DEPLOYMENT, vmap(), "demo")
    assert answer["problems"] == []
    assert answer["sessions"][0]["flowing"] == {"st1": ["a", "v1"]}
    assert answer["sessions"][0]["viewers"] == 3
    assert text(answer).endswith("all well")


@pytest.mark.parametrize(
    ("seen_map", "said"),
    [
        (vmap({"a": 20, "v1": 5000}), "session demo: no picture flows to the stage on st1"),
        (vmap({"a": -1, "v1": 20}), "session demo: no sound flows to the stage on st1"),
        (vmap(sessions={}), "there is no session demo"),
        (vmap(leader=None), "no broker leads: nothing can be changed until one does"),
        (
            vmap(age_s=61.2),
            "the broker has not heard of the store for 61 s: media go on, nothing new is decided",
        ),
        (vmap(gateways={}), "gateway 1 is silent"),
        (vmap(nodes={"st1": node("st1")}), "node vr1 is silent"),
        (vmap(nodes={"st1": node("st1"), "vr1": node("vr1", state="silent")}), "node vr1 is silent"),
    ],
)
def test_every_lack_is_said(seen_map: dict[str, Any], said: str) -> None:
    """In the words of an operator."""
    answer = seen(DEPLOYMENT, seen_map, "demo")
    assert said in answer["problems"]
    assert f"! {said}" in text(answer)


def test_a_drained_node_is_shown_and_is_no_problem() -> None:
    """An operator asked for it."""
    answer = seen(DEPLOYMENT, vmap(nodes={"st1": node("st1", state="draining"), "vr1": node("vr1")}))
    assert answer["problems"] == []
    assert "draining" in text(answer)
