"""A broker's decision log again: its maps are built anew, each decision is made once more on its own map and compared.

The log begins with a snapshot when the broker starts; without that line nothing after it can be replayed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from broker.core.decide import decide
from broker.core.decisions import IntentChange
from broker.core.map_draft import READERS
from broker.core.policy.registry import Registry
from broker.core.requests import Request
from broker.core.virtual_map import VirtualMap
from rtcdn.record import compact

REQUESTS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Request)}
MAP_LINES = ("snapshot", "changes", "put")
MISREAD = (KeyError, TypeError, ValueError, AttributeError)  # by a line that is not as a broker writes it
COMPARED = ("id", "grant", "changes", "plan", "choices", "reasons", "revision", "refused", "detail")


@dataclass
class Replayed:
    """How many decisions came out the same."""

    same: int = 0
    different: int = 0
    skipped: int = 0  # made on maps that the log does not hold, or by policies that are not built in
    unreadable: int = 0  # lines
    first: str = ""  # the first difference

    @property
    def well(self) -> bool:
        """Whether there was something to compare, and all of it was the same."""
        return self.same > 0 and not self.different

    def text(self) -> str:
        """In words."""
        lines = [f"{self.same + self.different} decisions replayed: {self.same} the same, {self.different} different"]
        if self.skipped:
            lines.append(
                f"{self.skipped} not replayed: the log does not hold their map, or their policy is not built in"
            )
        if self.unreadable:
            lines.append(f"{self.unreadable} lines are no lines of a decision log")
        if not self.same + self.different:
            lines.append("nothing to compare: name the decision log of a broker, from the snapshot it begins with")
        if self.first:
            lines.append(f"first difference: {self.first}")
        return "\n".join(lines)


@dataclass
class _Life:
    """The lines of one life of a broker, in the order of its maps."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    last: int = 0

    def ordered(self) -> list[dict[str, Any]]:
        """Each map before the decisions that were made on it."""
        return sorted(self.lines, key=lambda line: (line["number"], line["kind"] == "decision"))


def replay(lines: Iterable[str]) -> Replayed:
    """Replay a log. Lines of other sorts are passed over."""
    result = Replayed()
    for life in _lives(lines, result):
        vmap: VirtualMap | None = None
        for line in life.ordered():
            try:
                if line["kind"] == "decision":
                    _again(vmap, line, result)
                elif line["kind"] == "snapshot" or (vmap is not None and line["number"] == vmap.number + 1):
                    vmap = _next_map(vmap, line)
                else:
                    vmap = None  # a line is missing: wait for the next snapshot
            except MISREAD:
                result.unreadable += 1
                vmap = vmap if line["kind"] == "decision" else None
    return result


def _lives(lines: Iterable[str], result: Replayed) -> Iterator[_Life]:
    """Lines by the life of the broker: its maps count from the beginning again when it starts anew."""
    life = _Life()
    for text in lines:
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict) or "kind" not in line:
            result.unreadable += 1
            continue
        kind = line["kind"] if type(line.get("number")) is int else ""
        if kind == "snapshot" and line["number"] <= life.last:
            yield life
            life = _Life()
        if kind in (*MAP_LINES, "decision"):
            life.lines.append(line)
            life.last = max(life.last, line["number"]) if kind in MAP_LINES else life.last
    yield life


def _next_map(vmap: VirtualMap | None, line: dict[str, Any]) -> VirtualMap:
    changes, revision, now_s = line["changes"], line["revision"], line["now_s"]
    if line["kind"] == "snapshot" or vmap is None:
        texts = {key: (text, mod_revision) for key, text, mod_revision in changes}
        return replace(VirtualMap.build(texts, now_s, revision), number=line["number"])
    if line["kind"] == "put":
        own = [IntentChange(key, _record(key, content)) for key, content in changes]
        return vmap.with_changes(own, revision, now_s)
    return vmap.apply([(key, text, mod_revision) for key, text, mod_revision in changes], now_s, revision)


def _record(key: str, content: Any) -> Any:
    return None if content is None else READERS[key.partition(":")[0]].from_dict(content)


def _again(vmap: VirtualMap | None, line: dict[str, Any], result: Replayed) -> None:
    """Make one decision again and compare."""
    kind = REQUESTS.get(line["request"].get("type", ""))
    request = kind.from_dict(line["request"]) if kind else None
    registry, now_s = Registry(), float(line["now_s"])
    known = line["policy"] in registry.names
    if vmap is None or vmap.number != line["number"] or request is None or not known:
        result.skipped += 1
        return
    try:
        outcome = decide(vmap, request, registry.find(line["policy"]), now_s)
        made = json.loads(compact(outcome.shown()))
    except Exception as error:  # noqa: BLE001  (one that failed is no line that cannot be read: it came out otherwise)
        made = {"id": "", "refused": type(error).__name__, "detail": str(error)}
    differing = [name for name in COMPARED if made.get(name) != line.get(name)]
    if not differing:
        result.same += 1
        return
    result.different += 1
    if not result.first:
        name = differing[0]
        what = f"{line['request']['type']} on map {line['number']}"
        result.first = f"{what}, {name}: then {compact(line.get(name))[:300]}, now {compact(made.get(name))[:300]}"
