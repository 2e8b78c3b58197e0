"""What an inventory declares: duties by host, stacks in order, and what is wrong before anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops import declared, event

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def local() -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Tables and groups of the smallest event."""
    made = event.compiled(event.load(ROOT / "events" / "local.yml"))
    return made.variables, made.groups


def test_duties_are_told_by_host(local: tuple[dict[str, Any], dict[str, list[str]]]) -> None:
    """Groups first, then what tables say."""
    found = declared.duties(*local)["local"]
    assert found[:3] == ["manager", "registry", "etcd"]
    assert {"broker-1", "gateway 1", "VR local-vr1", "AB local-ab1", "ST local-st2"} <= set(found)


def test_stacks_are_those_that_the_playbooks_deploy(local: tuple[dict[str, Any], dict[str, list[str]]]) -> None:
    """In their order; what is switched off is none of them."""
    variables = {**local[0], "speaker_enabled": True}
    assert declared.stacks(variables) == [
        "etcd", "janus_local-vr1", "janus_local-ab1", "janus_local-st1", "janus_local-st2",
        "broker", "gateway", "nginx", "speaker",
    ]  # fmt: skip
    off = declared.stacks({**variables, "speaker_enabled": "false", "janus_node_enabled": False})
    assert off == ["etcd", "broker", "gateway", "nginx"]


def test_modules_and_turn_have_stacks_of_their_own(local: tuple[dict[str, Any], dict[str, list[str]]]) -> None:
    """Where there are any."""
    module = {"id": "local-ai1", "kind": "AI", "host": "local"}
    variables = {**local[0], "rtcdn_nodes": [module], "rtcdn_turns": [{"id": "t", "host": "local"}]}
    assert declared.stacks(variables)[1:5] == ["ai_local-ai1", "broker", "turn", "gateway"]


def test_stacks_go_from_the_outside_in() -> None:
    """The store last; one that nobody knows first."""
    assert declared.last_first(["etcd", "broker", "janus_b", "janus_a", "nginx", "other"]) == [
        "other", "nginx", "broker", "janus_a", "janus_b", "etcd",
    ]  # fmt: skip


def test_an_inventory_that_cannot_work_tells_only_that(local: tuple[dict[str, Any], dict[str, list[str]]]) -> None:
    """Nothing is read out of what is not sound."""
    assert list(declared.read({"rtcdn_nodes": []}, local[1])) == ["problems"]
