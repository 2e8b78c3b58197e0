"""The verbs of ``rtcdn``; each lives in ``ops/<verb>.py`` with ``add_arguments(parser)`` and ``run(args) -> int``.

Only the module of the verb that was asked for is imported.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from rtcdn.errors import ConfigError

VERBS = {
    "up": "deploy everything on this machine and show how to publish and watch",
    "down": "remove what up made; the Docker engine stays",
    "plan": "what an apply of an event would change, what it gives and costs",
    "apply": "make what an event's file says, on the hosts that it says",
    "destroy": "take an event's deployment away and prove that nothing is left",
    "scale": "start nodes on spare hosts and stop them, as the broker wants",
    "status": "nodes, sessions, viewers and health on one screen",
    "drain": "lead away what a node or a host holds, before it changes or goes",
    "undrain": "give a node or a host work again",
    "upgrade": "bring what runs to what is wanted, part by part, while sessions go on",
    "rotate": "new secrets, keys and certificates while media flow",
    "backup": "certificates, secrets, event and store of a deployment in one file",
    "restore": "bring them back",
    "session": "open or close a session, make links for its people",
    "map": "a session's contexts and links, as text or as a picture",
    "geodata": "fetch the data by which clients are located",
    "logs": "what the services say",
    "role": "write a new role with its molecule scenario",
    "lab": "emulated regions on this machine, for people who develop roles",
    "test": "lint, unit, integration, end-to-end and molecule tests",
    "simulate": "run a case on a made-up world in virtual time, or replay a broker's decisions",
    "bench": "measure, each figure beside its peer",
}


def build_parser(verb: str) -> argparse.ArgumentParser:
    """The parser with all verbs, and with the arguments of ``verb``."""
    parser = argparse.ArgumentParser(prog="rtcdn", description="A multi-purpose real-time CDN on Janus.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, summary in VERBS.items():
        own = verbs.add_parser(name, help=summary, description=f"{name}: {summary}.")
        if name == verb:
            module = importlib.import_module(f"ops.{name}")
            module.add_arguments(own)
            own.set_defaults(run=module.run)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; 1 with the problems named when something is wrong, 130 when interrupted."""
    given = sys.argv[1:] if arguments is None else arguments
    verb = next((each for each in given if each in VERBS), "")
    try:
        args = build_parser(verb).parse_args(given)
        return int(args.run(args))
    except ConfigError as error:
        for problem in error.problems:
            print(f"rtcdn {verb}: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nrtcdn {verb}: interrupted", file=sys.stderr)
        return 130
