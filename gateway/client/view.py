"""What a client receives: the layer of each slot by his ``Layers``, and the mix, which pauses while he is heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import structs

from gateway.client.connection import Connection
from gateway.client.connections import Connections
from gateway.client.effects import Shape, Shown, Todo
from gateway.client.events import Event, QualityEvent, Received
from gateway.client.requests import ConnectionFigures, Wanted

MIX = "a"
ASK_S = 0.5  # layers are changed at most so often
HIGHEST = 2  # what a new leg sends by itself


class LayersLike(Protocol):
    """``gateway.client.layers.Layers``."""

    @property
    def network(self) -> Any:
        """good, fair, poor."""

    def layout(self, videos: Sequence[Wanted]) -> None:
        """What is shown."""

    def limit(self, limit: Any) -> None:
        """The most that shall be received."""

    def statistics(self, figures: ConnectionFigures, now_s: float) -> None:
        """Figures of the receive connection; ``mid`` of a stream is its slot."""

    def load(self, pct: float) -> None:
        """Load of the egress."""

    def choose(self, now_s: float) -> dict[str, Received]:
        """Layer of each slot."""


class View:
    """The view of one client."""

    def __init__(
        self,
        todo: Todo,
        connections: Connections,
        say: Callable[[Event], None],
        make: Callable[[tuple[str, ...]], LayersLike],
    ) -> None:
        self._todo, self._connections, self._say, self._make = todo, connections, say, make
        self._layers: LayersLike | None = None
        self._slots: tuple[str, ...] = ()
        self._videos: list[Wanted] | None = None
        self._limit = "auto"
        self._weights: Mapping[str, float] = {}
        self._told: dict[str, tuple[bool, int]] = {}
        self._quality: QualityEvent | None = None
        self._at_s = float("-inf")
        self._waits = False
        self.hears_mix = True

    def started(self, connection: Connection, then: Callable[[float], None], now_s: float) -> None:
        """A leg is there: shape it before its client hears of it, so that nothing unwanted is ever sent."""
        slots = tuple(each.slot for each in connection.media if each.slot)
        if self._layers is None or slots != self._slots:
            self._slots, self._layers = slots, self._make(slots)
            if self._videos is not None:
                self._layers.layout(self._videos)
            self._layers.limit(self._limit)
        self._load(connection)
        self._told, self._quality = {}, None
        media = self._changes(now_s, tell=False)
        if not self.hears_mix:
            media = (Shown(MIX, send=False), *media)

        def shaped(_: Any, now_s: float) -> None:
            then(now_s)
            self.again()  # after the answer to his offer

        if media:
            self._todo.ask(lambda op: Shape(op, connection.id, media), shaped)
        else:
            shaped(None, now_s)

    def resume(self) -> None:
        """A leg was taken over: what is sent on it stays until the client says what he shows."""
        view = self._connections.flowing("receive")
        if view:
            self._slots = tuple(each.slot for each in view.media if each.slot)
            self._layers = self._make(self._slots)
            self._load(view)

    def mix(self, on: bool, then: Callable[[float], None], now_s: float) -> None:
        """Send the mix or not: never while he is heard in it."""
        self.hears_mix = on
        views = [each for each in self._connections.all.values() if each.purpose == "receive" and each.answered]
        for each in views[:-1]:
            self._shape(each, (Shown(MIX, send=on),))
        if views:
            ident = views[-1].id
            self._todo.ask(lambda op: Shape(op, ident, (Shown(MIX, send=on),)), lambda _, now: then(now))
        else:
            then(now_s)

    def layout(self, videos: list[Wanted], now_s: float) -> None:
        """What is shown, and how large."""
        self._videos = videos
        if self._layers:
            self._layers.layout(videos)
        self._apply(now_s)

    def limit(self, limit: str, now_s: float) -> None:
        """The most that shall be received."""
        self._limit = limit
        if self._layers:
            self._layers.limit(limit)
        self._apply(now_s)

    def statistics(self, figures: Sequence[ConnectionFigures], now_s: float) -> None:
        """Figures of his connections; those of the newest that receives count."""
        view = self._connections.flowing("receive")
        for each in figures:
            if view and self._layers and each.connection == view.id:
                slots = {media.mid: media.slot for media in view.media if media.slot}
                streams = [structs.replace(s, mid=slots.get(s.mid, "")) for s in each.streams if s.direction == "in"]
                self._layers.statistics(structs.replace(each, streams=streams), now_s)
        self._apply(now_s)

    def weights(self, weights: Mapping[str, float], now_s: float) -> None:
        """Weights of egress nodes, 0 to 100 and above: that of the one which serves him counts."""
        self._weights = weights
        view = self._connections.flowing("receive")
        if view and self._load(view):
            self._apply(now_s)

    def _load(self, view: Connection) -> bool:
        """Take the weight of a leg's node; False when it is not known: then what was known last stands."""
        weight = self._weights.get(view.leg.node)
        if weight is None or self._layers is None:
            return False
        self._layers.load(weight)
        return True

    def again(self) -> None:
        """Say the quality again: the client is back."""
        if self._quality:
            self._say(self._quality)

    def tick(self, now_s: float) -> None:
        """What waited for its time."""
        if self._waits:
            self._apply(now_s)

    def _apply(self, now_s: float) -> None:
        view = self._connections.flowing("receive")
        if view is None or self._layers is None:
            return
        self._waits = now_s - self._at_s < ASK_S
        if self._waits:
            return
        media = self._changes(now_s)
        if media:
            self._at_s = now_s
            self._shape(view, media)

    def _changes(self, now_s: float, *, tell: bool = True) -> tuple[Shown, ...]:
        """What differs from what was told; the client hears of it too, unless not to ``tell`` him now."""
        if self._layers is None:
            return ()
        chosen = self._layers.choose(now_s)
        media = []
        for slot in self._slots:
            received = chosen.get(slot)
            wanted = (received.layer >= 0, received.layer) if received else (True, HIGHEST)
            if wanted != self._told.get(slot, (True, HIGHEST)):
                media.append(Shown(slot, wanted[0], wanted[1]))
                self._told[slot] = wanted
        event = QualityEvent(network=self._layers.network, videos=[chosen[s] for s in self._slots if s in chosen])
        if event != self._quality:
            self._quality = event
            if tell:
                self._say(event)
        return tuple(media)

    def _shape(self, connection: Connection, media: tuple[Shown, ...]) -> None:
        self._todo.ask(lambda op: Shape(op, connection.id, media), lambda _, __: None)
