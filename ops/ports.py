"""The TCP ports of a deployment on this machine: who claims them, who has them, how to choose others."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtcdn.errors import ConfigError

LISTEN = "0A"  # state of a listening socket in /proc/net/tcp
NODE_PORTS = 5  # from a node's port on
Tables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A port of the deployment; ``name`` is what ``--port`` calls it."""

    port: int
    name: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens; ``deployment`` is the one whose container it is in, if any."""

    pid: int
    command: str
    deployment: str = ""


def claims(tables: Mapping[str, Any]) -> list[Claim]:
    """Every TCP port of ``rtcdn_ports``, ``rtcdn_brokers``, ``rtcdn_gateways`` and ``rtcdn_nodes``."""
    found = [Claim(int(port), name) for name, port in tables["rtcdn_ports"].items()]
    for broker in tables["rtcdn_brokers"]:
        found += [Claim(int(broker["api"]), broker["id"]), Claim(int(broker["stream"]), broker["id"])]
    found += [Claim(int(gateway["port"]), f"gateway-{gateway['id']}") for gateway in tables["rtcdn_gateways"]]
    probers = [gateway for gateway in tables["rtcdn_gateways"] if gateway.get("prober")]
    found += [Claim(int(gateway["prober"]), f"prober-{gateway['id']}") for gateway in probers]
    for node in tables["rtcdn_nodes"]:
        found += [Claim(int(node["port"]) + offset, node["id"]) for offset in range(NODE_PORTS)]
    return found


def choose(tables: Tables, wanted: Iterable[str]) -> Tables:
    """``tables`` with each ``NAME=PORT`` of ``wanted`` in them; raises ConfigError naming what is not understood."""
    made: Tables = json.loads(json.dumps(tables))
    problems = []
    for text in wanted:
        name, _, number = text.partition("=")
        if not re.fullmatch(r"[1-9]\d{0,4}", number) or int(number) > 65535:
            problems.append(f"--port {text}: write NAME=PORT, such as nginx=9443")
        elif not _set(made, name, int(number)):
            names = ", ".join(dict.fromkeys(claim.name for claim in claims(tables)))
            problems.append(f"--port {text}: {name!r} has no port here; there are {names}")
    if problems:
        raise ConfigError(problems)
    return made


def _set(tables: Tables, name: str, port: int) -> bool:
    if name in tables["rtcdn_ports"]:
        tables["rtcdn_ports"][name] = port
        return True
    for broker in tables["rtcdn_brokers"]:
        if broker["id"] == name:
            broker["api"], broker["stream"] = port, port + 1
            return True
    places = (
        ("rtcdn_gateways", "gateway-", "port"),
        ("rtcdn_gateways", "prober-", "prober"),
        ("rtcdn_nodes", "", "port"),
    )
    for table, prefix, field in places:
        for row in tables[table]:
            if prefix + row["id"] == name and row.get(field):
                row[field] = port
                return True
    return False


def conflicts(wanted: Iterable[Claim], holders: Mapping[int, Holder], deployment: str) -> list[str]:
    """One line for each claimed port that somebody else has, naming him and the way out."""
    found = []
    for claim in wanted:
        holder = holders.get(claim.port)
        if holder is not None and holder.deployment != deployment:
            whose = f" (deployment {holder.deployment})" if holder.deployment else ""
            found.append(
                f"port {claim.port} ({claim.name}) is taken by {holder.command} (process {holder.pid}){whose}; "
                f"stop it, or choose another port: bin/rtcdn up --port {claim.name}=NUMBER"
            )
    return found


def listeners(proc: Path = Path("/proc")) -> dict[int, Holder]:
    """Who listens on this machine's TCP ports."""
    by_inode: dict[str, int] = {}
    for table in ("tcp", "tcp6"):
        path = proc / "net" / table
        for line in path.read_text(encoding="ascii").splitlines()[1:] if path.is_file() else []:
            fields = line.split()
            if fields[3] == LISTEN:
                by_inode[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    found: dict[int, Holder] = {}
    for folder in proc.glob("[0-9]*"):
        for inode in _sockets(folder) & by_inode.keys():
            found.setdefault(by_inode[inode], _holder(folder))
    return found


def _sockets(folder: Path) -> set[str]:
    """Inodes of the sockets of one process; of what ends meanwhile, and of what is not ours to look at, nothing."""
    links = []
    with contextlib.suppress(OSError):
        for each in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                links.append(str(each.readlink()))
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def _holder(folder: Path) -> Holder:
    try:
        command = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        containers = re.findall(r"[0-9a-f]{64}", (folder / "cgroup").read_text(encoding="ascii"))
    except OSError:
        return Holder(int(folder.name), "a process that has just ended")
    return Holder(int(folder.name), command, _deployment(containers[-1]) if containers else "")


def _deployment(container: str) -> str:
    command = ["docker", "inspect", "--format", '{{index .Config.Labels "rtcdn.deployment"}}', container]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""
