"""``rtcdn test``: everything that a change must pass, by one command, leaving nothing running."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from types import FrameType

from ops.testing import engine, images, prepare, stages
from ops.testing.commands import answer
from ops.testing.outcome import Outcome, last_line, table
from rtcdn.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``rtcdn test``."""
    names = [*stages.STAGES]
    help_text = f"any of {', '.join(names)}; all by default"
    parser.add_argument("stage", nargs="*", choices=[*names, []], metavar="stage", help=help_text)
    parser.add_argument("--all", action="store_true", help="every molecule scenario, not only those of a change")
    parser.add_argument(
        "--scenario",
        action="append",
        default=[],
        metavar="NAME",
        help="this molecule scenario (of a role: and its variants)",
    )
    parser.add_argument(
        "--suite", choices=[*images.HOSTS], default=images.HOST_SUITE, help="Debian of the hosts in molecule scenarios"
    )
    parser.add_argument("--sweep", action="store_true", help="only remove what an earlier, killed run left")


def run(args: argparse.Namespace) -> int:
    """Run the stages; 0 when nothing failed, 130 when interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    if args.sweep:
        print(f"removed {len(engine.remove(None))} containers, networks and volumes of earlier runs")
        return 0
    run_id = os.environ.setdefault("RTCDN_TEST_RUN", f"{os.getpid()}-{int(time.time())}")
    chosen = [name for name in stages.STAGES if name in args.stage or not args.stage]
    wish = stages.Wish(args.all, tuple(args.scenario), args.suite)
    outcomes: list[Outcome] = []
    try:
        for name in _with_preparation(chosen):
            outcomes += _stage(name, wish)
    except KeyboardInterrupt:
        outcomes.append(Outcome("-", "interrupted", failed=1))
    finally:
        if answer(["sh", "-c", "command -v docker"]):
            engine.remove(run_id)
    _report(outcomes)
    if outcomes and outcomes[-1].name == "interrupted":
        return 130
    return int(any(each.failed for each in outcomes))


def _with_preparation(chosen: list[str]) -> list[str]:
    """The stages with what must come before them: tools always, engine and images before the first that needs them."""
    late = next((place for place, name in enumerate(chosen) if name in stages.NEEDS_ENGINE), None)
    return ["tools", *chosen] if late is None else ["tools", *chosen[:late], "images", *chosen[late:]]


def _stage(name: str, wish: stages.Wish) -> list[Outcome]:
    """One stage; what stops it before its tests is one failure, and the next stage still runs."""
    print(f"== {name}", flush=True)
    started_s = time.monotonic()
    try:
        if name in PREPARATIONS:
            PREPARATIONS[name]()
            return [Outcome("prepare", name, took_s=time.monotonic() - started_s)]
        return stages.STAGES[name](wish)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return [Outcome(name, "prepare", failed=1, took_s=time.monotonic() - started_s, note=error.problems[0])]


PREPARATIONS = {"tools": prepare.tools, "images": prepare.images}


def _report(outcomes: list[Outcome]) -> None:
    print(f"\n{table(outcomes)}\n")
    for each in outcomes:
        if each.failed and each.note:
            print(f"{each.stage} {each.name}: {each.note}")
    print(last_line(outcomes), flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
