"""The keeper of the map: what is ahead of the store stays ahead, what is old is passed over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.core.decisions import IntentChange
from broker.watch import MapKeeper
from rtcdn import keys
from rtcdn.model import ParticipantIntent, SessionIntent
from rtcdn.store.memory import MemoryStore
from rtcdn.store.port import Change, Update, Value, put_many
from tests.support.engine import wait_for

VIC = keys.participant("demo", "vic")


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put(keys.session("demo"), SessionIntent().to_json())
    return store


@pytest.fixture
def keeper(store: MemoryStore) -> Iterator[MapKeeper]:
    made = MapKeeper(store)
    made.start()
    wait_for(lambda: made.ready, "the first snapshot")
    yield made
    made.close()


def vic(generation: int) -> IntentChange:
    return IntentChange(VIC, ParticipantIntent(generation=generation))


def generation(keeper: MapKeeper) -> int:
    view = keeper.current.session("demo")
    assert view is not None
    found = view.participants.get("vic")
    return found.generation if found else 0


def news(change: IntentChange, revision: int) -> Update:
    """As the watch would bring a write of this change."""
    return Update(revision, changes=(Change(change.key, Value(change.value or "", revision, revision), revision),))


def test_the_map_follows_the_store(store: MemoryStore, keeper: MapKeeper) -> None:
    """A put is on the map soon after."""
    revision = store.put(VIC, ParticipantIntent(generation=3).to_json())
    assert keeper.wait_for(lambda vmap: vmap.revision >= revision, 5)
    assert generation(keeper) == 3


def test_ready_means_that_the_first_map_stands(store: MemoryStore) -> None:
    """Nobody is answered from an empty map while the first one is built."""
    seen: list[tuple[bool, int]] = []

    def clock() -> float:
        seen.append((keeper.ready, len(keeper.current.sessions)))
        return 0.0

    keeper = MapKeeper(store, now_s=clock)
    keeper._take(Update(1, snapshot=store.read()))
    assert (False, 0) in seen
    assert (True, 0) not in seen
    assert keeper.ready


def test_a_map_once_read_stays_whole(store: MemoryStore, keeper: MapKeeper) -> None:
    """Readers keep what they took, whatever comes."""
    before = keeper.current
    revision = put_many(store, {keys.session(f"s{n}"): SessionIntent().to_json() for n in range(20)})
    keeper.wait_for(lambda vmap: vmap.revision >= revision, 5)
    assert len(before.sessions) == 1
    assert len(keeper.current.sessions) == 21


def test_what_we_did_is_not_undone_by_older_news(keeper: MapKeeper) -> None:
    """Our second commit is on the map when the watch brings the first."""
    keeper.put((vic(1),), 100)
    keeper.put((vic(2),), 101)
    keeper._take(news(vic(1), 100))
    assert generation(keeper) == 2
    keeper._take(news(vic(2), 101))
    keeper._take(news(vic(7), 102))
    assert generation(keeper) == 7


def test_what_the_watch_brings_back_of_ours_is_not_read_again(keeper: MapKeeper) -> None:
    """Only the revision goes on; news of others in the same batch is read."""
    ours = vic(1)
    keeper.put((ours,), 0)
    keeper.settled((ours,), 100)
    other = Change(keys.participant("demo", "oda"), Value(vic(3).value or "", 100, 100), 100)
    keeper._take(Update(100, changes=(*news(ours, 100).changes, other)))
    view = keeper.current.session("demo")
    assert view is not None
    assert view.participants["vic"] is ours.record
    assert view.participants["oda"].generation == 3
    assert keeper.current.revision == 100
    assert not keeper._ahead


def test_a_watch_faster_than_the_answer_to_our_commit_leaves_nothing_behind(keeper: MapKeeper) -> None:
    """The news came first: there is nothing to wait for any more."""
    ours = vic(1)
    keeper.put((ours,), 0)
    keeper._take(news(ours, 100))
    keeper.settled((ours,), 100)
    assert generation(keeper) == 1
    assert not keeper._ahead


def test_what_is_not_written_yet_survives_news_and_a_new_beginning(store: MemoryStore, keeper: MapKeeper) -> None:
    """An attach while the store is away counts until it is written, also when the map is built anew."""
    keeper._take(news(vic(1), 50))
    waiting = vic(2)
    keeper.put((waiting,), 0)
    keeper._take(news(vic(1), 51))
    assert generation(keeper) == 2
    store.put(VIC, vic(1).value or "")
    snapshot = store.read()
    keeper._take(Update(snapshot.revision, snapshot=snapshot))
    assert generation(keeper) == 2
    keeper.settled((waiting,), 200)
    keeper._take(news(vic(1), 199))
    assert generation(keeper) == 2
    keeper._take(news(vic(3), 201))
    assert generation(keeper) == 3


def test_news_that_comes_before_our_own_commit_is_known_is_not_lost(keeper: MapKeeper) -> None:
    """Ours was written at 100 and changed by another replica at 101: the watch brings both before we hear of ours."""
    ours = vic(2)
    keeper.put((ours,), 0)
    keeper._take(news(ours, 100))
    keeper._take(news(vic(3), 101))
    assert generation(keeper) == 3
    keeper.settled((ours,), 100)
    assert generation(keeper) == 3
    assert not keeper._ahead
    keeper._take(news(vic(4), 102))
    assert generation(keeper) == 4


def test_a_commit_that_the_watch_has_overtaken_undoes_nothing(keeper: MapKeeper) -> None:
    """The map shows what came after our commit when its writer gets to put it in."""
    keeper._take(news(vic(1), 100))
    keeper._take(news(vic(2), 101))
    keeper.put((vic(1),), 100)
    assert generation(keeper) == 2
    keeper.put((vic(5),), 0)
    keeper._take(news(vic(6), 102))
    keeper._take(news(vic(7), 103))
    keeper.put((vic(6),), 102)
    assert generation(keeper) == 7


def test_a_store_that_begins_anew_is_believed(store: MemoryStore, keeper: MapKeeper) -> None:
    """An empty etcd in place of a lost one has smaller revisions: what is committed there is news all the same."""
    keeper._take(news(vic(1), 1_000))
    snapshot = store.read()
    keeper._take(Update(snapshot.revision, snapshot=snapshot))
    keeper.put((vic(2),), snapshot.revision + 1)
    assert generation(keeper) == 2


def test_a_store_that_goes_away_leaves_the_map_as_it_is(store: MemoryStore, keeper: MapKeeper) -> None:
    """Stale with its age; live again when it is back."""
    assert keeper.age_s == 0
    store.go_away()
    wait_for(lambda: keeper.away, "noticed")
    assert keeper.age_s > 0
    assert keeper.current.session("demo") is not None
    store.come_back()
    wait_for(lambda: not keeper.away, "heard again")
    assert keeper.age_s == 0


def test_text_that_cannot_be_read_changes_nothing_else(store: MemoryStore, keeper: MapKeeper) -> None:
    """Any value must be survived."""
    revision = put_many(store, {keys.session("bad"): "{", "rubbish": "x", "::::": "", VIC: "[]", "PL:demo": "7"})
    assert keeper.wait_for(lambda vmap: vmap.revision >= revision, 5)
    assert keeper.current.session("demo") is not None
    assert keeper.current.session("bad") is None
