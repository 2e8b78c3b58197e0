"""What an upgrade means, in which order, and what it says before."""

from __future__ import annotations

from typing import Any

import pytest

from ops import rollout, upgrade
from rtcdn.errors import ConfigError

HOSTS = {"eu1": {"region": "eu"}, "us1": {"region": "us"}, "eu2": {"region": "eu"}}
NODES = [
    {"id": "us1-st1", "kind": "ST", "host": "us1"},
    {"id": "eu1-vr1", "kind": "VR", "host": "eu1"},
    {"id": "eu1-ai1", "kind": "AI", "host": "eu1"},
    {"id": "eu2-st1", "kind": "ST", "host": "eu2"},
]


def ids(*words: Any) -> list[str]:
    return [node["id"] for node in rollout.nodes_in_order(NODES, HOSTS, *words)]


def test_nodes_are_replaced_region_by_region() -> None:
    """In the order in which regions come in the table of hosts; modules are none of them."""
    assert ids() == ["eu1-vr1", "eu2-st1", "us1-st1"]
    assert ids(["us"]) == ["us1-st1"]
    assert ids([], ["eu2-st1"]) == ["eu2-st1"]
    assert ids([], ["broker"]) == []


@pytest.mark.parametrize(
    ("hosts", "turns"),
    [
        ("eu1:vr,ab,st,st", ["vr", "ab", "st", "st"]),
        ("eu1:vr,ab us1:vr,ab eu2:st us2:st", ["vr", "ab vr", "ab st", "st"]),
        ("eu1:vr,ab eu2:st us1:vr,ab us2:st ap1:vr,ab ap2:st", ["vr", "ab st vr", "ab st vr", "ab st"]),
        ("eu1:st,st,st,st us1:st,st,st,st", ["st", "st st", "st st st", "st st"]),
        ("eu1:st us1:vr ap1:ab", ["st", "vr", "ab"]),
        ("", []),
    ],
)
def test_collectors_are_replaced_in_turns(hosts: str, turns: list[str]) -> None:
    """One first, then less than half of all, and half of a kind, in a region too; the order is kept."""
    pairs = [
        (host, kind) for host, _, kinds in (word.partition(":") for word in hosts.split()) for kind in kinds.split(",")
    ]
    nodes = [{"id": f"n{place}", "kind": kind, "host": host} for place, (host, kind) in enumerate(pairs)]
    regions = {host: {"region": host[:2]} for host, _ in pairs}
    found = rollout.node_turns(nodes, nodes, regions)
    assert [" ".join(node["kind"] for node in turn) for turn in found] == turns
    assert [node for turn in found for node in turn] == nodes


def test_turns_count_the_nodes_that_stay_too() -> None:
    """Of a region alone: others serve meanwhile."""
    nodes = [{"id": f"n{place}", "kind": "ST", "host": host} for place, host in enumerate(["eu1"] * 2 + ["us1"] * 4)]
    regions = {"eu1": {"region": "eu"}, "us1": {"region": "us"}}
    assert [len(turn) for turn in rollout.node_turns(nodes[2:], nodes, regions)] == [1, 2, 1]
    assert [len(turn) for turn in rollout.node_turns(nodes[:2], nodes, regions)] == [1, 1]


def test_a_host_fetches_the_images_of_what_it_runs() -> None:
    """And no others."""
    variables = {
        "rtcdn_nodes": NODES,
        "rtcdn_brokers": [{"host": "eu2"}],
        "rtcdn_gateways": [{"host": "us1", "prober": 8202}],
        "rtcdn_images": {
            name: f"r/{name}" for name in ("janus", "control", "etcd", "nginx", "prober", "speaker", "turn")
        },
    }
    groups = {"etcd": ["eu2"], "nginx": ["us1"], "turn": ["eu2"]}
    assert rollout.images_of("eu2", variables, groups) == ["r/control", "r/etcd", "r/janus", "r/turn"]
    assert rollout.images_of("us1", variables, groups) == ["r/control", "r/janus", "r/nginx", "r/prober"]


def test_parts_that_are_none_are_named_with_those_there_are() -> None:
    """Before anything is done."""
    assert upgrade.parts_of([], ["st1"]) == list(upgrade.PARTS)
    assert upgrade.parts_of(["control", "st1"], ["st1"]) == ["gateway", "broker", "nginx", "st1"]
    with pytest.raises(ConfigError, match="--only jannus: there is no such part or node; choose of janus"):
        upgrade.parts_of(["jannus"], ["st1"])


def test_a_region_that_the_event_does_not_have_is_refused() -> None:
    """Else nothing would be replaced, and all be called well. An inventory that is not an event's has no list."""
    upgrade.check_regions(["eu"], {"eu": [], "us": []})
    upgrade.check_regions(["ue"], ())
    with pytest.raises(ConfigError, match="--region ue: there is no such region; choose of eu, us"):
        upgrade.check_regions(["ue"], {"eu": [], "us": []})


def test_the_plan_names_services_people_and_time() -> None:
    """From what the plays of check mode told."""
    said = ["janus_eu1-st1: would replace collector, janus", "hello", "broker: would replace broker-1, broker-2"]
    text = upgrade.plan_text(upgrade.would_replace(said), {"eu1-st1": 400})
    assert "janus_eu1-st1" in text
    assert "drained of 400 people first" in text
    assert "About 1 min 20 s in all." in text
    assert upgrade.plan_text({}, {}) == "Everything is as wanted: nothing would be replaced."
