"""What an event costs and carries: sums by hand, and the core's own answers on the compiled nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import event
from ops.event import audience

ROOT = Path(__file__).resolve().parents[3]
HEAD = "event: show\nregions:\n  eu: {place: [50, 8], hosts: {a: {private: 192.0.2.1, price_hour: 2, price_gb: 0.1}}}\n"


def made(folder: Path, text: str) -> event.Event:
    """The event of a text."""
    path = folder / "show.yml"
    path.write_text(HEAD + text, encoding="utf-8")
    return event.load(path)


@given(st.integers(0, 10_000), st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 100), min_size=1))
def test_a_split_loses_nobody(total: int, weights: dict[str, float]) -> None:
    """Whole people, all of them, nobody a whole person away from his share."""
    found = audience.split(total, weights)
    assert sum(found.values()) == total
    whole = sum(weights.values())
    assert all(abs(found[name] - total * weight / whole) <= 1 for name, weight in weights.items())


def test_the_cost_is_hosts_and_what_people_receive(tmp_path: Path) -> None:
    """Two hours of one host; ten people for two hours at one picture of 952 kbit/s and the mix at 48."""
    text = "sessions: [{name: s, speakers: 1, viewers: 9, bitrate_kbps: 952, length: 2h}]\nlimits: {currency: CHF}\n"
    found = event.cost(made(tmp_path, text))
    (row,) = found.regions
    assert (row.host_hours, row.hosts_cost, row.people_hours) == (2.0, 4.0, 20.0)
    assert row.egress_gb == pytest.approx(20 * 3600 * 1000 / 8e6)
    assert found.total == pytest.approx(4.0 + 9.0 * 0.1)
    assert found.per_hour == pytest.approx(2.0 + 4.5 * 0.1)
    assert "cost 4.90 CHF in 2 h, at most 2.45 an hour" in str(found)


def test_the_curve_counts_people_by_time(tmp_path: Path) -> None:
    """Up within an hour and down within an hour is one hour of all, on each of three days."""
    curve = "[{at: 0h, share: 0%}, {at: 1h, share: 100%}, {at: 2h, share: 0%}]"
    text = f"sessions: [{{name: s, speakers: 1, viewers: 9}}]\naudience: {{days: 3, curve: {curve}}}\n"
    found = event.cost(made(tmp_path, text))
    assert found.regions[0].people_hours == pytest.approx(30.0)
    assert found.hours == 50.0


def test_an_audience_told_in_people_fills_the_sessions(tmp_path: Path) -> None:
    """Who is not told by a session is who is left."""
    ev = made(tmp_path, "sessions: [{name: s, count: 4, speakers: 1}]\naudience: {regions: {eu: 104}}\n")
    assert audience.viewers(ev.spec) == {"s": 25}
    assert audience.peak(ev.spec) == {"eu": 104}


def test_what_fits_is_said_to_fit(tmp_path: Path) -> None:
    """Everybody has a place at home, and nodes are as full as the people make them."""
    found = event.capacity(made(tmp_path, "sessions: [{name: s, speakers: 2, viewers: 98, quality: low}]\n"))
    assert found.fits
    (row,) = found.regions
    assert (row.people, row.placed, row.at_home) == (100, 100, 100)
    stage = next(each for each in found.kinds if each.kind == "ST")
    assert 20 < stage.fullest < 30  # a quarter of 400 handles
    assert found.sessions == found.opened == 1


def test_what_does_not_fit_is_told_with_its_cure(tmp_path: Path) -> None:
    """Two nodes for 100 each and 300 people: the others are refused, and how many nodes would carry them is told."""
    text = "capacity: {ST: {handles: 100}}\nsessions: [{name: s, viewers: 299, quality: low}]\n"
    found = event.capacity(made(tmp_path, text))  # one host is given two Streaming nodes by itself
    assert not found.fits
    (row,) = found.regions
    assert 150 <= row.placed <= 200
    (problem,) = found.problems
    assert f"{300 - row.placed} of 300 people of eu (no-capacity" in problem
    assert "4 ST would carry them, eu has 2" in problem
    assert problem in str(found)


@pytest.mark.parametrize("name", ["conference", "launch", "classroom"])
def test_the_worked_examples_fit(name: str) -> None:
    """Their hosts carry their audience, and they keep their ceilings."""
    ev = event.load(ROOT / "events" / f"{name}.yml")
    found = event.capacity(ev)
    assert found.problems == ()
    assert found.opened == found.sessions
    assert event.cost(ev).within


def test_the_same_event_gives_the_same_plan(tmp_path: Path) -> None:
    """Chance is seeded."""
    text = "sessions: [{name: r, scenario: atollo, count: 6, speakers: 3}, {name: s, viewers: 40}]\n"
    assert event.capacity(made(tmp_path, text)) == event.capacity(made(tmp_path, text))


def test_a_large_audience_is_sampled_and_said_to_be(tmp_path: Path) -> None:
    """Six thousand viewers as three thousand on nodes of half the size."""
    text = (
        "capacity: {ST: {handles: 4000, egress_kbps: 0, egress_packets_ps: 0}}\nsessions: [{name: s, viewers: 6000}]\n"
    )
    found = event.capacity(made(tmp_path, text))
    assert found.sample.viewers == 2
    assert "one of 2 viewers simulated" in str(found)
    assert found.regions[0].placed == 6001
    assert found.fits
