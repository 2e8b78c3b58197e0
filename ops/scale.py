"""``bin/rtcdn scale EVENT``: follow what the broker wants: nodes start on the event's spare hosts, idle ones stop.

What to do is decided in ``ops.scaling``; here the broker is asked and the playbooks are run. Nodes that were started
are kept in ``scaled.json`` of the deployment, so that an apply leaves them; each act is a line of ``scale.log`` there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ops import apply, client, drain, journal, progress, scaling, spare, target
from ops.client import Operator
from ops.event.cost import cost
from ops.scaling import START, STOP, Act, Memory, Rules, Spare, Verdict, World
from ops.target import Target
from ops.words import duration_s
from rtcdn.errors import ConfigError, RtcdnError

LOG = Path("/var/log/rtcdn/scale.log")
EVERY_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("event", metavar="EVENT", help="event file, or the name of one in events/")
    parser.add_argument("--watch", action="store_true", help="go on until interrupted; without it, look once")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    parser.add_argument("--up-after", metavar="TIME", default="20s", help="a wish for more must last so long (20s)")
    parser.add_argument("--down-after", metavar="TIME", default="10m", help="a wish for fewer must last so long (10m)")
    parser.add_argument("--deadline", metavar="TIME", default="5m", help="for draining a node that is stopped (5m)")


def run(args: argparse.Namespace) -> int:
    """Look, act, look again; 1 when an act failed or the broker does not answer."""
    apply.as_root("scale")
    rules = Rules(duration_s("--up-after", args.up_after), duration_s("--down-after", args.down_after))
    drain_s = duration_s("--deadline", args.deadline)
    said: tuple[str, ...] | None = None
    while True:
        wanted = target.load(args.event)
        verdict = look(wanted, rules)
        said = tell(verdict, said)
        code = 0
        if verdict.acts and not args.dry_run:
            try:
                code = perform(wanted, verdict, drain_s)
            except RtcdnError as error:
                print(f"scale: {error}", file=sys.stderr, flush=True)
                code = 1
        if not args.watch:
            return code or (1 if verdict.blind else 0)
        time.sleep(EVERY_S)


def tell(verdict: Verdict, said: tuple[str, ...] | None) -> tuple[str, ...]:
    """What is done and why, and what is held back, unless that was ``said`` before."""
    if verdict.held != said and not verdict.acts:
        print("\n".join(f"held    {line}" for line in verdict.held) or "as many nodes run as are wanted", flush=True)
    for act in verdict.acts:
        print(f"{act.verb:7} {act.kind} in {act.region} on {act.host}: {act.why}", flush=True)
    return verdict.held


def look(wanted: Target, rules: Rules) -> Verdict:
    """Ask the broker and decide; what was seen is kept for the next look."""
    noted = target.applied(wanted.state)
    if not noted:
        raise ConfigError([f"{wanted.name} is not applied: bin/rtcdn apply {wanted.path}"])
    if noted.get("digest") != wanted.digest:  # starting a node applies the event: not one that nobody agreed to
        changed = f"{wanted.path} has changed since it was applied: bin/rtcdn apply {wanted.path}"
        return Verdict((), Memory(), (changed,), blind=True)
    verdict = scaling.decide(ask(wanted), world(wanted), remembered(wanted), time.time(), rules)
    remember(wanted, verdict.memory)
    return verdict


def ask(wanted: Target) -> list[dict[str, Any]] | None:
    """Rows of ``GET /v1/capacity``; None when the broker does not answer."""
    try:
        with Operator(client.find(wanted.name)) as operator:
            return list(operator.call("GET", "/v1/capacity")[1]["capacity"])
    except RtcdnError as error:
        print(f"scale: {error}", file=sys.stderr, flush=True)
        return None


def world(wanted: Target) -> World:
    """Spare hosts, what was started on them, limits."""
    event = wanted.event
    spares = [host for host in event.hosts.values() if host.spec.spare]
    names = {host.name for host in spares}
    rows = [(str(row["id"]), str(row["kind"]), str(row["host"])) for row in target.scaled(wanted.state)]
    limits = event.spec.limits
    return World(
        tuple(Spare(host.name, host.region, host.spec.price_hour or 0.0) for host in spares),
        tuple(row for row in rows if row[2] in names),
        len(event.hosts) - len(spares),
        cost(event).per_hour,
        limits.hosts,
        limits.cost_per_hour,
    )


def perform(wanted: Target, verdict: Verdict, drain_s: float) -> int:
    """Do all acts, by one run of the playbooks; 1 when it failed, and what the broker does not see is taken back."""
    before = target.scaled(wanted.state)
    rows, done = list(before), []
    for act in verdict.acts:
        if act.verb == START:
            made = spare.row(wanted.event, act.host, act.kind, [*wanted.nodes(), *rows])
            rows.append(made)
            done.append(replace(act, node=made["id"]))
        elif emptied(wanted, act, drain_s):
            rows = [row for row in rows if row["id"] != act.node]
            done.append(act)
    if not done:
        remember(wanted, verdict.memory.after(verdict.acts, time.time()))
        return 0
    began_s = time.time()
    keep(wanted, rows)
    try:
        outcome = apply.do(wanted, apply.Way("scale", no_drain=True, log=LOG), str(wanted.path))
    except RtcdnError:  # another command is at work: nothing was begun
        keep(wanted, before)
        undrain(wanted, [act for act in done if act.verb == STOP])
        raise
    memory = verdict.memory.after(verdict.acts, time.time())
    if outcome.code:
        lost = settle(wanted, {row["id"]: row for row in [*before, *rows]}, done)
        memory = replace(memory, avoid={**memory.avoid, **{act.host: time.time() for act in lost}})
    remember(wanted, memory)
    for act in done:
        note(wanted, act, "failed" if outcome.code else "done", time.time() - began_s)
    return 1 if outcome.code else 0


def emptied(wanted: Target, act: Act, drain_s: float) -> bool:
    """Drain the node of an act; False, and it takes work again, when something stays on it."""
    deployment = client.find(wanted.name)
    began_s = time.time()
    with Operator(deployment) as operator:
        drained = drain.Drained(deployment, operator, act.node)
        drained.begin(drain_s)
        if drained.watch(drain_s, quiet=False) == 0:
            return True
        operator.call("POST", f"/v1/nodes/{act.node}/undrain")
    note(wanted, act, f"kept: {drained.outcome(True)['text']}", time.time() - began_s)
    return False


def settle(wanted: Target, rows: Mapping[str, dict[str, Any]], done: Sequence[Act]) -> list[Act]:
    """After a failure: nodes on the broker's map stay and take work, others are no more; the starts that failed.

    Where the broker cannot be asked all stay: there may be people on them.
    """
    there = seen(wanted)
    gone = {act.node for act in done if there is not None and act.node not in there}
    keep(wanted, [row for name, row in rows.items() if name not in gone])
    undrain(wanted, [act for act in done if act.verb == STOP and act.node in (there or ())])
    lost = [act for act in done if act.verb == START and act.node in gone]
    if lost:
        with journal.Journal(wanted.name).held("scale"):
            inventory = [str(each) for each in wanted.write()]
            progress.play(apply.REMOVE, inventory, {}, LOG.with_stem("scale-remove"))
    return lost


def seen(wanted: Target) -> set[str] | None:
    """Nodes on the broker's map that are not silent; None when it does not answer."""
    try:
        with Operator(client.find(wanted.name)) as operator:
            nodes = operator.call("GET", "/v1/nodes")[1]["nodes"]
    except RtcdnError:
        return None
    return {node["id"] for node in nodes if node["state"] != drain.SILENT}


