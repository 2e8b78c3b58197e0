"""What every store does: one suite over memory and a real etcd."""

from __future__ import annotations

import threading

import pytest

from rtcdn.errors import LeaseGone, StoreConflict
from rtcdn.store.port import Commit, Compare, Store, create, put_many
from tests.support.engine import wait_for


def test_what_was_put_is_read_with_its_revisions(store: Store) -> None:
    """A value knows when its key was made and when it was last written."""
    first = store.put("SS:a", "1")
    second = store.put("SS:a", "2")
    value = store.read("SS:").values["SS:a"]
    assert (value.text, value.create_revision, value.mod_revision) == ("2", first, second)
    assert second > first


def test_read_takes_a_prefix_or_everything(store: Store) -> None:
    """The empty prefix is everything of this namespace."""
    put_many(store, {"CX:a:1": "x", "CX:b:1": "y", "LK:a:1": "z"})
    assert {"CX:a:1"} == set(store.read("CX:a:").values)
    assert {"CX:a:1", "CX:b:1", "LK:a:1"} == set(store.read().values)


def test_an_unchanged_key_lets_a_commit_pass_and_a_changed_one_does_not(store: Store) -> None:
    """A commit is all or nothing, compared on the last write."""
    revision = store.put("SS:a", "1")
    store.commit(Commit((Compare.unchanged("SS:a", revision),), {"SS:a": "2", "CX:a:m": "c"}))
    with pytest.raises(StoreConflict):
        store.commit(Commit((Compare.unchanged("SS:a", revision),), {"SS:a": "3", "CX:a:n": "c"}))
    assert {key: value.text for key, value in store.read().values.items()} == {"SS:a": "2", "CX:a:m": "c"}


def test_held_looks_at_the_creation_only(store: Store) -> None:
    """The leader may write his key again; who took it over has another creation."""
    made = create(store, "LD:", "me")
    store.put("LD:", "me again")
    store.commit(Commit((Compare.held("LD:", made),), {"SS:a": "1"}))
    store.commit(Commit(deletes=("LD:",)))
    create(store, "LD:", "another")
    with pytest.raises(StoreConflict):
        store.commit(Commit((Compare.held("LD:", made),), {"SS:a": "2"}))
    assert store.read("SS:").values["SS:a"].text == "1"


def test_a_commit_may_ask_that_a_key_holds_a_text_or_is_not_there(store: Store) -> None:
    """Whatever its revision; the text may be none at all."""
    for key, text in (("PT:a:x", "1"), ("PT:a:y", "")):
        store.commit(Commit((Compare.holds(key, None),), {key: text}))
        store.commit(Commit((Compare.holds(key, text),), {key: "2"}))
        for wrong in (text, None):
            with pytest.raises(StoreConflict):
                store.commit(Commit((Compare.holds(key, wrong),), {key: "3"}))
    with pytest.raises(StoreConflict):
        store.commit(Commit((Compare.holds("PT:a:z", "1"),), {"PT:a:x": "3"}))
    assert {value.text for value in store.read().values.values()} == {"2"}


def test_create_is_for_the_first_only(store: Store) -> None:
    """Election: one of two wins."""
    create(store, "LD:", "one")
    with pytest.raises(StoreConflict):
        create(store, "LD:", "two")


def test_more_than_a_hundred_keys_are_refused_in_one_commit_and_split_by_put_many(store: Store) -> None:
    """The limit is ours, below etcd's own."""
    puts = {f"PT:a:{n}": "x" for n in range(250)}
    with pytest.raises(ValueError, match="at most 100"):
        store.commit(Commit(puts=puts))
    put_many(store, puts)
    assert len(store.read("PT:").values) == 250
    put_many(store, {}, puts)
    assert not store.read("PT:").values


def test_text_is_unicode(store: Store) -> None:
    """Names of people are."""
    store.put("PT:a:zoe", "Zoë ☎")
    assert store.read("PT:").values["PT:a:zoe"].text == "Zoë ☎"


def test_a_lease_lives_while_it_is_refreshed(store: Store) -> None:
    """Refreshed at a third, as collectors do."""
    lease = store.grant(2)
    store.put("JN:n", "VR", lease)
    stop = threading.Event()
    left = []
    for _ in range(6):
        stop.wait(0.6)
        left.append(store.keep_alive(lease))
    assert min(left) > 0
    assert "JN:n" in store.read().values


def test_an_expired_lease_answers_zero_and_takes_no_writes_until_registered_again(store: Store) -> None:
    """TTL 0 is no error of etcd: the collector must look, take a new lease and write everything again."""
    lease = store.grant(1)
    store.put("JN:n", "VR", lease)
    wait_for(lambda: "JN:n" not in store.read().values, "the lease ended")
    assert store.keep_alive(lease) == 0
    with pytest.raises(LeaseGone):
        store.put("JN:n", "VR", lease)
    again = store.grant(5)
    store.put("JN:n", "VR", again)
    assert store.keep_alive(again) == 5
    assert "JN:n" in store.read().values


def test_revoke_takes_the_keys_at_once_and_twice_is_no_error(store: Store) -> None:
    """A part that stops says goodbye."""
    lease = store.grant(60)
    store.put("GW:g", "{}", lease)
    store.revoke(lease)
    store.revoke(lease)
    assert not store.read().values
