"""Whatever is reported: layers stay in bounds, climb slowly, and come back."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.client import layers as rules
from gateway.client.layers import Layers
from gateway.client.requests import ConnectionFigures, Stream
from tests.support.viewing import BIG, SLOTS, Client

REPORT = st.tuples(
    st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.05, 0.15, 0.5, 1.0]),
    st.integers(0, 4),
    st.sampled_from([0.0, 0.3, 1.9]),
    st.sampled_from([5.0, 200.0]),
)


def play(reports: list[tuple[float, int, float, float]]) -> list[list[int]]:
    """The layers after each report."""
    client = Client()
    seen = [client.shown]
    for loss, freezes, freeze_s, jitter_ms in reports:
        client.report(loss, freezes=freezes if freeze_s else 0, freeze_s=freeze_s, jitter_ms=jitter_ms)
        seen.append(client.shown)
    return seen


@settings(max_examples=300, deadline=None)
@given(st.lists(REPORT, max_size=80))
def test_layers_stay_in_bounds_and_climb_slowly(reports: list[tuple[float, int, float, float]]) -> None:
    """Whatever is reported: same reports, same layers; not more than one way up in six seconds; then all comes back."""
    seen = play(reports)
    assert seen == play(reports)
    assert all(-1 <= layer <= 2 for each in seen for layer in each)
    assert all(each[0] >= 0 and each[0] >= max(each[1:]) for each in seen)
    ups = [at for at, (old, new) in enumerate(pairwise(seen)) if sum(new) > sum(old)]
    assert all(later - earlier >= rules.GOOD_S / 2 for earlier, later in pairwise(ups))  # a report each two seconds
    client = Client()
    for loss, *_ in reports:
        client.report(loss)
    client.until_full(len(rules.LADDER) * (rules.GOOD_MOST_S + 2))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.sampled_from([0.11, 0.3, 1.0]))
def test_a_network_that_bears_no_more_is_asked_less_and_less(bears: int, loss: float) -> None:
    """In an hour whose network is bad above one rung it goes up at most five times to find out, then every 96 s."""
    client = Client()
    steps = ([2, 2, 2, 2], [2, 1, 1, 1], [2, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, -1, -1, -1])
    full = [sum(each) for each in steps]
    ups = 0
    for _ in range(1800):
        before = sum(client.shown)
        client.report(loss if before > full[bears] else 0.0)
        ups += sum(client.shown) > before
    assert ups <= 5 + 3600 / rules.GOOD_MOST_S


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.builds(
            ConnectionFigures,
            st.sampled_from(["c1", "c2"]),
            st.floats(0, 1e12),
            st.lists(
                st.builds(
                    Stream,
                    mid=st.sampled_from([*SLOTS, "", "x"]),
                    packets=st.integers(0, 2**53),
                    lost=st.integers(-(2**31), 2**53),
                    freezes=st.integers(0, 2**53),
                    freeze_s=st.floats(0, 1e12),
                    jitter_ms=st.floats(0, 1e12),
                    height=st.integers(0, 2**53),
                ),
                max_size=5,
            ),
        ),
        max_size=20,
    ),
    st.lists(st.floats(-1e3, 1e3), min_size=20, max_size=20),
)
def test_any_figures_are_survived(figures: list[ConnectionFigures], times: list[float]) -> None:
    """Numbers that no network has, clocks that go back."""
    layers = Layers(SLOTS)
    layers.layout(BIG)
    for each, now_s in zip(figures, times, strict=False):
        layers.statistics(each, now_s)
        assert all(-1 <= received.layer <= 2 for received in layers.choose(now_s).values())
