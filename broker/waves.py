"""Which steps of a plan are performed side by side: over regions it takes as long as its longest way, not as all.

A wave holds steps that stand in a row, do the same sort of thing, and have no port, room or participant in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from broker.core.actions import CreateContext, DestroyContext, RepointLink, StartLink, Step, StopLink
from broker.core.plan import AMONG_MIXES
from rtcdn.model import Kind, LinkIntent

ALONE = ("tap", "trunk")  # links whose ends are told of each other


def waves(steps: Iterable[Step]) -> Iterator[tuple[Step, ...]]:
    """The steps in their order, cut where one must wait for those before it."""
    wave: list[Step] = []
    taken: set[str] = set()
    last = ""
    for step in steps:
        sort, uses = _sort(step), _uses(step)
        if wave and (not uses or sort != last or taken & uses):
            yield tuple(wave)
            wave, taken = [], set()
        wave.append(step)
        taken |= uses
        last = sort if uses else ""
    if wave:
        yield tuple(wave)


def _sort(step: Step) -> str:
    """Steps of one sort need nothing of each other; a remote publisher must be there before what leaves from it."""
    link = _link(step)
    among = "" if link is None else "remote" if link.kind == "remote" else "mixes" if link.kind in AMONG_MIXES else ""
    return f"{type(step).__name__} {among}"


def _uses(step: Step) -> frozenset[str]:
    """What it alone may touch meanwhile; empty for a step that is performed by itself."""
    match step:
        case CreateContext(after=context) | DestroyContext(before=context):
            return frozenset() if context.kind == Kind.AI else frozenset({step.id})
        case StartLink(after=link) | StopLink(before=link) if link.kind not in ALONE:
            return _of_link(link)
        case RepointLink(before=before, after=link) if link.kind in ("slot", "mix"):
            return frozenset({f"into {before.target}", f"into {link.target}"})
    return frozenset()


def _of_link(link: LinkIntent) -> frozenset[str]:
    """A slot and a mix have ports of their own; others meet in a mix or a room, and a voice may be sent once only."""
    if link.kind in ("slot", "mix"):
        return frozenset({f"into {link.target} {link.slot}"})
    return frozenset({f"into {link.target}", f"from {link.source} {link.participant}"})


def _link(step: Step) -> LinkIntent | None:
    match step:
        case StartLink(after=link) | StopLink(before=link) | RepointLink(after=link):
            return link
    return None
