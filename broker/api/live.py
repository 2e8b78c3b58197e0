"""The live map: whole, and as server-sent events."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from broker.api.context import Answer, parts, require_operator
from broker.api.problems import Busy
from rtcdn.store.port import Update

api = APIBlueprint("map", __name__, url_prefix="/v1", abp_tags=[Tag(name="map")])
api.before_request(require_operator)
MAX_FOLLOWERS = 4  # each holds one of the server's threads
BACKLOG = 1000
QUIET_S = 10.0


class Followers:
    """Who follows the map; one that does not keep up is cut off and must begin anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: set[queue.Queue[Update | None]] = set()

    def join(self) -> queue.Queue[Update | None]:
        """A queue of updates, ended by None; ``Busy`` when there are too many."""
        with self._lock:
            if len(self._queues) >= MAX_FOLLOWERS:
                raise Busy(f"{MAX_FOLLOWERS} follow the map of this replica already")
            made: queue.Queue[Update | None] = queue.Queue(BACKLOG)
            self._queues.add(made)
            return made

    def leave(self, followed: queue.Queue[Update | None]) -> None:
        """Stop following."""
        with self._lock:
            self._queues.discard(followed)

    def heard(self, update: Update) -> None:
        """Tell everybody; called in the watcher's thread."""
        with self._lock:
            for each in tuple(self._queues):
                try:
                    each.put_nowait(update)
                except queue.Full:
                    self._queues.discard(each)
                    each.queue.clear()
                    each.put_nowait(None)


followers = Followers()


@api.get("/map")
def see_map() -> Answer:
    """The whole map."""
    keeper = parts().keeper
    return jsonify({**keeper.current.to_dict(), "age_s": round(keeper.age_s, 3)})


@api.get("/map/events")
def follow_map() -> Answer:
    """The whole map first (event ``map``), then each change (``change``), and ``away`` while the store is."""
    keeper, followed = parts().keeper, followers.join()
    return Response(_events(followed, keeper.current.to_dict), mimetype="text/event-stream")


def _events(followed: queue.Queue[Update | None], whole: Any) -> Iterator[str]:
    try:
        yield _event("map", whole())
        while True:
            try:
                update = followed.get(timeout=QUIET_S)
            except queue.Empty:
                yield ": quiet\n\n"
                continue
            if update is None:
                return
            if update.away:
                yield _event("away", {"reason": update.away})
            elif update.snapshot:
                yield _event("map", whole())
            elif update.changes:
                yield _event("change", {"revision": update.revision, "keys": _changed(update)})
    finally:
        followers.leave(followed)


def _changed(update: Update) -> dict[str, Any]:
    return {change.key: _readable(change.value.text) if change.value else None for change in update.changes}


def _readable(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
