"""When a stack runs, and what is said when it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.roles.load import load

wait = load("stack/library/stack_wait.py")

NEW, OLD = {"Image": "new"}, {"Image": "old"}


def node(name: str, labels: dict[str, str] | None = None, state: str = "ready", availability: str = "active") -> Any:
    return {
        "ID": name,
        "Spec": {"Labels": labels or {}, "Role": "worker", "Availability": availability},
        "Status": {"State": state},
        "Description": {"Hostname": name},
    }


def service(mode: dict[str, Any], constraints: list[str] | None = None, update: str = "") -> Any:
    template = {"ContainerSpec": NEW, "Placement": {"Constraints": constraints or []}}
    status = {"UpdateStatus": {"State": update}} if update else {}
    return {"Spec": {"Name": "s", "Mode": mode, "TaskTemplate": template}, **status}


def task(state: str = "running", spec: dict[str, str] = NEW, desired: str = "running", error: str = "") -> Any:
    status = {"State": state, **({"Err": error} if error else {})}
    return {
        "Spec": {"ContainerSpec": spec},
        "DesiredState": desired,
        "Status": status,
        "NodeID": "eu1",
        "CreatedAt": "2026-01-01",
    }


ONE: dict[str, Any] = {"Replicated": {"Replicas": 1}}
EVERYWHERE: dict[str, Any] = {"Global": {}}


def test_one_running_task_of_the_newest_kind_is_enough() -> None:
    """That is what a replica of one asks for."""
    assert wait.lacking(service(ONE), [task(), task("shutdown", OLD, "shutdown")], []) == ""


@pytest.mark.parametrize(
    "tasks", [[], [task("starting")], [task("preparing")], [task(spec=OLD)], [task(), task(spec=OLD)]]
)
def test_what_does_not_run_yet_is_waited_for(tasks: list[Any]) -> None:
    """A task that is not healthy yet is starting; one of before an update is not what was asked for."""
    assert wait.lacking(service(ONE), tasks, [])


@pytest.mark.parametrize("state", ["updating", "rollback_started"])
def test_an_update_on_its_way_is_waited_for(state: str) -> None:
    """Even when the number of tasks is right already."""
    assert state in wait.lacking(service(ONE, update=state), [task()], [])


def test_a_global_service_is_counted_against_the_hosts_that_match() -> None:
    """Docker's own column said 1/1 while three of four hosts rejected the task."""
    nodes = [node("eu1", {"janus": "true"}), node("eu2", {"janus": "true"}), node("us1")]
    everywhere = service(EVERYWHERE, ["node.labels.janus == true"])
    assert wait.lacking(everywhere, [task()], nodes) == "1 of 2 tasks run the wanted specification"
    assert wait.lacking(everywhere, [task(), task()], nodes) == ""


@pytest.mark.parametrize(
    ("host", "constraint", "fits"),
    [
        (node("eu1", {"rtcdn.host": "eu1"}), "node.labels.rtcdn.host == eu1", True),
        (node("eu1", {"rtcdn.host": "eu2"}), "node.labels.rtcdn.host == eu1", False),
        (node("eu1"), "node.labels.rtcdn.host == eu1", False),
        (node("eu1"), "node.labels.rtcdn.host != eu1", True),
        (node("eu1"), "node.hostname==eu1", True),
        (node("eu1"), "node.role != manager", True),
        (node("eu1", state="down"), "node.hostname == eu1", False),
        (node("eu1", availability="drain"), "node.hostname == eu1", False),
        (node("eu1"), "something else", False),
    ],
)
def test_constraints_are_read_as_swarm_reads_them(host: Any, constraint: str, fits: bool) -> None:
    """By label, hostname and role; a host that is down or drained takes nothing."""
    assert wait.matches(host, [constraint]) is fits


def test_a_complaint_names_service_host_and_reason() -> None:
    """The three things that an operator needs."""
    said = wait.complaint(service(ONE), [task("rejected", error="No such image: x")], {"eu1": "host-eu1"}, "0 of 1")
    assert said == "service s: 0 of 1. Newest tasks on host-eu1: rejected (No such image: x)"


class Engine:
    """What the modules ask of an engine: the services of one stack, each with one running task."""

    def __init__(self, *services: Any) -> None:
        self.api, self._services = self, services

    def services(self, filters: Any) -> Any:
        return [*self._services] if filters == {"label": "com.docker.stack.namespace=web"} else []

    def tasks(self, filters: Any) -> Any:
        return [task()]

    def nodes(self) -> Any:
        return [node("eu1")]


def deployed(name: str = "one", spec: str = "aa", version: int = 7, **other: Any) -> Any:
    made = service(ONE, **other)
    made["Spec"] |= {"Name": f"web_{name}", "Labels": {"rtcdn.spec": spec}}
    return {**made, "ID": name, "Version": {"Index": version}}


def looked(tmp_path: Path, *services: Any) -> str:
    record = tmp_path / "web.deployed.json"
    record.write_text(json.dumps({"web_one": 7}), encoding="utf-8")
    return str(wait.Stack(Engine(*services), "web").looks({"one": "aa"}, record))


def test_what_was_deployed_and_runs_is_settled(tmp_path: Path) -> None:
    """The wanted specification, the version that the deploy left, and a running task."""
    assert looked(tmp_path, deployed()) == ""


@pytest.mark.parametrize(
    ("services", "why"),
    [
        ([], "services are none, wanted one"),
        ([deployed(), deployed("two")], "services are one, two, wanted one"),
        ([deployed(spec="bb")], "one runs by another specification"),
        ([deployed(version=8)], "changed since the deploy: web_one"),
        ([deployed(update="rollback_completed")], "rollback_completed"),
        ([deployed(update="updating")], "update is updating"),
    ],
)
def test_anything_else_is_deployed_again(tmp_path: Path, services: list[Any], why: str) -> None:
    """Missing, added, by another specification, changed by hand, or not running as it should."""
    assert why in looked(tmp_path, *services)


def test_without_a_record_nothing_is_settled(tmp_path: Path) -> None:
    """Who deployed it, and what has become of it since, is not known."""
    assert "not known" in wait.Stack(Engine(deployed()), "web").looks({"one": "aa"}, tmp_path / "none.json")


def test_a_failure_says_first_what_is_wrong_and_shows_the_log_of_that() -> None:
    """The old task of another service that waits for its turn has no part in it."""
    problems = {"n_collector": "service n_collector: updating", "n_janus": "service n_janus: rolled back"}
    assert wait.failure("n", 5.2, problems, {"n_janus": "it does not start"}).splitlines() == [
        "stack n does not run after 5 s",
        "service n_janus: rolled back",
        "service n_collector: updating",
        "--- last log lines of n_janus",
        "it does not start",
    ]
