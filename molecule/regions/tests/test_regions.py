"""Three regions at work: a speaker in eu and one in us, a viewer in each region, and the copies that cross between."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from ops.client import Operator, find
from ops.lab import machines
from rtcdn.client import Session, connect
from rtcdn.client.received import strength

NAME = os.environ["RTCDN_REGIONS_LAB"]
SESSION = "regions"
SPEAKERS = {"ann": ("eu", 500), "bob": ("us", 1500)}
TONES_HZ = {hz for _, hz in SPEAKERS.values()}
LOUD = 600.0  # amplitude, of 32767
VIEWERS = {"emil": "eu", "uma": "us", "akira": "ap"}
RTT_MS = {frozenset(("eu", "us")): 90.0, frozenset(("us", "ap")): 160.0, frozenset(("eu", "ap")): 220.0}
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    """An operator's way in, as the commands have it."""
    with Operator(find(NAME)) as found:
        yield found


@pytest.fixture(scope="module")
def session(operator: Operator) -> Iterator[str]:
    """A session for viewers of every region."""
    operator.call("PUT", f"/v1/sessions/{SESSION}", {"audience": {"eu": 20, "us": 20, "ap": 20}})
    yield SESSION
    operator.call("DELETE", f"/v1/sessions/{SESSION}")


@pytest.fixture
async def people(operator: Operator, session: str) -> AsyncIterator[dict[str, Session]]:
    """Speakers on stage and viewers, each through the door of his own region, as far from the others as it is."""
    lab, deployment = machines.find(NAME), operator.deployment

    async with AsyncExitStack() as stack:

        async def join(who: str, region: str, role: str, **options: Any) -> Session:
            path, body = f"/v1/sessions/{session}/participants/{who}", {"role": role, "name": who}
            _, answer = await asyncio.to_thread(operator.call, "PUT", path, body)
            rtt = tuple((other, RTT_MS.get(frozenset((region, other)), 1.0)) for other in ("eu", "us", "ap"))
            url = f"https://{lab.address(f'{region}1')}:8443"
            way_in = connect(url, answer["token"], name=who, ca=deployment.ca, measured_rtt=rtt, **options)
            return await stack.enter_async_context(way_in)

        here = {}
        for who, (region, hz) in SPEAKERS.items():
            here[who] = await join(who, region, "speaker", videos=1, video=True, audio=hz)
            await here[who].publish()
            await here[who].until(lambda known: known.live, PATIENCE_S)
        for who, region in VIEWERS.items():
            here[who] = await join(who, region, "viewer", videos=2)
        yield here


def listened(session: Session) -> set[int]:
    """Tones of speakers that he hears from now on."""
    heard: set[int] = set()
    session.on("sound", lambda told: heard.update(hz for hz in TONES_HZ if strength(told[1], hz) > LOUD))
    return heard


def regions_of_nodes(operator: Operator) -> dict[str, str]:
    """Region of each node on the broker's map."""
    return {node["id"]: node["region"] for node in operator.call("GET", "/v1/nodes")[1]["nodes"]}


def test_every_container_is_healthy(host: Any) -> None:
    """On each host, what the swarm runs there passes its health check; a host without any is no host of the site."""
    mine = "docker ps --filter label=com.docker.swarm.service.name --format '{{.Names}} {{.Status}}'"
    lines = host.check_output(mine).splitlines()
    assert lines
    assert [line for line in lines if "(healthy)" not in line] == []


def test_every_node_is_on_the_map(operator: Operator) -> None:
    """Those that the deployment should have, in three regions."""
    found = regions_of_nodes(operator)
    assert set(found) == set(operator.deployment.nodes)
    assert Counter(found.values()) == {"eu": 3, "us": 3, "ap": 3}


async def test_every_viewer_is_served_by_his_own_region(operator: Operator, people: dict[str, Session]) -> None:
    """He sees both speakers and hears them; one copy of each stream crosses into each other region."""
    for who in VIEWERS:
        received = people[who].media.received
        await people[who].until(lambda known: known.stage.slot_of("ann") and known.stage.slot_of("bob"), PATIENCE_S)
        await asyncio.gather(*(received.sees(people[who].stage.slot_of(each), 5, PATIENCE_S) for each in SPEAKERS))
        heard = listened(people[who])
        await people[who].until(lambda _, heard=heard: heard >= TONES_HZ, PATIENCE_S)
    regions = regions_of_nodes(operator)
    view = operator.call("GET", "/v1/map")[1]["sessions"][SESSION]
    served = Counter(
        regions[view["contexts"][name]["node"]]
        for name, count in view["attached"].items()
        for _ in range(count)
        if name.startswith("stage-")
    )
    assert served == Counter([*VIEWERS.values(), *(region for region, _ in SPEAKERS.values())])  # speakers look on
    crossing = copies(view, regions)
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
