"""What processes use, read from the kernel (an engine's own figures are empty on some machines)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
TICKS_PS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """Of some processes together: CPU time so far, memory, threads, descriptors."""

    cpu_s: float
    rss_mb: float
    threads: int
    descriptors: int


def pids_of(container: Any) -> list[int]:
    """Process ids of a container's processes, as this machine sees them."""
    told = container.top()
    return [int(row[told["Titles"].index("PID")]) for row in told["Processes"]]


def usage(pids: Iterable[int]) -> Usage:
    """What they use now."""
    found = [_one(pid) for pid in pids]
    return Usage(
        sum(one.cpu_s for one in found),
        sum(one.rss_mb for one in found),
        sum(one.threads for one in found),
        sum(one.descriptors for one in found),
    )


def _one(pid: int) -> Usage:
    folder = Path(f"/proc/{pid}")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / TICKS_PS
    return Usage(cpu_s, int(fields[21]) * PAGE_MB, int(fields[17]), len(list((folder / "fd").iterdir())))
