"""An event's text as plain content, and on which line each key stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rtcdn.errors import ConfigError

Key = tuple[str | int, ...]  # ("regions", "eu", "hosts", 0)
MOST_BYTES = 1_000_000
MOST_NODES = 200_000


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain scalars: `no` is a word, `1:30` is text, a date is text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own table, by first character)


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"~|null|", "~n"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _firsts = [*_first, ""] if _tag == "null" else list(_first)
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _firsts)


@dataclass(frozen=True)
class Source:
    """A file's content. ``lines``: the line of each key and item."""

    path: Path
    name: str  # as the operator wrote it
    content: dict[str, Any]
    lines: dict[Key, int]

    def say(self, key: Key, text: str) -> str:
        """A problem in one line: file, line, key, and ``text`` with its cure."""
        return f"{self.name}:{self.line(key)}: {dotted(key)}: {text}" if key else f"{self.name}:1: {text}"

    def line(self, key: Key) -> int:
        """The line of a key, or of what holds it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


def dotted(key: Key) -> str:
    """As people write it: ``regions.eu.hosts[0]``."""
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in key).lstrip(".")


def read(path: str | Path) -> Source:
    """The content of a file; raises ConfigError for what is no YAML, no mapping, or has a key twice."""
    where = Path(path)
    name = str(where.relative_to(Path.cwd()) if where.is_relative_to(Path.cwd()) else where)
    try:
        text = where.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{name}: {error.strerror or error}; give the path of an event file"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{name}: is not UTF-8 text: save it as UTF-8"]) from error
    if len(text) > MOST_BYTES:
        raise ConfigError([f"{name}: is longer than {MOST_BYTES:,} characters: an event file is a page or two"])
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError([_no_yaml(name, error)]) from error
    if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
        raise ConfigError([f"{name}:1: is empty: begin with `event: <name>` and `regions:`; see docs/events.md"])
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(
            [f"{name}:{node.start_mark.line + 1}: is no mapping: write `key: value` lines; see docs/events.md"]
        )
    walk = _Walk(name)
    content = walk.value(node, ())
    if walk.problems:
        raise ConfigError(walk.problems)
    return Source(where, name, content, walk.lines)


def _no_yaml(name: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    what = str(getattr(error, "problem", None) or " ".join(str(error).split()))
    if "\\t" in what:
        return f"{name}:{line}: a tab: indent by spaces"
    return f"{name}:{line}: is no YAML: {what}; look at this line and the one above"


class _Walk:
    """From YAML nodes to content; notes lines and problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Key, int] = {}
        self.problems: list[str] = []
        self._constructor = yaml.constructor.SafeConstructor()
        self._open: set[int] = set()
        self._seen = 0

    def value(self, node: yaml.Node, key: Key) -> Any:
        """The content of a node that stands at ``key``."""
        self._seen += 1
        if id(node) in self._open or self._seen > MOST_NODES:
            line = node.start_mark.line + 1
            raise ConfigError([f"{self.name}:{line}: {dotted(key)}: an alias that grows without end: write it out"])
        self.lines.setdefault(key, node.start_mark.line + 1)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return dict(self._pairs(node, key))
            if isinstance(node, yaml.SequenceNode):
                return [self.value(each, (*key, at)) for at, each in enumerate(node.value)]
            return self._scalar(node, key)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.Node, key: Key) -> Any:
        try:
            return self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError):
            line = node.start_mark.line + 1
            self.problems.append(f"{self.name}:{line}: {dotted(key)}: {node.value!r} cannot be read: write it plainly")
            return None

    def _pairs(self, node: yaml.MappingNode, key: Key) -> Iterator[tuple[str, Any]]:
        first: dict[str, int] = {}
        for name_node, value_node in node.value:
            name, line = str(name_node.value), name_node.start_mark.line + 1
            if not isinstance(name_node, yaml.ScalarNode):
                self.problems.append(f"{self.name}:{line}: {dotted(key)}: a key is a word: write `word: value`")
                continue
            own = (*key, name)
            if name in first:
                cure = f"it stands on line {first[name]} already: keep one of them"
                self.problems.append(f"{self.name}:{line}: {dotted(own)}: is there twice, {cure}")
                continue
            first[name] = line
            self.lines[own] = line
            yield name, self.value(value_node, own)
