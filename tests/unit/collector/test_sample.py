"""From counters to weight."""

from __future__ import annotations

import pytest

from collector.sample import CPU_TERM_MOST, Counters, Load, measure, parse_counters, status
from rtcdn.model import Capacity, ContextInfo, Kind, PluginData

STAT = "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n"
MEMINFO = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    250 kB\n"
NET = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls
    lo: 1 1 0 0 0 0 0 0 1000 10 0 0 0 0 0 0
  eth0: 5 5 0 0 0 0 0 0 2000 20 0 0 0 0 0 0
docker0: 5 5 0 0 0 0 0 0 7000 70 0 0 0 0 0 0
veth12: 5 5 0 0 0 0 0 0 7000 70 0 0 0 0 0 0
"""


def test_counters_are_read_from_the_kernel_s_texts() -> None:
    """Idle and disk waits are not busy; bridges are not counted a second time."""
    counters = parse_counters(5.0, STAT, MEMINFO, NET)
    assert counters == Counters(5.0, 150, 1000, 75.0, 3000, 30)


def test_a_steady_load_is_reached_and_a_burst_is_damped() -> None:
    """One second of full CPU moves the average by a sixth, many seconds bring it there."""
    load, counters = Load(), Counters(0.0)
    for second in range(1, 61):
        after = Counters(float(second), cpu_busy=80 * second, cpu_all=100 * second, sent_bytes=125_000 * second)
        load, counters = measure(counters, after, load), after
        if second == 1:
            assert load.cpu_pct == pytest.approx(80 / 6)
    assert load.cpu_pct == pytest.approx(80, abs=0.1)
    assert load.egress_kbps == pytest.approx(1000, abs=1)


def test_no_time_is_no_news_and_a_restarted_counter_is_no_negative_load() -> None:
    """The same instant keeps the load; counters that fell count as nothing."""
    load = Load(10.0, 20.0, 30.0, 40.0)
    assert measure(Counters(1.0), Counters(1.0), load) == load
    fallen = measure(Counters(0.0, sent_bytes=10**9), Counters(1.0), Load())
    assert fallen.egress_kbps == 0.0


CAPACITY = Capacity(handles=100, egress_kbps=1000, egress_packets_ps=1000, participants=10)


@pytest.mark.parametrize(
    ("load", "handles", "weight"),
    [
        (Load(), 0, 0),
        (Load(cpu_pct=40), 10, 40),
        (Load(egress_packets_ps=700), 10, 70),
        (Load(egress_kbps=1500), 10, 150),
        (Load(cpu_pct=100), 0, CPU_TERM_MOST),
        (Load(), 120, 120),
    ],
)
def test_the_weight_is_the_scarcest_share(load: Load, handles: int, weight: float) -> None:
    """It may pass 100, but not by the host's CPU alone, which others use too."""
    now = status(Kind.ST, load, PluginData(handles=handles), CAPACITY)
    assert now.weight == weight == max(now.terms.values())
    assert set(now.terms) == {"cpu", "packets", "bandwidth", "handles"}
    assert 0 <= now.cpu_pct <= 100


def test_a_mix_is_weighed_by_who_is_mixed() -> None:
    """People and links both cost an encoder."""
    data = PluginData(contexts=(ContextInfo(id="s/mix", participants=3, links=("link~a", "link~b")),))
    now = status(Kind.AB, Load(), data, CAPACITY)
    assert (now.weight, now.terms["participants"]) == (50, 50.0)


def test_a_limit_of_zero_is_no_limit() -> None:
    """The term is shown as 0."""
    now = status(Kind.ST, Load(egress_kbps=10**9), PluginData(), Capacity(egress_kbps=0))
    assert now.terms["bandwidth"] == 0.0
