"""Requests of operators and of time that shape a session as a whole; all of them are the leader's.

They are records like those of ``requests``, which is where to import them from.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rtcdn.model import Record


@dataclass(frozen=True, slots=True)
class _Change(Record):
    """What concerns a session and needs the leader."""

    session: str

    @property
    def attach_class(self) -> bool:
        """Contexts and links: the leader's."""
        return False


@dataclass(frozen=True, slots=True)
class ChangeScenario(_Change):
    """A running session takes another scenario; nobody joins again."""

    scenario: str


@dataclass(frozen=True, slots=True)
class PutTap(_Change):
    """Give a module the ``source``, "mix" or a participant, as RTP; ``speaks``: and hear it. Again: no change.

    ``module``: an AI node; empty: the policy's choice. See ``broker.core.taps``.
    """

    tap: str
    source: str = "mix"
    speaks: bool = False
    module: str = ""


@dataclass(frozen=True, slots=True)
class EndTap(_Change):
    """Take a tap away; one that is not there is fine."""

    tap: str


@dataclass(frozen=True, slots=True)
class Warmup(_Change):
    """Allocate stages and links ahead for so many viewers in each region, beside what the audience asks for."""

    viewers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reorganise(_Change):
    """Take the next safe step to serve a session with fewer contexts; asked again until nothing comes.

    ``portion``: most participants to move in this step (0: the policy's).
    """

    portion: int = 0


@dataclass(frozen=True, slots=True)
class Watched(_Change):
    """Whom participants want to see, most wanted first (big_island): they get slots that nobody talks in."""

    participants: tuple[str, ...] = ()
