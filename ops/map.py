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
    try:
        shown = (draw if args.svg else text)(vmap, args.session)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        cure = "save an answer of GET /v1/map of a broker of this version"
        raise ConfigError(
            [f"session {args.session} of the map cannot be shown: {type(error).__name__} {error}; {cure}"]
        ) from None
    if not args.svg:
        print(shown)
        return 0
    try:
        args.svg.write_text(shown, encoding="utf-8")
    except (OSError, UnicodeEncodeError) as error:
        raise ConfigError([f"{args.svg}: {error}; name a file that can be written"]) from None
    print(f"map: {args.svg}")
    return 0


def _map(args: argparse.Namespace) -> dict[str, Any]:
    if args.saved:
        try:
            found = json.loads(args.saved.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigError([f"{args.saved} cannot be read: {error}"]) from None
        if not isinstance(found, dict) or not all(isinstance(found.get(name), dict) for name in ("nodes", "sessions")):
            raise ConfigError([f"{args.saved} is no map: it has no nodes and sessions; save an answer of GET /v1/map"])
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
