"""Participants' keys are written on what they change: what another replica wrote meanwhile is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from broker.batches import BatchWriter
from broker.core.decisions import IntentChange
from broker.watch import MapKeeper
from rtcdn import keys
from rtcdn.model import Leg, ParticipantIntent, Role, SessionIntent
from rtcdn.store.memory import MemoryStore
from rtcdn.store.port import Change, Update, Value
from tests.support.engine import wait_for

VIC = keys.participant("demo", "vic")
JOINED = ParticipantIntent(name="vic", legs=(Leg("view", generation=1),), generation=1)
UP = replace(JOINED, legs=(Leg("view", generation=1, state="up"),))
SPEAKER = replace(JOINED, role=Role.SPEAKER)
BOTH = replace(UP, role=Role.SPEAKER)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put(keys.session("demo"), SessionIntent().to_json())
    store.put(VIC, JOINED.to_json())
    return store


@pytest.fixture
def keeper(store: MemoryStore) -> Iterator[MapKeeper]:
    """One that hears what the test lets it hear."""
    made = MapKeeper(store)
    made._take(Update(store.read().revision, snapshot=store.read()))
    yield made
    made.close()


def stored(store: MemoryStore) -> ParticipantIntent | None:
    """What stands in the store."""
    value = store.read(VIC).values.get(VIC)
    return ParticipantIntent.from_json(value.text) if value else None


def shown(keeper: MapKeeper) -> ParticipantIntent | None:
    """What the map shows."""
    return keeper.current.sessions["demo"].participants.get("vic")


def put(keeper: MapKeeper, batches: BatchWriter, record: ParticipantIntent | None) -> None:
    """As the desk does what needs no leader."""
    change = IntentChange(VIC, record)
    keeper.put((change,), 0)
    batches.add((change,))


def hear(store: MemoryStore, keeper: MapKeeper) -> None:
    """The watch brings how the key stands."""
    value = store.read(VIC).values[VIC]
    keeper._take(Update(value.mod_revision, changes=(Change(VIC, value, value.mod_revision),)))


def test_a_promotion_that_meets_a_report_is_not_lost(store: MemoryStore, keeper: MapKeeper) -> None:
    """The leader's write came while ours waited, and our watch is slow: it is found when ours is written."""
    batches = BatchWriter(store, keeper)
    put(keeper, batches, UP)
    store.put(VIC, SPEAKER.to_json())
    assert batches._write_some()
    assert batches.waiting == 1
    assert shown(keeper) == BOTH
    assert batches._write_some()
    assert (stored(store), shown(keeper), batches.waiting) == (BOTH, BOTH, 0)
    hear(store, keeper)
    assert not keeper._ahead


def test_news_that_comes_first_is_merged_at_once(store: MemoryStore, keeper: MapKeeper) -> None:
    """Then the first write passes."""
    batches = BatchWriter(store, keeper)
    put(keeper, batches, UP)
    store.put(VIC, SPEAKER.to_json())
    hear(store, keeper)
    assert shown(keeper) == BOTH
    assert batches._write_some()
    assert (stored(store), batches.waiting) == (BOTH, 0)


def test_several_changes_of_ours_are_one_write(store: MemoryStore, keeper: MapKeeper) -> None:
    """They stand on what the store had before the first; a later one stands on the one that was written."""
    batches = BatchWriter(store, keeper)
    put(keeper, batches, UP)
    put(keeper, batches, replace(UP, gateway="2"))
    assert batches._write_some()
    put(keeper, batches, replace(UP, gateway="3"))
    assert batches._write_some()
    assert (stored(store), batches.waiting) == (replace(UP, gateway="3"), 0)


def test_one_who_left_while_he_was_promoted_is_gone(store: MemoryStore, keeper: MapKeeper) -> None:
    """What is left of him is nothing that need be kept."""
    batches = BatchWriter(store, keeper)
    put(keeper, batches, None)
    store.put(VIC, SPEAKER.to_json())
    while batches.waiting:
        assert batches._write_some()
    assert stored(store) is None
    assert shown(keeper) is None


def test_text_of_another_version_is_written_over(store: MemoryStore, keeper: MapKeeper) -> None:
    """It says the same in other words: the second try knows them."""
    text = JOINED.to_json().replace("{", '{"novel":1,', 1)
    revision = store.put(VIC, text)
    keeper._take(Update(revision, changes=(Change(VIC, Value(text, revision, revision), revision),)))
    batches = BatchWriter(store, keeper)
    put(keeper, batches, UP)
    while batches.waiting:
        assert batches._write_some()
    assert stored(store) == UP


def test_two_replicas_end_with_the_same(store: MemoryStore) -> None:
    """Each writes its own changes of one participant a hundred times, and neither loses one of the other's."""
    keepers = [MapKeeper(store) for _ in range(2)]
    writers = [BatchWriter(store, keeper) for keeper in keepers]
    for each in (*keepers, *writers):
        each.start()
    for keeper in keepers:
        wait_for(lambda keeper=keeper: keeper.ready, "the first snapshot")
    for number in range(1, 101):
        for keeper, writer, field in zip(keepers, writers, ("name", "gateway"), strict=True):
            record = shown(keeper)
            assert record
            put(keeper, writer, replace(record, **{field: str(number)}))
    wait_for(lambda: not any(writer.waiting for writer in writers), "all is written")
    for keeper in keepers:
        wait_for(lambda keeper=keeper: not keeper._ahead, "all was brought back")
        assert shown(keeper) == stored(store)
    found = stored(store)
    assert found
    assert (found.name, found.gateway) == ("100", "100")
    for each in (*writers, *keepers):
        each.close()
