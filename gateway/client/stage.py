"""Who is on stage, and how laden its egress nodes are, as the broker tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.client.events import Seat, Stage


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


def read_weights(message: dict[str, Any]) -> dict[str, float]:
    """Weights of the nodes of the session's stages, 0 to 100 and above; whatever cannot be read is left out."""
    weights = message.get("weights")
    found = weights.items() if isinstance(weights, dict) else ()
    return {str(node): float(weight) for node, weight in found if isinstance(weight, int | float)}
