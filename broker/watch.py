"""The watcher: one thread follows the store and swaps in the next map; everybody else reads the current one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from broker.core.decisions import IntentChange
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import WrapperKind
from rtcdn import log
from rtcdn.store.port import Change, Snapshot, Store, Update

_log = log.get("broker.watch")
Listener = Callable[[Update], None]


class MapKeeper:
    """Keeps the current map. ``current`` is replaced in one assignment: whoever read it keeps a whole one.

    Changes of our own are put into the map before the watch brings them back. Until it does, older news of the same
    keys is passed over, so that the map never goes back behind what we did; and what it brings back is not read again.
    """

    def __init__(
        self,
        store: Store,
        kinds: Mapping[str, WrapperKind] | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._kinds, self._now_s = store, kinds, now_s
        self.current = VirtualMap.empty(kinds)
        self._changed = threading.Condition()
        self._ahead: dict[str, tuple[IntentChange, int]] = {}  # own changes; the revision, 0 while not committed
        self._seen = 0  # revision of the latest update of the watch
        self._heard_s: float | None = None  # None: never; else when the store was last known to be there
        self._away = True
        self._listeners: list[Listener] = []
        self._unreadable: frozenset[str] = frozenset()
        self._watch = store.watch("")
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to follow the store."""
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._watch.close()
        if self._thread.is_alive():
            self._thread.join(5)

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` in the watcher's thread with each update, after the map was swapped."""
        self._listeners.append(listener)

    @property
    def ready(self) -> bool:
        """Has it ever seen the store?"""
        return self._heard_s is not None

    @property
    def away(self) -> bool:
        """Is the store away now?"""
        return self._away

    @property
    def age_s(self) -> float:
        """For how long the map has been stale: 0 while the store is heard."""
        return self._now_s() - self._heard_s if self._away and self._heard_s is not None else 0.0

    def wait_for(self, condition: Callable[[VirtualMap], bool], timeout_s: float) -> bool:
        """Wait until a map fits ``condition``; whether one did."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.current), timeout_s)

    def put(self, changes: Iterable[IntentChange], revision: int) -> VirtualMap:
        """Put changes of our own into the map: committed at ``revision``, or 0 when they will be written later."""
        changes = tuple(changes)
        with self._changed:
            for change in changes:
                self._ahead[change.key] = (change, revision)
            self._swap(self.current.with_changes(changes, revision, self._now_s()))
            return self.current

    def decide_and_put(self, deciders: Iterable[Callable[[VirtualMap], tuple[IntentChange, ...]]]) -> None:
        """Decide one after the other, each on the map that the one before left, with nothing of others in between.

        When one raises, nothing of them all is put in.
        """
        with self._changed:
            vmap, ahead = self.current, {}
            for decide in deciders:
                if changes := decide(vmap):
                    ahead.update({change.key: (change, 0) for change in changes})
                    vmap = vmap.with_changes(changes, 0, self._now_s())
            self._ahead.update(ahead)
            self._swap(vmap)

    def settled(self, changes: Iterable[IntentChange], revision: int) -> None:
        """Changes put in earlier were committed now, unless newer ones took their place."""
        with self._changed:
            for change in changes:
                if self._ahead.get(change.key, (None, 0))[0] is not change:
                    continue
                if revision <= self._seen:  # the watch was faster than the answer to our commit
                    del self._ahead[change.key]
                else:
                    self._ahead[change.key] = (change, revision)

    def dropped(self, change: IntentChange) -> None:
        """A change put in earlier will never be committed: believe the store again."""
        with self._changed:
            if self._ahead.get(change.key, (None, 0))[0] is change:
                del self._ahead[change.key]

    def _run(self) -> None:
        for update in self._watch:
            try:
                self._take(update)
            except Exception:  # noqa: BLE001  (the next update may be right)
                _log.exception("watch-update-failed", revision=update.revision)

    def _take(self, update: Update) -> None:
        with self._changed:
            if update.away:
                if not self._away:
                    _log.warning("store-away", reason=update.away)
                self._away = True
            else:
                if self._away:
                    _log.info("store-heard", revision=update.revision)
                self._away, self._heard_s = False, self._now_s()
            if update.snapshot:
                self._begin(update.snapshot)
            elif update.changes:
                fresh = [change for change in update.changes if not self._known(change)]
                batch = [(each.key, each.value.text if each.value else None, each.revision) for each in fresh]
                self._swap(self.current.apply(batch, self._now_s(), update.revision))
            self._seen = update.revision
        for listener in self._listeners:
            listener(update)

    def _begin(self, snapshot: Snapshot) -> None:
        texts = {key: (value.text, value.mod_revision) for key, value in snapshot.values.items()}
        vmap = VirtualMap.build(texts, self._now_s(), snapshot.revision, self._kinds)
        waiting = [(change, revision) for change, revision in self._ahead.values() if not revision]
        self._ahead = {change.key: (change, revision) for change, revision in waiting}
        self._swap(vmap.with_changes([change for change, _ in waiting], 0, self._now_s()))

    def _known(self, change: Change) -> bool:
        """Is this what we put in ourselves, or older?"""
        ahead = self._ahead.get(change.key)
        if ahead is None:
            return False
        revision = ahead[1]
        if revision and change.revision >= revision:
            del self._ahead[change.key]
            return change.revision == revision
        return True

    def _swap(self, vmap: VirtualMap) -> None:
        self.current = vmap
        if len(vmap.unreadable) != len(self._unreadable):
            for key in vmap.unreadable.keys() - self._unreadable:
                _log.warning("key-unreadable", key=key, begins=vmap.unreadable[key])
            self._unreadable = frozenset(vmap.unreadable)
        self._changed.notify_all()
