"""Atollo: hundreds of small isolated sessions. Room, mix and stage of one stand together on one host."""

from __future__ import annotations

from broker.core.scenarios.archipelago import Archipelago


class Atollo(Archipelago):
    """The scenario's answers."""
