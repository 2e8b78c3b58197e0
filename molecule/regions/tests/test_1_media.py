"""Three regions at work: a speaker in eu and one in us, a viewer in each region, and the copies that cross between."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ops.client import Operator
from ops.lab import machines
from rtcdn.client import Session
from tests.support.lab_event import on
from tests.support.regions import SESSION, SPEAKERS, VIEWERS, all_hear, all_see, regions_of_nodes, served


def test_every_container_is_healthy(lab: str) -> None:
    """On each host, what the swarm runs there passes its health check; a host without any is no host of the site."""
    mine = "docker ps --filter label=com.docker.swarm.service.name --format '{{.Names}} {{.Status}}'"
    for host in machines.find(lab).hosts:
        lines = on(machines.find(lab), host, mine).splitlines()
        assert lines, host
        assert [line for line in lines if "(healthy)" not in line] == []


def test_every_node_is_on_the_map(operator: Operator) -> None:
    """Those that the deployment should have, in three regions."""
    found = regions_of_nodes(operator)
    assert set(found) == set(operator.deployment.nodes)
    assert Counter(found.values()) == {"eu": 3, "us": 3, "ap": 3}


async def test_every_viewer_is_served_by_his_own_region(operator: Operator, people: dict[str, Session]) -> None:
    """He sees both speakers and hears them; one copy of each stream crosses to each other region."""
    await all_see(people)
    await all_hear(people)
    regions = regions_of_nodes(operator)
    looking = [*VIEWERS.values(), *(region for region, _ in SPEAKERS.values())]  # speakers look on
    assert Counter(regions[node] for node in served(operator).elements()) == Counter(looking)
    crossing = copies(operator.call("GET", "/v1/map")[1]["sessions"][SESSION], regions)
    assert crossing, "nothing crosses between regions"
    assert {what: count for what, count in crossing.items() if count != 1} == {}


def copies(view: dict[str, Any], regions: dict[str, str]) -> Counter[tuple[str, str]]:
    """How often each stream crosses into each region: (stream, region it comes to) -> links."""
    place = {name: regions[context["node"]] for name, context in view["contexts"].items()}
    found: Counter[tuple[str, str]] = Counter()
    for name, link in view["links"].items():
        if place[link["source"]] != place[link["target"]]:
            stream = link["participant"] or name.removesuffix(f"-{view['contexts'][link['target']]['node']}")
            found[stream, place[link["target"]]] += 1
    return found
