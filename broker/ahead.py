"""What stands on the map before the store has it, and what the store was known to hold then."""

from __future__ import annotations

from dataclasses import dataclass

from broker.core.decisions import IntentChange
from broker.core.merging import merged
from rtcdn import keys
from rtcdn.model import ParticipantIntent, Record
from rtcdn.store.port import Change


@dataclass(frozen=True, slots=True)
class Known:
    """What the store was last known to hold under a key."""

    record: Record | None = None
    text: str | None = None
    revision: int = 0


@dataclass(slots=True)
class Ahead:
    """A change of ours that stands on the map before the watch has brought it."""

    change: IntentChange
    revision: int  # of its commit, 0 while it is not committed
    base: Known = Known()  # of one that is not committed: what it changes


def take_in(known: Ahead, news: Change) -> None:
    """Merge a change that is not written with what the store holds now."""
    text = news.value.text if news.value else None
    theirs = known.change.record
    if text != known.change.value:
        theirs = ParticipantIntent.from_json(text) if text is not None and keys.is_participant(news.key) else None
    record = merged(known.base.record, known.change.record, theirs)
    known.base = Known(theirs, text, news.revision)
    if record != known.change.record:
        known.change = IntentChange(news.key, record)
