"""The scenario of a running session, by the API."""

from __future__ import annotations

from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig

SESSION = "/v1/sessions/demo"


def test_a_running_session_takes_another_scenario(rig: Rig) -> None:
    """200 with the session and the decision; again: nothing changes. Opening anew names this way."""
    http, headers = rig.client(), rig.operator()
    opened = http.put(SESSION, json={"scenario": "atollo", "audience": {"here": 5}}, headers=headers)
    assert opened.status_code == 201, opened.text
    assert [each["code"] for each in opened.get_json()["remarks"]] == ["host-lacks"]
    refused = http.put(SESSION, json={"scenario": "archipelago"}, headers=headers)
    assert (refused.status_code, refused.get_json()["field"]) == (400, "scenario")
    assert "PATCH /v1/sessions/demo" in refused.get_json()["detail"]
    wait_for(lambda: not rig.keys("PL:"), "no plan runs")
    wait_for(lambda: rig.keeper.current.sessions["demo"].plan is None, "the map knows")
    for _ in range(2):
        answer = http.patch(SESSION, json={"scenario": "archipelago"}, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.get_json()["intent"]["scenario"] == "archipelago"
        assert sorted(each["duty"] for each in answer.get_json()["contexts"].values()) == ["ingress", "mix", "stage"]
    assert answer.get_json()["decision"]


def test_a_change_that_cannot_be_is_refused(rig: Rig) -> None:
    """No such session; no such scenario; more people than an atollo takes."""
    http, headers = rig.client(), rig.operator()
    assert http.patch(SESSION, json={"scenario": "atollo"}, headers=headers).status_code == 404
    assert http.put(SESSION, json={"audience": {"here": 20}}, headers=headers).status_code == 201
    wrong = http.patch(SESSION, json={"scenario": "atoll"}, headers=headers)
    assert (wrong.status_code, wrong.get_json()["field"]) == (400, "scenario")
    assert http.patch(SESSION, json={}, headers=headers).status_code == 400
    assert http.patch(SESSION, json={"scenario": "atollo"}).status_code == 401
    many = [{"participant": f"v{number}", "want": ["view"], "rights": ["view"]} for number in range(17)]
    rig.client("gateway-1").post(f"{SESSION}/attach", json={"attaches": many})
    wait_for(lambda: len(rig.keys("PT:")) == 17, "all are written")
    wait_for(lambda: rig.keeper.current.sessions["demo"].plan is None, "the map knows")
    large = http.patch(SESSION, json={"scenario": "atollo"}, headers=headers)
    assert (large.status_code, large.get_json()["type"].rpartition("/")[2]) == (409, "too-large")
    assert large.get_json()["detail"].startswith("17 participants")


def test_one_more_than_an_atollo_takes_is_refused(rig: Rig) -> None:
    """With the cure."""
    http, headers = rig.client(), rig.operator()
    http.put(SESSION, json={"scenario": "atollo", "audience": {"here": 16}}, headers=headers)
    many = [{"participant": f"v{number}", "want": ["view"], "rights": ["view"]} for number in range(17)]
    answers = rig.client("gateway-1").post(f"{SESSION}/attach", json={"attaches": many}).get_json()["answers"]
    assert [next(iter(each)) for each in answers] == 16 * ["grant"] + ["problem"]
    problem = answers[16]["problem"]
    assert (problem["status"], problem["type"].rpartition("/")[2]) == (409, "session-full")
    assert "PATCH /v1/sessions/{id}" in problem["cure"]
