"""Logging: one event per line, ``time level part event key=value``; secrets never get through.

Levels: error, given up; warning, recovered by itself; info, once per change of something's life; debug, the rest.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Any, TextIO

HIDDEN = "***"
SECRET_NAMES = re.compile(r"(secret|token|pin|password|authorization|apikey|admin_key|context_key)s?", re.IGNORECASE)
SECRET_TEXTS = (
    (re.compile(r"eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*"), HIDDEN),  # a JWT
    (re.compile(r"\d{9,},janus,[\w.,=]+:[A-Za-z0-9+/=]+"), HIDDEN),  # a Janus token
    (re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)([\"']?\b(?:admin_|api_|context_)?(?:secret|pin|key|token|password)[\"']?\s*[:=]\s*[\"'])[^\"']+"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)([?&](?:access_)?token=)[^&\s\"']+"), rf"\1{HIDDEN}"),
)
PLAIN = re.compile(r"[^\s\"=]+")


def redact(text: str) -> str:
    """``text`` without anything that looks like a token or a secret."""
    for pattern, instead in SECRET_TEXTS:
        text = pattern.sub(instead, text)
    return text


def event_line(event: str, fields: dict[str, Any]) -> str:
    """``event key=value …``; values with blanks are quoted, those of secret names hidden."""
    parts = [event]
    for name, value in fields.items():
        shown = HIDDEN if SECRET_NAMES.fullmatch(name) else redact(str(value))
        if not PLAIN.fullmatch(shown):
            shown = '"' + shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        parts.append(f"{name}={shown}")
    return " ".join(parts)


class EventLog:
    """Writes events of one part: ``log.info("mountpoint-made", session="demo", node="local-st1")``."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: Any) -> None:
        """The rest."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Once per change of something's life."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Recovered by itself."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """Given up."""
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: Any) -> None:
        """Given up because of an error nobody foresaw: with its traceback."""
        self._logger.error("%s", event_line(event, fields), exc_info=True)

    def _write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", event_line(event, fields))


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Also what other libraries log goes through the redaction."""
        return redact(super().format(record))


def get(name: str) -> EventLog:
    """The log of a part or of a piece of it, such as ``broker.act``."""
    return EventLog(name)


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send events to ``stream`` (standard error); called once per process."""
    handler = logging.StreamHandler(stream or sys.stderr)
    form = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"
    formatter = _Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for loud in ("httpx", "httpcore", "websockets", "aiohttp.access", "urllib3"):
        logging.getLogger(loud).setLevel(max(logging.WARNING, root.level))
