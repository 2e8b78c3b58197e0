"""Settings: the environment read once into frozen records; all problems are told at once.

Each process has a ``settings.py`` of its own that makes a ``Reader``, takes what it needs, and calls ``done``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from rtcdn.errors import ConfigError
from rtcdn.ids import ID
from rtcdn.model import Record
from rtcdn.tls import TlsFiles

R = TypeVar("R", bound=Record)
LOG_LEVELS = ("debug", "info", "warning", "error")
ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """``host:port``."""

    host: str
    port: int

    def __str__(self) -> str:
        """As it is written in settings and keys."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BaseSettings:
    """What every part has."""

    etcd: tuple[str, ...]
    tls: TlsFiles
    namespace: str
    secrets_dir: Path
    log_level: str


class Reader:
    """Takes settings from an environment and remembers every problem until ``done``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def problem(self, name: str, what: str) -> None:
        """Note that setting ``name`` is wrong, with the cure in the sentence."""
        self.problems.append(f"{name}: {what}")

    def done(self) -> None:
        """Raise ``ConfigError`` with all problems, if there is one."""
        if self.problems:
            raise ConfigError(self.problems)

    def text(self, name: str, default: str | None = None) -> str:
        """Any text; without ``default`` it must be set."""
        value = self._environ.get(name, "").strip()
        if value:
            return value
        if default is None:
            self.problem(name, "is not set; set it in the environment of this process")
        return default or ""

    def _parsed(self, name: str, default: str | None, pattern: re.Pattern[str], want: str) -> str:
        value = self.text(name, default)
        if value and not pattern.fullmatch(value):
            self.problem(name, f"{value!r} is not {want}")
        return value

    def id(self, name: str, default: str | None = None) -> str:
        """An id as in ``rtcdn.ids``."""
        return self._parsed(name, default, ID, "an id: use a-z, 0-9 and '-', 1 to 63 characters")

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of ``choices``."""
        value = self.text(name, default)
        if value and value not in choices:
            self.problem(name, f"{value!r} is none of {', '.join(choices)}")
        return value

    def number(self, name: str, default: float, least: float = 0.0) -> float:
        """A number not below ``least``."""
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = least - 1
        if not value >= least:
            self.problem(name, f"{text!r} is not a number of {least:g} or more")
            return default
        return value

    def address(self, name: str, default: str | None = None) -> Address:
        """``host:port``."""
        return self._address(name, self.text(name, default))

    def _address(self, name: str, text: str) -> Address:
        found = ADDRESS.fullmatch(text)
        if found and int(found["port"]) < 65536:
            return Address(found["host"].strip("[]"), int(found["port"]))
        if text:
            self.problem(name, f"{text!r} is not host:port")
        return Address("", 0)

    def listed(self, name: str, default: str | None = None) -> tuple[str, ...]:
        """Comma-separated texts."""
        return tuple(part.strip() for part in self.text(name, default).split(",") if part.strip())

    def addresses(self, name: str) -> tuple[str, ...]:
        """Comma-separated ``host:port``."""
        parts = self.listed(name)
        for part in parts:
            self._address(name, part)
        return parts

    def url(self, name: str, schemes: tuple[str, ...] = ("https",), default: str | None = None) -> str:
        """A URL of one of ``schemes``, without a slash at its end."""
        return self._url(name, self.text(name, default), schemes)

    def urls(self, name: str, schemes: tuple[str, ...] = ("https",)) -> tuple[str, ...]:
        """Comma-separated URLs."""
        return tuple(self._url(name, part, schemes) for part in self.listed(name))

    def _url(self, name: str, text: str, schemes: tuple[str, ...]) -> str:
        parts = urlsplit(text)
        if text and not (parts.scheme in schemes and parts.netloc):
            self.problem(name, f"{text!r} is not a URL that begins with {' or '.join(f'{s}://' for s in schemes)}")
        return text.rstrip("/")

    def file(self, name: str) -> Path:
        """Path of a file that can be read."""
        text = self.text(name)
        if text:
            self._readable(name, Path(text), Path.is_file, "a file")
        return Path(text)

    def folder(self, name: str, default: str | None = None) -> Path:
        """Path of a folder."""
        text = self.text(name, default)
        if text:
            self._readable(name, Path(text), Path.is_dir, "a folder")
        return Path(text)

    def _readable(self, name: str, path: Path, test: Callable[[Path], bool], want: str) -> None:
        try:
            if not test(path):
                self.problem(name, f"{path} is not {want}")
        except OSError as error:
            self.problem(name, f"{path} cannot be read: {error.strerror}")

    def record(self, name: str, kind: type[R]) -> R:
        """A record written as JSON; its defaults when not set."""
        text = self.text(name, "{}")
        value = kind.from_json(text)
        if value is not None:
            return value
        try:
            json.loads(text)
            self.problem(name, f"does not fit {kind.__name__}: check names and types of its fields")
        except ValueError as error:
            self.problem(name, f"is not JSON: {error}")
        return kind()


def base(reader: Reader) -> BaseSettings:
    """Take what every part has."""
    return BaseSettings(
        etcd=reader.addresses("RTCDN_ETCD"),
        tls=TlsFiles(reader.file("RTCDN_TLS_CA"), reader.file("RTCDN_TLS_CERT"), reader.file("RTCDN_TLS_KEY")),
        namespace=reader.text("RTCDN_NAMESPACE", ""),
        secrets_dir=reader.folder("RTCDN_SECRETS_DIR", "/run/secrets"),
        log_level=reader.choice("RTCDN_LOG_LEVEL", LOG_LEVELS, "info"),
    )
