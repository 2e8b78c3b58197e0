"""Templates of roles as Ansible renders them: lookups of templates followed; what nobody gives is empty."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2

ROOT = Path(__file__).resolve().parents[3]


def filters() -> dict[str, Callable[..., Any]]:
    """The filters of the playbooks, without the secrets, and those of Ansible that templates use."""
    path = ROOT / "ansible" / "filter_plugins" / "rtcdn.py"
    spec = importlib.util.spec_from_file_location("filter_plugins_rtcdn", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {
        **module.FilterModule().filters(),
        "rtcdn_jwks": lambda path, *_: f"jwks of {path}",
        "rtcdn_node_secrets": lambda path, *_, **__: f"secrets of {path}",
        "rtcdn_node_secrets_all": lambda path, *_, **__: f"secrets of {path}",
        "dict2items": lambda found: [{"key": key, "value": value} for key, value in found.items()],
        "difference": lambda found, other: [each for each in found if each not in other],
        "to_json": lambda value: json.dumps(value, default=str),
        "regex_replace": lambda text, found, other: re.sub(found, other, str(text)),
    }


def render(path: str, variables: Mapping[str, Any], **changed: Callable[..., Any]) -> str:
    """The text of a template of this repository; ``changed`` are filters to use instead of its own."""
    loader = jinja2.FileSystemLoader(ROOT)
    env = jinja2.Environment(loader=loader, undefined=jinja2.ChainableUndefined, trim_blocks=True, autoescape=False)
    env.filters |= filters() | changed
    env.tests |= {"match": lambda text, found: re.match(found, str(text)) is not None}

    def lookup(kind: str, path: str, template_vars: Mapping[str, Any] | None = None) -> str:
        if not kind.endswith("template"):
            return f"content of {path}"
        found: str = env.get_template(str(Path(path).relative_to(ROOT))).render({**variables, **(template_vars or {})})
        return found

    env.globals["lookup"] = lookup
    text: str = env.get_template(path).render(variables)
    return text
