"""People of a deployment over regions: speakers in two, a viewer in each, as far from each other as they would be."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from ops.client import Operator
from ops.lab import machines
from rtcdn.client import Session, connect
from rtcdn.client.received import strength

SESSION = "regions"
REGIONS = ("eu", "us", "ap")
SPEAKERS = {"ann": ("eu", 500), "bob": ("us", 1500)}
TONES_HZ = {hz for _, hz in SPEAKERS.values()}
LOUD = 600.0  # amplitude, of 32767
VIEWERS = {"emil": "eu", "uma": "us", "akira": "ap"}
RTT_MS = {frozenset(("eu", "us")): 90.0, frozenset(("us", "ap")): 160.0, frozenset(("eu", "ap")): 220.0}
PATIENCE_S = 60.0


@asynccontextmanager
async def crowd(operator: Operator, lab_name: str) -> AsyncIterator[dict[str, Session]]:
    """Speakers on stage and viewers, each through the door of his own region; they leave at the end."""
    lab, deployment = machines.find(lab_name), operator.deployment
    async with AsyncExitStack() as stack:

        async def join(who: str, region: str, role: str, **options: Any) -> Session:
            path, body = f"/v1/sessions/{SESSION}/participants/{who}", {"role": role, "name": who}
            _, answer = await asyncio.to_thread(operator.call, "PUT", path, body)
            rtt = tuple((other, RTT_MS.get(frozenset((region, other)), 1.0)) for other in REGIONS)
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


async def all_see(people: dict[str, Session], frames: int = 5) -> None:
    """Every viewer has both speakers on stage and gets more pictures of each."""
    for who in VIEWERS:
        await people[who].until(lambda known: all(known.stage.slot_of(each) for each in SPEAKERS), PATIENCE_S)
    seen = ((people[who], people[who].stage.slot_of(each)) for who in VIEWERS for each in SPEAKERS)
    await asyncio.gather(*(one.media.received.sees(slot, frames, PATIENCE_S) for one, slot in seen))


async def all_hear(people: dict[str, Session]) -> None:
    """Every viewer hears the tones of both speakers, from now on."""
    await asyncio.gather(*(_hears_all(people[who]) for who in VIEWERS))


async def _hears_all(person: Session) -> None:
    heard: set[int] = set()
    enough = asyncio.Event()

    def listen(told: Any) -> None:
        heard.update(hz for hz in TONES_HZ if strength(told[1], hz) > LOUD)
        if heard >= TONES_HZ:
            enough.set()

    stop = person.on("sound", listen)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await enough.wait()
    finally:
        stop()


def begin_anew(people: dict[str, Session]) -> None:
    """The longest stand-still of pictures is looked for from now on."""
    for who in VIEWERS:
        for slot in people[who].media.received.slots.values():
            slot.begin_anew()


def gaps_ms(people: dict[str, Session]) -> dict[str, int]:
    """Longest stand-still of a picture of each viewer since ``begin_anew``."""
    return {
        who: round(
            max(people[who].media.received.slot(people[who].stage.slot_of(each)).longest_gap_ms for each in SPEAKERS)
        )
        for who in VIEWERS
    }


def regions_of_nodes(operator: Operator) -> dict[str, str]:
    """Region of each node on the broker's map."""
    return {node["id"]: node["region"] for node in operator.call("GET", "/v1/nodes")[1]["nodes"]}


def served(operator: Operator) -> Counter[str]:
    """How many viewers the egress nodes serve, by node."""
    view = operator.call("GET", "/v1/map")[1]["sessions"][SESSION]
    return Counter(
        view["contexts"][name]["node"]
        for name, count in view["attached"].items()
        for _ in range(count)
        if name.startswith("stage-")
    )
