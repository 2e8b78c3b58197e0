"""Case files are read strictly; a problem names its field and the cure. The report can be looked at."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from pathlib import Path
from random import Random
from typing import Any

import pytest

from broker.sim.case import Arrivals, parse
from broker.sim.crowd import arrival_times
from broker.sim.optimum import assign
from broker.sim.page import page
from broker.sim.report import text
from broker.sim.run import Run
from ops import cli
from ops.simulate import load, shipped
from rtcdn.errors import ConfigError
from tests.sim.test_run import SMALL, small

WALL = {"run_s": 1.0, "cpu_s": 0.5, "decisions_ps": 1000.0}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The small case with one field changed; a path such as sessions.0.scenario."""
    content = copy.deepcopy(SMALL)
    at: Any = content
    *way, last = path.split(".")
    for step in way:
        at = at[int(step) if step.isdigit() else step]
    at[last] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("duration_s", "long", ("duration_s", "Expected `float`")),
        ("duration_s", -1, ("duration_s", "> 0")),
        ("speed", 3, ("the case", "unknown field `speed`")),
        ("sessions.0.lasts", 3, ("sessions[0]", "unknown field `lasts`")),
        ("sessions.0.scenario", "lagoon", ("sessions[0].scenario", "choose one of archipelago, atollo, big_island")),
        ("sessions.0.policy", "best", ("sessions[0].policy", "choose one of")),
        ("sessions.0.audience", {"mars": 3}, ("sessions[0].audience", "'mars' is not known", "eu, far, us")),
        ("sessions.0.arrivals.0.curve", "wave", ("sessions[0].arrivals[0].curve", "wave")),
        ("sessions.0.arrivals.0.regions", {}, ("sessions[0].arrivals[0].regions", "say where people come from")),
        ("nodes.0.region", "mars", ("nodes[0].region", "add it to regions")),
        ("nodes.0.kinds", {"XX": 1}, ("nodes[0].kinds", "XX")),
        ("nodes", [{"region": "eu", "kinds": {"ST": 1}}], ("nodes", "no node of kind AB, VR")),
        ("failures", [{"at_s": 1, "kill": "eu-h9"}], ("failures[0]", "'eu-h9' is no region, host or node")),
        ("failures", [{"at_s": 1}], ("failures[0]", "say either kill or drain")),
        ("regions.eu.place", [95, 0], ("regions", "<= 90")),
        ("regions.eu.spread_ms", float("inf"), ("regions", "<= 1")),
        ("report_s", float("inf"), ("report_s", "<= 1")),
        ("sessions.0.arrivals.0.regions", {"eu": float("inf")}, ("regions", "<= 1")),
        ("duration_s", 3e7, ("keep_s", "shorten duration_s")),
        ("sample_s", 1e-9, ("sample_s", "lengthen it")),
        ("nodes.0.hosts", 10**30, ("nodes", "take fewer hosts")),
        ("sessions.0.days", 10**9, ("sessions", "lower parallel, days or open_s")),
        ("sessions.0.parallel", 90_000, ("sessions", "lower people")),
        ("sessions.0.speakers", {"promoted_per_hour": 1e9}, ("sessions[0].speakers.promoted_per_hour", "lower it")),
    ],
)
def test_a_bad_field_is_named_with_its_cure(path: str, value: Any, words: tuple[str, ...]) -> None:
    """Nothing is run."""
    with pytest.raises(ConfigError) as raised:
        parse(changed(path, value), "small")
    (problem,) = raised.value.problems
    assert all(word in problem for word in ("small: ", *words)), problem


def test_all_problems_are_told_at_once() -> None:
    """Not one after the other."""
    content = changed("sessions.0.scenario", "lagoon")
    content["policy"] = "best"
    with pytest.raises(ConfigError) as raised:
        parse(content, "small")
    assert len(raised.value.problems) == 2


def test_the_shipped_cases_can_be_read() -> None:
    """Four at least, each named as its file."""
    assert {"ietf-week", "flash-crowd", "region-lost", "big-island-800"} <= set(shipped())
    for name in shipped():
        case = load(name)
        assert case.name == name
        assert case.about


def test_the_week_is_180_sessions_of_at_most_ten_at_once() -> None:
    """As an IETF meeting: some 1,200 people at most at once."""
    case = load("ietf-week")
    spans = []
    for group in case.sessions:
        people = sum(each.people for each in group.arrivals)
        for day in range(group.days):
            for open_s in group.open_s:
                start_s = day * 86_400 + open_s
                spans += [(start_s, start_s + group.lasts_s, people)] * group.parallel
    assert len(spans) == 180
    at_once = [[each for each in spans if each[0] <= start < each[1]] for start, _, _ in spans]
    assert max(map(len, at_once)) == 10
    assert 1190 <= max(sum(people for _, _, people in each) for each in at_once) <= 1200


def test_the_command_lists_runs_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By name or by path; a file that is not there or is no YAML is told with the cure."""
    assert cli.main(["simulate", "--list"]) == 0
    assert "100,000 viewers come within two minutes" in capsys.readouterr().out
    for given, words in [
        ("nowhere.yml", "No such file"),
        ("", "name a case file or one of big-island-800"),
    ]:
        assert cli.main(["simulate", *([given] if given else [])]) == 1
        assert words in capsys.readouterr().err
    bad = tmp_path / "bad.yml"
    bad.write_text("{")
    assert cli.main(["simulate", str(bad)]) == 1
    assert "is no YAML" in capsys.readouterr().err
    good = tmp_path / "good.yml"
    good.write_text(str({**SMALL, "duration_s": 20}))
    assert cli.main(["simulate", str(good), "--policy", "best"]) == 1
    assert "choose one of" in capsys.readouterr().err
    assert cli.main(["simulate", str(good), "--html", str(tmp_path / "page.html")]) == 0
    assert "invariants   all held" in capsys.readouterr().out
    assert (tmp_path / "page.html").stat().st_size > 10_000


def test_the_page_needs_nothing_else_and_escapes_what_it_is_given() -> None:
    """No script, no address; every plot is well-formed and has titles under the pointer."""
    result = Run(small(duration_s=60, about="<b>bold</b> & more", failures=[])).run()
    shown = page(result, WALL)
    assert "<b>bold" not in shown
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in shown
    assert "<script" not in shown
    assert "http" not in shown
    pictures = [f"<svg{part.split('</svg>')[0]}</svg>" for part in shown.split("<svg")[1:]]
    assert len(pictures) == 6  # none for moves and minutes in the dark: there were none
    assert all(ET.fromstring(picture).findall(".//title") for picture in pictures)
    assert "people       " in text(result, WALL)


@pytest.mark.parametrize(
    ("curve", "low", "high"), [("constant", 48, 52), ("ramp", 69, 72), ("burst", 9, 12), ("bell", 48, 52)]
)
def test_curves_have_their_shape(curve: Any, low: float, high: float) -> None:
    """The median of arrivals within 100 s."""
    times = arrival_times(Arrivals(people=5000, curve=curve, over_s=100, regions={"eu": 1}), Random(1))
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= 100
    assert low <= times[2500] <= high


def test_the_optimum_is_the_nearest_with_room() -> None:
    """Who must go farther is he for whom it costs least; who finds no room is left out."""
    way = {"a": {"a": 0.0, "b": 10.0}, "c": {"a": 5.0, "b": 50.0}}
    assert assign({"a": 10, "c": 10}, {"a": 12, "b": 20}, way) == {("a", "a"): 2, ("a", "b"): 8, ("c", "a"): 10}
    assert sum(assign({"a": 10}, {"a": 3, "b": 4}, way).values()) == 7
