"""From counters to status: pure. CPU, memory and network of the host, weight of the node.

Weight is the share of the node's capacity in use, of whatever is scarcest: the largest of its terms. Counters of the
host stand for the node's where Janus cannot be told apart; nodes that share a host share its load.
"""

from __future__ import annotations

from dataclasses import dataclass

from rtcdn.model import Capacity, Kind, PluginData

SMOOTH_S = 5.0  # a burst shorter than this does not move the weight much
# A busy host makes its nodes the last choice but never full by itself: its CPU may be busy with something else.
CPU_TERM_MOST = 75.0  # well below what policies call full (90): own grants come on top
COUNTED_TWICE = ("veth", "br-", "docker", "virbr", "ifb")  # their packets pass a real interface or lo too


@dataclass(frozen=True, slots=True)
class Counters:
    """What the host has counted since it started."""

    at_s: float
    cpu_busy: int = 0  # ticks
    cpu_all: int = 0
    memory_pct: float = 0.0
    sent_bytes: int = 0
    sent_packets: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """Rates between two counters, smoothed."""

    cpu_pct: float = 0.0
    memory_pct: float = 0.0
    egress_kbps: float = 0.0
    egress_packets_ps: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """What a node tells about itself: whole numbers, so that nothing is written when nothing happens."""

    cpu_pct: int
    memory_pct: int
    weight: int
    terms: dict[str, float]


def parse_counters(at_s: float, stat: str, meminfo: str, net_dev: str) -> Counters:
    """Counters from the texts of ``/proc/stat``, ``/proc/meminfo`` and ``/proc/net/dev``."""
    ticks = [int(field) for field in stat.partition("\n")[0].split()[1:9]]
    idle = sum(ticks[3:5])  # idle and waiting for the disk
    memory = {line.split(":")[0]: int(line.split()[1]) for line in meminfo.splitlines() if ":" in line}
    total = memory.get("MemTotal", 0)
    sent = [row.split(":")[1].split()[8:10] for row in net_dev.splitlines()[2:] if ":" in row and _counts(row)]
    return Counters(
        at_s=at_s,
        cpu_busy=sum(ticks) - idle,
        cpu_all=sum(ticks),
        memory_pct=100.0 * (total - memory.get("MemAvailable", total)) / total if total else 0.0,
        sent_bytes=sum(int(row[0]) for row in sent),
        sent_packets=sum(int(row[1]) for row in sent),
    )


def _counts(row: str) -> bool:
    return not row.strip().startswith(COUNTED_TWICE)


def measure(before: Counters, after: Counters, previous: Load) -> Load:
    """The load between two counters, leaning on the ``previous`` load by how short the time was."""
    seconds = after.at_s - before.at_s
    if seconds <= 0:
        return previous
    share = seconds / (seconds + SMOOTH_S)
    ticks = max(1, after.cpu_all - before.cpu_all)

    def lean(old: float, new: float) -> float:
        return old + (max(0.0, new) - old) * share

    return Load(
        cpu_pct=lean(previous.cpu_pct, 100.0 * (after.cpu_busy - before.cpu_busy) / ticks),
        memory_pct=after.memory_pct,
        egress_kbps=lean(previous.egress_kbps, (after.sent_bytes - before.sent_bytes) * 8 / 1000 / seconds),
        egress_packets_ps=lean(previous.egress_packets_ps, (after.sent_packets - before.sent_packets) / seconds),
    )


def status(kind: Kind, load: Load, data: PluginData, capacity: Capacity) -> Status:
    """CPU, memory and weight with its terms, each 0-100 of the node's capacity and more when it is passed."""
    terms = {
        "cpu": min(CPU_TERM_MOST, load.cpu_pct),
        "packets": _share(load.egress_packets_ps, capacity.egress_packets_ps),
        "bandwidth": _share(load.egress_kbps, capacity.egress_kbps),
        "handles": _share(data.handles, capacity.handles),
    }
    if kind is Kind.AB:
        terms["participants"] = _share(active(data), capacity.participants)
    rounded = {name: float(round(value)) for name, value in terms.items()}
    return Status(
        cpu_pct=_percent(load.cpu_pct),
        memory_pct=_percent(load.memory_pct),
        weight=round(max(rounded.values())),
        terms=rounded,
    )


def active(data: PluginData) -> int:
    """Participants that an AudioBridge mixes: people and links."""
    return sum(context.participants + len(context.links) for context in data.contexts)


def _share(used: float, limit: float) -> float:
    return 100.0 * used / limit if limit else 0.0


def _percent(value: float) -> int:
    return round(min(100.0, max(0.0, value)))
