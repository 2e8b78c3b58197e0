"""Stores under test, memory and a real etcd behind one face, and a watch followed in a thread."""

from __future__ import annotations

import threading
from typing import Protocol

from rtcdn.errors import StoreAway
from rtcdn.store.memory import MemoryStore
from rtcdn.store.port import Change, Snapshot, Store, Watch
from tests.support.engine import wait_for
from tests.support.etcd import EtcdServer


class Followed:
    """A watch iterated in a thread, as the broker does it; keeps the mirror it makes."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.mirror: dict[str, str] = {}
        self.seen: list[Change] = []
        self.snapshots: list[Snapshot] = []
        self.away = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_for(lambda: self.snapshots, "the first snapshot")

    def _run(self) -> None:
        for update in self.watch:
            if update.snapshot:
                self.mirror = {key: value.text for key, value in update.snapshot.values.items()}
                self.snapshots.append(update.snapshot)
            for change in update.changes:
                self.seen.append(change)
                if change.value:
                    self.mirror[change.key] = change.value.text
                else:
                    self.mirror.pop(change.key, None)
            self.away = update.away

    def close(self) -> None:
        self.watch.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


class Rig(Protocol):
    """A store, and how to take it away."""

    store: Store

    def fall(self) -> None: ...

    def rise(self) -> None: ...

    def compact(self, revision: int) -> None: ...


class MemoryRig:
    def __init__(self) -> None:
        self.store = MemoryStore()

    def fall(self) -> None:
        self.store.go_away()

    def rise(self) -> None:
        self.store.come_back()

    def compact(self, revision: int) -> None:
        self.store.compact()


class EtcdRig:
    def __init__(self, server: EtcdServer, namespace: str) -> None:
        self.server = server
        self.store = server.store(namespace, timeout_s=1.5)

    def fall(self) -> None:
        self.server.kill()

    def rise(self) -> None:
        self.server.start()

    def compact(self, revision: int) -> None:
        files = "--cacert /pki/ca.pem --cert /pki/cert.pem --key /pki/key.pem"
        command = f"etcdctl {files} --endpoints https://{self.server.address} compact {revision}"
        code, output = self.server.container.exec_run(["sh", "-c", command])
        assert code == 0, output


def try_put(store: Store, key: str, text: str) -> bool:
    """Put, and say whether the store took it."""
    try:
        store.put(key, text)
    except StoreAway:
        return False
    return True
