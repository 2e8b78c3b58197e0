"""``rtcdn bench``: runs the benchmarks, prints each figure beside its peer from the same run, and writes JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.testing import prepare

NAMES = (
    *("decide", "scenarios", "million", "http", "join", "fanout", "propagate"),
    *("sealed", "sockets", "api", "promote", "suspended", "warmup", "sessions", "deploy"),
)
NEEDS_NOTHING = {"decide", "scenarios", "million"}
RESULTS = Path(__file__).resolve().parents[1] / "bench-results"
COLUMNS = ("name", "value", "unit", "peer", "peer_value", "ratio", "budget", "met")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``rtcdn bench``."""
    help_text = f"any of {', '.join(NAMES)}; all by default"
    parser.add_argument("name", nargs="*", choices=[*NAMES, []], metavar="name", help=help_text)


def run(args: argparse.Namespace) -> int:
    """Run the chosen benchmarks one after the other; 1 when one of them broke (a budget not met is only said)."""
    chosen = [name for name in NAMES if name in args.name or not args.name]
    if set(chosen) - NEEDS_NOTHING:
        prepare.tools()
        prepare.images()
    rows: list[dict[str, Any]] = []
    broken: list[str] = []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        started_s, load_before = time.monotonic(), _load()
        try:
            found = importlib.import_module(f"bench.{name}").run()
        except Exception:  # noqa: BLE001  (whatever stops one benchmark, the others still run)
            traceback.print_exc()
            broken.append(name)
            continue
        about = {
            "bench": name,
            "load_before": load_before,
            "load_after": _load(),
            "took_s": time.monotonic() - started_s,
        }
        rows += [{**row, **about} for row in found]
    written = _write(rows, broken)
    print(f"{table(rows)}\n\nload average {_load()} on {os.cpu_count()} cores; written to {written}")
    for name in broken:
        print(f"{name}: broke, see the trace above", file=sys.stderr)
    return int(bool(broken))


def table(rows: Iterable[dict[str, Any]]) -> str:
    """One line per figure; load is the one-minute average before and after its benchmark."""
    lines: list[tuple[str, ...]] = [("figure", "value", "unit", "peer", "its value", "ratio", "budget", "met", "load")]
    for row in rows:
        cells = [_cell(row.get(column)) for column in COLUMNS]
        lines.append((f"{row['bench']}: {cells[0]}", *cells[1:], f"{row['load_before']}-{row['load_after']}"))
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([padded[0], "-" * max(map(len, padded)), *padded[1:]])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _load() -> float:
    return round(os.getloadavg()[0], 1)


def _write(rows: list[dict[str, Any]], broken: list[str]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
    content = {"at": now.isoformat(timespec="seconds"), "machine": machine, "broken": broken, "rows": rows}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path
