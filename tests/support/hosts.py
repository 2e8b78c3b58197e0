"""What tests need of host containers beside ``ops.testing.hosts``: networks that end with the test, molecule's calls.

``python -m tests.support.hosts start NAME IMAGE --network NETWORK`` and ``remove NAME...`` serve molecule's playbooks.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ops.testing.hosts import BARE, RIGHTS, SYSTEMD, Host, create_network, docker, label, remove_network, start

__all__ = [
    "BARE",
    "RIGHTS",
    "SYSTEMD",
    "Host",
    "create_network",
    "docker",
    "label",
    "network",
    "remove_network",
    "start",
]


@contextmanager
def network(name: str, subnet: str = "") -> Iterator[str]:
    """A network of the test's own, removed with what is still on it."""
    create_network(name, subnet)
    try:
        yield name
    finally:
        remove_network(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """What molecule's create.yml and destroy.yml call."""
    parser = argparse.ArgumentParser(prog="tests.support.hosts", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    starter = verbs.add_parser("start")
    starter.add_argument("name")
    starter.add_argument("image")
    starter.add_argument("--network", required=True)
    remover = verbs.add_parser("remove")
    remover.add_argument("name", nargs="+")
    remover.add_argument("--network", required=True)
    args = parser.parse_args(arguments)
    if args.verb == "start":
        create_network(args.network)
        print(start(args.name, args.image, args.network).address)
    else:
        for name in args.name:
            Host(name).remove()
        remove_network(args.network)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
