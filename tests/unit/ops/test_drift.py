"""Drift: every way in which what runs is not what was deployed is told in words."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ops import drift

Survey = dict[str, Any]
SERVICE = {
    "image": "reg/rtcdn/janus:1",
    "replicas": 1,
    "configs": ["janus_st1_janus.jcfg_1"],
    "secrets": ["janus_st1_admin_1"],
    "constraints": ["node.labels.rtcdn.host == eu-1"],
    "environment": ["A"],
    "command": ["janus"],
}
DECLARED = {
    "deployment": "ev",
    "hosts": {"eu-1": {}, "us-1": {}},
    "managers": ["eu-1"],
    "registry": ["eu-1"],
    "stacks": ["janus_st1"],
    "nodes": {"st1": {}},
}
VMAP = {"nodes": {"st1": {"state": "ready"}}}


def node(host: str, **more: str) -> dict[str, str]:
    return {"host": host, "hostname": f"{host}.org", "state": "ready", "availability": "active", **more}


def survey() -> Survey:
    return {
        "containers": [{"name": "rtcdn-registry-ev", "state": "running"}],
        "services": [{"name": "janus_st1_janus", "stack": "janus_st1", "update": "", **SERVICE}],
        "stack_files": {"janus_st1": {"janus": SERVICE}},
        "tasks": [{"Name": "janus_st1_janus.1", "Node": "eu-1", "CurrentState": "Running 3 days ago", "Error": ""}],
        "nodes": [node("eu-1"), node("us-1")],
        "swarm": {"state": "active"},
    }


def found(change: Callable[[Survey], Any], vmap: Any = VMAP) -> list[str]:
    made = copy.deepcopy(survey())
    change(made)
    return drift.find(DECLARED, {"eu-1": made, "us-1": {"swarm": {"state": "inactive"}}}, vmap)


def service(**told: Any) -> Callable[[Survey], Any]:
    return lambda made: made["services"][0].update(told)


def test_what_runs_as_deployed_has_no_drift() -> None:
    """Nothing is told."""
    assert found(lambda made: None) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda made: made["services"].clear(),
            "service janus_st1_janus is not there: it was removed by hand, or its deploy was interrupted",
        ),
        (
            service(image="reg/rtcdn/janus:2"),
            "service janus_st1_janus: image is reg/rtcdn/janus:2, deployed was reg/rtcdn/janus:1",
        ),
        (service(replicas=0), "service janus_st1_janus: replicas is 0, deployed was 1"),
        (service(secrets=["other"]), "service janus_st1_janus: secrets lacks janus_st1_admin_1; has other"),
        (service(environment=["A", "B"]), "service janus_st1_janus: environment has B"),
        (
            lambda made: made["tasks"][0].update(CurrentState="Rejected 2 seconds ago", Error="No such image"),
            "service janus_st1_janus: 0 of 1 tasks run (on eu-1: No such image)",
        ),
        (lambda made: made["tasks"].clear(), "service janus_st1_janus: 0 of 1 tasks run"),
        (
            service(update="rollback_completed"),
            "service janus_st1_janus: its update is rollback_completed: see bin/rtcdn logs janus_st1_janus",
        ),
        (
            lambda made: made["services"].append({**made["services"][0], "name": "janus_st1_x"}),
            "service janus_st1_x was added to the stack janus_st1 by hand",
        ),
        (
            lambda made: made["services"].append(
                {**made["services"][0], "name": "janus_st9_janus", "stack": "janus_st9"}
            ),
            "stack janus_st9 runs and the inventory does not have it: apply removes it",
        ),
        (
            lambda made: made["containers"][0].update(state="exited"),
            "host eu-1: the container rtcdn-registry-ev is exited",
        ),
        (lambda made: made["containers"].clear(), "host eu-1: the container rtcdn-registry-ev is not there"),
        (lambda made: made["nodes"].pop(), "host us-1 is missing from the swarm (its engine says: inactive)"),
        (lambda made: made["nodes"].__setitem__(1, node("us-1", state="down")), "host us-1 is down in the swarm"),
        (
            lambda made: made["nodes"].__setitem__(1, node("us-1", availability="drain")),
            "host us-1 takes no tasks, its availability is drain: docker node update --availability active us-1.org",
        ),
        (
            lambda made: made["nodes"].append(node("ap-1")),
            "host ap-1 is in the swarm and the inventory does not have it: apply removes it",
        ),
    ],
)
def test_every_drift_is_told(change: Callable[[Survey], Any], said: str) -> None:
    """With what was deployed, and where; and nothing else is told."""
    assert found(change) == [said]


def test_the_map_of_the_broker_is_compared() -> None:
    """A node that nobody declared, one that is away, one that is drained."""
    vmap = {"nodes": {"st1": {"state": "draining"}, "st9": {"state": "ready"}}}
    assert found(lambda made: None, vmap) == [
        "node st9 is on the broker's map and the inventory does not have it",
        "node st1 is draining on the broker's map",
    ]
    assert found(lambda made: None, {"nodes": {}}) == ["node st1 is not on the broker's map"]
    assert found(lambda made: None, None) == []


def test_before_the_first_deploy_there_is_no_drift() -> None:
    """No stack file, no service, no swarm: everything is to be made, nothing has drifted."""
    blank = {"containers": [], "swarm": {"state": "inactive"}}
    assert drift.find(DECLARED, {"eu-1": blank, "us-1": blank}) == []
