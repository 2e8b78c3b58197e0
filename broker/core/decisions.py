"""Decisions and refusals: what was chosen and why, before anything is touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from broker.core.actions import Step, step_name
from rtcdn import keys
from rtcdn.model import AttachGrant, Record


@dataclass(frozen=True, slots=True)
class IntentChange:
    """One key of the intent: ``record`` is what should stand there, None deletes it."""

    key: str
    record: Record | None

    @property
    def value(self) -> str | None:
        """The text to write, None to delete."""
        return None if self.record is None else self.record.to_json()


@dataclass(frozen=True, slots=True)
class Reason(Record):
    """A short ``code`` for programs and a sentence for people that names the cure."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Term(Record):
    """One score of a candidate: ``score`` 0 (worst) to 100 (best), times ``weight``."""

    name: str
    score: float
    weight: float


@dataclass(frozen=True, slots=True)
class Candidate(Record):
    """A node that was looked at: terms and their total, or the reason why it may not serve."""

    node: str
    terms: tuple[Term, ...] = ()
    total: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Choice(Record):
    """One placement: for which duty, who was chosen (empty: nobody), the shortlist, and how many others were out."""

    duty: str
    chosen: str = ""
    candidates: tuple[Candidate, ...] = ()
    excluded: dict[str, int] = field(default_factory=dict)  # reason -> nodes left out by an index


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes. Nothing was touched yet: commit ``changes`` first, then perform ``plan``.

    ``changes`` stand in an order in which every prefix is a map that ``Reap`` can mend, so a large decision may
    be committed in several transactions. ``compare_key`` must still have ``revision`` (0: must not exist) when the
    first is committed; a decision that ``needs_leader`` writes that key again, so that two of them conflict.
    """

    id: str
    grant: AttachGrant | None = None
    changes: tuple[IntentChange, ...] = ()
    plan: tuple[Step, ...] = ()
    choices: tuple[Choice, ...] = ()
    reasons: tuple[Reason, ...] = ()  # remarks, such as capacity that falls short of the audience
    compare_key: str = ""
    revision: int = 0

    @property
    def needs_leader(self) -> bool:
        """Whether more than participants' keys change, or anybody must act."""
        return bool(self.plan) or any(not keys.is_participant(change.key) for change in self.changes)

    def shown(self) -> dict[str, Any]:
        """As the decision log and ``GET /v1/decisions/{id}`` show it; records are still whole in it."""
        return {
            "id": self.id,
            "grant": self.grant,
            "changes": [{"key": change.key, "value": change.record} for change in self.changes],
            "plan": [{"step": step_name(step), **step.to_dict()} for step in self.plan],
            "choices": self.choices,
            "reasons": self.reasons,
            "revision": self.revision,
        }


@dataclass(frozen=True, slots=True)
class Refusal:
    """No. ``code``: no-capacity, stage-full, screen-taken, wrong-role, may-not-speak, removed, codec-not-carried,
    taken-over, unknown-gateway, session-full, too-large, busy, wrong-scenario, please-wait, policy-failed,
    not-tappable.

    ``choices`` give the reason per node looked at, and per reason the number of those left out by an index.
    """

    id: str
    code: str
    detail: str
    choices: tuple[Choice, ...] = ()
    position: int = 0  # please-wait: turns up to and with his own
    retry_after_s: float = 0.0
    changes: tuple[IntentChange, ...] = ()  # please-wait: his turn, kept in his key, which needs no leader

    def shown(self) -> dict[str, Any]:
        """As the decision log and the problem document show it; records are still whole in it."""
        shown: dict[str, Any] = {"id": self.id, "refused": self.code, "detail": self.detail, "choices": self.choices}
        return shown | ({"position": self.position, "retry_after_s": self.retry_after_s} if self.position else {})
