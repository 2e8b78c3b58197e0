"""What stands against a deployment on its hosts, out of what was seen there: ``python -m ops.precheck < seen.json``.

Pure: ``ansible/precheck.yml`` collects (``ansible/files/precheck_host.py`` runs on every host) and shows the report.
Every problem names the host and the cure; warnings stand apart. Checks named in ``rtcdn_precheck_ignore`` only warn.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops import inventory_network, precheck_certificates, precheck_paths

Table = Mapping[str, Any]
# What the judge reads of the inventory.
VARIABLES = (
    "rtcdn_hosts", "rtcdn_nodes", "rtcdn_brokers", "rtcdn_gateways", "rtcdn_turns", "rtcdn_ports", "rtcdn_regions",
    "rtcdn_deployment", "rtcdn_public_url", "rtcdn_precheck_ignore", "rtcdn_private_network", "rtcdn_pki",
    "nginx_certificate", "nginx_certificate_key", "nginx_acme",
)  # fmt: skip
SYSTEMS = {"debian": ("12", "13"), "ubuntu": ("22.04", "24.04")}
CHECKS = (
    "reached", "system", "files", "disk", "memory", "addresses", "ports", "names", "certificates", "paths", "mtu",
    "clock",
)  # fmt: skip
LEAST_DISK_MB, WISE_DISK_MB, REGISTRY_DISK_MB = 1024, 4096, 4096  # the host of the registry also builds
LEAST_MEMORY_MB, WISE_MEMORY_MB = 900, 1900
LEAST_FILES, WISE_FILES = 4096, 65536
CONTROLLER_CLOCK_S = 60.0  # certificates made here are valid from now on


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not well."""

    check: str
    host: str  # empty: the deployment's, not one host's
    text: str
    warning: bool = False

    def line(self) -> str:
        """As an operator reads it."""
        return f"{self.host}: {self.text}" if self.host else self.text


@dataclass(frozen=True, slots=True)
class Report:
    """What to show."""

    problems: list[str]
    warnings: list[str] = field(default_factory=list)
    paths: str = ""  # the matrix of round trips


def judge(seen: Table, now_s: float) -> Report:
    """``seen``: ``variables``, ``groups``, ``looked`` (facts by host) and ``probed`` (results by host)."""
    variables, groups = seen["variables"], seen["groups"]
    ignored = set(variables.get("rtcdn_precheck_ignore") or [])
    findings = [
        *(found for host, facts in seen["looked"].items() for found in _of_host(host, facts, variables, groups)),
        *_names(variables, groups, seen["looked"]),
        *(
            Finding("certificates", "", text)
            for text in precheck_certificates.problems(
                variables, inventory_network.urls_by_door(variables, groups), now_s
            )
        ),
        *(Finding(*each) for each in precheck_paths.findings(variables, groups, seen["looked"], seen["probed"])),
        *(Finding("inventory", "", text, warning=True) for text in inventory_network.warnings(variables, groups)),
        *(
            Finding("inventory", "", f"rtcdn_precheck_ignore: {name!r} is no check: use {', '.join(CHECKS)}")
            for name in sorted(ignored - set(CHECKS))
        ),
    ]
    hard = [each for each in findings if not each.warning and each.check not in ignored]
    return Report(
        [each.line() for each in hard],
        [each.line() for each in findings if each not in hard],
        precheck_paths.table(seen["probed"]),
    )


def _of_host(host: str, facts: Table, variables: Table, groups: Table) -> Iterator[Finding]:
    if "failed" in facts:
        yield Finding("reached", host, _unreached(host, str(facts["failed"])))
        return
    yield from (Finding(*each) for each in _system(host, facts, several=len(groups.get("all", [])) > 1))
    yield from (Finding(*each) for each in _room(host, facts, host in groups.get("registry", [])))
    yield from (Finding(*each) for each in _addresses(host, facts, variables["rtcdn_hosts"][host]))
    off_s = facts["clock_s"] - facts["asked_s"]
    if abs(off_s) > CONTROLLER_CLOCK_S:
        way = "ahead of" if off_s > 0 else "behind"
        text = f"its clock is {abs(off_s):.0f} s {way} the controller's: start a time service (chrony) on both"
        yield Finding("clock", host, text)
    yield from _taken(host, facts)


