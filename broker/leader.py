"""Who leads: one key under a lease, created by the first; every commit of a leader is fenced by its creation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from rtcdn import keys, log
from rtcdn.errors import NotLeader, StoreAway, StoreConflict
from rtcdn.model import LeaderInfo
from rtcdn.store.port import Commit, Compare, Store, create

_log = log.get("broker.leader")
LEASE_S = 2  # etcd's least with its usual election timeout
REFRESH_S = 0.5


class Leadership:
    """Takes part in the election and commits in the leader's name.

    A thawed leader may still believe in itself; what it commits is compared with the creation of the leader's key, so
    nothing of it passes once another was elected.
    """

    def __init__(self, store: Store, info: LeaderInfo, now_s: Callable[[], float] = time.monotonic) -> None:
        self._store, self._info, self._now_s = store, info, now_s
        self._lease = 0
        self._revision = 0
        self._until_s = 0.0
        self._wake, self._closed = threading.Event(), False
        self._on_change: list[Callable[[bool], None]] = []
        self._thread = threading.Thread(target=self._run, name="leader", daemon=True)

    def start(self) -> None:
        """Begin to stand for election."""
        self._thread.start()

    def close(self) -> None:
        """Step down at once, so that another need not wait for the lease."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5)
        try:
            if self._lease:
                self._store.revoke(self._lease)
        except StoreAway as error:
            _log.warning("lease-not-revoked", reason=error)

    def nudge(self) -> None:
        """Look now: the leader's key has vanished."""
        self._wake.set()

    def listen(self, listener: Callable[[bool], None]) -> None:
        """Call ``listener`` in the election's thread with True when elected, False when no more."""
        self._on_change.append(listener)

    @property
    def revision(self) -> int:
        """Creation of our leader key; 0 when we do not lead."""
        return self._revision

    @property
    def leads(self) -> bool:
        """Do we lead, as far as we can know? Only a commit knows for sure."""
        return bool(self._revision) and self._now_s() < self._until_s

    def commit(
        self,
        puts: Mapping[str, str] | None = None,
        deletes: Iterable[str] = (),
        compare: Iterable[Compare] = (),
    ) -> int:
        """Commit as the leader. ``NotLeader`` when we are not; ``StoreConflict`` when ``compare`` fails."""
        revision = self._revision
        if not revision:
            raise NotLeader
        fence = Compare.held(keys.LEADER, revision)
        try:
            return self._store.commit(Commit((fence, *compare), puts or {}, tuple(deletes)))
        except StoreConflict:
            self.confirm()
            raise

    def confirm(self) -> None:
        """Ask the store whether we lead; ``NotLeader`` when not."""
        revision = self._revision
        try:
            if not revision:
                raise NotLeader
            self._store.commit(Commit((Compare.held(keys.LEADER, revision),)))
        except StoreConflict:
            self._lost(revision, "another was elected")
            raise NotLeader from None

    def _run(self) -> None:
        while not self._closed:
            try:
                if self._revision:
                    self._refresh()
                else:
                    self._stand()
            except StoreAway as error:
                if self._revision and not self.leads:
                    _log.warning("leader-without-store", reason=error)
            except Exception:  # noqa: BLE001  (the election goes on whatever happens)
                _log.exception("election-failed")
            self._wake.wait(REFRESH_S)
            self._wake.clear()

    def _refresh(self) -> None:
        asked_s = self._now_s()
        if self._store.keep_alive(self._lease):
            self._until_s = asked_s + LEASE_S
        else:
            self._lost(self._revision, "the lease has ended")

    def _stand(self) -> None:
        """Take the key if nobody holds it. A lease that did not win is given up: it might hold a key unknown to us."""
        if keys.LEADER in self._store.read(keys.LEADER).values:
            return
        asked_s = self._now_s()
        lease = self._store.grant(LEASE_S)
        try:
            revision = create(self._store, keys.LEADER, self._info.to_json(), lease)
        except StoreConflict:
            self._store.revoke(lease)
            return
        self._lease, self._revision, self._until_s = lease, revision, asked_s + LEASE_S
        _log.info("elected", broker=self._info.broker, revision=revision)
        self._tell(True)

    def _lost(self, revision: int, why: str) -> None:
        if self._revision == revision and revision:
            self._revision, self._lease = 0, 0
            _log.warning("deposed", broker=self._info.broker, revision=revision, reason=why)
            self._tell(False)

    def _tell(self, leads: bool) -> None:
        for listener in self._on_change:
            listener(leads)
