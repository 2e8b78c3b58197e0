"""What an apply would change, as an operator reads it. Pure: made of what a playbook in check mode told, and of drift.

A change is a task that would change something on a host, with the lines that would go and come. Stack files say what of
the services changes, and which configs and secrets, by name; the content of a secret is nowhere in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN_LINES, SHOWN_CHARACTERS = 12, 160  # of one change, unless all are wanted
STACK_FILE = re.compile(r"/stacks/(?P<stack>[^/]+)\.yml$")
HASH = re.compile(r"labels: .*rtcdn\.spec: ")  # follows whatever else changed in the service
OBJECT = re.compile(r'\{source: "(?P<name>[^"]+)".*mode: (?P<mode>0\d{3})\}')
SECRET_MODE = "0400"  # noqa: S105 - as templates/stack.yml.j2 mounts them


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would change on one host. ``kind``: stack, file or task."""

    host: str
    kind: str
    what: str
    lines: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()  # that a stack would have and has not
    secrets: tuple[str, ...] = ()

    @property
    def new(self) -> bool:
        """Whether nothing goes: it is not there yet."""
        return bool(self.lines) and all(line.startswith("+") for line in self.lines)


@dataclass(slots=True)
class Plan:
    """Everything that ``rtcdn plan`` says."""

    event: str
    deployment: str
    offline: bool = False
    drift_only: bool = False
    notice: str = ""  # of a command that is under way or was cut off
    declared: dict[str, Any] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    services: list[str] = field(default_factory=list)  # of each stack those that would be replaced, in words
    images: list[str] = field(default_factory=list)  # to be built, loaded or pushed
    drift: list[str] = field(default_factory=list)
    sessions: dict[str, list[str]] = field(default_factory=dict)  # by node that would be replaced or go
    leaving: list[str] = field(default_factory=list)  # nodes that are drained and removed, and hosts
    scaled: list[str] = field(default_factory=list)  # nodes that scale started beyond the event
    capacity: str = ""
    cost: str = ""
    misfits: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def has_demo(self) -> bool:
        """Whether the synthetic speaker is declared."""
        return "speaker" in self.declared.get("stacks", [])

    @property
    def certificates(self) -> list[str]:
        """Those that would be made anew."""
        return list(self.declared.get("certificates_due", []))

    @property
    def count(self) -> int:
        """How many things would change."""
        return len(self.changes) + len(self.images) + len(self.drift) + len(self.certificates) + len(self.leaving)

    @property
    def code(self) -> int:
        """As ``rtcdn plan`` ends: 0 nothing would change, 2 something would, 1 it could not be told."""
        return 1 if self.errors else (2 if self.count or self.notice else 0)

    def to_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "certificates": self.certificates, "count": self.count, "code": self.code}


def told(events: Iterable[Mapping[str, Any]]) -> list[Change]:
    """The changes that the callback plugin told of: see ``Outcome.changes``."""
    found = []
    for event in events:
        task = str(event["task"]).removeprefix(f"{event['role']} : ")
        for detail in event["details"] or [{"what": "", "diff": []}]:
            what, lines = str(detail["what"]), tuple(str(line) for line in detail["diff"])
            stack = STACK_FILE.search(what)
            if stack:
                found.append(_stack(event["host"], stack["stack"], lines))
            elif what.startswith("/"):
                found.append(Change(event["host"], "file", what, lines))
            else:
                named = f"{event['role']}: {task}" if event["role"] else task
                found.append(Change(event["host"], "task", f"{named} ({what})" if what else named, lines))
    return list(dict.fromkeys(found))


def _stack(host: str, name: str, lines: tuple[str, ...]) -> Change:
    made: dict[bool, dict[str, None]] = {True: {}, False: {}}
    for line in lines:
        match = OBJECT.search(line)
        if match and line.startswith("+"):
            made[match["mode"] == SECRET_MODE][match["name"]] = None
    telling = tuple(line for line in lines if not HASH.search(line)) or lines
    return Change(host, "stack", name, telling, tuple(made[False]), tuple(made[True]))


