"""``bin/rtcdn up``: ``apply events/local.yml`` on this machine, with what a newcomer needs: address and ports."""

from __future__ import annotations

import argparse
import json
import socket
from pathlib import Path
from typing import Any

from ops import apply, event, goodbye, ports, target
from ops.client import STATES
from rtcdn.errors import ConfigError

EVENT = "events/local.yml"
STATE = STATES / "local"
LOG = Path("/var/log/rtcdn/up.log")
TABLES = ("rtcdn_ports", "rtcdn_brokers", "rtcdn_gateways", "rtcdn_nodes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--public-address", metavar="ADDRESS", help="where browsers reach this machine (default: guessed, then kept)"
    )
    parser.add_argument(
        "--port",
        metavar="NAME=PORT",
        action="append",
        default=[],
        help="another port for a part, such as nginx=9443; kept",
    )
    parser.add_argument("--no-demo", action="store_true", help="without the synthetic speaker")


def run(args: argparse.Namespace) -> int:
    """Check, deploy, explain; 1 when something failed."""
    apply.as_root("up")
    wanted = target.load(str(target.TREE / EVENT))
    before = target.choices(STATE)
    chosen = choices(args.public_address, args.port, STATE / "choices.json", tables())
    taken = ports.conflicts(ports.claims(tables() | chosen), ports.listeners(), STATE.name)
    if taken:
        raise ConfigError(taken)
    how = "as before" if "rtcdn_public_address" in before else "guessed"
    hint = "" if args.public_address else f" ({how}; choose with --public-address)"
    keep(chosen, STATE / "choices.json")
    print(f"rtcdn up: clients reach this machine at {chosen['rtcdn_public_address']}{hint}", flush=True)
    print(f"          Ansible's own output: {LOG}\n", flush=True)
    extra = (("speaker_enabled", False),) if args.no_demo else ()
    outcome = apply.do(wanted, apply.Way("up", extra=extra, log=LOG), EVENT)
    if outcome.code:
        return 1
    print(f"\n{apply.done('Up', outcome)}\n")
    print(goodbye.text(STATE.name, demo=not args.no_demo))
    return 0


def tables() -> dict[str, Any]:
    """The tables of ports as the event makes them."""
    variables = event.compiled(event.load(target.TREE / EVENT)).variables
    return {name: variables[name] for name in TABLES}


def choices(address: str | None, wanted_ports: list[str], kept: Path, made: dict[str, Any]) -> dict[str, Any]:
    """What the operator chose now or before: variables that outrank the event's."""
    before = target.read_json(kept)
    chosen = ports.choose(made | before, wanted_ports)
    changed = {name: chosen[name] for name in TABLES if chosen[name] != made[name]}
    return {**changed, "rtcdn_public_address": address or before.get("rtcdn_public_address") or guess_address()}


def keep(chosen: dict[str, Any], path: Path) -> None:
    """Note the choices for the next run."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(json.dumps(chosen, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def guess_address() -> str:
    """The address from which this machine reaches others; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
