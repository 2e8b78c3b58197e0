"""Limits of length, docstrings of rooms, words that mark unfinished work."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES = 300
FUNCTION_LINES = 60
LINE_CHARACTERS = 120
TASK_FILE_LINES = 80
GENERATED = ("sdk/js/src/messages.ts",)
UNFINISHED = ("Not" + "ImplementedError", "TO" + "DO", "FIX" + "ME")


def tracked(*suffixes: str) -> list[Path]:
    """Files of the tree with these suffixes, new ones included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if name.endswith(suffixes) and (ROOT / name).is_file()]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_files_are_short() -> None:
    """A Python or TypeScript file has at most 300 lines, a file of tasks at most 80; what is generated has its own."""
    limits = [(path, FILE_LINES) for path in tracked(".py", ".ts") if shown(path) not in GENERATED]
    limits += [(path, TASK_FILE_LINES) for path in tracked(".yml") if "/tasks/" in str(path)]
    lengths = ((path, len(path.read_text(encoding="utf-8").splitlines()), limit) for path, limit in limits)
    assert [f"{shown(path)}: {lines} lines" for path, lines, limit in lengths if lines > limit] == []


def test_typescript_lines_are_short() -> None:
    """A line of TypeScript has at most 120 characters; the paths of icons may be longer."""
    too_long = [
        f"{shown(path)}:{number}: {len(line)}"
        for path in tracked(".ts")
        if shown(path) not in GENERATED and path.name != "icons.ts"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > LINE_CHARACTERS
    ]
    assert too_long == []


def test_functions_are_short() -> None:
    """A function has at most 60 lines."""
    too_long = []
    for path in tracked(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    too_long.append(f"{shown(path)}:{node.lineno} {node.name}: {lines} lines")
    assert too_long == []


@pytest.mark.parametrize("package", ["rtcdn", "broker", "collector", "gateway", "services", "ops", "bench"])
def test_every_room_states_its_rule(package: str) -> None:
    """Each package's docstring says what lives there and what must not."""
    silent = [
        shown(path)
        for path in (ROOT / package).rglob("__init__.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_public_names_of_the_shared_rooms_are_documented() -> None:
    """Every public function and class of rtcdn and broker.core has a docstring."""
    bare = []
    for path in [*(ROOT / "rtcdn").rglob("*.py"), *(ROOT / "broker" / "core").rglob("*.py")]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_"
            if public and not ast.get_docstring(node):
                bare.append(f"{shown(path)}:{node.lineno} {node.name}")
    assert bare == []


@pytest.mark.parametrize("word", UNFINISHED)
def test_nothing_is_left_unfinished(word: str) -> None:
    """No stub stands where the real thing should."""
    found = [shown(path) for path in tracked(".py", ".yml", ".js", ".j2", ".sh") if word in path.read_text("utf-8")]
    assert found == []