def _taken(host: str, facts: Table) -> Iterator[Finding]:
    """Ports that somebody else has, by who has them. A tunnel of the kernel, as the engine makes, has no process."""
    by_holder: dict[str, list[str]] = {}
    for protocol, ports in facts["ports"].items():
        for port, state in ports.items():
            if state not in ("listening", "ours") and not (state == "held" and facts["engine"]):
                by_holder.setdefault(state, []).append(f"{protocol} {port}")
    for holder, taken in by_holder.items():
        who = f"is taken by {holder}" if not holder.startswith("cannot: ") else f"cannot be listened on ({holder[8:]})"
        yield Finding("ports", host, f"port {', '.join(taken)} {who}: stop it, or choose others in the inventory")


def _unreached(host: str, said: str) -> str:
    said = " ".join(said.split())[:300]
    if "python" in said and ("not found" in said or "No such file" in said):
        return f"has no Python ({said}): install python3 there"
    return (
        f"cannot be reached by Ansible ({said}): is it up, is ansible_host right, does "
        f"'ssh' to it work from here? Or take {host} out of the inventory"
    )


def _system(host: str, facts: Table, several: bool) -> Iterator[tuple[Any, ...]]:
    name, version = facts["system"]
    if version not in SYSTEMS.get(name, ()):
        told = f"{name} {version}".strip() or "an unknown system"
        yield "system", host, f"runs {told}: use Debian 12 or 13, or Ubuntu 22.04 or 24.04"
    if several and not facts["systemd"]:
        yield "system", host, "has no systemd: hosts of a deployment of several need it"
    if not facts["root"]:
        yield "system", host, "is not entered as root: set ansible_user: root, or ansible_become: true"
    if facts["open_files"] < WISE_FILES:
        why = "the engine that runs" if facts["engine"] else "what systemd starts"
        cure = "restart it after this run (role host raises its limit)" if facts["engine"] else "role host raises it"
        text = f"{why} may open {facts['open_files']} files, a viewer takes one: {cure}"
        hard = facts["open_files"] < LEAST_FILES and facts["engine"]
        yield "files", host, text, not hard


def _room(host: str, facts: Table, registry: bool) -> Iterator[tuple[Any, ...]]:
    least = REGISTRY_DISK_MB if registry and not facts["engine"] else LEAST_DISK_MB
    free = facts["disk_mb"]
    if free < max(least, WISE_DISK_MB):
        use = "images are built and kept here" if registry else "images go there"
        text = f"{free} MB are free for /var/lib/docker ({use}): make room, {WISE_DISK_MB} MB are wise"
        yield "disk", host, text, free >= least
    if facts["memory_mb"] < WISE_MEMORY_MB:
        text = f"has {facts['memory_mb']} MB of memory: 2 GB are wise, below 1 GB nothing runs well; take a larger host"
        yield "memory", host, text, facts["memory_mb"] >= LEAST_MEMORY_MB


def _addresses(host: str, facts: Table, row: Table) -> Iterator[tuple[Any, ...]]:
    private = str(row["private"])
    if inventory_network.is_address(private) and not facts["own"].get(private, True):
        yield (
            "addresses", host,
            f"{private} is none of its addresses, but private in rtcdn_hosts.{host}: write the right one",
        )  # fmt: skip


def _names(variables: Table, groups: Table, looked: Table) -> Iterator[Finding]:
    """Names resolve on every host, and those of clients to the hosts of nginx."""
    hosts = variables["rtcdn_hosts"]
    doors = {
        str(hosts[name][side]) for name in groups.get("nginx", []) if name in hosts for side in ("public", "private")
    }
    urls = {inventory_network.host_of(url) for url in inventory_network.public_urls(variables, groups)}
    for name in sorted({name for facts in looked.values() for name in facts.get("names", {})}):
        answers = {host: facts["names"][name] for host, facts in looked.items() if name in facts.get("names", {})}
        for host, answer in answers.items():
            if isinstance(answer, str):
                yield Finding(
                    "names", host, f"cannot resolve {name} ({answer}): make a DNS record, or mend its resolver"
                )
        found = {address for answer in answers.values() if not isinstance(answer, str) for address in answer}
        if name in urls and found and doors and not found & (doors | {name}):
            text = (
                f"{name} is {', '.join(sorted(found))}, and nginx is at {', '.join(sorted(doors))}: is that a balancer?"
            )
            yield Finding("names", "", text, warning=True)


def main() -> int:
    """Judge what comes by standard input; 1 when something stands against the deployment."""
    seen = json.load(sys.stdin)
    report = judge(seen, time.time())
    print(json.dumps({"problems": report.problems, "warnings": report.warnings, "paths": report.paths.splitlines()}))
    return 1 if report.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
