"""The election and its fence."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from broker.leader import Leadership
from rtcdn import keys
from rtcdn.errors import NotLeader, StoreAway, StoreConflict
from rtcdn.model import LeaderInfo
from rtcdn.store.memory import MemoryStore
from rtcdn.store.port import Commit, Compare
from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig


def stand(store: MemoryStore, name: str) -> Leadership:
    made = Leadership(store, LeaderInfo(name, f"https://{name}.invalid"))
    made.start()
    return made


def test_one_of_two_is_elected_and_the_other_follows_when_it_ends() -> None:
    """Stepping down is at once, without waiting for the lease."""
    store = MemoryStore()
    one = stand(store, "one")
    wait_for(lambda: one.leads, "the first is elected")
    two = stand(store, "two")
    assert not two.leads
    one.close()
    two.nudge()
    wait_for(lambda: two.leads, "the second is elected")
    assert LeaderInfo.from_json(store.read(keys.LEADER).values[keys.LEADER].text) == two._info
    two.close()


def test_a_leader_whose_key_was_taken_commits_nothing() -> None:
    """The fence is the creation of the key, not what the leader believes."""
    store = MemoryStore()
    old = stand(store, "old")
    wait_for(lambda: old.leads, "elected")
    old.commit({"SS:a": "1"})
    store.commit(Commit(puts={keys.LEADER: "another"}, deletes=()))
    old.commit({"SS:a": "2"})
    store.commit(Commit(deletes=(keys.LEADER,)))
    store.put(keys.LEADER, "another")
    with pytest.raises(NotLeader):
        old.commit({"SS:a": "3"})
    assert store.read("SS:").values["SS:a"].text == "2"
    assert not old.leads
    old.close()


def test_a_conflict_about_something_else_is_no_deposition() -> None:
    """The leader still leads; it decides again."""
    store = MemoryStore()
    leader = stand(store, "one")
    wait_for(lambda: leader.leads, "elected")
    revision = store.put("SS:a", "1")
    store.put("SS:a", "2")
    with pytest.raises(StoreConflict):
        leader.commit({"SS:a": "3"}, compare=[Compare.unchanged("SS:a", revision)])
    assert leader.leads
    leader.close()


def test_without_the_store_nobody_leads_for_longer_than_the_lease_and_then_the_same_goes_on() -> None:
    """A leader that cannot refresh stops believing in itself; it may resume if its key stood."""
    store = MemoryStore()
    told: list[bool] = []
    changed = threading.Event()
    leader = stand(store, "one")
    leader.listen(lambda leads: (told.append(leads), changed.set()))
    wait_for(lambda: leader.leads, "elected")
    store.go_away()
    wait_for(lambda: not leader.leads, "it cannot know any more")
    with pytest.raises(StoreAway):
        leader.commit({"SS:a": "1"})
    store.come_back()
    wait_for(lambda: leader.leads, "it leads again")
    leader.close()


def test_a_follower_learns_who_leads(tmp_path: Path) -> None:
    """From the map, where to send changes."""
    store = MemoryStore()
    leader = Rig(store, tmp_path, "b1")
    follower = Rig(store, tmp_path, "b2", stands=False)
    wait_for(lambda: follower.keeper.current.leader, "the follower sees the leader")
    assert follower.keeper.current.leader == leader.parts.info
    leader.close()
    wait_for(lambda: not follower.keeper.current.leader, "and that it is gone")
    follower.close()
