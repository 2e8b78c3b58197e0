"""Speaks and views in one region, and asks the services there: ``python3 -m ops.verifier`` in the prober's image.

``ansible/verify.yml`` runs one in every region at once, each with its question (``ops.verify`` makes it) by standard
input: a speaker with a tone of his own, a viewer who must see and hears every region's speaker, calls to services.
Answers one JSON object. Every speaker stays until all regions have said that they are done, or the time is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ops import verifier_services
from rtcdn.client import Session, connect
from rtcdn.client.picture import Picture
from rtcdn.client.received import strength
from rtcdn.client.tracks import ClockTrack

Json = dict[str, Any]
LOUD = 600.0  # amplitude of a tone that is there
FRAMES = 3  # decoded, before somebody counts as seen
FPS = 8
TOPIC = "verify"
FAR_MS = 500.0  # what other regions are said to be away: the viewer's egress shall be that of his own


@dataclass
class Watch:
    """What one viewer sees and hears of the speakers."""

    viewer: Session
    began_s: float
    shown_s: dict[str, float] = field(default_factory=dict)
    heard_s: dict[float, float] = field(default_factory=dict)
    heard: dict[float, asyncio.Event] = field(default_factory=dict)

    def listen(self, tones: list[float]) -> None:
        """Note when each speaker is put on stage and when each tone is heard first."""
        self.heard = {hz: asyncio.Event() for hz in tones}

        def sound(told: Any) -> None:
            for hz in tones:
                if hz not in self.heard_s and strength(told[1], hz) > LOUD:
                    self.heard_s[hz] = told[2]
                    self.heard[hz].set()

        def stage(_: Any) -> None:
            for seat in self.viewer.stage.seats:
                self.shown_s.setdefault(seat.participant, time.monotonic())

        self.viewer.on("sound", sound)
        self.viewer.on("stage", stage)

    async def see(self, speaker: Json) -> Json:
        """Wait until the speaker was seen and heard; when, counted from when there was something to see."""
        await self.viewer.until(lambda known: known.stage.slot_of(speaker["participant"]), timeout_s=60)
        slot = self.viewer.stage.slot_of(speaker["participant"])
        counted = self.viewer.media.slot(slot)
        if counted.frames < FRAMES:
            await self.viewer.media.received.sees(slot, FRAMES - counted.frames, timeout_s=60)
        since_s = max(self.began_s, self.shown_s.get(speaker["participant"], self.began_s))
        frame_ms = round(1000 * max(0.0, counted.first_s - since_s))
        await self.heard[speaker["tone"]].wait()
        return {"frame_ms": frame_ms, "tone_ms": round(1000 * (self.heard_s[speaker["tone"]] - since_s)), "error": ""}


async def media(ask: Json, trust: ssl.SSLContext) -> Json:
    """What this region's viewer got of every speaker; or why this region has neither."""
    try:
        async with AsyncExitStack() as stack:
            speaker = await stack.enter_async_context(_speaking(ask, trust))
            done: set[str] = set()
            speaker.on("data", lambda told: done.add(told["data"]) if told["topic"] == TOPIC else None)
            measured = tuple((name, 1.0 if name == ask["region"] else FAR_MS) for name in ask["regions"])
            began_s = time.monotonic()
            viewer = await stack.enter_async_context(
                connect(
                    ask["url"], ask["viewer"], ca=trust, videos=len(ask["speakers"]), measured_rtt=measured,
                    statistics_s=0,
                )
            )  # fmt: skip
            watch = Watch(viewer, began_s)
            watch.listen([each["tone"] for each in ask["speakers"]])
            found = await asyncio.gather(*(_seen(watch, each, ask["within_s"]) for each in ask["speakers"]))
            done.add(ask["region"])
            with contextlib.suppress(Exception):
                await speaker.send(ask["region"], topic=TOPIC)
            with contextlib.suppress(TimeoutError):
                await speaker.until(lambda _: done >= set(ask["regions"]), timeout_s=ask["within_s"])
            return {"error": "", "pairs": dict(found), "egress": viewer.known.region}
    except Exception as error:  # noqa: BLE001  (whatever went wrong is the answer)
        return {"error": f"{type(error).__name__}: {error}", "pairs": {}, "egress": ""}


@asynccontextmanager
async def _speaking(ask: Json, trust: ssl.SSLContext) -> AsyncIterator[Session]:
    picture = ClockTrack(Picture(ask["region"], "verify", width=320, height=176), FPS)
    options: Json = {"videos": 1, "video": picture, "audio": int(ask["tone"]), "statistics_s": 0}
    async with connect(ask["url"], ask["speaker"], ca=trust, name=f"Verify {ask['region']}", **options) as session:
        await session.publish()
        yield session


async def _seen(watch: Watch, speaker: Json, within_s: float) -> tuple[str, Json]:
    """Region of the speaker, and what was got of him."""
    try:
        async with asyncio.timeout(within_s):
            return speaker["region"], await watch.see(speaker)
    except TimeoutError:
        stage, slot = watch.viewer.stage, watch.viewer.stage.slot_of(speaker["participant"])
        if not slot:
            shown = ", ".join(seat.participant for seat in stage.seats) or "nobody"
            error = f"is not on stage after {within_s:g} s (there: {shown})"
        elif watch.viewer.media.slot(slot).frames < FRAMES:
            error = f"is on stage, and no picture came within {within_s:g} s"
        else:
            error = f"is seen and not heard: no tone of {speaker['tone']} Hz within {within_s:g} s"
        return speaker["region"], {"frame_ms": None, "tone_ms": None, "error": error}


async def answer(ask: Json) -> Json:
    """Services and media at once."""
    trust = ssl.create_default_context(cadata=ask["ca"] or None)
    if ask.get("system"):  # beside those of ``ca``
        trust.load_default_certs()
    services, seen = await asyncio.gather(
        verifier_services.ask_all(ask["services"], ask["pem"], trust), media(ask, trust)
    )
    return {"region": ask["region"], "services": services, **seen}


def main() -> int:
    """Read the question, print the answer."""
    print(json.dumps(asyncio.run(answer(json.load(sys.stdin)))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
