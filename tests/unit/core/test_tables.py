"""The persistent mapping behaves as a dict and shares what did not change."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.core.tables import Table
from broker.core.views import merged

KEYS = st.integers(0, 300).map(str)
OPS = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.integers())), max_size=400)


@settings(max_examples=40, deadline=None)
@given(OPS)
def test_a_table_follows_a_dict(ops: list[tuple[str, int | None]]) -> None:
    """Any sequence of set and drop gives what a dict would hold; older tables stay as they were."""
    table: Table[int] = Table()
    model: dict[str, int] = {}
    for key, value in ops:
        before, copy = table, dict(table)
        if value is None:
            table = table.drop(key)
            model.pop(key, None)
        else:
            table = table.set(key, value)
            model[key] = value
        assert dict(before) == copy
    assert (dict(table), len(table)) == (model, len(model))
    assert dict(merged(Table({"a": 1}), {"a": None, **model})) == model


def test_a_large_table_changes_by_a_path() -> None:
    """Of ten thousand entries a change copies one leaf: all other leaves are the same objects."""
    table = Table({str(number): number for number in range(10_000)})
    changed = table.set("5000", -1)
    shared = sum(a is b for a, b in zip(table._root, changed._root, strict=True))
    assert (shared, changed["5000"], table["5000"]) == (31, -1, 5000)


@given(
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=120),
    st.lists(st.tuples(st.text(max_size=3), st.none() | st.integers()), max_size=60),
    st.booleans(),
)
def test_the_difference_of_two_tables_is_found(
    entries: dict[str, int], changes: list[tuple[str, int | None]], anew: bool
) -> None:
    """Whichever way they came to be; what was set to the very same object is no difference."""
    before = after = Table(entries)
    for key, value in changes:
        after = after.drop(key) if value is None else after.set(key, value)
    if anew:
        after = Table(dict(after))
    wanted = {key for key in {*before, *after} if before.get(key) is not after.get(key)}
    assert set(after.differing(before)) == set(before.differing(after)) == wanted
    assert list(before.differing(before)) == []
