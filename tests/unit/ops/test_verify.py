"""Who verifies what from where, and what its answers mean."""

from __future__ import annotations

from typing import Any

from ops.verify import judge, questions, results, url_of

GROUPS = {"etcd": ["eu1"], "nginx": ["eu1", "us1"], "registry": ["eu1"]}
VARIABLES: dict[str, Any] = {
    "rtcdn_hosts": {
        "eu1": {"private": "10.0.0.1", "public": "192.0.2.1", "region": "eu"},
        "us1": {"private": "10.1.0.1", "public": "192.0.2.2", "region": "us", "network": "us"},
        "ap1": {"private": "10.0.0.3", "public": "192.0.2.3", "region": "ap"},
    },
    "rtcdn_ports": {"nginx": 8443, "etcd_client": 8379, "registry": 8090},
    "rtcdn_public_url": "https://event.example.org",
    "rtcdn_regions": {"us": {"url": "https://us.example.org/"}},
    "rtcdn_brokers": [{"id": "broker-1", "host": "ap1", "api": 8101, "stream": 8102}],
    "rtcdn_gateways": [
        {"id": "1", "host": "eu1", "port": 8201},
        {"id": "2", "host": "us1", "port": 8211, "prober": 8212},
    ],
    "rtcdn_turns": [{"id": "us", "host": "us1"}],
}
GOOD: dict[str, Any] = {
    "error": "",
    "services": [{"name": "broker-1", "ms": 3, "error": ""}],
    "pairs": {name: {"frame_ms": 400, "tone_ms": 300, "error": ""} for name in ("eu", "us")},
}


def answers() -> dict[str, Any]:
    """Two regions in which everything works."""
    return {"eu": {**GOOD, "egress": "eu"}, "us": {**GOOD, "egress": "us"}}


def test_a_region_is_entered_where_its_clients_enter() -> None:
    """By its URL, its first nginx, or the door of the first region."""
    assert url_of("us", VARIABLES, GROUPS) == "https://us.example.org"
    assert url_of("eu", VARIABLES, GROUPS) == "https://event.example.org"
    assert url_of("ap", VARIABLES, GROUPS) == "https://event.example.org"
    assert url_of("us", {**VARIABLES, "rtcdn_regions": {}}, GROUPS) == "https://192.0.2.2:8443"


def test_services_are_asked_from_their_region_at_the_address_that_is_used_there() -> None:
    """Those of a region without a gateway by the first that has one; etcd by everybody."""
    asks = questions(VARIABLES, GROUPS, "shared secret")
    assert set(asks) == {"eu1", "us1"}
    names = {host: {each["name"]: each for each in ask["services"]} for host, ask in asks.items()}
    assert set(names["eu1"]) == {"etcd on eu1", "broker-1", "gateway 1", "registry", "nginx of eu"}
    assert set(names["us1"]) == {"etcd on eu1", "gateway 2", "prober 2", "turn us", "nginx of us"}
    assert names["eu1"]["broker-1"]["url"] == "https://10.0.0.3:8101"
    assert names["us1"]["etcd on eu1"]["address"] == "192.0.2.1:8379"
    assert names["us1"]["turn us"] == {
        "kind": "turn", "name": "turn us", "host": "192.0.2.2", "port": 3478, "secret": "shared secret",
    }  # fmt: skip
    tones = [ask["tone"] for ask in asks.values()]
    assert len(set(tones)) == 2


def test_a_limited_run_asks_in_its_own_regions_alone() -> None:
    """Hosts that are left out are not waited for."""
    asks = questions(VARIABLES, GROUPS, "", among=["eu1", "ap1"])
    assert set(asks) == {"eu1"}
    assert asks["eu1"]["regions"] == ["eu"]
    assert questions(VARIABLES, GROUPS, "", among=["ap1"]) == {}


def test_a_deployment_that_works_has_a_matrix_and_no_problem() -> None:
    """From the speaker's region to the viewer's."""
    problems, lines = judge(answers(), ["eu", "us"])
    assert problems == []
    assert lines[0].split()[-2:] == ["eu", "us"]
    assert lines[1].split() == ["eu", "400", "400"]
    assert lines[-1] == "2 services answered a real call"


def test_what_does_not_work_is_said_by_region() -> None:
    """A service, a speaker who is not seen, a viewer elsewhere, a region that said nothing."""
    given = answers()
    given["eu"] = {**given["eu"], "services": [{"name": "turn us", "ms": 9, "error": "no answer within 10 s"}]}
    given["us"] = {
        **given["us"],
        "egress": "eu",
        "pairs": {"eu": {"frame_ms": None, "tone_ms": None, "error": "is not on stage"}},
    }
    given["ap"] = {"failed": "docker: command not found"}
    problems, lines = judge(given, ["eu", "us", "ap"])
    assert problems == [
        "region eu: turn us: no answer within 10 s",
        "region us: its viewer was taken for one of eu",
        "region us: the speaker of eu is not on stage",
        "region ap: could not be asked: docker: command not found",
    ]
    assert lines[1].split() == ["eu", "400", "!", "!"]


def test_an_answer_is_read_and_its_absence_explained() -> None:
    """From what the tasks registered."""
    asks = {"a": {"region": "eu"}, "b": {"region": "us"}, "c": {"region": "ap"}}
    hostvars = {
        "a": {"verify_answer": {"stdout": '{"error": ""}'}},
        "b": {"verify_answer": {"stdout": "", "stderr": "Unable to find image\ndocker: no such image"}},
        "c": {},
    }
    found = results(hostvars, asks)
    assert found["eu"] == {"error": ""}
    assert found["us"] == {"failed": "docker: no such image"}
    assert found["ap"] == {"failed": "no answer"}
