"""From a collector's write to the broker's map, against a bare etcd put -> watch, with a thousand nodes reporting.

Writer and follower are processes of their own. Each write is one transaction of a node's details, as collectors
write them; its time runs from before the call until the follower has it: in hand (peer), or on the map (ours).
"""

from __future__ import annotations

import bisect
import itertools
import multiprocessing
import random
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.stand import Stand, node_keys, standing
from broker.watch import MapKeeper
from rtcdn.model import Kind
from rtcdn.store.etcd import EtcdStore
from rtcdn.store.port import Commit
from rtcdn.tls import TlsFiles

NODES = 1_000
REPORTS_PS = 1_000  # each node once a second
SECONDS = 5.0
TURNS = 2  # each in turn, and the medians compared
WRITERS = 8
KINDS = (Kind.VR, Kind.AB, Kind.ST)
Seen = list[tuple[int, int]]  # revision, monotonic ns


def run() -> list[dict[str, Any]]:
    """Rows: p50 and p99 of both ways, and the rate that was reached."""
    with standing() as stand:
        _register(stand)
        found: dict[str, list[tuple[float, float]]] = {"bare": [], "map": []}
        rates = []
        for _ in range(TURNS):
            for way, figures in found.items():
                delays, rate = _turn(stand, way)
                figures.append((_percentile(delays, 50), _percentile(delays, 99)))
                rates.append(rate)
    reached = f"{NODES} nodes, {statistics.median(rates):.0f} reports/s"
    rows = []
    for number, (percentile, most) in enumerate(((50, 1.3), (99, 1.5))):
        ours, bare = (statistics.median(each[number] for each in found[way]) for way in ("map", "bare"))
        figures = {"value": round(ours, 2), "unit": "ms", "peer": "bare put -> watch", "peer_value": round(bare, 2)}
        name = f"propagate: write -> map, p{percentile} ({reached})"
        budget = {"ratio": round(ours / bare, 2), "budget": f"<= {most} x", "met": ours <= most * bare}
        rows.append({"name": name, **figures, **budget})
    return rows


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _node(number: int) -> tuple[str, Kind]:
    return f"node-{number}", KINDS[number % len(KINDS)]


def _register(stand: Stand) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda number: stand.store.commit(Commit(puts=node_keys(*_node(number)))), range(NODES)))


def _turn(stand: Stand, way: str) -> tuple[list[float], float]:
    """Delays in ms, and the reports a second that were written."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    arguments = (theirs, way, stand.etcd.address, stand.etcd.tls("broker"))
    follower = context.Process(target=_follow, args=arguments, daemon=True)
    follower.start()
    assert ours.recv() == "ready"
    written, seconds = _write(stand)
    ours.send(max(revision for revision, _ in written))
    seen: Seen = ours.recv()
    follower.join(10)
    revisions = [revision for revision, _ in seen]
    delays = []
    for revision, began_ns in written:
        delays.append((seen[bisect.bisect_left(revisions, revision)][1] - began_ns) / 1e6)
    return delays, len(written) / seconds


def _write(stand: Stand) -> tuple[Seen, float]:
    """Reports evenly spread over the seconds: revision and when the call began."""
    rng = random.Random(1)
    ticks = itertools.count()
    written: Seen = []
    began_s = time.monotonic()

    def report() -> None:
        while (number := next(ticks)) < SECONDS * REPORTS_PS:
            time.sleep(max(0.0, began_s + number / REPORTS_PS - time.monotonic()))
            puts = node_keys(*_node(number % NODES), weight=rng.randrange(100))
            now_ns = time.monotonic_ns()
            written.append((stand.store.commit(Commit(puts=puts)), now_ns))

    threads = [threading.Thread(target=report) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return written, time.monotonic() - began_s


def _follow(pipe: Any, way: str, address: str, tls: TlsFiles) -> None:
    """The follower: says when it is ready, is told the last revision to wait for, answers what it saw and when."""
    store = EtcdStore((address,), tls)
    seen: Seen = []
    stop = _follow_map(store, seen) if way == "map" else _follow_bare(store, seen)
    pipe.send("ready")
    last = pipe.recv()
    while not seen or seen[-1][0] < last:
        time.sleep(0.05)
    stop()
    pipe.send(seen)


def _follow_map(store: EtcdStore, seen: Seen) -> Callable[[], None]:
    keeper = MapKeeper(store)
    keeper.listen(lambda update: seen.append((keeper.current.revision, time.monotonic_ns())))
    keeper.start()
    while not keeper.ready:
        time.sleep(0.05)
    return keeper.close


def _follow_bare(store: EtcdStore, seen: Seen) -> Callable[[], None]:
    watch = store.watch("")

    def follow() -> None:
        for update in watch:
            seen.append((update.revision, time.monotonic_ns()))

    threading.Thread(target=follow, daemon=True).start()
    while not seen:
        time.sleep(0.05)
    return watch.close
