"""Reading one Janus by its Admin API, and the host by ``/proc``. Synchronous; called from a thread."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from collector.sample import Counters, parse_counters
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.plugins import audiobridge, streaming, videoroom
from rtcdn.model import ContextInfo, Kind, MountpointMedia, RemoteInfo

STALE_MS = 3000  # media not heard for this long is told as not flowing; younger ages would change at each look


class Probe:
    """Reads contexts of one node."""

    def __init__(self, node: NodeClient, proc: Path = Path("/proc")) -> None:
        self.node, self._proc = node, proc

    def alive(self) -> None:
        """Return if Janus answers; ``NodeAway`` otherwise."""
        self.node.admin.ping()

    def version(self) -> str:
        """Version of Janus."""
        return self.node.admin.version()

    def handles(self) -> int:
        """Handles of all event loops."""
        loops = self.node.admin.ask("loops_info").get("loops")
        return sum(int(loop.get("handles", 0)) for loop in loops) if isinstance(loops, list) else 0

    def contexts(self) -> tuple[ContextInfo, ...]:
        """Every context of the node, read one by one."""
        found = (self.context(janus_id) for janus_id in self.node.contexts())
        return tuple(context for context in found if context)

    def context(self, janus_id: str, *, remotes: bool = True) -> ContextInfo | None:
        """One context, None when it is not there. ``remotes``: ask of each publisher where he is sent to, too."""
        if self.node.kind is Kind.VR:
            return self._room(janus_id, remotes)
        return self._mix(janus_id) if self.node.kind is Kind.AB else self._stage(janus_id)

    def counters(self) -> Counters:
        """What the host counts."""
        texts = [(self._proc / name).read_text(encoding="ascii") for name in ("stat", "meminfo", "net/dev")]
        return parse_counters(time.monotonic(), *texts)

    def _room(self, room: str, ask_remotes: bool) -> ContextInfo | None:
        people = self.node.if_there(videoroom.list_participants(room))
        if people is None:
            return None
        publishers = videoroom.read_publishers(people)
        sent = (self._remotes(room, each.id) for each in publishers if ask_remotes and not each.remote)
        remotes = tuple(sorted((each for found in sent for each in found), key=lambda each: each.id))
        return ContextInfo(id=room, publishers=publishers, forwarders=self.node.forwarders(room), remotes=remotes)

    def _remotes(self, room: str, publisher: str) -> tuple[RemoteInfo, ...]:
        """Where a publisher is sent to; one who has left meanwhile is sent nowhere."""
        body = videoroom.list_remotes(room, self.node.keys(room), publisher)
        return videoroom.read_remotes(self.node.if_there(body, {videoroom.NO_SUCH_FEED}) or {})

    def _mix(self, room: str) -> ContextInfo | None:
        answer = self.node.if_there(audiobridge.list_participants(room))
        if answer is None:
            return None
        there = audiobridge.read_participants(answer)
        links = tuple(sorted(each.id for each in there if each.is_link))
        people = [each for each in there if not each.is_link]
        suspended = sum(each.suspended for each in people)
        mixed, forwarders = len(people) - suspended, self.node.forwarders(room)
        return ContextInfo(id=room, forwarders=forwarders, participants=mixed, suspended=suspended, links=links)

    def _stage(self, mountpoint: str) -> ContextInfo | None:
        answer = self.node.if_there(streaming.info(mountpoint, self.node.keys(mountpoint)))
        if answer is None:
            return None
        info = streaming.read_info(answer)
        return ContextInfo(id=mountpoint, media=tuple(_coarse(each) for each in info.media), viewers=info.viewers)


def _coarse(media: MountpointMedia) -> MountpointMedia:
    return replace(media, age_ms=STALE_MS if media.age_ms >= STALE_MS else 0)
