"""Which policies this broker knows: built-in ones, those of other packages, and those of the operator's file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from broker.core.policy.base import Policy
from broker.core.policy.configured import configured
from broker.core.policy.registry import BUILT_IN, Registry
from rtcdn.errors import ConfigError, InvalidRequest

SETTING = "RTCDN_POLICIES"


def registry(path: Path | None, added: Mapping[str, Any], default: str = "") -> Registry:
    """All policies by name; a later one of the same name wins. Raises ConfigError with every problem."""
    problems = [
        f"entry point {name} of rtcdn.policies: gives a {type(each).__name__}, and must give a Policy"
        for name, each in sorted(added.items())
        if not isinstance(each, Policy)
    ]
    if problems:
        raise ConfigError(problems)
    known = (*BUILT_IN, *(added[name] for name in sorted(added)))
    made = Registry((*known, *(read(path, known) if path else ())))
    try:
        made.find(default)
    except InvalidRequest as error:
        raise ConfigError([f"RTCDN_POLICY: {error.reason}"]) from None
    return made


def read(path: Path, known: tuple[Policy, ...] = BUILT_IN) -> tuple[Policy, ...]:
    """The policies of a JSON or YAML file (by its name's ending)."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix in (".yml", ".yaml"):
            import yaml  # noqa: PLC0415  (only who writes YAML needs it)

            data = yaml.safe_load(text)
        else:
            data = json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError([f"{SETTING}: {path} cannot be read: {error}"]) from None
    except Exception as error:  # noqa: BLE001  (yaml's errors are its own)
        raise ConfigError([f"{SETTING}: {path} is no YAML: {error}"]) from None
    try:
        return configured(data, known)
    except ConfigError as error:
        raise ConfigError([f"{SETTING}: {path}: {problem}" for problem in error.problems]) from None
