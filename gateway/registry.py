"""Our presentation in the store, under a lease of our own: it goes when we go. And the addresses of the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from rtcdn import keys, log
from rtcdn.errors import StoreAway
from rtcdn.model import GatewayInfo
from rtcdn.store.port import Change, Store, Update, Watch

_log = log.get("gateway.registry")


class Registry:
    """Presents this gateway and looks others up. The store's calls block: each runs in a thread."""

    def __init__(self, store: Store, gateway_id: str, info: GatewayInfo, lease_s: int) -> None:
        self._store = store
        self._id = gateway_id
        self._info = info
        self._lease_s = lease_s
        self._lease = 0
        self.gateways: dict[str, GatewayInfo] = {}  # all that there are, by id; the last known while the store is away
        self._listeners: list[Callable[[], None]] = []

    async def run(self) -> None:
        """For ever: keep the presentation there; present again when the lease was lost."""
        while True:
            try:
                await self._present()
            except StoreAway as error:
                _log.warning("store-away", reason=error)
            await asyncio.sleep(self._lease_s / 3)

    async def _present(self) -> None:
        if self._lease and await asyncio.to_thread(self._store.keep_alive, self._lease):
            return
        self._lease = await asyncio.to_thread(self._store.grant, self._lease_s)
        await asyncio.to_thread(self._store.put, keys.gateway(self._id), self._info.to_json(), self._lease)
        _log.info("presented", gateway=self._id, url=self._info.url)

    async def peer(self, gateway_id: str) -> str:
        """``host:port`` of another gateway; empty when it is not there (or the store is away)."""
        if not gateway_id or gateway_id == self._id:
            return ""
        key = keys.gateway(gateway_id)
        try:
            snapshot = await asyncio.to_thread(self._store.read, key)
        except StoreAway:
            return ""
        value = snapshot.values.get(key)
        info = GatewayInfo.from_json(value.text) if value else None
        return info.address if info else ""

    def entries(self) -> list[tuple[str, str]]:
        """Region and the URL by which clients enter it, of each region with a gateway."""
        found = {info.region: info.url for _, info in sorted(self.gateways.items()) if info.region}
        return sorted(found.items())

    def address(self, gateway_id: str) -> str:
        """``host:port`` of a gateway as ``follow`` knows it; empty when it is not there."""
        info = self.gateways.get(gateway_id)
        return info.address if info else ""

    async def leave(self) -> None:
        """Take the presentation away at once, so that our participants are adopted without waiting for the lease."""
        if self._lease:
            try:
                await asyncio.to_thread(self._store.revoke, self._lease)
            except StoreAway as error:
                _log.warning("store-away", reason=error)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever ``gateways`` has changed."""
        self._listeners.append(listener)

    async def follow(self) -> None:
        """For ever: keep ``gateways`` as the store has it."""
        loop = asyncio.get_running_loop()
        watch = await asyncio.to_thread(self._store.watch, keys.gateway(""))
        threading.Thread(target=_iterate, args=(watch, loop, self._take), name="gateways", daemon=True).start()
        try:
            await loop.create_future()
        finally:
            watch.close()

    def _take(self, update: Update) -> None:
        before = self.gateways
        changes = update.changes
        if update.snapshot:
            before = {}
            values = update.snapshot.values
            changes = tuple(Change(key, value, update.revision) for key, value in values.items())
        found = dict(before)
        for change in changes:
            key = keys.parse(change.key)
            info = GatewayInfo.from_json(change.value.text) if change.value else None
            if key and info:
                found[key.ids[0]] = info
            elif key:
                found.pop(key.ids[0], None)
        if found != self.gateways:
            self.gateways = found
            for listener in self._listeners:
                listener()


def _iterate(watch: Watch, loop: asyncio.AbstractEventLoop, take: Callable[[Update], None]) -> None:
    """In a thread of its own: hand each update to the loop, until the watch or the loop is closed."""
    for update in watch:
        try:
            loop.call_soon_threadsafe(take, update)
        except RuntimeError:  # the loop is closed
            return
