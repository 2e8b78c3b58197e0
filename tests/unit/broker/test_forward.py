"""Who asks a replica that does not lead is told nothing older than what it told him before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.core.requests import OpenSession, SetRole
from broker.core.virtual_map import VirtualMap
from rtcdn.model import Role, SessionIntent
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


def test_someone_promoted_publishes_by_a_replica_that_has_not_heard_of_it(rig: Rig, follower: Rig) -> None:
    """His gateway had the order: it tells the revision of that, and the replica answers when its map has it."""
    http = follower.client("gateway-1")
    url, viewer = f"{PARTICIPANTS}/vic/attach", {**PUBLISH, "role": "viewer"}
    assert http.post(url, json={**viewer, "want": ["view"]}).status_code == 200
    wait_for(lambda: "vic" in rig.keeper.current.sessions["demo"].participants, "the leader knows him")
    assert http.post(url, json=viewer).status_code == 403
    follower.keeper.wait_for = promoted_meanwhile(rig, follower)  # type: ignore[method-assign]
    news = {"Rtcdn-Revision": str(rig.keeper.current.revision + 1)}
    assert http.post(url, json=viewer, headers=news).status_code == 200


def promoted_meanwhile(rig: Rig, follower: Rig) -> Callable[[Callable[[VirtualMap], bool], float], bool]:
    """The leader's change comes while a replica waits for it, not before."""
    wait = follower.keeper.wait_for

    def waited(seen: Callable[[VirtualMap], bool], timeout_s: float) -> bool:
        if not seen(follower.keeper.current):
            rig.desk.handle(SetRole("demo", "vic", Role.SPEAKER))
        return wait(seen, timeout_s)

    return waited


def test_a_revision_that_never_comes_does_not_stop_anybody(follower: Rig) -> None:
    """Of a store that was restored since, or rubbish: he is answered all the same."""
    http = follower.client("gateway-1")
    for number, told in enumerate(("999999", "-1", "none", "\u0663")):
        answer = http.post(f"{PARTICIPANTS}/s{number}/attach", json=PUBLISH, headers={"Rtcdn-Revision": told})
        assert answer.status_code in (200, 409), answer.get_json()
