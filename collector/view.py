"""What the node's event stream tells: pure. Which contexts must be read again, who talks, which streams there are.

Plugin data itself is read from Janus (0.4-2 ms a request): an event only says where to look. Streaming says nothing
when a viewer vanishes, so handles are remembered with the mountpoint they watch.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from rtcdn.janus.plugins import videoroom
from rtcdn.model import Kind, StreamInfo

HANDLE, WEBRTC, PLUGIN, CORE = 2, 16, 64, 256
HANGUP_SUBTYPE = 6
TALK = {"talking": True, "stopped-talking": False}


@dataclass(slots=True)
class View:
    """What was heard so far. ``dirty``: contexts to read again; ``all_dirty``: the list of contexts too."""

    kind: Kind
    dirty: set[str] = field(default_factory=set)
    all_dirty: bool = True
    started_us: int = 0
    handles: int = 0
    peerconnections: int = 0
    talking: dict[str, set[str]] = field(default_factory=dict)
    streams: dict[tuple[str, str], tuple[StreamInfo, ...]] = field(default_factory=dict)
    watching: dict[int, str] = field(default_factory=dict)

    def hear(self, event: Any) -> None:
        """Take one event in; anything that does not fit is left out."""
        if not isinstance(event, dict) or not isinstance(event.get("event"), dict):
            return
        inner, handle = event["event"], event.get("handle_id")
        kind = event.get("type")
        if kind == PLUGIN and isinstance(inner.get("data"), dict):
            self._plugin(inner["data"], handle if isinstance(handle, int) else 0)
        elif kind == CORE:
            self._core(inner, event.get("timestamp"))
        elif kind == HANDLE:
            self._handle(inner.get("name"), handle)
        elif kind == WEBRTC and event.get("subtype") == HANGUP_SUBTYPE:
            self._connection(inner.get("connection"), handle)

    def forget(self) -> None:
        """Janus is gone or was made again: nothing heard holds any more."""
        self.dirty, self.all_dirty = set(), True
        self.handles = self.peerconnections = 0
        self.talking, self.streams, self.watching = {}, {}, {}

    def take(self) -> tuple[bool, set[str]]:
        """``(all_dirty, dirty)``, and forget them."""
        taken = self.all_dirty, self.dirty
        self.all_dirty, self.dirty = False, set()
        return taken

    def keep_only(self, contexts: Collection[str]) -> None:
        """Forget what was heard of contexts that are not there any more."""
        self.talking = {context: who for context, who in self.talking.items() if context in contexts}
        self.streams = {key: streams for key, streams in self.streams.items() if key[0] in contexts}

    def _core(self, inner: dict[str, Any], timestamp: Any) -> None:
        info = inner.get("info")
        if inner.get("status") == "started" and isinstance(timestamp, int):
            self.forget()
            self.started_us = timestamp
        elif inner.get("status") == "update" and isinstance(info, dict):
            self.handles = _count(info.get("handles"))
            self.peerconnections = _count(info.get("peerconnections"))

    def _handle(self, name: Any, handle: Any) -> None:
        if name == "attached":
            self.handles += 1
        elif name == "detached":
            self.handles = max(0, self.handles - 1)
            self._left(handle)

    def _connection(self, state: Any, handle: Any) -> None:
        if state == "webrtcup":
            self.peerconnections += 1
        elif state == "hangup":
            self.peerconnections = max(0, self.peerconnections - 1)
            # A viewer who came before this collector: nobody knows which mountpoint he watched.
            self.all_dirty |= self.kind is Kind.ST and handle not in self.watching
            self._left(handle)

    def _left(self, handle: Any) -> None:
        mountpoint = self.watching.pop(handle, None)
        if mountpoint:
            self.dirty.add(mountpoint)

    def _plugin(self, data: dict[str, Any], handle: int) -> None:
        context = data.get("room") or data.get("id")
        if not isinstance(context, str):
            return
        what = data.get("event") or data.get("videoroom") or data.get("audiobridge") or data.get("status")
        self.dirty.add(context)
        if what in ("created", "destroyed"):
            self.all_dirty = True
        elif what in TALK:
            self._talk(context, str(data.get("id", "")), TALK[what])
        elif what == "published" and isinstance(data.get("streams"), list):
            self.streams[context, str(data.get("id", ""))] = videoroom.read_streams(data["streams"])
        elif what in ("unpublished", "leaving", "left", "kicked"):
            self.streams.pop((context, str(data.get("id", ""))), None)
            self._talk(context, str(data.get("id", "")), talks=False)
        elif what in ("mute", "suspended") or data.get("muted") is True:  # Janus does not say that he stopped talking
            self._talk(context, str(data.get("id", "")), talks=False)
        elif what in ("started", "starting", "switching") and handle and "room" not in data:
            self.watching[handle] = context

    def _talk(self, context: str, who: str, talks: bool) -> None:
        people = self.talking.setdefault(context, set())
        (people.add if talks else people.discard)(who)
        if not people:
            del self.talking[context]


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
