"""``bin/rtcdn map SESSION``: a session's contexts and links, as text or as a picture."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ops.client import Operator, find
from ops.picture import draw
from rtcdn.errors import ConfigError, RtcdnError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("session", help="id of the session")
    parser.add_argument("--svg", metavar="FILE", type=Path, help="write a picture there")
    parser.add_argument("--from", dest="saved", metavar="FILE", type=Path, help="a saved answer of GET /v1/map")
    parser.add_argument("--deployment", default="local", help="name of the deployment (default: local)")


def run(args: argparse.Namespace) -> int:
    """Show it; 1 when there is no such session."""
    try:
        vmap = _map(args)
    except RtcdnError as error:
        print(f"map: {error}", file=sys.stderr)
        return 1
    if args.session not in vmap["sessions"]:
        print(f"map: there is no session {args.session}; see bin/rtcdn status", file=sys.stderr)
        return 1
    if args.svg:
        args.svg.write_text(draw(vmap, args.session), encoding="utf-8")
        print(f"map: {args.svg}")
    else:
        print(text(vmap, args.session))
    return 0


def _map(args: argparse.Namespace) -> dict[str, Any]:
    if args.saved:
        try:
            found: dict[str, Any] = json.loads(args.saved.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError([f"{args.saved} cannot be read: {error}"]) from None
        return found
    with Operator(find(args.deployment)) as operator:
        return dict(operator.call("GET", "/v1/map")[1])


def text(vmap: dict[str, Any], session: str) -> str:
    """Contexts, then links, one line each."""
    view = vmap["sessions"][session]
    lines = [f"{session} ({view['intent']['scenario']}): {view['participants']} participants"]
    for name, context in view["contexts"].items():
        region = vmap["nodes"].get(context["node"], {}).get("region", "?")
        lines.append(f"  {name:<32} {region:<10} {view['attached'].get(name, 0):>6} legs")
    for name, link in view["links"].items():
        whose = f" of {link['participant']}" if link["participant"] else ""
        lines.append(f"  {name:<32} {link['kind']}{whose}: {link['source']} -> {link['target']}")
    return "\n".join(lines)
