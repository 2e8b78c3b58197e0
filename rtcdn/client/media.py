"""A participant's connections and what flows in them: made when the gateway asks, replaced without a gap."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiortc import MediaStreamTrack

from rtcdn.client import sources
from rtcdn.client.connections import RECEIVE, SEND, VOICE, Connection, Ice
from rtcdn.client.received import AUDIO, Heard, Received, Slot
from rtcdn.client.tracks import Shared
from rtcdn.client.wire import Broken, Refused

Json = dict[str, Any]
Ask = Callable[..., Awaitable[Json]]
BUSY = 409  # the gateway makes one already
AGAIN_S = 8.0  # at most so long between tries
GRACE_S = 1.0  # after a connection has ended, until we ask for another: the gateway mostly does so before
log = logging.getLogger("rtcdn.client")


class Media:
    """``ask`` sends a request to the gateway; ``heard`` is told every frame and sound that comes."""

    def __init__(self, ask: Ask, heard: Heard, videos: int, relay_only: bool = False) -> None:
        self._ask, self._videos, self._ice = ask, videos, Ice(relay_only=relay_only)
        self.received = Received(heard)
        self._connections: dict[str, Connection] = {}
        self._watching: set[asyncio.Task[None]] = set()
        self._making: set[str] = set()
        self._joining: Connection | None = None
        self._sending = asyncio.Lock()
        self._camera: Shared | None = None
        self._microphone: Shared | None = None
        self._on = False  # is his voice sent?

    def use(self, ice_servers: list[Json]) -> None:
        """Make connections by these ICE servers from now on."""
        self._ice = replace(self._ice, servers=tuple(ice_servers))

    # ---- what he shows and says

    def prepare(self, video: sources.Video, audio: sources.Audio, label: str) -> None:
        """Have a picture and a sound at hand; what is None stays as it was."""
        self._camera = _shared(sources.video(video, label)) or self._camera
        self._microphone = _shared(sources.audio(audio)) or self._microphone

    @property
    def ready(self) -> bool:
        """Is there anything to say or show?"""
        return bool(self._camera or self._microphone)

    def sing(self, on: bool) -> None:
        """Send his voice, or let the encoder rest."""
        self._on = on
        for connection in self._connections.values():
            if connection.purpose == VOICE:
                connection.sing(self._microphone if on else None)

    async def show(self) -> None:
        """Send the camera, when there is one and it is not sent yet."""
        async with self._sending:
            if self._camera is None or any(c.purpose == SEND for c in self._connections.values()):
                return
            await self._open(Connection(SEND, self.received, ice=self._ice), "")

    async def hide(self) -> None:
        """Send no camera any more. Not his voice's business: this runs later than ``sing``, which was told since."""
        async with self._sending:
            for key, connection in tuple(self._connections.items()):
                if connection.purpose == SEND:
                    await self._end(key)

    # ---- connections

    async def first_offer(self) -> str:
        """The offer that goes with a join."""
        await self.close()
        self._joining = Connection(RECEIVE, self.received, self._videos, self._ice)
        return await self._joining.offer()

    async def joined(self, answer: Json | None) -> None:
        """Take the answer to the offer of a join."""
        connection, self._joining = self._joining, None
        if connection is None or not answer:
            return
        await connection.answer(answer)
        self._keep(connection)

    async def connect(self, event: Json) -> None:
        """Make the connection that the gateway asks for; the one that it replaces goes on until this one flows.

        A camera goes on until the gateway says that others see it from the new place.
        """
        key = event["connection"]
        if key in self._connections or key in self._making:
            return  # asked for again after a resume
        self._making.add(key)
        replaced = event.get("replaces", "")
        before = self._connections.get(replaced) if event["purpose"] != SEND else None
        connection = Connection(event["purpose"], self.received, self._videos, self._ice, before)
        flows = False
        try:
            flows = await self._open(connection, key) and await connection.takes_over()
        finally:
            self._making.discard(key)
            connection.settle(flows)
        if flows and replaced:
            await self._ask("flowing", connection=key)
            if event["purpose"] != SEND:
                await self._end(replaced)

    async def _open(self, connection: Connection, asked_for: str) -> bool:
        """Offer, take the answer, wait until it is connected."""
        sends = connection.purpose == SEND
        sdp = await connection.offer(self._camera if sends else None)
        fields: Json = {"purpose": connection.purpose, "sdp": sdp}
        if sends:
            fields["sources"] = {str(connection.peer.getTransceivers()[0].mid): "camera"}
        try:
            answer = await self._ask("offer", connection=asked_for, **fields)
            await connection.answer(answer)
        except BaseException:
            await connection.close()
            raise
        self._keep(connection)
        if connection.purpose == VOICE:
            connection.sing(self._microphone if self._on else None)
        return await connection.connected()

    def _keep(self, connection: Connection) -> None:
        """It is ours from now on; when it ends by itself there is another in its place soon."""
        self._connections[connection.id] = connection
        task = asyncio.create_task(self._watch(connection))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _watch(self, connection: Connection) -> None:
        """Replace a connection that died without a word: its node hears nothing either, and waits half a minute."""
        await connection.over.wait()
        pause_s = GRACE_S
        while True:
            await asyncio.sleep(pause_s)
            if self._connections.get(connection.id) is not connection:
                return
            if any(c.purpose == connection.purpose and not c.over.is_set() for c in self._connections.values()):
                await self._end(connection.id)
                return
            log.info("connection %s is gone: another is asked for", connection.id)
            try:
                await self._again(connection)
            except Refused as refused:
                if not (refused.passing or refused.status == BUSY):
                    return
            except (Broken, ConnectionError, ValueError):
                pass
            pause_s = min(2 * pause_s, AGAIN_S)

    async def _again(self, before: Connection) -> None:
        """Offer another connection for the purpose of one that has ended."""
        new = Connection(before.purpose, self.received, before.videos, self._ice)
        if before.purpose != SEND:
            await self._open(new, "")
            return
        async with self._sending:
            if self._connections.get(before.id) is before and self._camera is not None:
                await self._open(new, "")

    async def disconnect(self, event: Json) -> None:
        """A connection has ended."""
        await self._end(event["connection"])

    async def _end(self, key: str) -> None:
        connection = self._connections.pop(key, None)
        if connection is not None:
            await connection.close()

    async def end(self) -> None:
        """He leaves: nothing is received, written or sent any more."""
        self.received.stop_recording()
        await self.close()
        for track in (self._camera, self._microphone):
            if track:
                track.end()

    async def close(self) -> None:
        """End all connections."""
        for task in self._watching:
            task.cancel()
        for key in tuple(self._connections):
            await self._end(key)
        if self._joining is not None:
            await self._joining.close()
            self._joining = None

    # ---- what came

    async def figures(self) -> list[Json]:
        """Counters of every connection."""
        return [await connection.figures() for connection in tuple(self._connections.values())]

    def slot(self, name: str = AUDIO) -> Slot:
        """The figures of a slot; of the sound without a name."""
        return self.received.slot(name)

    def record(self, folder: str | Path) -> None:
        """Write every stream that comes into a folder from now on."""
        self.received.record(Path(folder))


def _shared(track: MediaStreamTrack | None) -> Shared | None:
    return Shared(track) if track else None
