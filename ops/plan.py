"""``bin/rtcdn plan EVENT``: what an apply would change, what the event gives and costs. Changes nothing."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ops import changes, client, drift, journal, progress, target
from ops.changes import Plan
from ops.event.capacity import capacity
from ops.event.cost import cost
from ops.target import Target
from rtcdn.errors import RtcdnError

LOG = Path("/var/log/rtcdn/plan.log")
DECLARED = "ansible/declared.yml"
SITE, SURVEY = "ansible/site.yml", "ansible/survey.yml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("event", metavar="EVENT", help="event file, or the name of one in events/")
    less = parser.add_mutually_exclusive_group()
    less.add_argument("--offline", action="store_true", help="ask no host: duties, capacity and cost alone")
    less.add_argument("--drift", action="store_true", help="only whether what runs is what was deployed: seconds")
    parser.add_argument("--full", action="store_true", help="show every line that would change")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def run(args: argparse.Namespace) -> int:
    """Show the plan; 0 when nothing would change, 2 when something would, 1 when it cannot be told."""
    plan = make(target.load(args.event), told=args.event, offline=args.offline, drift_only=args.drift)
    print(json.dumps(plan.to_dict(), indent=2) if args.json else changes.text(plan, whole=args.full))
    return plan.code


def make(wanted: Target, *, told: str, offline: bool = False, drift_only: bool = False) -> Plan:
    """The plan of an event: the playbooks in check mode, and what they cannot see."""
    plan = Plan(told, wanted.name, offline, drift_only, notice=journal.Journal(wanted.name).notice())
    plan.scaled = [f"{row['kind']} {row['id']} on {row['host']}" for row in target.scaled(wanted.state)]
    site = [] if offline or drift_only else [SITE]
    playbooks = [DECLARED, *site, *([] if offline else [SURVEY])]
    with tempfile.TemporaryDirectory(prefix="rtcdn-plan-") as scratch:
        inventory = [str(each) for each in wanted.compile(Path(scratch) / "inventory")]
        extra = {"rtcdn_verify": False}
        outcome = progress.play(playbooks, inventory, extra, LOG, sys.stderr, check=bool(site), quiet_failures=True)
    plan.declared = outcome.declared
    plan.errors = failures(outcome)
    if plan.errors:
        return plan
    if not drift_only:
        _reckon(plan, wanted)
    if not offline:
        vmap = ask(wanted.name, plan)
        plan.changes = changes.told(outcome.changes)
        plan.services = [line.replace("would replace ", "") for line in outcome.said if "would replace" in line]
        plan.images = outcome.images
        plan.drift = drift.find(outcome.declared, outcome.surveys, vmap)
        plan.leaving = leaving(wanted, outcome.declared)
        plan.sessions = changes.touched(plan.changes, plan.leaving, (vmap or {}).get("nodes", {}))
    return plan


def failures(outcome: progress.Outcome) -> list[str]:
    """Why the playbooks could not tell; empty when they could."""
    problems = [str(each) for each in outcome.declared.get("problems", [])]
    away = [f"host {host} does not answer: mend its way or take it out of the event" for host in outcome.unreachable]
    told = [
        f"{each['host']}: {each['task']}: {each['text'].strip()}"
        for each in outcome.failures
        if each["host"] not in outcome.unreachable
    ]
    found = problems or [*away, *told]
    return found or ([f"the playbooks ended early: see {LOG}"] if outcome.code else [])


def leaving(wanted: Target, declared: dict[str, Any]) -> list[str]:
    """Nodes and hosts that were applied and that the event does not have any more."""
    hosts = sorted(target.going(wanted.state, declared["hosts"]))
    nodes = sorted(target.noted_nodes(wanted.state) - declared["nodes"].keys())
    return [*nodes, *(f"host {each}" for each in hosts)]


def ask(deployment: str, plan: Plan) -> dict[str, Any] | None:
    """The broker's map; None, with a note, when it does not answer or is not there yet."""
    try:
        found = client.find(deployment)
        with client.Operator(found) as operator:
            return dict(operator.call("GET", "/v1/map")[1])
    except RtcdnError as error:
        if (client.STATES / deployment / "deployment.json").is_file():
            plan.notes.append(f"the broker was not asked for its map: {error}")
        return None


def _reckon(plan: Plan, wanted: Target) -> None:
    """Capacity and cost."""
    if not wanted.event.spec.sessions:
        return
    carried, money = capacity(wanted.event), cost(wanted.event)
    plan.capacity, plan.cost = str(carried), str(money)
    plan.misfits = list(carried.problems)
    plan.misfits += [] if money.within else ["it costs more than the ceiling in limits: take less, or raise it"]
