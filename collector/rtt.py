"""Round trips to other regions: how long a TCP connection to one node there takes to open.

Every collector writes where its node can be reached under ``AT:<region>:<node>``; of each other region one node is
measured, another one for each node that measures, so that no node is asked by all. What is told is the least of the
latest few: anything more was waiting, not the way. It runs beside the reports and never delays one.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from collections import deque
from collections.abc import Mapping

from rtcdn import keys
from rtcdn.errors import StoreAway
from rtcdn.log import EventLog
from rtcdn.model import NETWORK
from rtcdn.store.port import Store

SAMPLES = 6
TIMEOUT_S = 2.0
FORGET_AFTER = 6  # rounds without an answer: what was measured is past
FAR = (NETWORK, "")  # network and public address of a node that tells none
TARGETS_EVERY = 6  # rounds between looks at who is where
log = EventLog("collector")


class RoundTrips:
    """What one node measured to other regions."""

    def __init__(self, store: Store, node_id: str, region: str, period_s: float = 10.0, network: str = NETWORK) -> None:
        self._store, self._node_id, self._region, self._period_s = store, node_id, region, period_s
        self._network = network
        self._targets: dict[str, list[str]] = {}
        self._samples: dict[str, deque[float]] = {}
        self._silent: dict[str, int] = {}

    def known(self) -> dict[str, float]:
        """Round trips by region, whole ms (at least one), so that nothing is written when nothing happens."""
        found = sorted((region, min(samples)) for region, samples in self._samples.items() if samples)
        return {region: float(max(1, round(ms))) for region, ms in found}

    async def run(self) -> None:
        """Measure until cancelled."""
        rounds = 0
        while True:
            if rounds % TARGETS_EVERY == 0 or not self._targets:
                await self._look()
            await self.measure()
            rounds += 1
            await asyncio.sleep(self._period_s)

    async def _look(self) -> None:
        """Read where nodes of other regions are; while the store is away the last ones are asked on."""
        try:
            found = await asyncio.to_thread(self._store.read, keys.AT)
        except StoreAway as error:
            log.info("round-trips-not-looked", why=error)
            return
        self.aim({key: value.text for key, value in found.values.items()})

    def aim(self, texts: Mapping[str, str]) -> None:
        """Take in where nodes are: keys and texts of ``AT:`` (address, or address, network and public address)."""
        targets: dict[str, list[str]] = {}
        for key, text in sorted(texts.items()):
            region, _, node_id = key.removeprefix(keys.AT).partition(":")
            address, *far = text.split(" ")
            network, public = far if len(far) == len(FAR) else FAR
            reached = address if network == self._network else public or address
            if region and node_id and region != self._region:
                targets.setdefault(region, []).append(reached)
        self._targets = targets
        for region in self._samples.keys() - targets.keys():
            del self._samples[region]

    async def measure(self) -> None:
        """Measure each other region once, all at the same time."""
        await asyncio.gather(*(self._sample(region) for region in sorted(self._targets)))

    async def _sample(self, region: str) -> None:
        silent = self._silent.get(region, 0)
        ms = await connect_ms(self._one_of(self._targets[region], silent))
        if ms is not None:
            self._silent[region] = 0
            self._samples.setdefault(region, deque(maxlen=SAMPLES)).append(ms)
            return
        self._silent[region] = silent + 1
        if silent + 1 == FORGET_AFTER and self._samples.pop(region, None) is not None:
            log.warning("region-silent", region=region)

    def _one_of(self, addresses: list[str], skip: int) -> str:
        """Always the same one as long as it answers; then the next."""
        number = int.from_bytes(hashlib.blake2s(self._node_id.encode(), digest_size=8).digest())
        return addresses[(number + skip) % len(addresses)]


async def connect_ms(address: str, timeout_s: float = TIMEOUT_S) -> float | None:
    """How long a connection to ``host:port`` takes to open, in ms; None when it does not."""
    host, _, port = address.rpartition(":")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            found = await loop.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
            family, kind, protocol, _, where = found[0]
            with socket.socket(family, kind, protocol) as door:
                door.setblocking(False)
                began_s = time.perf_counter()
                await loop.sock_connect(door, where)
                return (time.perf_counter() - began_s) * 1000
    except (OSError, ValueError, TimeoutError, IndexError):
        return None
