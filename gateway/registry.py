"""Our presentation in the store, under a lease of our own: it goes when we go. And the addresses of the others."""

from __future__ import annotations

import asyncio

from rtcdn import keys, log
from rtcdn.errors import StoreAway
from rtcdn.model import GatewayInfo
from rtcdn.store.port import Store

_log = log.get("gateway.registry")


class Registry:
    """Presents this gateway and looks others up. The store's calls block: each runs in a thread."""

    def __init__(self, store: Store, gateway_id: str, info: GatewayInfo, lease_s: int) -> None:
        self._store = store
        self._id = gateway_id
        self._info = info
        self._lease_s = lease_s
        self._lease = 0

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

    async def leave(self) -> None:
        """Take the presentation away at once, so that our participants are adopted without waiting for the lease."""
        if self._lease:
            try:
                await asyncio.to_thread(self._store.revoke, self._lease)
            except StoreAway as error:
                _log.warning("store-away", reason=error)
