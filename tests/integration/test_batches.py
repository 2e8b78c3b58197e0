"""Many sessions at once on real nodes: opened whole, closed, nothing left behind."""

from __future__ import annotations

import httpx
import pytest

from tests.support.cdn import Cdn
from tests.support.engine import wait_for
from tests.support.truth import differences

pytestmark = pytest.mark.real
SESSIONS = tuple(f"many-{number:02}" for number in range(24))


def ours(cdn: Cdn) -> list[str]:
    """Contexts of these sessions on all nodes."""
    return [context for name in cdn.nodes for context in cdn.client(name).contexts() if context.startswith("many-")]


def test_two_dozen_sessions_are_opened_by_one_call_at_a_follower_and_closed_by_one(
    cdn: Cdn, http: httpx.Client
) -> None:
    """Every room, mix, mountpoint and forward is there when the answer is; nothing is when the other one is."""
    url = f"{cdn.follower().url}/v1/sessions"
    body = {"slots": 2, "audience": {"here": 2}}
    opened = http.post(url, json={"sessions": dict.fromkeys(SESSIONS, body)})
    assert opened.status_code == 200, opened.text
    assert [name for name, each in opened.json()["answers"].items() if "problem" in each] == []
    assert len(ours(cdn)) == 3 * len(SESSIONS)
    assert [found for name in SESSIONS[::8] for found in differences(cdn, name)] == []
    again = http.post(url, json={"sessions": dict.fromkeys(SESSIONS, body)})
    assert [name for name, each in again.json()["answers"].items() if "problem" in each] == []
    assert len(ours(cdn)) == 3 * len(SESSIONS)
    closed = http.post(f"{url}/close", json={"sessions": list(SESSIONS)})
    assert closed.status_code == 200, closed.text
    wait_for(lambda: not ours(cdn), "nothing is left on the nodes", 20, every_s=0.3)
    assert not [key for key in cdn.store.read().values if ":many-" in key]


def test_participants_are_admitted_by_one_call_and_may_attach(cdn: Cdn, http: httpx.Client) -> None:
    """Each with his own token; a gateway's attach of one of them finds a place."""
    url = f"{cdn.follower().url}/v1/sessions/many-00"
    assert http.put(url, json={"audience": {"here": 2}}).status_code == 201
    try:
        people = {f"guest-{number}": {"role": "viewer"} for number in range(20)}
        answer = http.post(f"{url}/participants", json={"participants": people})
        assert answer.status_code == 200, answer.text
        assert len({each["token"] for each in answer.json()["answers"].values()}) == 20
        with cdn.api("gateway-1") as gateway:
            found = gateway.post(f"{url}/participants/guest-7/attach", json={"want": ["view"], "rights": ["view"]})
        assert found.status_code == 200, found.text
    finally:
        http.delete(url)
