"""Cases run in virtual time: the same every time, with invariants that hold and nobody left behind."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from broker.sim.case import Case, parse
from broker.sim.run import Run

ROOT = Path(__file__).resolve().parents[2]
GRACE_S = 60.0  # lease, the policy's grace, the orders, and who comes again by himself

SMALL: dict[str, Any] = {
    "name": "small",
    "duration_s": 300,
    "regions": {"eu": {"place": [50, 8]}, "us": {"place": [39, -77]}, "far": {"place": [-30, 150]}},
    "nodes": [
        {"region": "eu", "hosts": 2, "kinds": {"VR": 1, "AB": 1, "ST": 2}, "handles": 60, "price_hour": 1.0},
        {"region": "us", "hosts": 2, "kinds": {"VR": 1, "AB": 1, "ST": 2}, "handles": 60, "price_hour": 1.0},
    ],
    "sessions": [
        {
            "name": "talk",
            "lasts_s": 600,
            "bitrate_bps": 500_000,
            "audience": {"eu": 40, "us": 40},
            "speakers": {"count": 2, "promoted_per_hour": 120, "hold_s": 20},
            "arrivals": [{"people": 120, "curve": "ramp", "over_s": 60, "regions": {"eu": 3, "us": 3, "far": 1}}],
            "stay": {"kind": "exponential", "mean_s": 900},
        }
    ],
}


def small(**changed: Any) -> Case:
    return parse({**SMALL, **changed}, "small")


def joins(case: Case, people: int, over_s: float, curve: str = "burst") -> Case:
    arrivals = msgspec.structs.replace(case.sessions[0].arrivals[0], people=people, over_s=over_s, curve=curve)
    session = msgspec.structs.replace(case.sessions[0], arrivals=(arrivals,))
    return msgspec.structs.replace(case, sessions=(session,))


def test_everybody_is_served_near_and_the_map_stays_whole() -> None:
    """Enough room: nobody is refused a view, nobody sits in the wrong region, the invariants hold at each sample."""
    result = Run(small()).run()
    totals = result["totals"]
    assert totals["people"] == 120
    assert totals["gave_up"] == totals["dark_at_end"] == 0
    assert totals["broken_invariants"] == {}
    assert set(totals["refusals"]) <= {"stage-full"}
    assert result["optimum"]["not_nearest"] == result["optimum"]["optimum_not_nearest"]
    assert totals["requests"]["SetRole"] > 2
    assert totals["requests"]["Talking"] > 0


def test_two_seeds_are_two_runs() -> None:
    """And the same seed is the same run."""
    one, again, other = (Run(small(duration_s=120), seed).run() for seed in (1, 1, 2))
    assert one == again
    assert one["decisions_digest"] != other["decisions_digest"]


def test_the_result_is_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    """Hashes of text differ between processes; no order of theirs reaches a decision or the report."""
    path = tmp_path / "case.yml"
    path.write_text(json.dumps({**SMALL, "failures": [{"at_s": 100, "kill": "us", "back_s": 60}]}))
    out = tmp_path / "out.json"
    subprocess.run(
        [sys.executable, "-m", "ops", "simulate", str(path), "--json", str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    result = Run(parse(json.loads(path.read_text()), "case")).run()
    here = json.dumps(result, indent=1, sort_keys=True) + "\n"
    assert hashlib.sha256(out.read_bytes()).hexdigest() == hashlib.sha256(here.encode()).hexdigest()


def test_a_lost_region_leaves_nobody_behind() -> None:
    """Its viewers are elsewhere after the grace, and the map is whole at every sample on the way."""
    result = Run(small(failures=[{"at_s": 100, "kill": "us"}])).run()
    dark = {sample["t"]: sample["dark"] for sample in result["samples"]}
    assert max(dark.values()) > 20
    assert all(count == 0 for at_s, count in dark.items() if at_s > 100 + GRACE_S)
    assert result["totals"]["broken_invariants"] == {}
    assert sum(result["totals"]["moves"].values()) >= max(dark.values())


def test_a_host_that_comes_back_works_again() -> None:
    """What it should hold is made there again; who watched there watches on."""
    run = Run(small(failures=[{"at_s": 100, "kill": "eu-h1", "back_s": 20}]))
    result = run.run()
    assert result["totals"]["dark_at_end"] == 0
    assert result["totals"]["broken_invariants"] == {}
    for view in run.world.vmap.sessions.values():
        for name, context in view.contexts.items():
            assert f"{view.id}/{name}" in run.nodes[context.node].contexts


def test_a_drained_host_is_empty_in_the_end() -> None:
    """Its people are led elsewhere without a moment in the dark."""
    run = Run(small(failures=[{"at_s": 100, "drain": "eu-h2"}]))
    result = run.run()
    assert max(sample["dark"] for sample in result["samples"]) == 0
    assert [name for name in run.nodes if name.startswith("eu-h2") and run.nodes[name].held] == []


def test_a_crowd_beyond_the_room_is_refused_and_no_node_is_overloaded() -> None:
    """600 at once for 8 nodes of 60 handles: the rest is told so, and own grants go no further than full."""
    result = Run(joins(small(), people=600, over_s=10)).run()
    totals = result["totals"]
    assert totals["peak_viewers"] <= 8 * 54
    assert totals["peak_viewers"] >= 8 * 54 - 12
    assert totals["gave_up"] >= 150
    assert totals["refusals"]["no-capacity"] > 150
    assert totals["overloaded_node_s"] == 0
    assert result["optimum"]["weight_max"] <= 90


def test_late_reports_do_not_flood_a_node() -> None:
    """92 joins in 31 s with status ten seconds old: within a region no node has more than its share and two."""
    case = joins(small(report_s=10.0), people=92, over_s=31, curve="constant")
    session = msgspec.structs.replace(case.sessions[0], audience={"eu": 200, "us": 200})
    run = Run(msgspec.structs.replace(case, sessions=(session,), duration_s=40.0))
    run.run()
    for region in ("eu", "us"):
        got = [node.viewers for node in run.nodes.values() if node.kind == "ST" and node.region == region]
        assert max(got) <= sum(got) / len(got) + 2


def test_money_and_traffic_are_those_of_the_people() -> None:
    """Ten viewers of one speaker of 500 kbit/s for about 290 s: 10 x 548 kbit/s; all 16 nodes are paid for 300 s."""
    case = joins(small(), people=11, over_s=1)
    stay = msgspec.structs.replace(case.sessions[0].stay, kind="end")
    speakers = msgspec.structs.replace(case.sessions[0].speakers, count=1, promoted_per_hour=0.0)
    session = msgspec.structs.replace(case.sessions[0], stay=stay, speakers=speakers)
    result = Run(msgspec.structs.replace(case, sessions=(session,))).run()
    cost = result["totals"]["cost"]
    assert cost["node_hours_there"] == pytest.approx(16 * 300 / 3600, rel=0.01)
    assert cost["nodes_there_cost"] == pytest.approx(cost["node_hours_there"], rel=0.01)
    sent_gb = 11 * 548 * 300 / 8e6 + 48 * 300 / 8e6  # the speaker watches too, and hears the mix
    assert cost["egress_gb"] == pytest.approx(sent_gb, rel=0.03)


def test_time_in_the_dark_is_counted_between_samples_too() -> None:
    """However seldom things are measured."""
    failures = [{"at_s": 101, "kill": "us"}]
    often, seldom = (Run(small(failures=failures, sample_s=sample_s)).run() for sample_s in (1, 150))
    assert seldom["totals"]["dark_viewer_minutes"] == often["totals"]["dark_viewer_minutes"]
    sampled_minutes = sum(sample["dark"] for sample in often["samples"]) / 60
    assert often["totals"]["dark_viewer_minutes"] == pytest.approx(sampled_minutes, rel=0.1)