def undrain(wanted: Target, acts: Sequence[Act]) -> None:
    """Nodes that were to be stopped take work again."""
    if acts:
        with Operator(client.find(wanted.name)) as operator:
            for act in acts:
                operator.call("POST", f"/v1/nodes/{act.node}/undrain")


def keep(wanted: Target, rows: Sequence[dict[str, Any]]) -> None:
    """The nodes that were started: an apply adds them to the event's own."""
    journal.write(wanted.state / "scaled.json", {"nodes": list(rows)})


def note(wanted: Target, act: Act, became: str, took_s: float) -> None:
    """One line of the log, and for whoever looks on."""
    print(f"{became.partition(':')[0]:7} {act.verb} {act.node} in {took_s:.0f} s: {became}", flush=True)
    line = {"at_s": round(time.time(), 3), **asdict(act), "became": became, "took_s": round(took_s, 1)}
    with (wanted.state / "scale.log").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, sort_keys=True) + "\n")


def remembered(wanted: Target) -> Memory:
    """What earlier looks saw; a broken file is forgotten, which only makes wishes wait anew."""
    try:
        return Memory(**target.read_json(wanted.state / "scale.json"))
    except (ConfigError, TypeError):
        return Memory()


def remember(wanted: Target, memory: Memory) -> None:
    """Keep it for the next look."""
    journal.write(wanted.state / "scale.json", asdict(memory))
