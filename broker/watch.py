"""The watcher: one thread follows the store and swaps in the next map; everybody else reads the current one."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from broker.core.decisions import IntentChange
from broker.core.virtual_map import VirtualMap
from broker.core.wrappers import WrapperKind
from rtcdn import log
from rtcdn.store.port import Change, Snapshot, Store, Update

_log = log.get("broker.watch")
Listener = Callable[[Update], None]
Batch = Iterable[tuple[str, str | None, int] | IntentChange]
Journal = Callable[[str, Batch, int, VirtualMap, float], None]  # snapshot, changes or put; revision; the map then; when
GC_THRESHOLDS = (50_000, 20, 100)


def spare_the_map() -> None:
    """Let this process look for garbage in cycles seldom.

    Each look walks every record that reports have renewed since the last: at 1,000 nodes 5 ms every 0.7 s, during
    which nothing else runs. Records hold no cycles; what does (a request's traceback) can wait.
    """
    gc.set_threshold(*GC_THRESHOLDS)


@dataclass(slots=True)
class _Ahead:
    """A change of ours that stands on the map before the watch has brought it."""

    change: IntentChange
    revision: int  # of its commit, 0 while it is not committed
    later: Change | None = None  # the latest news of its key that was passed over because nobody knew which is newer


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
        self._ahead: dict[str, _Ahead] = {}
        self._seen = 0  # the revision up to which the watch has brought everything
        self._heard_s: float | None = None  # None: never; else when the store was last known to be there
        self._away = True
        self._listeners: list[Listener] = []
        self._onlookers: list[Callable[[], None]] = []
        self.journal: Journal = lambda *_: None  # called alone, in the order of the maps
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

    def look_on(self, onlooker: Callable[[], None]) -> None:
        """Call ``onlooker`` whenever the map was swapped, by whomever, in his thread: it must return at once."""
        self._onlookers.append(onlooker)

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
        with self._changed:
            fresh = [change for change in changes if self._goes_ahead(change, revision)]
            now_s = self._now_s()
            self._swap(self.current.with_changes(fresh, revision, now_s))
            self.journal("put", fresh, revision, self.current, now_s)
            return self.current

    def _goes_ahead(self, change: IntentChange, revision: int) -> bool:
        """Is a change of ours news to the map? Not when the watch was faster than we."""
        if not revision or revision > self._seen:
            self._ahead[change.key] = _Ahead(change, revision)
            return True
        known = self._ahead.pop(change.key, None)
        return known is not None and not self._believe(known.later, revision)

    def _believe(self, later: Change | None, revision: int) -> bool:
        """Put in news that was passed over, if it is newer than ``revision``; whether it is."""
        if later is None or later.revision <= revision:
            return False
        text = later.value.text if later.value else None
        self._apply([(later.key, text, later.revision)], 0)
        return True

    def decide_and_put(self, deciders: Iterable[Callable[[VirtualMap], tuple[IntentChange, ...]]]) -> None:
        """Decide one after the other, each on the map that the one before left, with nothing of others in between.

        When one raises, nothing of them all is put in.
        """
        with self._changed:
            vmap, ahead, done = self.current, {}, []
            for decide in deciders:
                if changes := decide(vmap):
                    ahead.update({change.key: _Ahead(change, 0) for change in changes})
                    now_s = self._now_s()
                    vmap = vmap.with_changes(changes, 0, now_s)
                    done.append((changes, vmap, now_s))
            self._ahead.update(ahead)
            self._swap(vmap)
            for changes, then, now_s in done:
                self.journal("put", changes, 0, then, now_s)

    def settled(self, changes: Iterable[IntentChange], revision: int) -> None:
        """Changes put in earlier were committed now, unless newer ones took their place."""
        with self._changed:
            for change in changes:
                known = self._ahead.get(change.key)
                if known is None or known.change is not change:
                    continue
                if revision > self._seen:
                    known.revision = revision
                else:  # the watch was faster than the answer to our commit
                    del self._ahead[change.key]
                    self._believe(known.later, revision)

    def _run(self) -> None:
        for update in self._watch:
            try:
                self._take(update)
            except Exception:  # noqa: BLE001  (the next update may be right)
                _log.exception("watch-update-failed", revision=update.revision)

    def _take(self, update: Update) -> None:
        with self._changed:
            if update.snapshot:
                self._begin(update.snapshot)
            elif update.changes:
                fresh = [change for change in update.changes if not self._known(change)]
                batch = [(each.key, each.value.text if each.value else None, each.revision) for each in fresh]
                self._apply(batch, update.revision)
            # A store that was replaced by an empty one counts from the beginning again.
            self._seen = update.revision if update.snapshot else max(self._seen, update.revision)
            self._hear(update)
        for listener in self._listeners:
            listener(update)

    def _hear(self, update: Update) -> None:
        """Note whether the store is there; the first time only once the first map stands."""
        if update.away:
            if not self._away:
                _log.warning("store-away", reason=update.away)
            self._away = True
        else:
            if self._away:
                _log.info("store-heard", revision=update.revision)
            self._away, self._heard_s = False, self._now_s()

    def _begin(self, snapshot: Snapshot) -> None:
        texts = {key: (value.text, value.mod_revision) for key, value in snapshot.values.items()}
        now_s = self._now_s()
        vmap = VirtualMap.build(texts, now_s, snapshot.revision, self._kinds)
        vmap = replace(vmap, number=self.current.number + 1)
        self.journal("snapshot", [(key, *value) for key, value in texts.items()], snapshot.revision, vmap, now_s)
        self._ahead = {key: each for key, each in self._ahead.items() if not each.revision}
        for key, each in self._ahead.items():
            value = snapshot.values.get(key)
            each.later = Change(key, value, value.mod_revision if value else snapshot.revision)
        ours = [each.change for each in self._ahead.values()]
        self._swap(vmap.with_changes(ours, 0, now_s))
        self.journal("put", ours, 0, self.current, now_s)

    def _known(self, change: Change) -> bool:
        """Is this what we put in ourselves, or older?"""
        ahead = self._ahead.get(change.key)
        if ahead is None:
            return False
        if not ahead.revision:
            ahead.later = change
        elif change.revision >= ahead.revision:
            del self._ahead[change.key]
            return change.revision == ahead.revision
        return True

    def _apply(self, batch: list[tuple[str, str | None, int]], revision: int) -> None:
        now_s = self._now_s()
        self._swap(self.current.apply(batch, now_s, revision))
        self.journal("changes", batch, revision, self.current, now_s)

    def _swap(self, vmap: VirtualMap) -> None:
        self.current = vmap
        if len(vmap.unreadable) != len(self._unreadable):
            for key in vmap.unreadable.keys() - self._unreadable:
                _log.warning("key-unreadable", key=key, begins=vmap.unreadable[key])
            self._unreadable = frozenset(vmap.unreadable)
        self._changed.notify_all()
        for onlooker in self._onlookers:
            onlooker()
