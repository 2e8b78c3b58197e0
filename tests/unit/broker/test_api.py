"""The API: what it answers, and how it says no."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from broker.api.app import MAX_BODY_BYTES
from broker.api.context import CALLER_HEADER
from broker.api.nodes import hypothetical
from broker.api.problems import MEDIA_TYPE
from broker.api.shapes import ExplainBody
from broker.core.requests import ChangeScenario, PutTap, Request, Warmup
from rtcdn.store.memory import MemoryStore
from rtcdn.tokens import Claims, SigningKey
from tests.support.engine import wait_for
from tests.unit.broker.rig import Rig

SESSION = "/v1/sessions/demo"
GATEWAY_CALL = f"{SESSION}/participants/vic/attach"


@pytest.fixture
def opened(rig: Rig) -> Rig:
    answer = rig.client().put(SESSION, json={"audience": {"here": 10}}, headers=rig.operator())
    assert answer.status_code == 201, answer.text
    return rig


def test_a_session_is_opened_seen_opened_again_and_closed(opened: Rig) -> None:
    """201, 200, 200, 204, 404."""
    http, headers = opened.client(), opened.operator()
    assert http.put(SESSION, json={"audience": {"here": 10}}, headers=headers).status_code == 200
    shown = http.get(SESSION, headers=headers).get_json()
    assert sorted(shown["contexts"]) == ["ingress-vr1", "mix-ab1", f"stage-{stage(shown)}"]
    assert [each["id"] for each in http.get("/v1/sessions", headers=headers).get_json()["sessions"]] == ["demo"]
    assert http.delete(SESSION, headers=headers).status_code == 204
    assert http.get(SESSION, headers=headers).status_code == 404
    assert not opened.keys("CX:") | opened.keys("SS:") | opened.keys("PL:")


def stage(shown: dict[str, Any]) -> str:
    return next(each["node"] for each in shown["contexts"].values() if each["duty"] == "stage")


def test_admitting_answers_gateways_and_a_token_for_this_session_only(opened: Rig) -> None:
    """No node, plugin or placement shows."""
    answer = opened.client().put(
        f"{SESSION}/participants/ann", json={"role": "speaker", "name": "Ann"}, headers=opened.operator()
    )
    body = answer.get_json()
    claims = opened.parts.verifier.verify(body["token"], "demo")
    assert (claims.sub, claims.role, claims.rights) == ("ann", "speaker", ("publish", "view", "speak"))
    assert body["gateways"] == {"here": ["https://gw.invalid"]}
    assert set(body) == {"gateways", "token", "expires_s"}


def test_a_shared_link_admits_nobody_by_itself(opened: Rig) -> None:
    """Everybody who comes with it is another participant."""
    url = f"{SESSION}/participants/everybody"
    body = opened.client().put(url, json={"shared": True}, headers=opened.operator()).get_json()
    assert opened.parts.verifier.verify(body["token"]).shared
    assert opened.client().get(url, headers=opened.operator()).status_code == 404
    wrong = opened.client().put(url, json={"shared": True, "role": "speaker"}, headers=opened.operator())
    assert (wrong.status_code, wrong.get_json()["field"]) == (400, "shared")


def test_a_gateway_attaches_reports_and_leaves(opened: Rig) -> None:
    """Grant, holder, media, leave twice."""
    http = opened.client("gateway-1")
    grant = http.post(GATEWAY_CALL, json={"want": ["view"], "rights": ["view"]}).get_json()
    leg = grant["legs"][0]
    assert (leg["leg"], leg["context"].partition("/")[0]) == ("view", "demo")
    media = {"leg": "view", "state": "up", "generation": grant["generation"], "janus_session": 5, "handle": 6}
    assert http.post(f"{SESSION}/participants/vic/media", json=media).status_code == 204
    held = http.get(GATEWAY_CALL).get_json()
    assert (held["gateway"], held["legs"][0]["janus_session"], held["legs"][0]["state"]) == ("1", 5, "up")
    wait_for(lambda: opened.keys("PT:"), "the key is written")
    for _ in range(2):
        assert http.delete(f"{GATEWAY_CALL}?leg=view&generation={grant['generation']}").status_code in (204, 404)
    wait_for(lambda: not opened.keys("PT:"), "the key is gone")


def test_many_attaches_in_one_call_are_answered_one_by_one(opened: Rig) -> None:
    """A refusal of one does not spoil the others."""
    many = [{"participant": f"v{n}", "want": ["view"], "rights": ["view"]} for n in range(3)]
    many[1]["want"] = ["publish"]
    answers = opened.client("gateway-1").post(f"{SESSION}/attach", json={"attaches": many}).get_json()["answers"]
    assert [list(each) for each in answers] == [["grant"], ["problem"], ["grant"]]
    assert answers[1]["problem"]["type"].endswith("/wrong-role")


def test_explain_does_nothing_and_a_past_decision_is_found(opened: Rig) -> None:
    """The same reasons as the real thing."""
    http, headers = opened.client(), opened.operator()
    before = opened.store.read().revision
    body = {"session": "demo", "want": ["view"], "gateway": "1"}
    explained = http.post("/v1/explain", json=body, headers=headers).get_json()
    assert explained["choices"][0]["chosen"]
    assert opened.store.read().revision == before
    decision = http.put(SESSION, json={"audience": {"here": 10}}, headers=headers).get_json()["decision"]
    assert http.get(f"/v1/decisions/{decision}", headers=headers).get_json()["request"]["type"] == "OpenSession"
    assert http.get("/v1/decisions/d-never", headers=headers).status_code == 404


def test_nodes_drain_and_undrain(opened: Rig) -> None:
    """The intent is the store's."""
    http, headers = opened.client(), opened.operator()
    assert http.post("/v1/nodes/st1/drain", json={"deadline_s": 60}, headers=headers).status_code == 204
    assert opened.keys("ND:") == {"ND:st1"}
    assert http.post("/v1/nodes/st1/undrain", headers=headers).status_code == 204
    assert not opened.keys("ND:")
    assert http.post("/v1/nodes/never/drain", json={}, headers=headers).status_code == 400
    endless = http.post("/v1/nodes/st1/drain", json={"deadline_s": float("inf")}, headers=headers)
    assert (endless.status_code, endless.get_json()["field"]) == (400, "deadline_s")
    assert not opened.keys("ND:")


