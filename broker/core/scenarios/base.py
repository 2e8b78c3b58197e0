"""What every scenario answers."""

from __future__ import annotations

from typing import Protocol

from broker.core.draft import Draft
from broker.core.requests import Attach
from rtcdn.model import Leg, Role, SessionIntent


class Scenario(Protocol):
    """The shape of a session. Each method puts its changes on the draft, or raises ``Refused``."""

    def check(self, intent: SessionIntent) -> None:
        """Raise InvalidRequest, naming field and cure, for an intent this scenario cannot serve."""
        ...

    def open(self, draft: Draft) -> None:
        """Make what the session needs for its audience; what is there already stays."""
        ...

    def place(self, draft: Draft, request: Attach, want: str) -> Leg:
        """Where the participant's leg ``want`` goes; contexts it lacks are made."""
        ...

    def ready(self, draft: Draft, request: Attach, role: Role) -> Leg | None:
        """A talk leg for one who waits to speak; None when there is no room for one more to wait."""
        ...

    def publishing(self, draft: Draft, participant: str, again: bool) -> None:
        """His publish leg is up: show and mix it. ``again``: its old media is gone, links are made anew."""
        ...

    def silenced(self, draft: Draft, participant: str) -> None:
        """He publishes no longer: stop his links, use his slot again."""
        ...

    def talking(self, draft: Draft, participant: str) -> None:
        """He is the main speaker now."""
        ...

    def rewire(self, draft: Draft) -> None:
        """Make the links follow the contexts there are."""
        ...

    def vacate(self, draft: Draft, node: str, lost: bool) -> None:
        """Move a portion of the session off a node."""
        ...

    def tidy(self, draft: Draft) -> None:
        """Mend what is missing, remove what was idle too long. Asked often: changes nothing when all is well."""
        ...
