"""``bin/rtcdn up``: the whole deployment on this machine, and how to use it."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from ops import client, ports, progress, session
from rtcdn.errors import ConfigError, RtcdnError

TREE = Path(__file__).resolve().parent.parent
INVENTORY = TREE / "inventories" / "local"
STATE = Path("/var/lib/rtcdn/local")
LOG = Path("/var/log/rtcdn/up.log")
TABLES = ("rtcdn_ports", "rtcdn_brokers", "rtcdn_gateways", "rtcdn_nodes")
DEMO = "demo"
DAY_S = 86400


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
    if os.geteuid() != 0:
        raise ConfigError(["run as root: it installs packages and runs a Docker engine"])
    chosen = choices(args.public_address, args.port, STATE / "choices.json", tables())
    taken = ports.conflicts(ports.claims(tables() | chosen), ports.listeners(), STATE.name)
    if taken:
        raise ConfigError(taken)
    how = "as before" if "rtcdn_public_address" in kept_choices(STATE / "choices.json") else "guessed"
    hint = "" if args.public_address else f" ({how}; choose with --public-address)"
    keep(chosen, STATE / "choices.json")
    print(f"rtcdn up: clients reach this machine at {chosen['rtcdn_public_address']}{hint}", flush=True)
    print(f"          Ansible's own output: {LOG}\n", flush=True)
    extra = {**chosen, **({"speaker_enabled": False} if args.no_demo else {})}
    outcome = progress.play("ansible/site.yml", str(INVENTORY), extra, LOG)
    if outcome.code:
        return 1
    changes = f"{outcome.changed} changes" if outcome.changed else "nothing changed"
    print(f"\nUp in {outcome.took_s:.0f} s: {changes}.\n")
    print(goodbye(demo=not args.no_demo))
    return 0


def tables() -> dict[str, Any]:
    """The tables of ports as the inventory has them."""
    network = yaml.safe_load((INVENTORY / "group_vars/all/network.yml").read_text(encoding="utf-8"))
    return {name: network[name] for name in TABLES}


def choices(address: str | None, wanted_ports: list[str], kept: Path, inventory: dict[str, Any]) -> dict[str, Any]:
    """What the operator chose now or before: variables that outrank the inventory's."""
    before = kept_choices(kept)
    made = ports.choose(inventory | before, wanted_ports)
    changed = {name: made[name] for name in TABLES if made[name] != inventory[name]}
    return {**changed, "rtcdn_public_address": address or before.get("rtcdn_public_address") or guess_address()}


def kept_choices(path: Path) -> dict[str, Any]:
    """What earlier runs chose."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


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


def goodbye(demo: bool) -> str:
    """Addresses, secrets, and how to publish and watch."""
    deployment = client.find(STATE.name)
    lines = [
        f"Page and API    {deployment.public_url}   (OpenAPI: /openapi.json, with an operator token)",
        f"Authority       {deployment.ca or 'public'}   (own certificate: the browser warns once)",
        f"Secrets         {STATE}/secrets and {STATE}/pki, for root alone",
        "Look            bin/rtcdn status    bin/rtcdn logs",
        "Your session    bin/rtcdn session open NAME    prints links to publish and to watch",
    ]
    if demo:
        lines += ["", *_demo(deployment)]
    return "\n".join(lines)


def _demo(deployment: client.Deployment) -> list[str]:
    try:
        with client.Operator(deployment) as operator:
            viewer = session.admit(operator, DEMO, "viewer", role="viewer", life_s=DAY_S, shared=True, may="publish")
    except RtcdnError as error:
        print(f"rtcdn up: no link to the demo: {error}", file=sys.stderr)
        return ["The demo session could not be asked for a link; see bin/rtcdn status."]
    ends = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() + DAY_S))
    return [
        f"The demo is on stage: a running clock and a tone. Watch it, or go on stage yourself, until {ends}:",
        f"  {viewer['page']}",
        f"By any WHEP player: {viewer['whep']} with the token of that link as bearer.",
    ]
