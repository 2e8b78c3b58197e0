"""Policies by name for whoever plans: the built-in ones and an operator's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.core.policy.configured import configured
from broker.core.policy.registry import BUILT_IN, Registry


def registry(own: Mapping[str, Any]) -> Registry:
    """Built-in policies and those of ``own``, as under ``policies`` in docs/policies.md; raises ConfigError."""
    return Registry((*BUILT_IN, *configured({"policies": dict(own)})))
