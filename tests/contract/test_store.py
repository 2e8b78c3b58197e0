"""What every store does: one suite over memory and a real etcd."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest

from rtcdn.errors import LeaseGone, StoreAway, StoreConflict
from rtcdn.store.memory import MemoryStore
from rtcdn.store.port import Change, Commit, Compare, Snapshot, Store, Update, Watch, create, put_many
from tests.support.engine import wait_for
from tests.support.etcd import EtcdServer, running_etcd


class Followed:
    """A watch iterated in a thread, as the broker does it; keeps the mirror it makes."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.updates: queue.Queue[Update] = queue.Queue()
        self.mirror: dict[str, str] = {}
        self.seen: list[Change] = []
        self.snapshots: list[Snapshot] = []
        self.away = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_for(lambda: self.snapshots, "the first snapshot")

    def _run(self) -> None:
        for update in self.watch:
            if update.snapshot:
                self.mirror = {key: value.text for key, value in update.snapshot.values.items()}
                self.snapshots.append(update.snapshot)
            for change in update.changes:
                self.seen.append(change)
                if change.value:
                    self.mirror[change.key] = change.value.text
                else:
                    self.mirror.pop(change.key, None)
            self.away = update.away

    def close(self) -> None:
        self.watch.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


class Rig(Protocol):
    """A store, and how to take it away."""

    store: Store

    def fall(self) -> None: ...

    def rise(self) -> None: ...

    def compact(self, revision: int) -> None: ...


class MemoryRig:
    def __init__(self) -> None:
        self.store = MemoryStore()

    def fall(self) -> None:
        self.store.go_away()

    def rise(self) -> None:
        self.store.come_back()

    def compact(self, revision: int) -> None:
        self.store.compact()


class EtcdRig:
    def __init__(self, server: EtcdServer, namespace: str) -> None:
        self.server = server
        self.store = server.store(namespace, timeout_s=1.5)

    def fall(self) -> None:
        self.server.kill()

    def rise(self) -> None:
        self.server.start()

    def compact(self, revision: int) -> None:
        files = "--cacert /pki/ca.pem --cert /pki/cert.pem --key /pki/key.pem"
        command = f"etcdctl {files} --endpoints https://{self.server.address} compact {revision}"
        code, output = self.server.container.exec_run(["sh", "-c", command])
        assert code == 0, output


@pytest.fixture(scope="module")
def server() -> Iterator[EtcdServer]:
    with running_etcd() as started:
        yield started


@pytest.fixture(params=["memory", pytest.param("etcd", marks=pytest.mark.real)])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    made: Rig
    if request.param == "memory":
        made = MemoryRig()
    else:
        made = EtcdRig(request.getfixturevalue("server"), f"{request.node.name}/")
    yield made
    made.store.close()


@pytest.fixture
def store(rig: Rig) -> Store:
    return rig.store


@pytest.fixture
def follow(store: Store) -> Iterator[Callable[[str], Followed]]:
    made: list[Followed] = []

    def start(prefix: str = "") -> Followed:
        made.append(Followed(store.watch(prefix)))
        return made[-1]

    yield start
    for each in made:
        each.close()


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


def test_create_is_for_the_first_only(store: Store) -> None:
    """Election: one of two wins."""
    create(store, "LD:", "one")
    with pytest.raises(StoreConflict):
        create(store, "LD:", "two")


def test_puts_and_deletes_are_one_transaction(store: Store, follow: Callable[..., Followed]) -> None:
    """A watch never shows half a commit."""
    store.put("CX:a:old", "1")
    followed = follow()
    revision = store.commit(Commit(puts={"CX:a:new": "2"}, deletes=("CX:a:old", "CX:a:never")))
    wait_for(lambda: "CX:a:old" not in followed.mirror, "the delete is seen")
    assert {"CX:a:new"} == set(followed.mirror)
    assert [change.value.mod_revision for change in followed.seen if change.value] == [revision]


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


def test_keys_of_a_lease_vanish_when_nobody_refreshes_it(store: Store, follow: Callable[..., Followed]) -> None:
    """A collector that dies takes its keys along; others stay."""
    followed = follow()
    lease = store.grant(1)
    store.commit(Commit(puts={"VR:n:CPU": "5", "JN:n": "VR"}, lease=lease))
    store.put("SS:a", "stays")
    wait_for(lambda: len(followed.mirror) == 3, "all keys are seen")
    wait_for(lambda: set(followed.mirror) == {"SS:a"}, "the lease's keys are gone")


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
    wait_for(lambda: _put(rig.store, "a", "b"), "writes pass again")


def test_a_watch_goes_on_after_the_store_was_killed_and_nothing_is_missed_or_seen_twice(
    rig: Rig, follow: Callable[..., Followed]
) -> None:
    """kill -9 in the middle of writes, start again, write on: every write that was answered is seen once, in order."""
    followed = follow("n:")
    answered = [rig.store.put("n:0", str(n)) for n in range(20)]
    rig.fall()
    wait_for(lambda: followed.away, "the watch says that the store is away")
    rig.rise()
    wait_for(lambda: _put(rig.store, "n:1", "x"), "writes pass again")
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


def _put(store: Store, key: str, text: str) -> bool:
    try:
        store.put(key, text)
    except StoreAway:
        return False
    return True
