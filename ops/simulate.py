"""``bin/rtcdn simulate``: the broker's own decisions on a made-up world in virtual time, and what came of it."""

from __future__ import annotations

import argparse
import gc
import json
import time
from pathlib import Path
from typing import Any

import yaml

from broker.sim.case import Case, parse
from broker.sim.page import page
from broker.sim.replay import replay
from broker.sim.report import text
from broker.sim.run import Run
from rtcdn.errors import ConfigError, InvalidRequest

CASES = Path(__file__).resolve().parents[1] / "broker" / "sim" / "cases"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("case", nargs="?", default="", help="a case file, or the name of a shipped case (see --list)")
    parser.add_argument("--list", action="store_true", help="show the shipped cases")
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; the same run gives the same bytes")
    parser.add_argument("--html", metavar="FILE", help="write the report as one page with plots")
    parser.add_argument("--seed", type=int, help="instead of the case's own")
    parser.add_argument("--policy", default="", help="instead of the case's own")
    parser.add_argument("--replay", metavar="LOG", help="decide again what a broker's decision log holds, and compare")


def run(args: argparse.Namespace) -> int:
    """Run a case, list what there is, or replay a log; 1 when a replayed decision came out otherwise."""
    if args.list:
        for name in shipped():
            print(f"{name:16} {load(name).about}")
        return 0
    if args.replay:
        return _replay(Path(args.replay))
    if not args.case:
        raise ConfigError([f"name a case file or one of {', '.join(shipped())}"])
    case = load(args.case)
    result, wall = simulated(case, args.seed, args.policy)
    print(text(result, wall))
    if args.json:
        _write(args.json, json.dumps(result, indent=1, sort_keys=True) + "\n")
    if args.html:
        _write(args.html, page(result, wall))
    return 0


def simulated(case: Case, seed: int | None = None, policy: str = "") -> tuple[dict[str, Any], dict[str, float]]:
    """The result of a case, and what real time and processor time it took."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the broker: each look walks every record
    started_s, before_s = time.perf_counter(), time.process_time()
    try:
        made = Run(case, seed, policy, time.process_time)
    except InvalidRequest as error:
        raise ConfigError([str(error)]) from error
    result = made.run()
    wall = {"run_s": time.perf_counter() - started_s, "cpu_s": time.process_time() - before_s}
    decisions = sum(made.measures.requests.values())
    return result, {**wall, "decisions_ps": decisions / max(made.decide_s, 1e-9)}


def shipped() -> list[str]:
    """Names of the shipped cases."""
    return sorted(path.stem for path in CASES.glob("*.yml"))


def load(name: str) -> Case:
    """A case by path or by the name of a shipped one; raises ConfigError."""
    path = Path(name)
    if not path.suffix and (CASES / f"{name}.yml").is_file():
        path = CASES / f"{name}.yml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        cure = f"give the path of a case file, or one of {', '.join(shipped())}"
        raise ConfigError([f"{name}: {error.strerror or error}; {cure}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{name}: is no YAML: {' '.join(str(error).split())}"]) from error
    return parse(content, name)


def _write(name: str, content: str) -> None:
    try:
        Path(name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{name}: {error.strerror}; name a file that can be written"]) from error


def _replay(path: Path) -> int:
    try:
        with path.open(encoding="utf-8") as lines:
            found = replay(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: {error}; name the decision log of a broker, JSON lines"]) from error
    print(found.text())
    return 0 if found.well else 1
