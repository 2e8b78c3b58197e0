"""What gateways ask on behalf of participants: candidates, sources, roles, removal."""

from __future__ import annotations

from typing import Any

import pytest

from rtcdn.model import Role
from tests.unit.broker.rig import Rig
from tests.unit.broker.test_api import check_problem

SESSION = "/v1/sessions/demo"
PEOPLE = f"{SESSION}/participants"
KEY = "0123456789abcdef" * 4
CAMERA, SCREEN = ({"type": "video", "mid": mid, "source": source} for mid, source in (("0", "camera"), ("1", "screen")))


@pytest.fixture
def opened(rig: Rig) -> Rig:
    answer = rig.client().put(SESSION, json={"slots": 1, "audience": {"here": 10}}, headers=rig.operator())
    assert answer.status_code == 201, answer.text
    return rig


def gateway(rig: Rig, path: str, **body: Any) -> Any:
    """A gateway asks."""
    return rig.client("gateway-1").post(f"{PEOPLE}/{path}", json=body)


def comes(rig: Rig, name: str, role: Role, *rights: str, want: str = "view", **body: Any) -> dict[str, Any]:
    """Somebody is attached; the grant."""
    answer = gateway(rig, f"{name}/attach", want=[want], role=role, rights=rights, **body)
    assert answer.status_code == 200, answer.text
    grant: dict[str, Any] = answer.get_json()
    return grant


def holds(rig: Rig, name: str) -> dict[str, Any]:
    """What the broker knows of him."""
    known: dict[str, Any] = rig.client("gateway-1").get(f"{PEOPLE}/{name}/attach").get_json()
    return known


def test_a_candidate_is_made_ready_and_his_resume_key_is_remembered(opened: Rig) -> None:
    """Both legs in one grant; applications see neither key nor place."""
    grant = comes(opened, "vic", Role.VIEWER, "view", "speak", ready=True, resume=KEY)
    assert [leg["leg"] for leg in grant["legs"]] == ["view", "talk"]
    assert holds(opened, "vic")["resume"] == KEY
    seen = opened.client().get(f"{PEOPLE}/vic", headers=opened.operator())
    assert KEY not in seen.text
    whole = opened.client().get(SESSION, headers=opened.operator()).get_json()
    assert (whole["talk_legs"], whole["roles"]) == (1, {})


def test_media_up_names_sources_and_who_holds_the_leg(opened: Rig) -> None:
    """A second report shows the screen too; one more screen is a conflict."""
    for name, source in (("ann", "camera"), ("bob", "screen")):
        comes(opened, name, Role.SPEAKER, want="publish", sources=[source])
    up = {"leg": "publish", "state": "up", "generation": 1, "janus_session": 5, "handle": 6}
    assert gateway(opened, "ann/media", **up, streams=[CAMERA], gateway="2").status_code == 204
    assert (holds(opened, "ann")["gateway"], holds(opened, "ann")["legs"][0]["gateway"]) == ("2", "2")
    assert gateway(opened, "ann/media", **up, streams=[CAMERA, SCREEN]).status_code == 204
    assert holds(opened, "ann")["legs"][0]["gateway"] == "2"
    links = opened.client().get(SESSION, headers=opened.operator()).get_json()["links"]
    assert {link["slot"] for link in links.values() if link["kind"] == "slot"} == {"v1", "s1"}
    check_problem(gateway(opened, "bob/media", **up, streams=[SCREEN]), 409, "screen-taken")
    check_problem(gateway(opened, "bob/media", **up, streams=[CAMERA]), 409, "stage-full")


def test_a_moderator_promotes_demotes_and_removes(opened: Rig) -> None:
    """Until the application admits him again."""
    comes(opened, "mia", Role.MODERATOR)
    comes(opened, "vic", Role.VIEWER, "view", "speak")
    for role in ("speaker", "viewer"):
        assert gateway(opened, "vic/role", role=role, by="mia").status_code == 204
        assert holds(opened, "vic")["role"] == role
    assert gateway(opened, "vic/remove", by="mia", reason="spam").status_code == 204
    check_problem(gateway(opened, "vic/attach", want=["view"], rights=["view"]), 403, "removed")
    seen = opened.client().get(f"{PEOPLE}/vic", headers=opened.operator()).get_json()
    assert (seen["removed"], seen["legs"]) == (True, [])
    assert opened.client().put(f"{PEOPLE}/vic", json={}, headers=opened.operator()).status_code == 200
    comes(opened, "vic", Role.VIEWER, "view")


ROWS: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("a viewer promotes himself", "vic/role", {"role": "speaker", "by": "vic"}, 403, "wrong-role"),
    ("a viewer removes", "mia/remove", {"by": "vic"}, 403, "wrong-role"),
    ("a stranger demotes", "mia/role", {"role": "viewer", "by": "eve"}, 403, "wrong-role"),
    ("one who may not speak", "vic/role", {"role": "speaker", "by": "mia"}, 403, "may-not-speak"),
    ("talk without a right", "vic/attach", {"want": ["talk"], "rights": ["view"]}, 403, "may-not-speak"),
    ("nobody asks", "vic/role", {"role": "speaker"}, 400, "invalid-request"),
    ("an empty name asks", "vic/role", {"role": "speaker", "by": ""}, 400, "invalid-request"),
    ("no such role", "vic/role", {"role": "king", "by": "mia"}, 400, "invalid-request"),
    ("an endless reason", "vic/remove", {"by": "mia", "reason": "x" * 201}, 400, "invalid-request"),
    ("nobody is removed", "eve/remove", {"by": "mia"}, 404, "unknown-participant"),
    ("a key that is none", "vic/attach", {"want": ["view"], "resume": "x"}, 400, "invalid-request"),
    ("no such source", "vic/attach", {"want": ["view"], "sources": ["tape"]}, 400, "invalid-request"),
]


@pytest.mark.parametrize(("name", "path", "body", "status", "problem"), ROWS, ids=[row[0] for row in ROWS])
def test_what_may_not_be_is_refused(
    opened: Rig, name: str, path: str, body: dict[str, Any], status: int, problem: str
) -> None:
    """Nothing changes."""
    comes(opened, "mia", Role.MODERATOR)
    comes(opened, "vic", Role.VIEWER, "view")
    before = opened.keeper.current.sessions["demo"].participants
    check_problem(gateway(opened, path, **body), status, problem)
    assert dict(opened.keeper.current.sessions["demo"].participants) == dict(before)


@pytest.mark.parametrize("path", ["vic/role", "vic/remove"])
def test_only_gateways_ask_on_behalf_of_others(opened: Rig, path: str) -> None:
    """An operator has calls of his own."""
    body = {"role": "viewer", "by": "mia"} if path.endswith("role") else {"by": "mia"}
    answer = opened.client().post(f"{PEOPLE}/{path}", json=body, headers=opened.operator())
    check_problem(answer, 403, "forbidden")
