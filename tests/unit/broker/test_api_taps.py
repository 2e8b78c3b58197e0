"""Taps by the API: what it answers, and how it says no."""

from __future__ import annotations

import pytest

from rtcdn.model import ContextInfo, ForwarderInfo, Kind, PluginData
from tests.support.engine import wait_for
from tests.unit.broker.rig import NODES, Rig

SESSION = "/v1/sessions/demo"
TAP = f"{SESSION}/taps/echo"


@pytest.fixture
def opened(rig: Rig) -> Rig:
    """A session, and a module."""
    rig.present(**NODES, ai1=Kind.AI)
    answer = rig.client().put(SESSION, json={"audience": {"here": 10}}, headers=rig.operator())
    assert answer.status_code == 201, answer.text
    return rig


def test_a_tap_is_made_seen_changed_and_ended(opened: Rig) -> None:
    """201, 200, 200, 204, 204, 404; its steps are the actor's; it flows when the module says so."""
    http, headers = opened.client(), opened.operator()
    made = http.put(TAP, json={"speaks": True}, headers=headers)
    assert made.status_code == 201, made.text
    assert {key: made.get_json()[key] for key in ("id", "source", "speaks", "module", "state", "talks_as")} == {
        "id": "echo",
        "source": "mix",
        "speaks": True,
        "module": "ai1",
        "state": "starts",
        "talks_as": "tap-echo",
    }
    assert opened.actor.done[-2:] == ["create_context demo/tap-echo", "start_link demo/tap-echo"]
    info = ContextInfo("demo/tap-echo", forwarders=(ForwarderInfo(1, "127.0.0.1", 4, "audio"),))
    revision = opened.store.put("AI:ai1:PLUGIN", PluginData((info,)).to_json())
    wait_for(lambda: opened.keeper.current.revision >= revision, "the report is seen")
    assert http.get(TAP, headers=headers).get_json()["state"] == "flows"
    before = len(opened.actor.done)
    assert http.put(TAP, json={"source": "mix", "speaks": True}, headers=headers).status_code == 200
    assert len(opened.actor.done) == before, "the same again does nothing"
    assert http.put(TAP, json={}, headers=headers).get_json()["talks_as"] == ""
    assert [each["id"] for each in http.get(f"{SESSION}/taps", headers=headers).get_json()["taps"]] == ["echo"]
    for _ in range(2):
        assert http.delete(TAP, headers=headers).status_code == 204
    assert not opened.keys("CX:demo:tap") | opened.keys("LK:demo:tap")
    gone = http.get(TAP, headers=headers)
    assert (gone.status_code, gone.get_json()["type"].rpartition("/")[2]) == (404, "unknown-tap")


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        (TAP, {"source": "nobody"}, 404, "unknown-participant"),
        (TAP, {"source": "vic"}, 409, "not-tappable"),
        (TAP, {"module": "never"}, 400, "invalid-request"),
        (TAP, {"module": "vr1"}, 400, "invalid-request"),
        (TAP, {"sauce": "mix"}, 400, "invalid-request"),
        (f"{SESSION}/taps/{'t' * 51}", {}, 400, "invalid-request"),
        ("/v1/sessions/never/taps/echo", {}, 404, "unknown-session"),
    ],
)
def test_what_cannot_be_tapped(opened: Rig, path: str, body: dict[str, object], status: int, name: str) -> None:
    """A problem that says why and what to do."""
    opened.client().put(f"{SESSION}/participants/vic", json={}, headers=opened.operator())
    answer = opened.client().put(path, json=body, headers=opened.operator())
    found = answer.get_json()
    assert (answer.status_code, found["type"].rpartition("/")[2]) == (status, name), found
    assert found["detail"]


def test_only_operators_tap(opened: Rig) -> None:
    """Neither nobody nor a gateway."""
    assert opened.client().put(TAP, json={}).status_code == 401
    assert opened.client("gateway-1").put(TAP, json={}).status_code == 401
