"""``bin/rtcdn drain``: give a node, or all nodes of a host, no new work and see what they hold move elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops import applied, deployed
from ops.client import Deployment, Operator, find
from ops.words import duration_s, seconds
from rtcdn.errors import ConfigError, RtcdnError

NOT_EMPTY = 3
PAUSE_S = 1.0
SAID_S = 5.0  # without a terminal a line each so often
CLEARING_S = 15.0  # after the deadline the broker ends what is left; so long it may take
PACE_S = 60.0  # the pace of moves is taken from so long
READY, SILENT = "ready", "silent"

Node = Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("target", metavar="NODE|HOST", help="id of a node, or name of a host: all nodes of it")
    parser.add_argument(
        "--deadline", metavar="TIME", default="10m", help="then what cannot move is ended: 90s, 10m, 2h; 0s: never"
    )
    parser.add_argument("--wait", action="store_true", help="until nothing is left (0) or the deadline has come (3)")
    parser.add_argument("--json", action="store_true", help="end with what became of it in JSON")
    parser.add_argument("--by", default="", metavar="NAME", help="in whose name (default: yours)")
    parser.add_argument("--deployment", default="local", help="name of the deployment (default: local)")


def run(args: argparse.Namespace) -> int:
    """Drain; 0 when done, 3 when something is left at the deadline."""
    deadline_s = duration_s("--deadline", args.deadline)
    try:
        deployment = find(args.deployment)
        with Operator(deployment, args.by) as operator:
            drained = Drained(deployment, operator, args.target)
            drained.begin(deadline_s)
            code = drained.watch(deadline_s, quiet=args.json) if args.wait else 0
            if drained.host:
                gateways(deployment, args.target, "drained")
    except ConfigError:
        raise
    except RtcdnError as error:
        print(f"drain: {error}", file=sys.stderr)
        return 1
    print(json.dumps(drained.outcome(args.wait)) if args.json else drained.outcome(args.wait)["text"])
    return code


def gateways(deployment: Deployment, host: str, state: str) -> None:
    """Take the gateways of a host from their clients (``drained``), who go on at others, or start them again."""
    wanted = {"drain_host": host, "drain_state": state}
    outcome = deployed.play(deployed.find(deployment.name), "ansible/drain.yml", wanted)
    if outcome.code:
        raise RtcdnError(f"the gateways of {host} are not {state}: see above")


@dataclass(frozen=True, slots=True)
class Left:
    """What a node still holds."""

    people: int = 0
    contexts: int = 0
    sessions: tuple[str, ...] = ()

    @classmethod
    def of(cls, node: Node) -> Left:
        """As the broker shows the node."""
        return cls(node["viewers"] + node["publishers"], len(node["contexts"]), tuple(node["sessions"]))

    def __bool__(self) -> bool:
        """Whether anything is left. A context that is not reported yet has its session here already."""
        return bool(self.people or self.contexts or self.sessions)

    def __str__(self) -> str:
        """For the operator."""
        where = f" of {', '.join(self.sessions[:3])}{' …' if len(self.sessions) > 3 else ''}" if self.sessions else ""
        return f"{self.people} people in {max(self.contexts, len(self.sessions))} contexts{where}"


def chosen(
    nodes: Iterable[Node], target: str, known: Sequence[str], hosts: Collection[str] = ()
) -> tuple[list[str], bool]:
    """Ids of the nodes that ``target`` means, and whether it is a host; ``known``, ``hosts``: that should be there.

    A host may have gateways alone.
    """
    rows = list(nodes)
    if target in {node["id"] for node in rows} | set(known):
        return [target], False
    found = sorted(node["id"] for node in rows if node["host"] == target)
    if found or target in hosts:
        return found, True
    there = sorted({node["host"] for node in rows if node["host"]} | set(hosts))
    ids = ", ".join(sorted(node["id"] for node in rows))
    raise ConfigError([f"{target!r} is neither a node ({ids}) nor a host ({', '.join(there)})"])


def hosts_of(deployment: Deployment) -> list[str]:
    """Names of the hosts of the event as it was applied; none where it was not one."""
    return [host for region in applied.hosts(deployment.state / "inventory").values() for host in region]


def stuck(nodes: Sequence[Node], draining: Iterable[str]) -> list[str]:
    """Those of ``draining`` that hold something and for which there is no other node of their kind to move it to."""
    ready = {node["kind"] for node in nodes if node["state"] == READY}
    return [node["id"] for node in nodes if node["id"] in set(draining) and Left.of(node) and node["kind"] not in ready]


def eta_s(seen: Sequence[tuple[float, int]]) -> float | None:
    """Seconds until nobody is left, by the pace of the last minute of ``seen`` (when, how many); None without moves."""
    recent = [each for each in seen if each[0] >= seen[-1][0] - PACE_S]
    (began_s, first), (now_s, last) = recent[0], recent[-1]
    if not last:
        return 0.0
    return last * (now_s - began_s) / (first - last) if first > last else None


@dataclass
class Drained:
    """A drain that was asked for, and how far it is."""

    deployment: Deployment
    operator: Operator
    target: str
    names: list[str] = field(default_factory=list)
    host: bool = False
    first: dict[str, Left] = field(default_factory=dict)
    left: dict[str, Left] = field(default_factory=dict)
    seen: list[tuple[float, int]] = field(default_factory=list)
    why: str = ""
    took_s: float = 0.0

    def begin(self, deadline_s: float) -> None:
        """Ask for it; of a silent node there is nothing to ask."""
        nodes = self._nodes()
        self.names, self.host = chosen(nodes, self.target, self.deployment.nodes, hosts_of(self.deployment))
        there = [node for node in nodes if node["id"] in self.names and node["state"] != SILENT]
        for node in there:
            self.operator.call("POST", f"/v1/nodes/{node['id']}/drain", {"deadline_s": deadline_s})
        self.first = self.left = {node["id"]: Left.of(node) for node in there}

    def watch(
        self, deadline_s: float, *, quiet: bool, clock: Callable[[], float] = time.monotonic, pause_s: float = PAUSE_S
    ) -> int:
        """Until nothing is left, nothing can move, or the deadline is over; shows progress."""
        began_s = said_s = clock()
        while True:
            nodes = self._nodes()
            now_s = clock()
            self.left = {node["id"]: Left.of(node) for node in nodes if node["id"] in self.first}
            self.took_s = now_s - began_s
            self.seen.append((now_s, sum(left.people for left in self.left.values())))
            rest = {name for name, left in self.left.items() if left}
            if not rest:
                return self._said(0, "", quiet)
            kept = stuck(nodes, rest)
            if rest == set(kept):
                return self._said(NOT_EMPTY, f"no other node of the kind takes it from {', '.join(kept)}", quiet)
            if deadline_s and self.took_s > deadline_s + CLEARING_S:
                return self._said(NOT_EMPTY, "the deadline is over", quiet)
            if not quiet and (sys.stdout.isatty() or now_s - said_s >= SAID_S):
                said_s = now_s
                self._show()
            time.sleep(pause_s)

    def outcome(self, waited: bool) -> dict[str, Any]:
        """What became of it."""
        people = sum(left.people for left in self.first.values())
        rest = {name: str(left) for name, left in self.left.items() if left}
        moved = max(0, people - sum(left.people for left in self.left.values()))
        return {
            "nodes": self.names,
            "people": people,
            "moved": moved,
            "left": rest,
            "why": self.why,
            "took_s": round(self.took_s, 1),
            "text": self._text(waited, people, moved, rest),
        }

    def _text(self, waited: bool, people: int, moved: int, rest: dict[str, str]) -> str:
        silent = sorted(set(self.names) - self.first.keys())
        lines = [f"{', '.join(silent)}: silent, nothing to move"] if silent else []
        lines += [] if self.names else [f"{self.target}: has no nodes"]
        names = ", ".join(sorted(self.first))
        if names and not waited:
            lines.append(f"{names}: no new work; {people} people are led away (bin/rtcdn undrain takes it back)")
        elif names and not rest:
            lines.append(f"{names}: empty after {seconds(self.took_s)}, {moved} people moved")
        elif names:
            what = "; ".join(f"{name}: {left}" for name, left in sorted(rest.items()))
            lines.append(f"{names}: {self.why}; {moved} people moved, left after {seconds(self.took_s)}: {what}")
        return "\n".join(lines)

    def _said(self, code: int, why: str, quiet: bool) -> int:
        self.why = why
        if not quiet and sys.stdout.isatty():
            sys.stdout.write("\r\033[K")
        return code

    def _show(self) -> None:
        ends_s = eta_s(self.seen)
        when = "nobody moves yet" if ends_s is None else f"about {seconds(ends_s)} to go"
        what = "; ".join(f"{name}: {left}" for name, left in sorted(self.left.items()) if left)
        line = f"draining {self.target}: {what}; {when}"
        live = sys.stdout.isatty()
        sys.stdout.write(f"\r\033[K{line[:160]}" if live else f"{line}\n")
        sys.stdout.flush()

    def _nodes(self) -> list[dict[str, Any]]:
        return list(self.operator.call("GET", "/v1/nodes")[1]["nodes"])
