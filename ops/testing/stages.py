"""The stages of ``bin/rtcdn test``, cheapest first. Each answers with its outcomes and never raises for a red test."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ops.testing import images, scenarios
from ops.testing.commands import ROOT, run
from ops.testing.outcome import Outcome, of_exit, of_junit

LOGS = ROOT / ".cache" / "testing" / "logs"
SCENARIO_LIMIT_S = 1500
REGIONS_LIMIT_S = 4500  # six hosts, and all that an operator changes on them
PYTEST_LIMIT_S = 2700
BIN = Path(sys.executable).parent
TAIL_LINES = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """What of a stage is wanted: all molecule scenarios or the named ones, on hosts of which Debian."""

    all: bool = False
    scenarios: tuple[str, ...] = ()
    suite: str = images.HOST_SUITE


def lint(_wish: Wish) -> list[Outcome]:
    """Style, formatting, types, YAML and playbooks; one test per tool."""
    tools: dict[str, list[str | Path]] = {
        "ruff check": [BIN / "ruff", "check", "--quiet", "."],
        "ruff format": [BIN / "ruff", "format", "--check", "--quiet", "."],
        "mypy": [BIN / "mypy"],
        "yamllint": [BIN / "yamllint", "--strict", "."],
        "ansible-lint": [BIN / "ansible-lint", "--offline", "-q", "ansible", "roles"],
    }
    return [_tool("lint", name, command) for name, command in tools.items()]


def unit(_wish: Wish) -> list[Outcome]:
    """The pure parts: no network, no engine."""
    return [_pytest("unit", ["tests/unit"])]


def sdk(_wish: Wish) -> list[Outcome]:
    """The client SDK in a container of its own: types, bundle with its size, unit tests; the tree is only read."""
    reference = images.ensure("test-sdk")
    report = LOGS / "sdk.xml"
    report.unlink(missing_ok=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    mounts = [f"--volume={ROOT / 'sdk' / 'js'}:/tree:ro", f"--volume={LOGS}:/logs"]
    label = f"--label=rtcdn.test={os.environ.get('RTCDN_TEST_RUN', 'sdk')}"
    container = ["docker", "run", "--rm", "--init", "--network=none", label, *mounts, reference]
    script = "cp -R /tree /build && cd /build && ./build.sh && ./test.sh /logs/sdk.xml"
    started_s = time.monotonic()
    code = run([*container, "sh", "-c", script], limit_s=SCENARIO_LIMIT_S)
    return [of_junit("sdk", "sdk/js", report, code, time.monotonic() - started_s)]


def integration(_wish: Wish) -> list[Outcome]:
    """One suite per port on every implementation, the simulator, and our parts on real etcd and Janus."""
    return [_pytest("integration", [f"tests/{name}"]) for name in ("contract", "sim", "integration") if _has(name)]


def molecule(wish: Wish) -> list[Outcome]:
    """Roles that the change touches, each on a systemd host container with its own engine."""
    known = scenarios.known()
    if wish.all:
        chosen = known
    elif wish.scenarios:
        chosen = scenarios.named(wish.scenarios, known)
    else:
        chosen, left = scenarios.split(scenarios.chosen(wish.suite, known))
        for name in left:
            print(f"{name} is touched too and takes an hour: bin/rtcdn test molecule --scenario {name}", flush=True)
        print(
            f"scenarios of what changed: {' '.join(chosen) or 'none'}; all: bin/rtcdn test molecule --all", flush=True
        )
    host = images.ensure(images.HOSTS[wish.suite])
    return [_scenario(name, wish.suite, host) for name in chosen]


def e2e(_wish: Wish) -> list[Outcome]:
    """`up` from nothing in a host container, then real browsers and other people's clients on it."""
    for name in ("test-bare", "test-browser", "test-media-clients"):
        images.ensure(name)
    return [_pytest("e2e", ["tests/e2e"])]


STAGES: dict[str, Callable[[Wish], list[Outcome]]] = {
    "lint": lint,
    "unit": unit,
    "sdk": sdk,
    "integration": integration,
    "molecule": molecule,
    "e2e": e2e,
}
NEEDS_ENGINE = {"sdk", "integration", "molecule", "e2e"}


def _has(suite: str) -> bool:
    return any((ROOT / "tests" / suite).glob("test_*.py"))


def _pytest(stage: str, paths: list[str]) -> Outcome:
    name = " ".join(paths)
    report = LOGS / f"{name.replace('/', '-')}.xml"
    report.unlink(missing_ok=True)
    started_s = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *paths]
    code = run(command, limit_s=PYTEST_LIMIT_S)
    return of_junit(stage, name, report, code, time.monotonic() - started_s)


def _tool(
    stage: str,
    name: str,
    command: list[str | Path],
    env: dict[str, str] | None = None,
    limit_s: float = SCENARIO_LIMIT_S,
) -> Outcome:
    """Run quietly; show the end of the output only when it failed."""
    log = LOGS / f"{stage}-{name.replace(' ', '-')}.log"
    log.unlink(missing_ok=True)
    started_s = time.monotonic()
    plain = {"ANSIBLE_FORCE_COLOR": "0", "NO_COLOR": "1", "PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin"}
    code = run(command, env=plain | (env or {}), log=log, limit_s=limit_s)
    took_s = time.monotonic() - started_s
    print(f"  {name}: {'ok' if code == 0 else f'FAILED ({code})'}, {took_s:.0f} s", flush=True)
    if code:
        print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]), flush=True)
    return of_exit(stage, name, code, took_s, note=f"whole output: {log}")


def _scenario(name: str, suite: str, host_image: str) -> Outcome:
    shown = name if suite == images.HOST_SUITE else f"{name} on {suite}"
    command: list[str | Path] = [BIN / "molecule", "test", "--scenario-name", name]
    limit_s = REGIONS_LIMIT_S if name == scenarios.REGIONS else SCENARIO_LIMIT_S
    outcome = _tool("molecule", shown, command, {"RTCDN_HOST_IMAGE": host_image}, limit_s)
    if not outcome.failed:
        scenarios.note_green(suite, [name])
    return outcome
