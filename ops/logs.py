"""``bin/rtcdn logs [service]``: what the services of a deployment write."""

from __future__ import annotations

import argparse
import subprocess
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "service", nargs="?", default="", help="name or the end of it, such as broker-1; without it, a list"
    )
    parser.add_argument("--deployment", default="local", help="name of the deployment (default: local)")
    parser.add_argument("--tail", type=int, default=100, help="lines to begin with (default: 100)")
    parser.add_argument("--follow", "-f", action="store_true", help="go on as they are written")


def run(args: argparse.Namespace) -> int:
    """Show the log of every service that fits; 1 when none does."""
    services = names(args.deployment)
    if services is None:
        return 1
    chosen = choose(services, args.service)
    if not args.service or not chosen:
        if args.service:
            print(f"logs: no service fits {args.service!r}; there are:", file=sys.stderr)
        print("\n".join(services) or f"deployment {args.deployment} has no services: run bin/rtcdn up")
        return 0 if services and not args.service else 1
    options = ["--tail", str(args.tail), *(["--follow"] if args.follow else [])]
    if args.follow and len(chosen) > 1:
        print(f"logs: follow one of {', '.join(chosen)}", file=sys.stderr)
        return 1
    return max(subprocess.call(["docker", "service", "logs", *options, service]) for service in chosen)


def names(deployment: str) -> list[str] | None:
    """Services of ``deployment``, sorted; None, and a line to the operator, when the engine refuses."""
    label = f"label=rtcdn.deployment={deployment}"
    command = ["docker", "service", "ls", "--filter", label, "--format", "{{.Name}}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        print("logs: there is no docker command here: run bin/rtcdn up, or run this on a manager", file=sys.stderr)
        return None
    if answer.returncode:
        print(f"logs: {answer.stderr.strip()}", file=sys.stderr)
        return None
    return sorted(answer.stdout.split())


def choose(services: list[str], wanted: str) -> list[str]:
    """Services named ``wanted``, else those whose stack or own name it is, else those that contain it."""
    exact = [name for name in services if name == wanted]
    parts = [name for name in services if wanted in name.split("_")]
    return exact or parts or [name for name in services if wanted and wanted in name]
