"""What the participants held here need of others: the mesh of gateways, and the broker's word of who is on stage."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from gateway.client.events import Data, Person, Seat, Stage


class MeshLike(Protocol):
    """``gateway.mesh.Mesh``: the other gateways."""

    def put(self, session: str, person: Person) -> None:
        """He is here, and as others see him."""

    def drop(self, session: str, participant: str) -> None:
        """He is not here any more."""

    def talk(self, session: str, participant: str, on: bool) -> None:
        """He talks, or not."""

    def say(self, session: str, data: Data) -> Coroutine[Any, Any, int]:
        """Number and spread a message."""

    def tell(self, session: str, to: str, what: dict[str, Any]) -> Coroutine[Any, Any, bool]:
        """Tell one participant's gateway."""

    def page(self, session: str, after: str, limit: int, search: str) -> Coroutine[Any, Any, Any]:
        """A page of participants."""

    def release(self, gateway_id: str, session: str, participant: str) -> Coroutine[Any, Any, bool]:
        """Ask another gateway to let go of one."""

    def since(self, session: str, n: int) -> list[Data]:
        """Messages after ``n``."""

    def state(self, session: str) -> Any:
        """What is known now: ``roster``, ``hands``, ``talking``."""


def read_stage(message: dict[str, Any]) -> Stage:
    """The broker's stage as clients are told it; whatever cannot be read is left out."""
    seats, names = message.get("seats"), message.get("names")
    names = names if isinstance(names, dict) else {}
    found: Sequence[tuple[str, Any]] = sorted(seats.items()) if isinstance(seats, dict) else ()
    shown = []
    for slot, seat in found:
        if isinstance(seat, dict) and seat.get("participant"):
            who = str(seat["participant"])
            source = "screen" if seat.get("source") == "screen" else "camera"
            shown.append(Seat(str(slot), who, str(names.get(who, "")), source))  # type: ignore[arg-type]
    main = next((seat.slot for seat in sorted(shown, key=lambda s: (s.slot[0] != "v", s.slot))), "v1")
    return Stage(seats=shown, main=main)
