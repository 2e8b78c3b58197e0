"""The watcher: one thread follows the store and swaps in the next map; everybody else reads the current one."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from broker.ahead import Ahead, Known, take_in
from broker.core.decisions import IntentChange
from broker.core.virtual_map import VirtualMap, record_at
from broker.core.wrappers import WrapperKind
from rtcdn import log
from rtcdn.errors import StoreConflict
from rtcdn.store.port import Change, Snapshot, Store, Update, Value

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


class MapKeeper:
    """Keeps the current map. ``current`` is replaced in one assignment: whoever read it keeps a whole one.

    Changes of our own are put into the map before the watch brings them back. Until it does, older news of the same
    keys is passed over, so that the map never goes back behind what we did; and what it brings back is not read again.
    One that is not written yet is merged with what others wrote meanwhile.
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
        self._ahead: dict[str, Ahead] = {}
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
        if not revision:
            self._ahead[change.key] = self._ours(change)
            return True
        if revision > self._seen:
            self._ahead[change.key] = Ahead(change, revision)
            return True
        known = self._ahead.pop(change.key, None)
        if known and known.base.revision > revision:
            self._apply([(change.key, known.base.text, known.base.revision)], 0)
        return known is not None and known.base.revision <= revision

    def _ours(self, change: IntentChange) -> Ahead:
        """A change that is not written, and what it changes of the store."""
        before = self._ahead.get(change.key)
        if before is None:
            record = record_at(self.current, change.key)
            return Ahead(change, 0, Known(record, record.to_json() if record else None))
        committed = Known(before.change.record, before.change.value, before.revision)
        return Ahead(change, 0, committed if before.revision else before.base)

    def decide_and_put(self, deciders: Iterable[Callable[[VirtualMap], tuple[IntentChange, ...]]]) -> None:
        """Decide one after the other, each on the map that the one before left, with nothing of others in between.

        When one raises, nothing of them all is put in.
        """
        with self._changed:
            vmap, done = self.current, []
            ahead: dict[str, IntentChange] = {}
            for decide in deciders:
                if changes := decide(vmap):
                    ahead.update({change.key: change for change in changes})
                    now_s = self._now_s()
                    vmap = vmap.with_changes(changes, 0, now_s)
                    done.append((changes, vmap, now_s))
            self._ahead.update({key: self._ours(change) for key, change in ahead.items()})
            self._swap(vmap)
            for changes, then, now_s in done:
                self.journal("put", changes, 0, then, now_s)

    def unwritten(self, names: Iterable[str]) -> list[tuple[IntentChange, str | None]]:
        """What is to be written of these keys, each with the text that it changes (None: there is no such key)."""
        with self._changed:
            found = ((name, self._ahead.get(name)) for name in names)
            return [(each.change, each.base.text) for name, each in found if each and not self._written(name, each)]

    def settled(self, changes: Iterable[IntentChange], revision: int) -> None:
        """Changes were committed on what ``unwritten`` said; newer ones of the same keys are still to be written."""
        with self._changed:
            for change in changes:
                known = self._ahead.get(change.key)
                if known is None or known.revision:
                    continue
                if known.base.revision < revision:  # else the watch has brought it, and what came after it
                    known.base = Known(change.record, change.value, revision)
                self._written(change.key, known)

    def stored(self, key: str, vmap: VirtualMap) -> str | None:
        """Text that the store has of what a map shows under a key; ``StoreConflict`` where it is news to that map."""
        with self._changed:
            record, known = record_at(vmap, key), self._ahead.get(key)
            if record_at(self.current, key) != record:
                raise StoreConflict(f"{key} changed while it was decided")
            if known and not known.revision:
                return known.base.text
            return record.to_json() if record else None

    def found(self, key: str, value: Value | None, revision: int) -> None:
        """The store held this when it was read at ``revision``: what is to be written of the key is merged with it."""
        with self._changed:
            known = self._ahead.get(key)
            if known and not known.revision:
                self._merge(known, Change(key, value, value.mod_revision if value else revision))

    def _written(self, key: str, known: Ahead) -> bool:
        """Whether the store holds what we want of a key; then it is awaited from the watch, or was brought already."""
        if known.revision or known.change.record != known.base.record:
            return bool(known.revision)
        if known.base.revision > self._seen:
            known.revision = known.base.revision
        else:
            del self._ahead[key]
        return True

    def _merge(self, known: Ahead, news: Change) -> None:
        """Others changed what ours stands on, or it is ours that comes back."""
        before = known.change
        take_in(known, news)
        if known.change is not before:
            now_s = self._now_s()
            self._swap(self.current.with_changes((known.change,), 0, now_s))
            self.journal("put", (known.change,), 0, self.current, now_s)

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
            take_in(each, Change(key, value, value.mod_revision if value else snapshot.revision))
        ours = [each.change for each in self._ahead.values()]
        self._swap(vmap.with_changes(ours, 0, now_s))
        self.journal("put", ours, 0, self.current, now_s)

    def _known(self, change: Change) -> bool:
        """Is this what we put in ourselves, or older?"""
        ahead = self._ahead.get(change.key)
        if ahead is None:
            return False
        if not ahead.revision:
            if change.revision > ahead.base.revision:
                self._merge(ahead, change)
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
