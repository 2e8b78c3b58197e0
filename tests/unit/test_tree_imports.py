"""Who may import whom: docs/architecture.md, section 8, read from the code itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("rtcdn", "broker", "collector", "gateway", "services", "ops", "bench")
OURS = {*PACKAGES, "tests"}

# The first room on the left that fits a module holds; it may import of ours only what stands on the right.
MAY_IMPORT = {
    "rtcdn": ("rtcdn",),
    "rtcdn.client": ("rtcdn.client", "rtcdn.errors", "rtcdn.record"),
    "broker.core": ("broker.core", "rtcdn.record", "rtcdn.model", "rtcdn.errors", "rtcdn.ids", "rtcdn.keys"),
    "broker.sim": ("broker.sim", "broker.core", "rtcdn"),
    "broker": ("broker", "rtcdn"),
    "collector": ("collector", "rtcdn"),
    "gateway": ("gateway", "rtcdn"),
    "services": ("services", "rtcdn"),
    "ops": ("ops", "broker.sim", "rtcdn"),
    "bench": ("bench", "broker", "collector", "gateway", "ops", "rtcdn", "tests.support"),
}
IMPURE = {"asyncio", "http", "os", "pathlib", "random", "secrets", "select", "socket", "subprocess", "threading",
          "time", "urllib", "uuid"}  # fmt: skip
MEDIA = {"aiortc", "av", "numpy", "PIL"}
CLIENT = "rtcdn.client"
ONE_FILE = {"etcd3": "rtcdn/store/", "grpc": "rtcdn/store/"}


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that the file imports; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the whole name"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def room_of(module: str) -> str:
    return max((room for room in MAY_IMPORT if within(module, (room,))), key=len)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    """Dependencies point one way: rtcdn <- core <- shells <- wiring; parts meet only in rtcdn."""
    breaches = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for module, path in modules()
        if room_of(module) == room
        for line, name in imports(path)
        if name.split(".")[0] in OURS and not within(name, MAY_IMPORT[room])
    ]
    assert breaches == []


def test_the_core_is_pure() -> None:
    """No clock, thread, socket or randomness in broker/core: they are passed in."""
    breaches = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for module, path in modules()
        if within(module, ("broker.core",))
        for line, name in imports(path)
        if name.split(".")[0] in IMPURE
    ]
    assert breaches == []


def test_nothing_of_the_product_imports_the_client() -> None:
    """The Python client is for programs that take part: the speaker, probers, benchmarks and tests have it."""
    breaches = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for module, path in modules()
        if not within(module, (CLIENT, "ops.speaker", "ops.verifier", "gateway.prober", "bench"))
        for line, name in imports(path)
        if within(name, (CLIENT,))
    ]
    assert breaches == []


def test_the_client_needs_no_media_to_be_imported() -> None:
    """Whoever joins without media needs no aiortc: a session is imported where aiortc, av, numpy and pillow are not."""
    hide = "import sys\nfor name in {names}: sys.modules[name] = None\n"
    use = "import rtcdn.client\nfrom rtcdn.client.session import Options, Session\n"
    make = "try: Session('https://x', 'y', Options())\nexcept Exception as error: print(error)"
    code = hide.format(names=sorted(MEDIA)) + use + make
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "media need aiortc: install rtcdn[client], or join with videos=0"


@pytest.mark.parametrize("library", ONE_FILE)
def test_one_place_knows_the_etcd_client(library: str) -> None:
    """The etcd client can be changed in one place."""
    breaches = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for _, path in modules()
        if not str(path.relative_to(ROOT)).startswith(ONE_FILE[library])
        for line, name in imports(path)
        if name.split(".")[0] == library
    ]
    assert breaches == []
