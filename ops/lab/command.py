"""The verb ``lab``: what was typed, and what is said."""

from __future__ import annotations

import argparse
import os
import shlex
import time
from dataclasses import replace

from ops.lab import machines, plan
from ops.lab.plan import Lab
from ops.testing.hosts import SYSTEMD, Host, docker
from rtcdn.errors import ConfigError

DEFAULT = "lab"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--name", default=DEFAULT, help=f"of the lab, where there are several (default: {DEFAULT})")
    verbs = parser.add_subparsers(dest="act", metavar="up|down|ssh|wan|status", required=True)
    starter = verbs.add_parser("up", help="start the hosts of three regions with engines, ssh and long ways")
    starter.add_argument(
        "--network", help=f"its 256 addresses (default: {plan.NETWORK}); another where two labs stand side by side"
    )
    starter.add_argument("--spare", metavar="HOST", action="append", default=[], help="one host more, such as eu3")
    starter.add_argument("--image", default=SYSTEMD, help=f"of the hosts (default: {SYSTEMD}, made when needed)")
    verbs.add_parser("down", help="remove the hosts with all that is in them")
    shell = verbs.add_parser("ssh", help="a shell on a host, or one command")
    shell.add_argument("host")
    shell.add_argument("command", nargs=argparse.REMAINDER)
    ways = verbs.add_parser("wan", help="show or set the ways between regions", description=f"wan: {plan.WAY_FORM}.")
    ways.add_argument("settings", metavar="REGION-REGION=WAY", nargs="*")
    verbs.add_parser("status", help="hosts, engines and ways")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    return {"up": _up, "down": _down, "ssh": _ssh, "wan": _wan, "status": _status}[args.act](args)


def _up(args: argparse.Namespace) -> int:
    if os.geteuid() != 0:
        raise ConfigError(["run as root: it starts host containers"])
    began_s = time.monotonic()
    lab = _wanted(args)
    print(f"rtcdn lab: {len(lab.hosts)} hosts in {lab.network}", flush=True)
    machines.up(lab, args.image, lambda line: print(line, flush=True))
    print(f"Up in {time.monotonic() - began_s:.1f} s.\n")
    print(_goodbye(lab))
    return 0


def _wanted(args: argparse.Namespace) -> Lab:
    """The lab that is there, with what is asked for beside; else a new one."""
    if (machines.state(args.name) / "lab.json").is_file():
        lab = machines.find(args.name)
        if args.network not in (None, lab.network):
            raise ConfigError([f"--network: the lab {lab.name} is in {lab.network}: bin/rtcdn lab down first"])
    else:
        lab = plan.new(args.name, args.network or plan.NETWORK)
    return plan.with_hosts(lab, args.spare)


def _goodbye(lab: Lab) -> str:
    own = "" if lab.name == DEFAULT else f" --name {lab.name}"
    usual = lab == replace(plan.new(DEFAULT), ways=lab.ways)
    second = "" if usual else f" -i {machines.state(lab.name)}/inventory.json"
    return "\n".join((
        f"A deployment   ansible-playbook -i inventories/lab{second} ansible/site.yml",
        f"A shell        bin/rtcdn lab{own} ssh eu1",
        f"The ways       bin/rtcdn lab{own} wan eu-us=45ms,2ms,0.1% eu-ap=cut",
        f"The end        bin/rtcdn lab{own} down",
    ))  # fmt: skip


def _down(args: argparse.Namespace) -> int:
    began_s = time.monotonic()
    gone = machines.down(args.name)
    print(f"Removed {len(gone)} things in {time.monotonic() - began_s:.1f} s." if gone else "There was nothing.")
    return 0


def _ssh(args: argparse.Namespace) -> int:
    lab = machines.find(args.name)
    if args.host not in lab.hosts:
        raise ConfigError([f"{args.host!r} is not a host of lab {lab.name}: {', '.join(lab.hosts)}"])
    words = args.command[1:] if args.command[:1] == ["--"] else args.command
    command = [*machines.ssh(lab, args.host), *([shlex.join(words)] if len(words) > 1 else words)]
    os.execvp(command[0], command)  # noqa: S606  (ssh itself is what was asked for)


def _wan(args: argparse.Namespace) -> int:
    lab = machines.find(args.name)
    if args.settings:
        lab = plan.with_ways(lab, args.settings)
        machines.apply_ways(lab)
    print(_ways(lab))
    return 0


def _ways(lab: Lab) -> str:
    return "\n".join(f"{name}  {way}" for name, way in lab.ways.items())


def _status(args: argparse.Namespace) -> int:
    """1 when a host is not as the lab says."""
    lab, well = machines.find(args.name), True
    for name in lab.hosts:
        container = lab.container(name)
        form = "{{.State.Status}}"
        there = docker("ps", "--all", "--filter", f"name=^{container}$", "--format", "{{.Names}}")
        state = docker("inspect", "--format", form, container) if there else "missing"
        said = [f"{name}  {lab.address(name)}  {state}"]
        if state == "running":
            host = Host(container)
            engine = host.succeeds("docker", "info")
            number = len(host.run("docker", "ps", "--quiet").split()) if engine else 0
            said.append(f"{number} containers" if engine else "no engine answers")
            if machines.in_force(lab, name) != lab.ways_of(name):
                said.append("its ways are not those of the lab: bin/rtcdn lab up")
                well = False
        else:
            well = False
        print("  ".join(said))
    print(_ways(lab))
    return 0 if well else 1
