"""``bin/rtcdn undrain``: give a node, or all nodes of a host, work again."""

from __future__ import annotations

import argparse
import sys
import time

from ops import drain
from ops.client import CallRefused, Deployment, Operator, find
from rtcdn.errors import ConfigError, RtcdnError

PAUSE_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("target", metavar="NODE|HOST", help="id of a node, or name of a host: all nodes of it")
    parser.add_argument("--wait-s", type=float, default=0.0, help="wait so long until they are on the broker's map")
    parser.add_argument("--by", default="", metavar="NAME", help="only what was drained in this name")
    parser.add_argument("--deployment", default="local", help="name of the deployment (default: local)")


def run(args: argparse.Namespace) -> int:
    """Undrain; 1 when a node is not on the map."""
    try:
        deployment = find(args.deployment)
        with Operator(deployment) as operator:
            names, host = undrained(operator, deployment, args, time.monotonic() + args.wait_s)
            if host:
                drain.gateways(deployment, args.target, "running")
    except ConfigError:
        raise
    except RtcdnError as error:
        print(f"undrain: {error}", file=sys.stderr)
        return 1
    print(f"{', '.join(names) or args.target}: takes work again")
    return 0


def undrained(
    operator: Operator, deployment: Deployment, args: argparse.Namespace, until_s: float
) -> tuple[list[str], bool]:
    """Ids of the nodes that have work again, as soon as all of them are on the map, and whether they are a host's."""
    while True:
        late = time.monotonic() >= until_s
        try:
            nodes = {node["id"]: node for node in operator.call("GET", "/v1/nodes")[1]["nodes"]}
            hosts = drain.hosts_of(deployment)
            names, host = drain.chosen(nodes.values(), args.target, deployment.nodes, hosts)
            silent = [name for name in names if name not in nodes or nodes[name]["state"] == drain.SILENT]
            if not silent or late:
                for name in names:
                    if name in nodes and args.by in ("", (nodes[name]["drain"] or {}).get("by")):
                        operator.call("POST", f"/v1/nodes/{name}/undrain")
                if silent:
                    raise RtcdnError(f"{', '.join(silent)}: not on the broker's map; bin/rtcdn logs janus_{silent[0]}")
                return names, host
        except CallRefused:
            if late:
                raise
        time.sleep(PAUSE_S)
