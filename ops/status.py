"""``bin/rtcdn status``: nodes, gateways, sessions, viewers and health on one screen."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from ops import applied, deployed
from ops.client import CallRefused, Deployment, Operator, find
from rtcdn.errors import RtcdnError

FRESH_MS = 2000  # a medium whose last packet is younger flows
OLD_S = 5.0  # without news of the store: it is away for longer than it takes a member to be replaced
PAUSE_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("event", metavar="EVENT", nargs="?", default="", help="event file, or name of a deployment")
    parser.add_argument("--deployment", default="local", help="name of the deployment (default: local)")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    parser.add_argument("--flowing", metavar="SESSION", help="is it well only if sound and pictures of SESSION flow?")
    parser.add_argument("--wait-s", type=float, default=0.0, help="wait so long until all is well")


def run(args: argparse.Namespace) -> int:
    """Show the deployment; 1 when something is not well."""
    try:
        name = deployed.name_of(args.event) if args.event else args.deployment
        deployment = find(name)
        answer = awaited(deployment, args.flowing, time.monotonic() + args.wait_s)
        answer["applied"] = applied.read(deployment.state, set(answer["on_map"]))
    except RtcdnError as error:
        print(f"status: {error}", file=sys.stderr)
        if args.event or args.deployment:
            print(applied.notice(args.event or args.deployment), file=sys.stderr, end="")
        return 1
    print(json.dumps(answer, indent=2) if args.json else text(answer))
    return 1 if answer["problems"] else 0


def awaited(deployment: Deployment, flowing: str | None, until_s: float) -> dict[str, Any]:
    """What is seen, as soon as it is well or else when the time is over."""
    with Operator(deployment) as operator:
        while True:
            late = time.monotonic() >= until_s
            try:
                _, vmap = operator.call("GET", "/v1/map")
                answer = seen(deployment, vmap, flowing)
                if late or not answer["problems"]:
                    return answer
            except CallRefused:
                if late:
                    raise
            time.sleep(PAUSE_S)


def seen(deployment: Deployment, vmap: dict[str, Any], flowing: str | None = None) -> dict[str, Any]:
    """The map of the broker as an operator wants it, with every problem in words."""
    nodes = [vmap["nodes"].get(name) or missing(name) for name in sorted({*deployment.nodes, *vmap["nodes"]})]
    ages = {context: ages for node in nodes for context, ages in node["media_age_ms"].items()}
    sessions = [session_row(session, nodes, ages) for session in vmap["sessions"].values() if session["intent"]]
    gateways = {name: vmap["gateways"].get(name) for name in sorted({*deployment.gateways, *vmap["gateways"]})}
    leader = vmap["leader"] or {}
    problems = [f"node {node['id']} is {node['state']}" for node in nodes if node["state"] == "silent"]
    problems += [f"gateway {name} is silent" for name, info in gateways.items() if info is None]
    problems += [] if leader else ["no broker leads: nothing can be changed until one does"]
    problems += not_flowing(sessions, flowing) if flowing else []
    if vmap["age_s"] > OLD_S:
        problems.append(
            f"the broker has not heard of the store for {vmap['age_s']:.0f} s: media go on, nothing new is decided"
        )
    return {
        "deployment": deployment.name,
        "url": deployment.public_url,
        "leader": leader.get("broker", ""),
        "map_age_s": vmap["age_s"],
        "nodes": nodes,
        "gateways": gateways,
        "sessions": sessions,
        "problems": problems,
        "on_map": sorted(vmap["nodes"]),
    }


def missing(name: str) -> dict[str, Any]:
    """A node that should be there and is not."""
    numbers = dict.fromkeys(("cpu", "mem", "weight", "viewers", "publishers"), 0)
    return {"id": name, "kind": "", "region": "", "version": "", "state": "silent", "media_age_ms": {}, **numbers}


def session_row(
    session: dict[str, Any], nodes: list[dict[str, Any]], ages: dict[str, dict[str, int]]
) -> dict[str, Any]:
    """One session: who is there, and which media of its stages flow."""
    stages = {name: context for name, context in session["contexts"].items() if context["duty"] == "stage"}
    # A medium that nobody feeds looks fresh for a while after its stage was made: only linked ones count.
    linked = {(link["target"], link["slot"] or "a") for link in session["links"].values()}
    media: dict[str, list[str]] = {}
    for name, context in stages.items():
        found = ages.get(f"{session['id']}/{name}", {})
        media[context["node"]] = [
            mid for mid, age_ms in found.items() if 0 <= age_ms < FRESH_MS and (name, mid) in linked
        ]
    viewers = sum(session["attached"].get(name, 0) for name in stages)
    intent = session["intent"]
    return {
        "id": session["id"],
        "scenario": intent["scenario"],
        "codec": intent["codec"],
        "speakers": session["publishers"],
        "viewers": viewers,
        "flowing": media,
    }


def not_flowing(sessions: list[dict[str, Any]], wanted: str) -> list[str]:
    """Why session ``wanted`` does not flow: every stage needs the mix and at least one picture."""
    found = next((session for session in sessions if session["id"] == wanted), None)
    if found is None:
        return [f"there is no session {wanted}"]
    problems = [] if found["flowing"] else [f"session {wanted} has no stage"]
    for node, mids in found["flowing"].items():
        lacking = [
            what for what, there in (("sound", "a" in mids), ("picture", any(m[0] == "v" for m in mids))) if not there
        ]
        problems += [f"session {wanted}: no {' and no '.join(lacking)} flows to the stage on {node}"] if lacking else []
    return problems


def text(answer: dict[str, Any]) -> str:
    """One screen."""
    head = (
        f"{answer['deployment']}  {answer['url']}  "
        f"leader {answer['leader'] or '-'}  map {answer['map_age_s']:.1f} s old"
    )
    nodes = [
        [
            *(n["id"], n["kind"], n["region"], n["state"], f"{n['weight']:.0f}", f"{n['cpu']:.0f}", f"{n['mem']:.0f}"),
            *(str(n["publishers"]), str(n["viewers"]), n["version"]),
        ]
        for n in answer["nodes"]
    ]
    gateways = [
        [name, *((info["region"], info["address"], "ready") if info else ("", "", "silent"))]
        for name, info in answer["gateways"].items()
    ]
    sessions = [
        [
            *(s["id"], s["scenario"], s["codec"], " ".join(s["speakers"]) or "-", str(s["viewers"])),
            "; ".join(f"{node}: {' '.join(mids) or 'nothing'}" for node, mids in s["flowing"].items()) or "-",
        ]
        for s in answer["sessions"]
    ]
    parts = [
        head,
        table(["NODE", "KIND", "REGION", "STATE", "WEIGHT", "CPU", "MEM", "SPEAKERS", "VIEWERS", "JANUS"], nodes),
        table(["GATEWAY", "REGION", "ADDRESS", "STATE"], gateways),
        table(["SESSION", "SCENARIO", "CODEC", "SPEAKERS", "VIEWERS", "FLOWING"], sessions),
        *([applied.text(answer["applied"])] if answer.get("applied") else []),
        "\n".join(f"! {problem}" for problem in answer["problems"]) or "all well",
    ]
    return "\n\n".join(parts)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows])
    return "\n".join(line.rstrip() for line in lines)