def test_health_metrics_keys_and_the_openapi_document_need_no_token(opened: Rig) -> None:
    """For anyone inside."""
    http = opened.client("nginx")
    assert http.get("/healthz").get_json()["status"] == "ok"
    assert http.get("/readyz").get_json()["map_age_s"] == 0
    assert http.get("/leader").get_json()["here"] is True
    assert "rtcdn_broker_requests_total" in http.get("/metrics").text
    assert http.get("/v1/jwks").get_json() == opened.key.jwks()
    paths = http.get("/openapi.json").get_json()["paths"]
    assert {"/v1/sessions/{sid}", "/v1/sessions/{sid}/participants/{pid}/attach", "/v1/map/events"} <= set(paths)


def test_the_map_is_streamed_whole_and_then_by_changes(opened: Rig) -> None:
    """Server-sent events."""
    answer = opened.client().get("/v1/map/events", headers=opened.operator(), buffered=False)
    events = iter(answer.response)
    first = next(events).decode()
    assert first.startswith("event: map\ndata: {")
    assert answer.mimetype == "text/event-stream"
    revision = opened.store.put("ND:st1", '{"by":"me"}')
    changes = (each.decode() for each in events)
    told = (json.loads(each.partition("data: ")[2]) for each in changes if each.startswith("event: change\n"))
    assert next(each for each in told if each["revision"] == revision)["keys"] == {"ND:st1": {"by": "me"}}
    answer.close()


