"""An event file is read: schema first, then what no schema can say."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ops.event import base, checks, host_checks, schema
from ops.event.model import Event, Host, Spec
from ops.event.source import Source, read
from rtcdn.errors import ConfigError


def load(path: str | Path) -> Event:
    """The event in a file; raises ConfigError with every problem: file, line, key and cure."""
    source = read(path)
    _refuse(schema.problems(source))
    spec = msgspec.convert(source.content, Spec, strict=False)
    _refuse(checks.before_hosts(spec, source))
    known = base.hosts(source.path.parent / spec.inventory, source) if spec.inventory else base.Base({}, {})
    event = Event(spec, source, _hosts(spec, source, known), known.variables)
    _refuse(host_checks.problems(event))
    return event


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ConfigError(problems)


def _hosts(spec: Spec, source: Source, known: base.Base) -> dict[str, Host]:
    """Every host, in the order of regions and of the file."""
    found: dict[str, Host] = {}
    problems: list[str] = []
    for name, region in spec.regions.items():
        if isinstance(region.hosts, dict):
            rows = {each: Host(each, name, row) for each, row in region.hosts.items()}
        else:
            rows = {}
            for at, pattern in enumerate(region.hosts):
                matched, problem = known.match(pattern)
                problems += [source.say(("regions", name, "hosts", at), problem)] if problem else []
                rows |= {each: Host(each, name, row, given=True) for each, row in matched.items()}
        for each, host in rows.items():
            if each in found:
                cure = f"{each} is in region {found[each].region} already: leave it in one of them"
                problems.append(source.say(("regions", name, "hosts", each), cure))
            found.setdefault(each, host)
    _refuse(problems)
    return found
