"""How every store is watched: one suite over memory and a real etcd."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rtcdn.errors import StoreAway
from rtcdn.store.port import Commit, Store, put_many
from tests.support.engine import wait_for
from tests.support.etcd import EtcdServer
from tests.support.stores import Followed, Rig, try_put


def test_keys_of_a_lease_vanish_when_nobody_refreshes_it(store: Store, follow: Callable[..., Followed]) -> None:
    """A collector that dies takes its keys along; others stay."""
    followed = follow()
    lease = store.grant(1)
    store.commit(Commit(puts={"VR:n:CPU": "5", "JN:n": "VR"}, lease=lease))
    store.put("SS:a", "stays")
    wait_for(lambda: len(followed.mirror) == 3, "all keys are seen")
    wait_for(lambda: set(followed.mirror) == {"SS:a"}, "the lease's keys are gone")


def test_puts_and_deletes_are_one_transaction(store: Store, follow: Callable[..., Followed]) -> None:
    """A watch never shows half a commit."""
    store.put("CX:a:old", "1")
    followed = follow()
    revision = store.commit(Commit(puts={"CX:a:new": "2"}, deletes=("CX:a:old", "CX:a:never")))
    wait_for(lambda: "CX:a:old" not in followed.mirror, "the delete is seen")
    assert {"CX:a:new"} == set(followed.mirror)
    assert [change.value.mod_revision for change in followed.seen if change.value] == [revision]


def test_a_watch_begins_with_what_is_there_and_keeps_to_its_prefix(
    store: Store, follow: Callable[..., Followed]
) -> None:
    """Snapshot first, changes after."""
    put_many(store, {"GW:a": "1", "SS:a": "1"})
    followed = follow("GW:")
    assert followed.mirror == {"GW:a": "1"}
    put_many(store, {"SS:b": "2", "GW:b": "2"})
    wait_for(lambda: "GW:b" in followed.mirror, "the new key is seen")
    assert followed.mirror == {"GW:a": "1", "GW:b": "2"}


def test_a_store_that_is_away_says_so(rig: Rig) -> None:
    """Whatever the call, the error is StoreAway."""
    lease = rig.store.grant(60)
    rig.fall()
    try:
        for call in (
            rig.store.read,
            lambda: rig.store.put("a", "b"),
            lambda: rig.store.commit(Commit(puts={"a": "b"})),
            lambda: rig.store.grant(5),
            lambda: rig.store.keep_alive(lease),
            lambda: rig.store.revoke(lease),
        ):
            with pytest.raises(StoreAway):
                call()
    finally:
        rig.rise()
    wait_for(lambda: try_put(rig.store, "a", "b"), "writes pass again")


def test_a_watch_goes_on_after_the_store_was_killed_and_nothing_is_missed_or_seen_twice(
    rig: Rig, follow: Callable[..., Followed]
) -> None:
    """kill -9 in the middle of writes, start again, write on: every write that was answered is seen once, in order."""
    followed = follow("n:")
    answered = [rig.store.put("n:0", str(n)) for n in range(20)]
    rig.fall()
    wait_for(lambda: followed.away, "the watch says that the store is away")
    rig.rise()
    wait_for(lambda: try_put(rig.store, "n:1", "x"), "writes pass again")
    answered += [rig.store.put("n:0", str(n)) for n in range(20, 40)]
    wait_for(lambda: followed.mirror.get("n:0") == "39", "the last write is seen")
    assert not followed.away
    assert len(followed.snapshots) == 1
    seen = [change.value.mod_revision for change in followed.seen if change.value and change.key == "n:0"]
    assert seen == answered


def test_a_watch_that_slept_through_a_compaction_begins_anew(rig: Rig, store: Store) -> None:
    """The history it would resume from is gone: it lists again."""
    watch = store.watch("n:")
    updates = iter(watch)
    first = next(updates)
    assert first.snapshot is not None
    revision = 0
    for n in range(5):
        revision = store.put("n:a", str(n))
    rig.compact(revision)
    fresh = next(update for update in updates if update.snapshot or update.changes)
    assert fresh.snapshot is not None
    assert fresh.snapshot.values["n:a"].text == "4"
    watch.close()


def test_closing_a_store_ends_its_watches(store: Store, follow: Callable[..., Followed]) -> None:
    """No thread is left behind."""
    followed = follow()
    store.close()
    followed.close()


@pytest.mark.real
def test_a_frozen_store_is_noticed_and_heard_again(etcd_server: EtcdServer) -> None:
    """SIGSTOP breaks no connection: only pings that stay unanswered tell (grpc.http2.ping_timeout_ms)."""
    store = etcd_server.store("frozen/")
    followed = Followed(store.watch("n:"))
    store.put("n:0", "before")
    wait_for(lambda: followed.mirror, "the first write is seen")
    etcd_server.pause()
    try:
        wait_for(lambda: followed.away, "the watch says that the store is away", 30)
    finally:
        etcd_server.unpause()
    wait_for(lambda: try_put(store, "n:1", "after"), "writes pass again", 30)
    wait_for(lambda: followed.mirror == {"n:0": "before", "n:1": "after"}, "nothing was missed", 30)
    assert len(followed.snapshots) == 1
    store.close()
    followed.close()
