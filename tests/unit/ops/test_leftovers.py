"""What a destroy left is named with its host and its cure."""

from __future__ import annotations

from typing import Any

import pytest

from ops import leftovers

ADDRESSES = {"10.0.0.1"}


def survey(**told: Any) -> dict[str, Any]:
    swarm = {"state": "inactive", "manager": False, "made": "", "managers": []}
    lists: dict[str, Any] = {name: [] for name, _, _ in leftovers.LISTS}
    return {**lists, "table": False, "hosts_lines": [], "swarm": swarm, **told}


def member(**told: Any) -> dict[str, Any]:
    return {"state": "active", "manager": False, "made": "", "managers": ["10.0.0.1:2377"], **told}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"containers": [{"name": "x"}]}, "eu-1: container x: docker rm --force x"),
        ({"services": [{"name": "x"}]}, "eu-1: service x: docker service rm x"),
        ({"configs": ["x"]}, "eu-1: config x: docker config rm x"),
        ({"secrets": ["x"]}, "eu-1: secret x: docker secret rm x"),
        ({"networks": ["x"]}, "eu-1: network x: docker network rm x"),
        ({"volumes": ["x"]}, "eu-1: volume x: docker volume rm x"),
        ({"files": ["/etc/rtcdn"]}, "eu-1: file /etc/rtcdn: rm -r /etc/rtcdn"),
        ({"table": True}, "eu-1: the table inet rtcdn of nftables: nft delete table inet rtcdn"),
        ({"hosts_lines": ["10.0.0.1 r"]}, "eu-1: the line '10.0.0.1 r' of /etc/hosts: take it out"),
        ({"swarm": member()}, "eu-1: membership of the deployment's swarm: docker swarm leave --force"),
        (
            {"swarm": member(manager=True, made="ev")},
            "eu-1: membership of the deployment's swarm: docker swarm leave --force",
        ),
    ],
)
def test_everything_is_found(told: dict[str, Any], said: str) -> None:
    """One line each."""
    assert leftovers.find({"eu-1": survey(**told)}, ADDRESSES, "ev") == [said]


@pytest.mark.parametrize(
    "told", [{}, {"swarm": member(manager=True, made="other")}, {"swarm": member(managers=["10.9.9.9:2377"])}]
)
def test_a_clean_host_and_a_swarm_of_others_leave_nothing(told: dict[str, Any]) -> None:
    """A swarm that the deployment used and did not make stays."""
    assert leftovers.find({"eu-1": survey(**told)}, ADDRESSES, "ev") == []


def test_kept_data_is_no_leftover() -> None:
    """--keep-data keeps volumes."""
    assert leftovers.find({"eu-1": survey(volumes=["etcd"])}, ADDRESSES, "ev", keep_data=True) == []


def test_what_will_go_is_counted() -> None:
    """Before anybody is asked."""
    surveys = {"eu-1": survey(services=[{"name": "x"}], files=["/etc/rtcdn"], table=True), "us-1": survey()}
    assert leftovers.counted(surveys) == ["eu-1: 1 services, 1 files, closed ports", "us-1: nothing"]
