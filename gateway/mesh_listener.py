"""What the mesh of gateways tells to the part that has the clients."""

from __future__ import annotations

from typing import Protocol

from gateway.client.between import Message
from gateway.client.events import Data, Presence, RaisedHand, Roster


class Listener(Protocol):
    """What the mesh tells: called in the event loop, never waited for (but ``let_go``)."""

    def roster(self, session: str, roster: Roster) -> None:
        """How many are here, and who may speak."""

    def presence(self, session: str, presence: Presence, large: bool) -> None:
        """Who came, went or changed; ``large``: for moderators only."""

    def hands(self, session: str, queue: list[RaisedHand]) -> None:
        """The whole hand queue."""

    def talking(self, session: str, participants: list[str]) -> None:
        """Everybody who talks."""

    def data(self, session: str, data: Data) -> None:
        """The next data message: every one of the session, also those ``to`` somebody else, in order."""

    def told(self, session: str, participant: str, what: Message) -> None:
        """Another gateway's participant wants something of ours (``tell``)."""

    async def let_go(self, session: str, participant: str) -> bool:
        """Forget a participant without ending his media: he resumes at another gateway."""
