"""The errors of rtcdn, one tree.

    RtcdnError
    ├── ConfigError       settings are wrong; lists every problem found
    ├── StoreAway         the store did not answer, for whatever reason
    │   └── LeaseGone     the lease has ended: take a new one, write everything again
    ├── StoreConflict     a compared commit found another revision
    ├── NodeAway          a node did not answer (socket, timeout)
    ├── NodeRefused       a node answered with an error: code and reason
    ├── InvalidRequest    a request is wrong; names the field and the cure
    ├── UnknownSession    no such session
    ├── UnknownParticipant  no such participant in that session
    ├── NotLeader         this replica may not change anything now; names the leader if known
    └── BadToken          a token is forged, expired, or not for this

No capacity is a ``Refusal`` (see ``broker.core.decisions``), not an error.
"""

from __future__ import annotations


class RtcdnError(Exception):
    """Base of every error raised on purpose."""


class ConfigError(RtcdnError):
    """Settings are wrong. ``problems`` lists all of them, each naming the setting and the cure."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class StoreAway(RtcdnError):
    """The store did not answer: serve the last map, tear down nothing."""


class LeaseGone(StoreAway):
    """The lease to write under has ended: take a new one and write everything again."""


class StoreConflict(RtcdnError):
    """A compared commit found another revision: read again, decide again."""


class NodeAway(RtcdnError):
    """A node did not answer within its time."""


class NodeRefused(RtcdnError):
    """A node answered with an error of its own (``code`` as Janus numbers them)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class InvalidRequest(RtcdnError):
    """A request is wrong: ``field`` names where, ``reason`` says what and how to mend it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class UnknownSession(RtcdnError):
    """There is no session of that id."""


class UnknownParticipant(RtcdnError):
    """There is no participant of that id in that session."""


class NotLeader(RtcdnError):
    """Only the leader changes things. ``leader_url`` is where to ask, empty while there is none."""

    def __init__(self, leader_url: str = "") -> None:
        super().__init__(f"not the leader; ask {leader_url or 'again in a moment'}")
        self.leader_url = leader_url


class BadToken(RtcdnError):
    """A token is forged, expired, or not meant for this request."""
