"""Writing one node's keys: details first, ``JN:`` last, one transaction per report, all under one lease.

Only keys whose text changed are written. A lease that was lost is taken anew and everything is written again. Safe in
threads.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from rtcdn.errors import LeaseGone, StoreAway
from rtcdn.log import EventLog
from rtcdn.store.port import Commit, Store

log = EventLog("collector")


class Publisher:
    """The keys of one node in the store."""

    def __init__(self, store: Store, lease_s: int) -> None:
        self._store, self._lease_s = store, lease_s
        self._lock = threading.Lock()
        self._lease = 0
        self._written: dict[str, str] = {}

    @property
    def registered(self) -> bool:
        """Are the node's keys in the store, as far as is known?"""
        return bool(self._lease)

    def publish(self, keys: Mapping[str, str]) -> bool:
        """Make the node's keys be ``keys``, in their order; was anything written? ``StoreAway`` when it cannot be."""
        with self._lock:
            if not self._lease:
                self._lease = self._store.grant(self._lease_s)
                self._written = {}
                log.info("node-registered", lease=self._lease)
            changed = {key: text for key, text in keys.items() if self._written.get(key) != text}
            if not changed:
                return False
            try:
                self._store.commit(Commit(puts=changed, lease=self._lease))
            except LeaseGone:
                self._lease = 0
                raise
            self._written |= changed
            return True

    def keep_alive(self) -> bool:
        """Refresh the lease; False when it has ended and everything must be published again."""
        with self._lock:
            if not self._lease:
                return True
            if self._store.keep_alive(self._lease):
                return True
            log.warning("lease-lost", lease=self._lease)
            self._lease = 0
            return False

    def fall_silent(self) -> None:
        """Let the lease go: Janus is away, so its keys vanish now."""
        with self._lock:
            lease, self._lease, self._written = self._lease, 0, {}
            if lease:
                log.warning("node-silent", lease=lease)
                self._revoke(lease)

    def _revoke(self, lease: int) -> None:
        try:
            self._store.revoke(lease)
        except StoreAway as error:
            log.warning("lease-not-revoked", lease=lease, why=error)
