"""People of a deployment over regions: speakers in two, a viewer in each, as far from each other as they would be."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
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
NOTED_MS = 700  # stand-stills that are told with their time
BEAT_S = 0.02


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


class Stillness:
    """How long pictures of a speaker stood still for each viewer, when, and for how long this process was not served.

    The last tells a busy machine from a slow product: people of the test and hosts of the lab share its cores.
    """

    def __init__(self, people: dict[str, Session]) -> None:
        self.longest_ms = dict.fromkeys(VIEWERS, 0)
        self.notes: list[str] = []
        self._people, self._last_s = people, dict[tuple[str, str], float]()
        self._stops: list[Callable[[], None]] = []
        self._pulse: asyncio.Task[None] | None = None
        self._unserved_ms = 0

    async def __aenter__(self) -> Stillness:
        """Look on from now on."""
        for who in VIEWERS:
            for each in SPEAKERS:
                self._last_s[who, self._people[who].stage.slot_of(each)] = time.monotonic()
            self._stops.append(self._people[who].on("frame", partial(self._frame, who)))
        self._pulse = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Look no longer."""
        assert self._pulse is not None
        self._pulse.cancel()
        for stop in self._stops:
            stop()

    def __str__(self) -> str:
        """For who reads the figures."""
        rest = f"; {'; '.join(self.notes)}" if self.notes else ""
        return f"longest stand-still {self.longest_ms} ms (this process: {self._unserved_ms} ms){rest}"

    def _frame(self, who: str, told: Any) -> None:
        slot, now_s = told[0], time.monotonic()
        if (who, slot) not in self._last_s:
            return
        still_ms = round(1000 * (now_s - self._last_s[who, slot]))
        self._last_s[who, slot] = now_s
        self.longest_ms[who] = max(self.longest_ms[who], still_ms)
        if still_ms > NOTED_MS:
            self.notes.append(f"{time.strftime('%H:%M:%S')} {who} {slot} {still_ms}")

    async def _beat(self) -> None:
        while True:
            began_s = time.monotonic()
            await asyncio.sleep(BEAT_S)
            self._unserved_ms = max(self._unserved_ms, round(1000 * (time.monotonic() - began_s - BEAT_S)))


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