def touched(changes: Iterable[Change], leaving: Iterable[str], nodes: Mapping[str, Any]) -> dict[str, list[str]]:
    """Sessions by node that would be replaced or go. ``nodes``: of the broker's map."""
    ids = {change.what.removeprefix("janus_").removeprefix("ai_") for change in changes if change.kind == "stack"}
    return {
        name: list(nodes[name].get("sessions", []))
        for name in sorted({*ids, *leaving} & nodes.keys())
        if nodes[name].get("sessions")
    }


def text(plan: Plan, whole: bool = False, verdict: bool = True) -> str:
    """The plan for people; ``whole``: with all lines of every change; ``verdict``: and what to do next."""
    parts = [_head(plan)]
    if plan.errors:
        return "\n".join([*parts, *(f"! {each}" for each in plan.errors)])
    parts += [_hosts(plan)] if plan.declared else []
    parts += [_section("Would change", [line for each in plan.changes for line in _change(each, whole)])]
    parts += [_section("Services that would be replaced, one after the other", plan.services)]
    parts += [_section("Images to make or push", [f"+ {each}" for each in plan.images])]
    parts += [_section("Certificates to make", [f"+ {each}" for each in plan.certificates])]
    parts += [_section("Drained and removed, the event does not have them", [f"- {each}" for each in plan.leaving])]
    parts += [_section("Drift: what runs is not what was deployed", [f"! {each}" for each in plan.drift])]
    parts += [_section("Sessions on nodes that change (drained first)", _sessions(plan))]
    parts += [_section("Started by scale beyond the event", plan.scaled)]
    parts += [_section("Capacity", plan.capacity.splitlines())]
    parts += [_section("Does not fit", [f"! {each}" for each in plan.misfits])]
    parts += [_section("Cost", plan.cost.splitlines())]
    parts += [_section("Notes", plan.notes)]
    return "\n".join([each for each in parts if each] + ([_verdict(plan)] if verdict else []))


def _head(plan: Plan) -> str:
    head = f"Plan of {plan.event}, deployment {plan.deployment}\n"
    return head + (f"! {plan.notice}\n" if plan.notice else "")


def _hosts(plan: Plan) -> str:
    rows = [
        f"{host}  {plan.declared['hosts'][host]['region']}  "
        + (", ".join(duties) or ("spare" if plan.declared["hosts"][host]["spare"] else "-"))
        for host, duties in plan.declared["duties"].items()
    ]
    return _section("Hosts and duties", rows)


def _change(change: Change, whole: bool) -> list[str]:
    mark = "+" if change.new else "~"
    if change.kind == "stack" and change.new and not whole:
        return [f"{mark} {change.host}: stack {change.what}", *_objects(change)]
    most = len(change.lines) if whole else SHOWN_LINES
    shown = change.lines[:most] if whole else [line[:SHOWN_CHARACTERS] for line in change.lines[:most]]
    lines = [f"    {line.rstrip()}" for line in shown]
    lines += [f"    ... {len(change.lines) - most} lines more (--full)"] if len(change.lines) > most else []
    kind = "stack " if change.kind == "stack" else ""
    return [f"{mark} {change.host}: {kind}{change.what}", *_objects(change), *lines]


def _objects(change: Change) -> list[str]:
    lists = (("config", change.configs), ("secret", change.secrets))
    return [f"    + {word}s {', '.join(names)}" for word, names in lists if names]


def _sessions(plan: Plan) -> list[str]:
    return [f"{node}: {', '.join(sessions)}" for node, sessions in plan.sessions.items()]


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines), ""]) if lines else ""


def _verdict(plan: Plan) -> str:
    if plan.offline:
        return f"No host was asked (--offline): what would change is told by bin/rtcdn plan {plan.event}"
    if plan.code == 0 and plan.drift_only:
        return "What runs is what was deployed."
    if plan.code == 0:
        return "Nothing would change."
    things = (
        f"{plan.count} thing{'s' if plan.count != 1 else ''} would change"
        if plan.count
        else "The last command is to be finished"
    )
    return f"{things}: bin/rtcdn apply {plan.event}"