FORGED = SigningKey.generate()
OPERATOR_CLAIMS = Claims("x", scope="operator", exp=9e9)
VIEW = {"json": {"want": ["view"]}}
JSON = {"content_type": "application/json"}
PEOPLE = f"{SESSION}/participants"
Row = tuple[str, str, str, dict[str, Any], int, str]
BAD: list[Row] = [
    ("unknown session", "nginx", "GET /v1/sessions/never", {}, 404, "unknown-session"),
    (
        "unknown session, attach",
        "gateway-1",
        f"POST {GATEWAY_CALL}".replace("demo", "no"),
        VIEW,
        404,
        "unknown-session",
    ),
    ("unknown participant", "nginx", f"GET {PEOPLE}/no", {}, 404, "unknown-participant"),
    ("unknown one's role", "nginx", f"PATCH {PEOPLE}/no", {"json": {"role": "viewer"}}, 404, "unknown-participant"),
    ("wrong role", "gateway-1", f"POST {PEOPLE}/eve/attach", {"json": {"want": ["publish"]}}, 403, "wrong-role"),
    ("malformed JSON", "nginx", f"PUT {SESSION}", {"data": "{no", **JSON}, 400, "invalid-request"),
    ("nested to death", "nginx", f"PUT {SESSION}", {"data": "[" * 100_000, **JSON}, 400, "invalid-request"),
    ("not an object", "nginx", f"PUT {SESSION}", {"json": [1]}, 400, "invalid-request"),
    ("oversized body", "nginx", f"PUT {SESSION}", {"data": b" " * (MAX_BODY_BYTES + 1), **JSON}, 413, "too-large"),
    ("unknown field", "nginx", f"PUT {SESSION}", {"json": {"slot": 3}}, 400, "invalid-request"),
    ("too many slots", "nginx", f"PUT {SESSION}", {"json": {"slots": 99}}, 400, "invalid-request"),
    ("another codec while it runs", "nginx", f"PUT {SESSION}", {"json": {"codec": "h264"}}, 400, "invalid-request"),
    ("unknown policy", "nginx", "PUT /v1/sessions/other", {"json": {"policy": "never"}}, 400, "invalid-request"),
    ("bad id", "nginx", "PUT /v1/sessions/Not_An_Id", {"json": {}}, 400, "invalid-request"),
    ("no body", "gateway-1", f"POST {GATEWAY_CALL}", {}, 400, "invalid-request"),
    ("nothing wanted", "gateway-1", f"POST {GATEWAY_CALL}", {"json": {"want": []}}, 400, "invalid-request"),
    ("attach by an application", "nginx", f"POST {GATEWAY_CALL}", VIEW, 403, "forbidden"),
    ("spoofed", "nginx", f"POST {GATEWAY_CALL}", {**VIEW, "headers": {CALLER_HEADER: "gateway-1"}}, 403, "forbidden"),
    ("no such path", "nginx", "GET /v1/never", {}, 404, "not-found"),
    ("no such method", "nginx", "PATCH /v1/sessions", {}, 405, "method-not-allowed"),
]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One broker for the whole table: nothing in it may change anything."""
    rig = Rig(MemoryStore(), tmp_path_factory.mktemp("untouched"))
    rig.present()
    assert rig.client().put(SESSION, json={}, headers=rig.operator()).status_code == 201
    yield rig
    rig.close()


@pytest.mark.parametrize(("name", "peer", "call", "what", "status", "problem"), BAD, ids=[row[0] for row in BAD])
def test_bad_input_is_answered_by_a_clear_problem(
    untouched: Rig, name: str, peer: str, call: str, what: dict[str, Any], status: int, problem: str
) -> None:
    """Status, type, detail; the process lives and nothing changes."""
    before = untouched.store.read().revision
    method, _, path = call.partition(" ")
    headers = {**untouched.operator(), **what.get("headers", {})} if peer == "nginx" else {}
    answer = untouched.client(peer).open(path, method=method, **{**what, "headers": headers})
    check_problem(answer, status, problem)
    assert untouched.store.read().revision == before
    assert untouched.client().get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("make", "status", "problem"),
    [
        (lambda rig: {}, 401, "bad-token"),
        (lambda rig: {"Authorization": "Basic b3BzOm9wcw=="}, 401, "bad-token"),
        (lambda rig: {"Authorization": "Bearer x"}, 401, "bad-token"),
        (lambda rig: rig.operator(exp=time.time() - 60), 401, "bad-token"),
        (lambda rig: {"Authorization": f"Bearer {FORGED.sign(OPERATOR_CLAIMS)}"}, 401, "bad-token"),
        (lambda rig: rig.operator(scope="", sid="demo"), 403, "forbidden"),
    ],
    ids=["none", "basic", "rubbish", "expired", "forged", "a client's"],
)
def test_a_token_that_is_not_an_operators_opens_nothing(rig: Rig, make: Any, status: int, problem: str) -> None:
    """Before the body is even looked at."""
    answer = rig.client().put(SESSION, json={"slots": 99}, headers=make(rig))
    check_problem(answer, status, problem)
    assert not rig.keys("SS:")


def check_problem(answer: Any, status: int, problem: str) -> None:
    """An RFC 9457 document with everything in its place."""
    body = json.loads(answer.data)
    assert (answer.status_code, body["type"].rpartition("/")[2]) == (status, problem), body
    assert answer.mimetype == MEDIA_TYPE
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]


def test_with_the_store_away_changes_are_refused_and_viewers_attached(opened: Rig) -> None:
    """503 with Retry-After; the map is said to be old."""
    opened.store.go_away()
    wait_for(lambda: opened.keeper.away, "noticed")
    refused = opened.client().put("/v1/sessions/other", json={}, headers=opened.operator())
    check_problem(refused, 503, "store-away")
    assert refused.headers["Retry-After"]
    granted = opened.client("gateway-1").post(GATEWAY_CALL, json={"want": ["view"], "rights": ["view"]})
    assert granted.status_code == 200
    assert opened.client().get("/readyz").get_json()["map_age_s"] > 0
    opened.store.come_back()
    wait_for(lambda: opened.keys("PT:demo:vic"), "the participant is written when it is back")


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ({"request": "scenario", "scenario": "atollo"}, ChangeScenario("demo", "atollo")),
        ({"request": "warmup", "viewers": {"here": 500}}, Warmup("demo", {"here": 500})),
        ({"request": "tap", "tap": "ears", "source": "ann"}, PutTap("demo", "ears", "ann")),
        ({"request": "tap", "speaks": True, "module": "ai1"}, PutTap("demo", "tap", "mix", speaks=True, module="ai1")),
    ],
)
def test_every_request_that_places_can_be_asked_for_hypothetically(body: dict[str, Any], made: Request) -> None:
    """What explain decides is the request itself."""
    assert hypothetical(ExplainBody(session="demo", **body)) == made


def test_capacity_is_told_by_region_and_kind(opened: Rig) -> None:
    """With what runs, and the reasons; queries that make no sense are refused."""
    http, headers = opened.client(), opened.operator()
    found = http.get("/v1/capacity?headroom=0.5&most=3", headers=headers).get_json()["capacity"]
    assert [(each["region"], each["kind"], each["runs"]) for each in found] == [
        ("here", "AB", 1),
        ("here", "ST", 1),
        ("here", "VR", 1),
    ]
    assert all(each["wanted"] >= each["runs"] for each in found)
    assert http.get("/v1/capacity?headroom=-1", headers=headers).status_code == 400
    assert http.get("/v1/capacity").status_code == 401
