"""Signed tokens of handles."""

from __future__ import annotations

from rtcdn.janus.ws import TokenSource


def test_a_token_is_made_anew_at_half_its_life() -> None:
    """Until then it is the same text; it always has half an hour to go."""
    clock = [1000.0]
    source = TokenSource("secret", "janus.plugin.streaming", lambda: clock[0])
    first = source()
    clock[0] += 1799
    assert source() == first
    clock[0] += 2
    second = source()
    assert second != first
    assert second.startswith(f"{int(clock[0]) + 3600},janus,janus.plugin.streaming:")
