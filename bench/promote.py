"""Promotion: from a moderator's word to a voice that is heard and a picture that is seen, at a viewer's.

The peer is a plain Janus participant who publishes from scratch in the same moment (VideoRoom and AudioBridge, a fresh
PeerConnection each), heard and seen by a plain subscriber on the same nodes. Everybody is aiortc in this process, taken
in turns. Heard: 20 ms of sound in which his tone is; seen: the first picture that is decoded in his slot.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.plain import VIDEO, Plain, quiet_for_s
from rtcdn.client import Session, connect
from rtcdn.client.picture import Picture
from rtcdn.client.received import Received, strength
from rtcdn.client.tracks import ClockTrack, ToneTrack
from tests.support.cdn import REGION, Cdn, running_cdn
from tests.support.engine import wait_for

SESSION = "bench"
TURNS = 20
ANN_HZ, BOB_HZ = 500, 1500
LOUD = 600.0  # of a tone whose amplitude is 6,553 at its source
PAUSE_S = 1.5  # Janus asks a publisher for a keyframe once a second at most: do not measure that
QUIET_S = 0.6
GIVE_UP_S = 10.0
BUDGET_MS = {"audible": 500, "visible": 700}
LOOK_S = 0.02


@dataclass
class Watch:
    """When a tone was first heard and a slot first seen after ``start``."""

    slot: Callable[[], str]
    start_s: float = 0.0
    heard: asyncio.Future[float] = field(init=False)
    seen: asyncio.Future[float] = field(init=False)
    last_heard_s: float = 0.0

    def start(self) -> None:
        """The clock runs from now."""
        loop = asyncio.get_running_loop()
        self.heard, self.seen = loop.create_future(), loop.create_future()
        self.start_s = time.monotonic()

    def sound(self, told: tuple[str, Any, float]) -> None:
        """Sound came."""
        _, samples, now_s = told
        if strength(samples, BOB_HZ) > LOUD:
            self.last_heard_s = now_s
            self._mark("heard", now_s)

    def frame(self, told: tuple[str, Any, float]) -> None:
        """A picture came."""
        if told[0] == self.slot():
            self._mark("seen", told[2])

    def _mark(self, what: str, now_s: float) -> None:
        future: asyncio.Future[float] | None = getattr(self, what, None)
        if self.start_s and future and not future.done():
            future.set_result(1000 * (now_s - self.start_s))

    async def both(self) -> tuple[float, float]:
        """Milliseconds to being heard and to being seen."""
        try:
            async with asyncio.timeout(GIVE_UP_S):
                return await self.heard, await self.seen
        except TimeoutError:
            missing = "seen" if self.heard.done() and not self.heard.cancelled() else "heard"
            raise RuntimeError(f"he was not {missing} within {GIVE_UP_S:g} s") from None


Times = dict[str, list[float]]


def run() -> list[dict[str, Any]]:
    """The rows of the table."""
    with tempfile.TemporaryDirectory() as folder, running_cdn(Path(folder), brokers=1) as cdn:
        return asyncio.run(_measure(cdn))


async def _measure(cdn: Cdn) -> list[dict[str, Any]]:
    ours: Times = {"audible": [], "visible": []}
    plain: Times = {"audible": [], "visible": []}
    async with AsyncExitStack() as stack:
        promoting = await _Promoting.start(cdn, stack)
        scratch = await _Scratch.start(cdn, stack)
        for turn in range(TURNS + 1):
            for times, way in ((ours, promoting.turn), (plain, scratch.turn)):
                audible_ms, visible_ms = await way(turn)
                if turn:  # the first warms up
                    times["audible"].append(audible_ms)
                    times["visible"].append(visible_ms)
        gap_ms = promoting.vic.media.slot("v1").longest_gap_ms
    rows = [_row(what, percent, ours[what], plain[what]) for what in ours for percent in (50, 95)]
    gap = {"name": "longest gap of another speaker's pictures meanwhile", "value": round(gap_ms, 1), "unit": "ms"}
    return [*rows, gap | dict.fromkeys(("peer", "peer_value", "ratio", "budget", "met"))]


def _row(what: str, percent: int, ours_ms: list[float], peer_ms: list[float]) -> dict[str, Any]:
    value, peer = (statistics.quantiles(each, n=100, method="inclusive")[percent - 1] for each in (ours_ms, peer_ms))
    row: dict[str, Any] = {"name": f"promote -> {what}, p{percent}", "value": round(value, 1), "unit": "ms"}
    row |= {
        "peer": "plain Janus, published from scratch",
        "peer_value": round(peer, 1),
        "ratio": round(value / peer, 2),
    }
    budget = BUDGET_MS[what] if percent == 95 else None
    row |= {"budget": f"< {budget} ms" if budget else None, "met": value < budget if budget else None}
    return row | {"all": ours_ms, "peer_all": peer_ms}


async def _quiet(watch: Watch, received: Received, slot: str) -> None:
    """Wait until neither his tone nor his picture comes any more."""
    async with asyncio.timeout(GIVE_UP_S):
        while min(time.monotonic() - watch.last_heard_s, quiet_for_s(received, slot)) < QUIET_S:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)


class _Promoting:
    """Ours: ann is on stage, bob waits for his turn, vic watches, mod promotes."""

    def __init__(self, ann: Session, bob: Session, vic: Session, mod: Session) -> None:
        self.ann, self.bob, self.vic, self.mod = ann, bob, vic, mod
        self._slot = "v2"
        self.watch = Watch(lambda: self._slot)
        vic.on("sound", self.watch.sound)
        vic.on("frame", self.watch.frame)

    @classmethod
    async def start(cls, cdn: Cdn, stack: AsyncExitStack) -> _Promoting:
        """Everybody joins."""
        operator = stack.enter_context(cdn.api())
        url = f"{cdn.leader().url}/v1/sessions/{SESSION}"
        wait_for(lambda: operator.put(url, json={"audience": {REGION: 10}}).status_code in (200, 201), "it opens")

        async def join(who: str, role: str, rights: list[str], **options: Any) -> Session:
            token = _token(operator, url, who, {"role": role, "rights": rights, "name": who})
            return await stack.enter_async_context(connect(cdn.gateways[0].url, token, name=who, **options))

        ann = await join("ann", "speaker", ["view", "speak", "publish"], videos=1, video=True, audio=ANN_HZ)
        await ann.publish()
        vic = await join("vic", "viewer", ["view"])
        await vic.media.received.sees("v1", 10)
        vic.media.slot("v1").begin_anew()
        mod = await join("mod", "moderator", ["view"], videos=0)
        bob = await join("bob", "viewer", ["view", "speak"], videos=1, video=True, audio=BOB_HZ)
        return cls(ann, bob, vic, mod)

    async def turn(self, number: int) -> tuple[float, float]:
        """Promote, wait until he is heard and seen, demote, wait until he is neither."""
        await asyncio.sleep(PAUSE_S)
        self.watch.start()
        await self.mod.promote("bob")
        found = await self.watch.both()
        if (slot := self.vic.stage.slot_of("bob")) != self._slot:
            raise RuntimeError(
                f"turn {number}: bob is in {slot or 'no slot'}, the pictures counted were of {self._slot}"
            )
        await self.mod.demote("bob")
        await self.bob.until(lambda known: not known.live)
        await _quiet(self.watch, self.vic.media.received, self._slot)
        return found


class _Scratch:
    """Plain: everything is made anew each time."""

    def __init__(self, plain: Plain, watch: Watch) -> None:
        self._plain, self._watch = plain, watch

    @classmethod
    async def start(cls, cdn: Cdn, stack: AsyncExitStack) -> _Scratch:
        """The listener is there."""
        watch = Watch(lambda: VIDEO)

        def heard(name: str, what: tuple[str, Any], now_s: float) -> None:
            (watch.sound if name == "sound" else watch.frame)((*what, now_s))

        plain = Plain(cdn, Received(heard), stack)
        await plain.start()
        return cls(plain, watch)

    async def turn(self, number: int) -> tuple[float, float]:
        """Publish, wait until heard and seen, leave."""
        await asyncio.sleep(PAUSE_S)
        tone, picture = ToneTrack(BOB_HZ), ClockTrack(Picture("Plain"))
        self._watch.start()
        leave = await self._plain.publish(f"bob-{number}", tone, picture)
        found = await self._watch.both()
        await leave()
        await _quiet(self._watch, self._plain.received, VIDEO)
        return found


def _token(operator: httpx.Client, url: str, who: str, body: dict[str, Any]) -> str:
    answer = operator.put(f"{url}/participants/{who}", json=body).raise_for_status()
    return str(answer.json()["token"])
