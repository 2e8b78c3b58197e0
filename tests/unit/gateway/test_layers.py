"""Which layer a viewer receives: by window, limit, load and network, and how it comes back."""

from __future__ import annotations

import pytest

from gateway.client import layers as rules
from gateway.client.layers import Layers
from gateway.client.network import Network, Verdict
from gateway.client.requests import ConnectionFigures, Stream, Wanted
from tests.support.viewing import BIG, SLOTS, Client

# ---- what the window, the limit and the load allow


def test_everything_is_sent_before_there_is_a_layout() -> None:
    """Nobody waits for a picture because his client is slow to say how large it is."""
    assert [(r.layer, r.reason) for r in Layers(SLOTS).choose(0).values()] == [(2, "")] * 4
    assert Layers(()).choose(0) == {}


@pytest.mark.parametrize(
    ("height", "layer"),
    [(1, 0), (135, 0), (162, 0), (163, 1), (270, 1), (324, 1), (325, 2), (540, 2), (2160, 2), (0, 2)],
)
def test_the_smallest_layer_that_covers_the_window(height: int, layer: int) -> None:
    """Of a capture of 540 lines, stretched by a fifth at most; a size that is not told is any."""
    layers = Layers(SLOTS)
    layers.layout([Wanted("v1", 0, height)])
    received = layers.choose(0)
    assert (received["v1"].layer, received["v1"].reason) == (layer, "window" if layer < 2 else "")
    assert (received["v2"].layer, received["v2"].reason) == (-1, "hidden")


def test_the_size_that_comes_tells_the_capture_s() -> None:
    """A window of 400 lines is covered by half of 720, not of 540."""
    client = Client()
    client.layers.layout([Wanted("v1", 711, 400)])
    seen = []
    for height in (0, 720, 720, 360, 360, 360):
        client.stream = Stream(mid="v1", packets=client.stream.packets + 100, height=height)
        client.now_s += 2
        client.layers.statistics(ConnectionFigures("c1", 40, [client.stream]), client.now_s)
        seen.append(client.shown[0])
    assert seen == [2, 1, 1, 1, 1, 1]
    assert client.layers.choose(client.now_s)["v1"].reason == "window"


@pytest.mark.parametrize(("limit", "layer"), [("auto", 2), ("high", 2), ("medium", 1), ("low", 0), ("audio", -1)])
def test_the_viewer_s_limit_holds(limit: str, layer: int) -> None:
    """For every slot, and nothing at all for audio."""
    layers = Layers(SLOTS)
    layers.limit(limit)
    assert {(r.layer, r.reason) for r in layers.choose(0).values()} == {(layer, "limit" if layer < 2 else "")}


def test_a_loaded_egress_gives_less_and_clears_later() -> None:
    """The largest window last; between the two thresholds it stays as it was."""
    layers = Layers(SLOTS)
    layers.layout(BIG)
    seen = []
    for pct in (84, 85, 76, 74, 94, 95, 120, 86, 84, 70):
        layers.load(pct)
        seen.append([each.layer for each in layers.choose(0).values()][:2])
    assert seen == [[2, 2], [2, 1], [2, 1], [2, 2], [2, 1], [1, 0], [1, 0], [1, 0], [2, 1], [2, 2]]
    layers.load(99)
    assert layers.choose(0)["v2"].reason == "load"


def test_changes_are_told_once() -> None:
    """``changed`` is about the last two choices."""
    layers = Layers(SLOTS)
    told = []
    for limit in ("auto", "auto", "low", "low", "auto"):
        layers.limit(limit)
        layers.choose(0)
        told.append(layers.changed)
    assert told == [True, False, True, False, True]


# ---- the network


def test_heavy_loss_lowers_at_once_and_the_largest_window_last() -> None:
    """A rung with each bad report; the largest picture is never taken away."""
    client = Client()
    seen = [client.shown]
    for _ in range(7):
        client.report(loss=0.2)
        seen.append(client.shown)
    assert seen[:6] == [[2, 2, 2, 2], [2, 1, 1, 1], [2, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, -1, -1, -1]]
    assert seen[5:] == [[0, -1, -1, -1]] * 3
    assert client.network == "poor"
    assert client.layers.choose(client.now_s)["v2"].reason == "network"


def test_the_largest_window_is_the_main_one() -> None:
    """Whichever slot it shows."""
    client = Client()
    client.layers.layout([Wanted("v1", 640, 360), Wanted("s1", 1920, 1080)])
    client.report(loss=0.2)
    assert client.shown == [1, -1, -1, 2]


def test_a_rung_that_changes_nothing_is_passed_over() -> None:
    """With one large window shown the first bad report already lowers it."""
    client = Client()
    client.layers.layout([Wanted("v1", 1920, 1080)])
    client.report(loss=0.2)
    assert client.shown == [1, -1, -1, -1]


