"""``bin/rtcdn apply EVENT``: make what the event says, on the hosts that it says; again: nothing changes.

Cut off anywhere, it goes on when it is run again: every playbook makes what is missing, and the journal tells that
something is to be finished. What the event does not have any more is drained first and removed last.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ops import changes, client, drain, forget, goodbye, journal, plan, progress, ssh, target
from ops.client import Operator
from ops.target import Target
from ops.words import duration_s
from rtcdn.errors import ConfigError, RtcdnError

LOG = Path("/var/log/rtcdn/apply.log")
SITE, REMOVE, REMOVE_HOSTS = "ansible/site.yml", "ansible/remove.yml", "ansible/remove_hosts.yml"


@dataclass(frozen=True, slots=True)
class Way:
    """How an apply is done."""

    verb: str = "apply"
    drain_s: float = 120.0  # so long viewers may take to move from nodes that go
    no_drain: bool = False
    forget: bool = False  # hosts that went and do not answer
    extra: tuple[tuple[str, Any], ...] = ()  # variables of this run alone
    log: Path = LOG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("event", metavar="EVENT", help="event file, or the name of one in events/")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask, and do not look for changes first")
    parser.add_argument("--deadline", metavar="TIME", default="2m", help="for draining nodes that go (default: 2m)")
    parser.add_argument("--no-drain", action="store_true", help="take nodes that go away with those who are on them")
    parser.add_argument("--forget", action="store_true", help="give up hosts that went and do not answer")


def run(args: argparse.Namespace) -> int:
    """Show what would change, ask, do it; 1 when something failed."""
    as_root("apply")
    wanted = target.load(args.event)
    if any(host.spec.connection == "ssh" for host in wanted.event.hosts.values()):
        ssh.ensure()
    way = Way(drain_s=duration_s("--deadline", args.deadline), no_drain=args.no_drain, forget=args.forget)
    shown = plan.make(wanted, told=args.event, offline=args.yes)
    print(changes.text(shown, verdict=shown.code == 0), flush=True)
    if shown.errors:
        return 1
    if shown.code == 0 and not args.yes and target.applied(wanted.state).get("digest") == wanted.digest:
        return 0
    if not args.yes and not agreed(f"Apply {args.event}? [y/N] ", "apply"):
        print("rtcdn apply: nothing changed")
        return 1
    outcome = do(wanted, way)
    if outcome.code:
        return 1
    print(f"\n{done('Applied', outcome)}\n\n{goodbye.text(wanted.name, demo=shown.has_demo)}")
    return 0


def do(wanted: Target, way: Way, told: str = "") -> progress.Outcome:
    """The apply itself, under the deployment's lock."""
    with journal.Journal(wanted.name).during(way.verb, told or str(wanted.path), wanted.digest) as journaled:
        hosts = target.going(wanted.state, wanted.event.hosts)
        leaving = sorted(target.noted_nodes(wanted.state) - {row["id"] for row in wanted.nodes()})
        journaled.step("Drain nodes that go")
        if not way.no_drain:
            drain_leaving(wanted, way, leaving)
        target.write_gone(wanted.state, hosts)
        inventory = wanted.write()
        arguments = [str(each) for each in inventory]
        extra = dict(way.extra)
        outcome = progress.play([SITE, REMOVE], arguments, extra, way.log, on_step=journaled.step)
        left: dict[str, Any] = {}
        if hosts and not outcome.code:
            arguments.append(str(wanted.state / target.GONE))
            log = way.log.with_stem("remove")
            cleaned = progress.play(REMOVE_HOSTS, arguments, extra, log, on_step=journaled.step)
            left = {name: hosts[name] for name in cleaned.unreachable if name in hosts}
            outcome = outcome.then(replace(cleaned, code=0) if only_away(cleaned, left) else cleaned)
        if outcome.code:
            journaled.failed()
            if outcome.unreachable:
                away = ", ".join(outcome.unreachable)
                print(f"No answer from {away}: mend it, or take it out of the event; then apply again, it goes on.")
            return outcome
        for name in left:
            what = "forgotten" if way.forget else "cleaned by an apply when it does; --forget gives it up"
            print(f"{name} went and does not answer: the swarm has forgotten it, what is on it stays; {what}.")
        target.write_gone(wanted.state, {} if way.forget else left)
        forget.forget(wanted.name, leaving)
        wanted.note_applied(inventory)
        return outcome


def only_away(outcome: progress.Outcome, left: Container[str]) -> bool:
    """Whether nothing but hosts that went stood in the way, by not answering."""
    return bool(outcome.code) and all(each["host"] in left for each in outcome.failures) and bool(outcome.unreachable)


def drain_leaving(wanted: Target, way: Way, leaving: Sequence[str]) -> None:
    """Lead away what is on nodes that the event does not have any more; ConfigError when that cannot be done."""
    if not leaving:
        return
    try:
        deployment = client.find(wanted.name)
        with Operator(deployment) as operator:
            for name in leaving:
                there = {node["id"]: node["state"] for node in operator.call("GET", "/v1/nodes")[1]["nodes"]}
                if there.get(name, drain.SILENT) == drain.SILENT:
                    print(f"{name} goes: silent, nothing to move", flush=True)
                    continue
                drained = drain.Drained(deployment, operator, name)
                drained.begin(way.drain_s)
                drained.watch(way.drain_s, quiet=False)
                print(f"{name} goes: {drained.outcome(True)['text']}", flush=True)
    except RtcdnError as error:
        raise ConfigError(
            [f"{', '.join(leaving)} cannot be drained: {error}; mend that, or take them away as they are: --no-drain"]
        ) from None


def done(word: str, outcome: progress.Outcome) -> str:
    """How it went, in one line."""
    changed = f"{outcome.changed} changes" if outcome.changed else "nothing changed"
    return f"{word} in {outcome.took_s:.0f} s: {changed}."


def as_root(verb: str) -> None:
    """ConfigError unless root calls."""
    if os.geteuid() != 0:
        raise ConfigError([f"run {verb} as root: the deployment's state in {client.STATES} is root's alone"])


def agreed(question: str, verb: str, word: str = "") -> bool:
    """Ask; with ``word`` that word is to be typed."""
    if not sys.stdin.isatty():
        raise ConfigError([f"{verb} asks before it changes anything: answer with --yes where nobody can be asked"])
    answer = input(question).strip()
    return answer == word if word else answer.lower() in ("y", "yes")
