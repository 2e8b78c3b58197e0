"""Big island: one session, very many participants, all of them potential speakers."""

from __future__ import annotations

from broker.core.scenarios.archipelago import Archipelago


class BigIsland(Archipelago):
    """The scenario's answers."""
