"""README.md of every role, made from its ``meta/argument_specs.yml``: ``python -m ops.role_readme`` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
NOTICE = "<!-- Made from meta/argument_specs.yml by `python -m ops.role_readme`; change it there. -->"


def render(role: Path) -> str:
    """The README of one role: what it does, and its options with type, default and meaning."""
    specs: dict[str, Any] = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    lines = [f"# {role.name}", "", NOTICE]
    for entry, spec in specs["argument_specs"].items():
        lines += ["", *_entry(entry, spec)]
    return "\n".join(lines) + "\n"


def _entry(entry: str, spec: dict[str, Any]) -> list[str]:
    heading = [] if entry == "main" else [f"## Entry point `{entry}`", ""]
    lines = [*heading, _sentence(spec.get("short_description", "")), *_paragraphs(spec.get("description", []))]
    options = spec.get("options", {})
    if options:
        lines += ["", "| option | type | default | meaning |", "|---|---|---|---|"]
        lines += [_row(name, option) for name, option in options.items()]
    return lines


def _row(name: str, option: dict[str, Any]) -> str:
    kind = f"{option['type']} of {option['elements']}" if "elements" in option else str(option.get("type", "str"))
    default = "required" if option.get("required") else f"`{_value(option.get('default', ''))}`"
    choices = f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
    meaning = " ".join(_texts(option.get("description", []))) + choices
    return f"| `{name}` | {kind} | {default} | {_plain(meaning)} |".replace("`` |", "|")


def _paragraphs(description: str | list[str]) -> list[str]:
    return [line for text in _texts(description) for line in ("", _plain(text))]


def _texts(description: str | list[str]) -> list[str]:
    return [_sentence(text) for text in ([description] if isinstance(description, str) else description)]


def _sentence(text: str) -> str:
    stripped = " ".join(text.split())
    return stripped if not stripped or stripped.endswith((".", ":", "!", "?")) else f"{stripped}."


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(str(value).split()).replace("|", "\\|")


def _plain(text: str) -> str:
    """Ansible's C(x) as code."""
    parts = text.split("C(")
    return parts[0] + "".join(f"`{inner}`{rest}" for inner, _, rest in (part.partition(")") for part in parts[1:]))


def main() -> None:
    """Write the README of every role that has specs."""
    for specs in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        role = specs.parent.parent
        (role / "README.md").write_text(render(role), encoding="utf-8")


if __name__ == "__main__":
    main()
