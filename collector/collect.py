"""The collector's rounds: an event or the clock wakes it, it reads what changed, and publishes what is new."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from collector.listen import event_stream
from collector.probe import Probe
from collector.publish import Publisher
from collector.report import node_keys, plugin_data
from collector.rtt import RoundTrips
from collector.sample import Counters, Load, measure, status
from collector.settings import Settings
from collector.view import View
from rtcdn.errors import NodeAway, NodeRefused, StoreAway
from rtcdn.log import EventLog
from rtcdn.model import ContextInfo, Kind

GATHER_S = 0.03  # events that come together are read together
LOOK_AGAIN_S = 0.3  # Streaming counts a viewer out up to 0.2 s after his hangup
HANGUPS = ("hangup", "detached")
log = EventLog("collector")


@dataclass
class Health:
    """What ``/healthz`` and ``/metrics`` tell."""

    janus_up: bool = False
    store_up: bool = False
    round_at_s: float = 0.0
    weight: int = 0
    handles: int = 0
    contexts: int = 0
    viewers: int = 0
    reports: int = 0
    events: int = 0


class Collector:
    """One node's collector."""

    def __init__(
        self,
        settings: Settings,
        probe: Probe,
        publisher: Publisher,
        secret_version: str,
        round_trips: RoundTrips | None = None,
    ) -> None:
        self.settings, self.probe, self.publisher, self._round_trips = settings, probe, publisher, round_trips
        self.view, self.health = View(settings.node.kind), Health()
        self._secret_version = secret_version
        self._wake = asyncio.Event()
        self._contexts: dict[str, ContextInfo] = {}
        self._counters: Counters | None = None
        self._load = Load()
        self._version = ""
        self._swept_handles: int | None = None
        self._sweep_at_s = 0.0
        self._first_seen_us = 0
        self._doubted = False  # the last question was not answered

    async def run(self) -> None:
        """Collect until cancelled, then fall silent: the node's keys go with its collector."""
        try:
            async with event_stream(self.settings.events_listen, self.hear, self.events_broke):
                beside = (self._round_trips.run(),) if self._round_trips else ()
                await asyncio.gather(self._rounds(), self._keep_alive(), *beside)
        finally:
            self.publisher.fall_silent()

    def hear(self, batch: list[Any]) -> None:
        """Take a batch of events in."""
        self.health.events += len(batch)
        before = self.view.started_us
        watching = dict(self.view.watching)
        for event in batch:
            self.view.hear(event)
        if self.view.started_us != before:
            log.info("janus-started", started_us=self.view.started_us)
            self._sweep_at_s = 0.0
        left = {watching[handle] for handle in watching.keys() - self.view.watching.keys()}
        if left:
            asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self.look_at, left)
        self._wake.set()

    def look_at(self, contexts: set[str]) -> None:
        """Read these contexts again soon."""
        self.view.dirty |= contexts
        self._wake.set()

    def events_broke(self) -> None:
        """Janus' event connection ended: it may be gone, and what it told may not hold any more."""
        self._sweep_at_s = 0.0
        self._wake.set()

    async def _rounds(self) -> None:
        while True:
            await self._round()
            try:
                async with asyncio.timeout(self.settings.report_s):
                    await self._wake.wait()
                await asyncio.sleep(GATHER_S)
            except TimeoutError:
                pass
            self._wake.clear()

    async def _round(self) -> None:
        """Read, then publish; a node that stays away makes the lease go."""
        try:
            await asyncio.to_thread(self._read, *self.view.take())
        except (NodeAway, NodeRefused) as error:
            await self._unanswered(error)
        else:
            self.health.janus_up, self._doubted = True, False
            self.view.keep_only(self._contexts.keys())
            await self._publish()
        self.health.round_at_s = time.monotonic()

    async def _unanswered(self, error: Exception) -> None:
        """Ask a second time at once before the node is given up: on a busy host one answer may be late."""
        self._sweep_at_s = 0.0
        if self.health.janus_up and not self._doubted:
            self._doubted = True
            self._wake.set()
            return
        if self.health.janus_up or not self.health.round_at_s:
            log.warning("janus-away", why=error)
        self._away()
        await asyncio.to_thread(self.publisher.fall_silent)

    def _read(self, all_dirty: bool, dirty: set[str]) -> None:
        """What changed since the last round; everything when a sweep is due. Runs in a thread: it leaves view alone."""
        now_s = time.monotonic()
        if all_dirty or now_s >= self._sweep_at_s:
            self._version = self._version or self.probe.version()
            self._contexts = {context.id: context for context in self.probe.contexts()}
            self._swept_handles = self.probe.handles()
            self._sweep_at_s = now_s + self.settings.sweep_s
        elif dirty := dirty | self._untold():
            for janus_id in dirty:
                self._read_one(janus_id)
        else:
            self.probe.alive()
        after = self.probe.counters()
        self._load = measure(self._counters or after, after, self._load)
        self._counters = after

    def _untold(self) -> set[str]:
        """Contexts of which events do not tell all (1.4.1): AudioBridge keeps silent about its forwarders, VideoRoom

        about publishers that it sends to other rooms. The first of a room is found by a sweep, one request for each
        publisher; a room that has some is looked at again and again.
        """
        if self.settings.node.kind is Kind.AB:
            return set(self._contexts)
        return {janus_id for janus_id, context in self._contexts.items() if context.remotes}

    def _read_one(self, janus_id: str) -> None:
        known = self._contexts.get(janus_id)
        context = self.probe.context(janus_id, remotes=known is not None and bool(known.remotes))
        if context:
            self._contexts[janus_id] = context
        else:
            self._contexts.pop(janus_id, None)

    def _away(self) -> None:
        self.health.janus_up = False
        self.view.forget()
        self._contexts, self._version, self._first_seen_us = {}, "", 0

    async def _publish(self) -> None:
        texts = self._report()
        try:
            written = await asyncio.to_thread(self.publisher.publish, texts)
        except StoreAway as error:
            if self.health.store_up or not self.health.round_at_s:
                log.warning("store-away", why=error)
            self.health.store_up = False
            return
        self.health.store_up = True
        self.health.reports += written

    def _report(self) -> dict[str, str]:
        node = self.settings.node
        if self._swept_handles is not None:
            self.view.handles, self._swept_handles = self._swept_handles, None
        data = plugin_data(self._contexts.values(), self.view)
        now = status(node.kind, self._load, data, node.capacity)
        self.health.weight, self.health.handles = now.weight, data.handles
        self.health.contexts = len(data.contexts)
        self.health.viewers = sum(context.viewers for context in data.contexts)
        self._first_seen_us = self._first_seen_us or time.time_ns() // 1000
        return node_keys(
            node,
            now,
            data,
            version=self._version,
            secret_version=self._secret_version,
            started_us=self.view.started_us or self._first_seen_us,
            rtt_ms=self._round_trips.known() if self._round_trips else None,
        )

    async def _keep_alive(self) -> None:
        """Refresh the lease at a third of its life; one that was lost is taken anew by the next round."""
        while True:
            await asyncio.sleep(self.settings.lease_s / 3)
            try:
                kept = await asyncio.to_thread(self.publisher.keep_alive)
            except StoreAway:
                continue
            if not kept:
                self._wake.set()
