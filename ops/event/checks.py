"""What no schema can say: sums, orders, references from one key to another, files that must be there."""

from __future__ import annotations

from ops.event.model import Event, Spec
from ops.event.source import Source


def before_hosts(spec: Spec, source: Source) -> list[str]:
    """Problems of the text alone."""
    return []


def problems(event: Event) -> list[str]:
    """Problems of the event with its hosts."""
    return []
