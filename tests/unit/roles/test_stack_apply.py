"""What the deployment of a stack changes, on a swarm that is made up."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.unit.roles.load import load

sys.modules["ansible.module_utils.rtcdn_swarm"] = load("stack/module_utils/rtcdn_swarm.py")
apply = load("stack/library/stack_apply.py")


class Swarm:
    """Services by name; deploying a file makes its services what the file says."""

    def __init__(self) -> None:
        self.specs: dict[str, Any] = {}
        self.objects: dict[str, str] = {}
        self.deployed: list[list[str]] = []
        self.api = self

    def deploy(self, words: list[str]) -> tuple[int, str, str]:
        told = yaml.safe_load(Path(words[words.index("--compose-file") + 1]).read_text(encoding="utf-8"))["services"]
        self.deployed.append(sorted(told))
        mine = {f"{words[-1]}_{name}": service for name, service in told.items()}
        self.specs = mine if "--prune" in words else {**self.specs, **mine}
        return 0, "", ""

    def services(self, filters: dict[str, Any]) -> list[dict[str, Any]]:
        mode = {"Replicated": {"Replicas": 0}}
        template = {"ContainerSpec": {}}
        return [
            {
                "ID": name,
                "Spec": {"Name": name, "Told": told, "Mode": mode, "TaskTemplate": template}
                | {"Labels": told.get("deploy", {}).get("labels", {})},
            }
            for name, told in self.specs.items()
        ]

    def nodes(self) -> list[Any]:
        return []

    def tasks(self, filters: dict[str, Any]) -> list[Any]:
        return []

    def configs(self, filters: dict[str, Any]) -> list[Any]:
        return [{"ID": name, "Spec": {"Name": name}} for name in self.objects]

    def secrets(self, filters: dict[str, Any]) -> list[Any]:
        return []

    def create_config(self, name: str, content: bytes, labels: dict[str, str]) -> None:
        self.objects[name] = content.decode()

    def remove_config(self, name: str) -> None:
        del self.objects[name]


@pytest.fixture
def swarm() -> Swarm:
    return Swarm()


@pytest.fixture
def deploy(swarm: Swarm, tmp_path: Path) -> Any:
    """Deploys services (name to image) with one config; the module's result."""

    def act(services: dict[str, str], config: str = "c_1", *, check: bool = False, **more: Any) -> Any:
        told = {name: {"image": image, "deploy": {"labels": {"rtcdn.spec": image}}} for name, image in services.items()}
        params = {"stack": "s", "deployment": "d", "folder": str(tmp_path), "serial": True, "specs": services,
                  "text": yaml.safe_dump({"services": told}, sort_keys=False), "last": [], "hold": False,
                  "objects": [{"kind": "config", "name": config, "content": "x"}], "await_new": True,
                  "timeout_s": 1, "log_lines": 1, **more}  # fmt: skip
        module = SimpleNamespace(params=params, check_mode=check, run_command=swarm.deploy)
        return apply.Deployment(module, swarm).run()

    return act


def test_a_new_stack_is_deployed_once(swarm: Swarm, deploy: Any) -> None:
    """All services at once, and the same again changes nothing and asks Docker for nothing."""
    assert deploy({"a": "1", "b": "1"})["changed"]
    assert not deploy({"a": "1", "b": "1"})["changed"]
    assert swarm.deployed == [["a", "b"]]


def test_services_of_a_running_stack_change_one_after_the_other(swarm: Swarm, deploy: Any) -> None:
    """Those that differ, in order, then the whole, which removes what is no more and makes what is new."""
    deploy({"a": "1", "b": "1", "c": "1", "same": "1", "gone": "1"})
    answer = deploy({"b": "2", "a": "2", "c": "2", "same": "1", "new": "2"}, last=["b"])
    assert (answer["changed"], answer["stale"]) == (True, ["a", "c", "b"])
    assert swarm.deployed[1:] == [["a"], ["c"], ["b"], ["a", "b", "c", "new", "same"]]
    assert sorted(swarm.specs) == ["s_a", "s_b", "s_c", "s_new", "s_same"]


def test_parts_of_one_whole_change_together(swarm: Swarm, deploy: Any) -> None:
    """Where the role says so."""
    deploy({"a": "1", "b": "1"})
    deploy({"a": "2", "b": "2"}, serial=False)
    assert swarm.deployed[1:] == [["a", "b"]]


def test_what_is_held_waits_for_the_caller(swarm: Swarm, deploy: Any) -> None:
    """Whoever must lead media away first is told which services are stale; their configs are there already."""
    assert not deploy({"a": "1", "b": "1"}, hold=True)["held"]
    answer = deploy({"a": "1", "b": "2"}, "c_2", hold=True)
    assert (answer["held"], answer["stale"], answer["made"]) == (True, ["b"], ["c_2"])
    assert len(swarm.deployed) == 1
    assert deploy({"a": "1", "b": "2"}, "c_2")["pruned"] == ["c_1"]
    assert swarm.deployed[1:] == [["b"], ["a", "b"]]


def test_what_somebody_changed_by_hand_is_undone(swarm: Swarm, deploy: Any) -> None:
    """The file is as before, the service is not."""
    deploy({"a": "1"})
    swarm.specs["s_a"]["image"] = "by hand"
    assert deploy({"a": "1"}, check=True)["changed"]
    assert swarm.specs["s_a"]["image"] == "by hand"
    assert deploy({"a": "1"})["changed"]
    assert swarm.specs["s_a"]["image"] == "1"


def test_a_config_that_nobody_uses_any_more_is_removed(swarm: Swarm, deploy: Any) -> None:
    """After the services have left it."""
    deploy({"a": "1"}, "c_1")
    answer = deploy({"a": "2"}, "c_2")
    assert (answer["made"], answer["pruned"]) == (["c_2"], ["c_1"])
    assert list(swarm.objects) == ["c_2"]


def test_check_mode_tells_and_does_nothing(swarm: Swarm, deploy: Any, tmp_path: Path) -> None:
    """What would be made, and how the file would change."""
    answer = deploy({"a": "1"}, check=True)
    assert (answer["changed"], answer["made"], answer["diff"]["before"]) == (True, ["c_1"], "")
    assert "image: '1'" in answer["diff"]["after"]
    assert (swarm.deployed, swarm.objects, list(tmp_path.iterdir())) == ([], {}, [])


def test_a_deployment_that_failed_is_tried_again(swarm: Swarm, deploy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not awaited to the end is not noted as done."""
    monkeypatch.setattr(swarm, "tasks", lambda filters: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        deploy({"a": "1"})
    monkeypatch.undo()
    deploy({"a": "1"})
    assert swarm.deployed == [["a"], ["a"]]