@pytest.mark.parametrize(
    "bad", [{"loss": 0.11}, {"freeze_s": 0.5, "freezes": 1}, {"freezes": 3}], ids=["loss", "frozen", "freezes"]
)
def test_what_is_bad(bad: dict[str, float]) -> None:
    """Loss above a tenth, or pictures that stand still."""
    client = Client()
    client.report(**bad)  # type: ignore[arg-type]
    assert (client.shown, client.network) == ([2, 1, 1, 1], "poor")


def test_a_picture_that_stands_still_with_nothing_lost_is_not_the_networks_doing() -> None:
    """A slot was empty for a while, a speaker went: nobody gets less for it."""
    client = Client()
    for _ in range(5):
        client.report(freezes=1, freeze_s=1.9, dropped=0)
    assert (client.shown, client.network) == ([2, 2, 2, 2], "good")


@pytest.mark.parametrize("fair", [{"loss": 0.03}, {"jitter_ms": 150.0}, {"freezes": 1}], ids=["loss", "jitter", "one"])
def test_what_is_fair_changes_nothing_but_stops_the_way_up(fair: dict[str, float]) -> None:
    """A wireless network that loses a little is not congested; more is not asked of it either."""
    client = Client()
    for _ in range(30):
        client.report(**fair)  # type: ignore[arg-type]
    assert (client.shown, client.network) == ([2, 2, 2, 2], "fair")
    client.report(loss=0.2)
    for _ in range(30):
        client.report(**fair)  # type: ignore[arg-type]
    assert client.shown == [2, 1, 1, 1]


def test_a_queue_that_grows_is_seen_in_the_round_trip() -> None:
    """By its rise above the shortest, not by the distance."""
    client = Client()
    client.rtt_ms = 300
    client.report()
    assert client.network == "fair"
    client.rtt_ms = 900
    client.report()
    assert (client.network, client.shown) == ("poor", [2, 1, 1, 1])
    far = Client()
    far.connection, far.rtt_ms = "c2", 900
    far.report()
    far.report()
    assert far.network == "good"


def test_a_good_network_brings_everything_back_step_by_step() -> None:
    """One rung in six seconds."""
    client = Client()
    for _ in range(6):
        client.report(loss=0.3)
    assert client.until_full(5 * (rules.GOOD_S + 2)) >= 5 * rules.GOOD_S
    for _ in range(3):
        client.report()
    assert client.network == "good"


def test_an_upgrade_that_fails_makes_the_next_wait_twice_as_long() -> None:
    """As congestion controls probe: 6, 12, 24 … 96 s between attempts."""
    client = Client()
    client.report(loss=0.2)
    waits = []
    for _ in range(7):
        waits.append(client.until_full(200))
        client.report(loss=0.2)
    assert waits == sorted(waits)
    assert [round(wait / rules.GOOD_S) for wait in waits[:4]] == [1, 2, 4, 8]
    assert waits[-1] <= rules.GOOD_MOST_S + 4
    client.until_full(200)
    for _ in range(200):
        client.report()
    client.report(loss=0.2)
    assert client.until_full(rules.GOOD_MOST_S) < rules.GOOD_MOST_S  # what held is trusted more again


def test_restarted_counters_and_new_connections_are_no_loss() -> None:
    """After a move the counters begin at nothing, or are another connection's."""
    client = Client()
    for connection, packets, lost in (("c2", 900, 0), ("c2", 600, 5000), ("c3", 90_000, 90_000)):
        client.connection, client.stream = connection, Stream(mid="v1", packets=packets, lost=lost)
        client.now_s += 2
        client.layers.statistics(ConnectionFigures(connection, 40, [client.stream]), client.now_s)
    assert (client.shown, client.network) == ([2, 2, 2, 2], "good")


def test_reports_that_come_too_fast_or_late_say_nothing() -> None:
    """Nobody is judged by a handful of packets, nor by what happened while his page slept."""
    network = Network()
    stream = Stream(mid="v1", packets=1000)
    assert network.judge(ConnectionFigures("c1", 0, [stream]), 0) is Verdict.UNKNOWN
    bad = Stream(mid="v1", packets=1010, lost=500)
    assert network.judge(ConnectionFigures("c1", 0, [bad]), 0.4) is None
    assert network.judge(ConnectionFigures("c1", 0, [bad]), 2) is Verdict.BAD
    assert network.judge(ConnectionFigures("c1", 0, [Stream(mid="v1", packets=1015, lost=505)]), 4) is Verdict.UNKNOWN
    worse = Stream(mid="v1", packets=2000, lost=1500)
    assert network.judge(ConnectionFigures("c1", 0, [worse]), 20) is Verdict.UNKNOWN
