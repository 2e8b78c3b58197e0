"""``connect`` and ``Session``: a participant as a program uses him; the shape of the SDK in sdk/js."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtcdn.client.bus import Bus
from rtcdn.client.link import Link, Reconnect
from rtcdn.client.state import Hands, Roster, Stage, State
from rtcdn.client.wire import Refused, Wire, session_of, trust
from rtcdn.errors import ConfigError, RtcdnError

Json = dict[str, Any]
log = logging.getLogger("rtcdn.client")
AGENT = "rtcdn-python"


@dataclass(frozen=True, slots=True)
class Options:
    """How to join. ``videos``: how many pictures are received at once; 0 receives nothing at all."""

    name: str = ""
    session: str = ""  # that of the token, if empty
    ca: str | Path | ssl.SSLContext | None = None
    videos: int = 5
    video: Any = None  # prepared: shown as soon as he is on stage
    audio: Any = None
    reconnect: Reconnect = field(default_factory=Reconnect)
    measured_rtt: tuple[tuple[str, float], ...] = ()
    statistics_s: float = 2.0
    relay_only: bool = False  # media by TURN servers alone, to see that these work


@asynccontextmanager
async def connect(url: str, token: str, **options: Any) -> AsyncIterator[Session]:
    """Join and, at the end of the block, leave. Options: see ``Options``. Raises ``Refused`` or ``Broken``."""
    session = Session(url, token, Options(**options))
    try:
        await session.start()
        yield session
    finally:
        await session.leave()


class Session(Bus):
    """A participant in a session. Properties say what is known now; ``on`` and ``events`` tell what happens."""

    def __init__(self, url: str, token: str, options: Options) -> None:
        super().__init__()
        self._token, self._options = token, options
        self.known = State(options.session or session_of(token))
        self._tasks: set[asyncio.Task[None]] = set()
        self._media = (
            _media_module().Media(self._ask, self._heard, options.videos, options.relay_only)
            if options.videos
            else None
        )
        self._link = Link(
            url,
            trust(options.ca),
            options.reconnect,
            greet=self._greet,
            event=self._told,
            changed=self._state,
        )

    # ---- what is known

    @property
    def participant(self) -> str:
        """His id."""
        return self.known.participant

    @property
    def role(self) -> str:
        """viewer, speaker or moderator."""
        return self.known.role

    @property
    def live(self) -> bool:
        """Is he on stage?"""
        return self.known.live

    @property
    def stage(self) -> Stage:
        """Who is shown where."""
        return self.known.stage

    @property
    def roster(self) -> Roster:
        """How many are here, and who may speak."""
        return self.known.roster

    @property
    def hands(self) -> Hands:
        """Hands that are up."""
        return self.known.hands

    @property
    def talking(self) -> frozenset[str]:
        """Who talks now."""
        return self.known.talking

    @property
    def media(self) -> Any:
        """What he receives and sends (``rtcdn.client.media.Media``); raises ConfigError when he joined without."""
        if self._media is None:
            raise ConfigError(["this session was joined without media: give videos=1 or more to connect"])
        return self._media

    # ---- what he does

    async def start(self) -> None:
        """Join."""
        if self._media is not None:
            self._media.prepare(self._options.video, self._options.audio, self._options.name or "Bot")
        await self._link.start()
        if self._media is not None and self._options.statistics_s:
            self._spawn(self._report())

    async def publish(self, video: Any = None, audio: Any = None, muted: bool = False) -> None:
        """Go on stage with a file, a tone of so many Hz, or (video=True) a clock; without any: what was prepared."""
        self.media.prepare(video, audio, self._options.name or "Bot")
        self.known.role = (await self._link.request("publish", muted=muted))["role"]
        self.known.muted = muted
        await self.media.show()

    async def unpublish(self) -> None:
        """Leave the stage, stay in the session."""
        self.known.role = (await self._link.request("unpublish"))["role"]
        self.media.sing(False)
        await self.media.hide()

    async def mute(self, on: bool = True, participant: str = "") -> None:
        """Mute oneself, or another as moderator."""
        await self._link.request("mute", on=on, participant=participant)
        if not participant:
            self.known.muted = on
            self._sing()

    async def raise_hand(self, up: bool = True, participant: str = "") -> None:
        """Raise or lower one's hand; a moderator lowers another's."""
        ready = self._media is not None and self._media.ready
        await self._link.request("hand", up=up, ready=ready, participant=participant)
        if not participant:
            self.known.hand = up

    async def promote(self, participant: str) -> None:
        """Make somebody a speaker."""
        await self._link.request("promote", participant=participant)

    async def demote(self, participant: str) -> None:
        """Make somebody a viewer."""
        await self._link.request("demote", participant=participant)

    async def remove(self, participant: str, reason: str = "") -> None:
        """Put somebody out."""
        await self._link.request("remove", participant=participant, reason=reason)

    async def send(self, data: str, topic: str = "", to: str = "") -> int:
        """Send an application's message to everybody or to one; its number."""
        return int((await self._link.request("send", data=data, topic=topic, to=to))["n"])

    async def participants(self, after: str = "", limit: int = 50, search: str = "") -> Json:
        """A page of who is here: ``participants``, ``total``, ``next``."""
        return await self._link.request("participants", after=after, limit=limit, search=search)

    async def ask(self, kind: str, **fields: Any) -> Json:
        """Any other request of docs/client-api.md, such as ``layout`` or ``quality``; its answer."""
        return await self._link.request(kind, **fields)

    def record(self, folder: str | Path) -> None:
        """Write every stream that is received: ``audio.wav`` and ``<slot>.mkv``."""
        self.media.record(folder)

    async def statistics(self) -> Json:
        """Counters of every connection, and by slot what was decoded and the longest gap."""
        connections = await self.media.figures()
        return {"connections": connections, "slots": dict(self.media.received.slots)}

    async def leave(self) -> None:
        """Leave the session."""
        if self.state == "live":
            with contextlib.suppress(RtcdnError):
                await self._link.request("leave", timeout_s=2)
        await self._link.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._media is not None:
            await self._media.end()
        self._state("closed")

    def cut(self) -> None:
        """Break the socket as a failing network does; he resumes by himself. For tests."""
        self._link.cut()

    # ---- what the link and the media need

    async def _ask(self, kind: str, **fields: Any) -> Json:
        return await self._link.request(kind, **fields)

    async def _greet(self, wire: Wire) -> float:
        """Resume where there is something to resume, else join; the seconds between pings."""
        common: Json = {"session": self.known.session, "token": self._token, "ready": self._ready()}
        if self.known.key:
            try:
                return await self._joined(await wire.request("resume", **common, **self.known.greeting()))
            except Refused as refused:
                if refused.passing:
                    raise
                log.info("not resumed: %s", refused)
                self.known.key = ""
        fields: Json = {"name": self._options.name, "measured_rtt": dict(self._options.measured_rtt), "agent": AGENT}
        if self._media is not None:
            if self._options.relay_only:  # the first offer has all candidates: the servers must be known before
                self._media.use((await self._link.regions(self._token)).get("ice_servers", []))
            fields["offer"] = await self._media.first_offer()
        return await self._joined(await wire.request("join", **common, **fields))

    async def _joined(self, answer: Json) -> float:
        self.known.joined(answer)
        self._link.learn([entry["url"] for entry in answer.get("entries", [])])
        if self._media is not None:
            self._media.use(answer.get("ice_servers", []))
            await self._media.joined(answer.get("receive"))
        return self.known.ping_s

    def _ready(self) -> bool:
        return self._media is not None and bool(self._media.ready)

    def _told(self, event: Json) -> None:
        """An event came."""
        self.known.told(event)
        name = event["event"]
        if self._media is not None:
            if event.get("ice_servers"):  # of connect, and of ice-servers
                self._media.use(event["ice_servers"])
            if name in ("role", "muted"):
                self._sing()
            if name == "connect":
                self._spawn(self._media.connect(event))
            elif name == "disconnect":
                self._spawn(self._media.disconnect(event))
            elif name == "role" and self.known.live:
                self._spawn(self._media.show())
            elif name == "role" and self.known.role == "viewer":  # else his voice is being moved: his camera goes on
                self._spawn(self._media.hide())
        if name == "closing":
            self._link.cut()
        elif name == "closed":
            self._link.over()
        self.tell(name, event)

    def _sing(self) -> None:
        if self._media is not None:
            self._media.sing(self.known.live and not self.known.muted)

    def _state(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.tell("state", {"state": state, "reason": self.known.closed})

    async def _report(self) -> None:
        """Tell the gateway the figures, again and again."""
        while True:
            await asyncio.sleep(self._options.statistics_s)
            with contextlib.suppress(RtcdnError):
                await self._link.request("statistics", connections=await self.media.figures())

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something beside; what goes wrong in it is told as ``problem``."""
        task = asyncio.create_task(self._watched(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watched(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except (RtcdnError, ConnectionError, ValueError) as error:
            log.info("problem: %s", error)
            self.tell("problem", {"error": error})


def _media_module() -> Any:
    """What needs aiortc, av and numpy, imported when media are wanted."""
    try:
        return importlib.import_module("rtcdn.client.media")
    except ImportError as error:
        raise ConfigError([f"media need {error.name}: install rtcdn[client], or join with videos=0"]) from None
