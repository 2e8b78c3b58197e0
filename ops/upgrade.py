"""``bin/rtcdn upgrade``: bring what runs to what is wanted, part by part, while sessions go on."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from ops import applied, deployed
from ops.client import Operator
from ops.client import find as find_deployment
from ops.journal import Journal
from ops.rollout import MEDIA
from ops.words import seconds
from rtcdn.errors import ConfigError, RtcdnError

PARTS = (MEDIA, "ai", "turn", "gateway", "broker", "nginx", "etcd")
GROUPS = {"control": ("gateway", "broker", "nginx")}
REPLACE_S = 20.0  # stop, start, healthy, back on the map
PEOPLE_PS = 20.0  # led to another node in a second
DRAIN_MOST_S = 120.0
WOULD = re.compile(r"(\S+): would replace (.+)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("event", metavar="EVENT", help="name of the event, or its file")
    parser.add_argument("--inventory", default="", help="another inventory than the one the event was applied with")
    what = f"a part ({', '.join(PARTS)}, control) or a node's id; may be given again"
    parser.add_argument("--only", metavar="PART", action="append", default=[], help=what)
    parser.add_argument("--region", action="append", default=[], help="this region only; may be given again")
    parser.add_argument("--plan", action="store_true", help="say what would be replaced, and how long it takes")


def run(args: argparse.Namespace) -> int:
    """Upgrade, or with ``--plan`` tell; 1 when a part is not as wanted in the end."""
    deployment = deployed.find(args.event, args.inventory)
    parts = parts_of(args.only, find_deployment(deployment.name).nodes)
    check_regions(args.region, () if args.inventory else applied.hosts(deployment.state / "inventory"))
    chosen = {"upgrade_parts": parts, "upgrade_regions": args.region}
    if remark := deployed.remark(deployment):
        print(remark)
    if args.plan:
        outcome = deployed.play(deployment, "ansible/upgrade.yml", chosen, check=True)
        if outcome.code == 0:
            print("\n" + plan_text(would_replace(outcome.said), people(deployment.name)))
        return 1 if outcome.code else 0
    with Journal(deployment.name).during("upgrade", args.event) as journal:
        outcome = deployed.play(deployment, "ansible/upgrade.yml", chosen, journal=journal)
        if outcome.code:
            journal.failed()
            print(
                "\nStopped there: what came before is as wanted, what comes after is as it was. Run it again to go on."
            )
            return 1
    print(f"\nAs wanted after {seconds(outcome.took_s)}.")
    return 0


def parts_of(only: Sequence[str], nodes: Iterable[str]) -> list[str]:
    """The parts that ``--only`` means, all when it is empty; ConfigError lists what there is."""
    if not only:
        return list(PARTS)
    known = {*PARTS, *GROUPS, *nodes}
    wrong = [each for each in only if each not in known]
    if wrong:
        choice = ", ".join([*PARTS, *GROUPS, *sorted(nodes)])
        raise ConfigError([f"--only {each}: there is no such part or node; choose of {choice}" for each in wrong])
    return [part for each in only for part in GROUPS.get(each, (each,))]


def check_regions(asked: Iterable[str], known: Collection[str]) -> None:
    """ConfigError names regions that the event does not have: nothing would be replaced, and all called well."""
    wrong = [each for each in asked if known and each not in known]
    if wrong:
        raise ConfigError([f"--region {each}: there is no such region; choose of {', '.join(known)}" for each in wrong])


def would_replace(said: Iterable[str]) -> dict[str, list[str]]:
    """Services that would be replaced, by stack, from what the plays of check mode told."""
    found = (WOULD.fullmatch(text) for text in said)
    return {match[1]: match[2].split(", ") for match in found if match}


def people(name: str) -> dict[str, int]:
    """How many people each node holds; empty when nobody can be asked."""
    try:
        with Operator(find_deployment(name)) as operator:
            nodes = operator.call("GET", "/v1/nodes")[1]["nodes"]
    except RtcdnError:
        return {}
    return {node["id"]: node["viewers"] + node["publishers"] for node in nodes}


def plan_text(stale: Mapping[str, Sequence[str]], held: Mapping[str, int]) -> str:
    """What would be replaced, with the people on each node, and how long all of it takes."""
    if not stale:
        return "Everything is as wanted: nothing would be replaced."
    lines, total_s = [], 0.0
    for stack, services in stale.items():
        node = stack.removeprefix("janus_")
        here = held.get(node, 0) if node != stack else 0
        drain_s = min(DRAIN_MOST_S, here / PEOPLE_PS)
        rounds = 1 if node != stack else len(services)
        total_s += drain_s + rounds * REPLACE_S
        what = f"drained of {here} people first" if here else "holds nobody" if node != stack else "one after the other"
        lines.append(f"{stack:<28} {', '.join(services)} ({what})")
    return "\n".join([*lines, f"\nAbout {seconds(total_s)} in all."])
