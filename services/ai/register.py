"""A module's keys in the store: written under a lease, so that they vanish with it, and again when they changed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from rtcdn import keys
from rtcdn.errors import LeaseGone, StoreAway
from rtcdn.log import EventLog
from rtcdn.model import ContextInfo, Kind, Labels, PluginData
from rtcdn.store.port import Commit, Store
from services.ai.settings import ModuleSettings

log = EventLog("module")
CPU_TERM_MOST = 75.0  # a busy host makes its module the last choice, never full by itself


def presentation(
    settings: ModuleSettings, contexts: Iterable[ContextInfo], *, secret_version: str, started_us: int
) -> dict[str, str]:
    """Keys and texts of the module as it is now, details first and ``JN:`` last."""
    found = tuple(sorted(contexts, key=lambda info: info.id))
    cpu_pct, memory_pct = host_load()
    handles = settings.capacity.handles
    terms = {
        "cpu": min(CPU_TERM_MOST, cpu_pct),
        "handles": float(round(100 * len(found) / handles)) if handles else 0.0,
    }
    labels = Labels(
        rest=settings.url,
        media_ip=settings.media_ip,
        host=settings.host,
        zone=settings.zone,
        codecs=(),
        secret_version=secret_version,
        started_us=started_us,
        capacity=settings.capacity,
        weight_terms=terms,
        network=settings.network,
        public_ip=settings.public_ip,
    )
    details = {
        "ADDRESS": str(settings.listen),
        "CPU": str(round(cpu_pct)),
        "MEM": str(round(memory_pct)),
        "WEIGHT": str(round(max(terms.values()))),
        "REGION": settings.region,
        "LABELS": labels.to_json(),
        "PLUGIN": PluginData(found, handles=len(found)).to_json(),
    }
    named = {keys.node_field(Kind.AI, settings.node_id, name): text for name, text in details.items()}
    return named | {keys.node(settings.node_id): Kind.AI.value}


def host_load() -> tuple[float, float]:
    """How busy the host is, in percent of its processors and of its memory; in tens, so that little is written."""
    cpu_pct = min(100.0, 100.0 * os.getloadavg()[0] / (os.cpu_count() or 1))
    rows = (line.split() for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    memory = {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1}
    total = memory.get("MemTotal", 0)
    used_pct = 100.0 * (total - memory.get("MemAvailable", total)) / total if total else 0.0
    return round(cpu_pct, -1), round(used_pct, -1)


class Registration:
    """The keys of one module; every call may block: call it in a thread, one at a time."""

    def __init__(self, store: Store, lease_s: int) -> None:
        self._store, self._lease_s = store, lease_s
        self._lease = 0
        self._written: dict[str, str] = {}

    def publish(self, texts: dict[str, str]) -> None:
        """Make the keys be ``texts`` and refresh the lease; ``StoreAway`` when the store does not answer."""
        if self._lease and not self._store.keep_alive(self._lease):
            log.warning("lease-lost", lease=self._lease)
            self._lease = 0
        if not self._lease:
            self._lease, self._written = self._store.grant(self._lease_s), {}
            log.info("module-registered", lease=self._lease)
        changed = {key: text for key, text in texts.items() if self._written.get(key) != text}
        if not changed:
            return
        try:
            self._store.commit(Commit(puts=changed, lease=self._lease))
        except LeaseGone:
            self._lease = 0
            raise
        self._written |= changed

    def close(self) -> None:
        """Let the keys vanish now."""
        if self._lease:
            try:
                self._store.revoke(self._lease)
            except StoreAway as error:
                log.warning("lease-not-revoked", lease=self._lease, why=error)
        self._store.close()
