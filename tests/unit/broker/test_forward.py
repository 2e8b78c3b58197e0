"""Who asks a replica that does not lead is told nothing older than what it told him before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.core.requests import OpenSession
from rtcdn.model import SessionIntent
from rtcdn.store.memory import MemoryStore
from tests.support.engine import wait_for
from tests.unit.broker.rig import REGION, Rig

PARTICIPANTS = "/v1/sessions/demo/participants"
PUBLISH = {"want": ["publish"], "role": "speaker", "rights": ["publish", "speak"], "codecs": ["vp8"]}
TIMES = 20


@pytest.fixture
def follower(rig: Rig, store: MemoryStore, tmp_path: Path) -> Iterator[Rig]:
    """A replica beside the leader ``rig``, with a session of one slot on both maps."""
    made = Rig(store, tmp_path, "b2", stands=False, leader=rig.transport())
    rig.desk.handle(OpenSession("demo", SessionIntent(slots=1, audience={REGION: 10})))
    revision = rig.keeper.current.revision
    wait_for(lambda: made.keeper.current.revision >= revision, "the follower has seen the session")
    yield made
    made.close()


def test_a_seat_given_back_at_once_is_free_at_once(rig: Rig, follower: Rig) -> None:
    """The leader knows of a grant that its giver has not written yet, and the giver of what the leader did."""
    http = follower.client("gateway-1")
    for number in range(TIMES):
        url = f"{PARTICIPANTS}/speaker-{number}/attach"
        grant = http.post(url, json=PUBLISH)
        assert grant.status_code == 200, grant.get_json()
        left = http.delete(f"{url}?leg=publish&generation={grant.get_json()['generation']}")
        assert left.status_code == 204
        assert rig.keeper.current.sessions["demo"].participants == {}
        assert follower.keeper.current.sessions["demo"].participants == {}
    assert not follower.keys("PT:")


def test_an_offer_that_cannot_be_carried_takes_nothing(follower: Rig) -> None:
    """406 names the session's codec; the speaker's own running leg goes on."""
    http = follower.client("gateway-1")
    url = f"{PARTICIPANTS}/alice/attach"
    assert http.post(url, json=PUBLISH).status_code == 200
    answer = http.post(url, json={**PUBLISH, "codecs": ["h264"]})
    assert (answer.status_code, answer.get_json()["type"].rpartition("/")[2]) == (406, "codec-not-carried")
    assert "VP8" in answer.get_json()["detail"]
    assert http.get(url).get_json()["generation"] == 1
