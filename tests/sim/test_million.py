"""The benchmark of a million joins, at a size that a test can afford: it counts what it says it counts."""

from __future__ import annotations

from bench.million import heap_loop, run


def test_every_join_is_placed_near_and_level() -> None:
    """Nobody outside his region; the fullest node has no more than its share and what reports count twice."""
    rows = {row["name"]: row for row in run(joins=3_000, nodes=20)}
    assert rows["viewers outside their nearest region"]["value"] == 0
    assert rows["viewers on the fullest node"]["peer_value"] == 150
    assert rows["viewers on the fullest node"]["value"] <= 2 * 150
    assert rows["reports put into the map meanwhile"]["value"] >= 3
    assert rows["3,000 joins over 20 nodes, decided and put into the map"]["ratio"] < 1


def test_the_peer_is_level_too() -> None:
    """The heap that we compare with does its work."""
    _, _, got = heap_loop(1_000, 20)
    assert got.total() == 1_000
    assert max(got.values()) == min(got.values()) == 50
