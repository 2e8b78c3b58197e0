"""Shelves: a change of one node gives what building them anew would give."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broker.core.index import Shelf, build_shelves, reshelved
from broker.core.wrappers import NodeWrapper
from rtcdn.model import PluginData

NODES = ("a", "b", "c", "d", "e")
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(NODES),
        st.sampled_from((0.0, 5.0, 5.25, 5.5, 6.0, 99.0, 130.0)),
        st.sampled_from(("eu", "us")),
        st.booleans(),
    ),
    max_size=30,
)


def content(shelf: Shelf) -> tuple[object, ...]:
    return shelf.buckets, shelf.size, {reason: count for reason, count in shelf.out.items() if count}


@given(CHANGES)
def test_a_node_that_changes_stands_where_building_anew_would_put_it(
    changes: list[tuple[str, float, str, bool]],
) -> None:
    """Within a bucket, to another, to another region, silent and back."""
    nodes = {name: NodeWrapper(name, "ST", "eu", f"{name}:1", present=True) for name in NODES}
    shelves = build_shelves(nodes.values())
    for name, weight, region, present in changes:
        after = replace(nodes[name], reported_weight=weight, region=region, present=present)
        shelves = reshelved(shelves, nodes[name], after)
        nodes[name] = after
    anew = build_shelves(nodes.values())
    assert {key: content(shelf) for key, shelf in shelves.items() if any(content(shelf)[1:])} == {
        key: content(shelf) for key, shelf in anew.items()
    }


def test_of_equal_nodes_the_one_with_fewer_handles_in_use_comes_first() -> None:
    """Nodes of one host have the same CPU and so the same weight; the name would send every viewer to the first."""
    nodes = [
        NodeWrapper(
            name, "ST", "eu", f"{name}:1", reported_weight=64.0, plugin=PluginData(handles=handles), present=True
        )
        for name, handles in (("st1", 3), ("st2", 2))
    ]
    shelf = build_shelves(nodes)["ST", "eu"]
    assert [node for *_, node in shelf.lightest(90.0)] == ["st2", "st1"]
