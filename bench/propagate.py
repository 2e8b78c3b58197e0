"""From a collector's write to the broker's map, against a bare etcd put -> watch, with a thousand nodes reporting.

Writer and follower are processes of their own, and both ways follow the same writes of the same writer. Each write is
one transaction with what changed of a node since its last report, as collectors write it: CPU, memory, weight, the
terms of the weight in LABELS, and PLUGIN with one busy context. Its time runs from before the call until the follower
has it: keys and values as text in hand (peer), or on the map (ours). Both use the same client, so the difference is
the map.
"""

from __future__ import annotations

import bisect
import multiprocessing
import random
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.stand import REGION, WIDE, Stand, standing
from broker.watch import MapKeeper, spare_the_map
from collector.report import node_keys
from collector.sample import Load, status
from collector.settings import Presentation
from rtcdn.model import (
    Capacity,
    ContextInfo,
    ForwarderInfo,
    Kind,
    MountpointMedia,
    PluginData,
    PublisherInfo,
    StreamInfo,
)
from rtcdn.store.etcd import EtcdStore
from rtcdn.store.port import Commit
from rtcdn.tls import TlsFiles

NODES = 1_000
REPORTS_PS = 1_000  # each node once a second
SECONDS = 4.0
TURNS = 6  # each in turn, and the medians compared
WRITERS = 8
KINDS = (Kind.VR, Kind.AB, Kind.ST)
PEOPLE = 4
SLOTS = ("a", "v1", "v2", "v3", "v4", "s1")
Seen = list[tuple[int, int]]  # revision, monotonic ns
Reports = list[dict[str, str]]


@dataclass(frozen=True)
class Turn:
    """What one turn of one way found."""

    p50_ms: float
    p99_ms: float
    cpu_us: float  # of the follower, per report
    reports_ps: float


def run() -> list[dict[str, Any]]:
    """Rows: p50 and p99 of both ways at the rate that was reached, and what following costs."""
    first, reports = _reports(int(SECONDS * REPORTS_PS))
    with standing() as stand:
        _register(stand, first)
        turns: dict[str, list[Turn]] = {"bare": [], "map": []}
        for _ in range(TURNS):
            for way, found in turns.items():
                found.append(_turn(stand, way, reports))
    reached = statistics.median(turn.reports_ps for found in turns.values() for turn in found)
    where = f"({NODES} nodes, {reached:.0f} reports/s)"
    return [
        _row(f"propagate: write -> map, p50 {where}", "ms", turns, lambda turn: turn.p50_ms, 1.3),
        _row(f"propagate: write -> map, p99 {where}", "ms", turns, lambda turn: turn.p99_ms, 1.5),
        _row("propagate: CPU of the follower, per report", "us", turns, lambda turn: turn.cpu_us),
    ]


def _row(
    name: str, unit: str, turns: dict[str, list[Turn]], figure: Callable[[Turn], float], most: float = 0.0
) -> dict[str, Any]:
    ours, bare = (statistics.median(map(figure, turns[way])) for way in ("map", "bare"))
    row = {
        "name": name,
        "value": round(ours, 2),
        "unit": unit,
        "peer": "bare put -> watch",
        "peer_value": round(bare, 2),
    }
    row["ratio"] = round(ours / bare, 2)
    return row | {"budget": f"<= {most} x", "met": ours <= most * bare} if most else row


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _node(number: int) -> tuple[str, Kind]:
    return f"node-{number}", KINDS[number % len(KINDS)]


def _register(stand: Stand, reports: Reports) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda puts: stand.store.commit(Commit(puts=puts)), reports))


def _reports(count: int) -> tuple[Reports, Reports]:
    """Each node's first report, then ``count`` more: only the keys whose text is another than in the node's last."""
    rng = random.Random(1)
    written: dict[str, str] = {}
    reports = []
    for number in range(NODES + count):
        node, kind = _node(number % NODES)
        texts = _texts(node, kind, rng)
        reports.append({key: text for key, text in texts.items() if written.get(key) != text})
        written |= texts
    return reports[:NODES], reports[NODES:]


def _texts(node: str, kind: Kind, rng: random.Random) -> dict[str, str]:
    handles = rng.randrange(100)
    where = Presentation(
        node, kind, REGION, node, "", f"{node}:8188", f"http://{node}/admin", f"http://{node}/janus", "::1", "", WIDE
    )
    load = Load(rng.uniform(0, 100), rng.uniform(0, 100))
    data = PluginData((_context(kind, handles),), handles, handles)
    return node_keys(
        where, status(kind, load, data, Capacity()), data, version="1.4.1", secret_version="1", started_us=1
    )


def _context(kind: Kind, people: int) -> ContextInfo:
    """A context in use: who is there changes with each report."""
    if kind is Kind.ST:
        media = tuple(MountpointMedia(mid, "video", 20000, 20002, 20004, 20001, people) for mid in SLOTS)
        return ContextInfo("demo/stage", media=media, viewers=people)
    forwarders = tuple(ForwarderInfo(people + each, "192.0.2.1", 20000, "audio") for each in range(PEOPLE))
    if kind is Kind.AB:
        return ContextInfo("demo/mix", forwarders=forwarders, participants=people, links=("link~a", "link~b"))
    streams = (StreamInfo("audio", "0", "opus"), StreamInfo("video", "1", "vp8", simulcast=True))
    publishers = tuple(PublisherInfo(f"speaker-{each}", streams) for each in range(PEOPLE))
    return ContextInfo("demo/ingress", publishers=publishers, forwarders=forwarders)


def _turn(stand: Stand, way: str, reports: Reports) -> Turn:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    arguments = (theirs, way, stand.etcd.address, stand.etcd.tls("broker"))
    follower = context.Process(target=_follow, args=arguments, daemon=True)
    follower.start()
    assert ours.recv() == "ready"
    written, seconds = _write(stand, reports)
    ours.send(max(revision for revision, _ in written))
    seen: Seen
    seen, cpu_s = ours.recv()
    follower.join(10)
    revisions = [revision for revision, _ in seen]
    delays = []
    for revision, began_ns in written:
        delays.append((seen[bisect.bisect_left(revisions, revision)][1] - began_ns) / 1e6)
    cpu_us = cpu_s * 1e6 / len(written)
    return Turn(_percentile(delays, 50), _percentile(delays, 99), cpu_us, len(written) / seconds)


def _write(stand: Stand, reports: Reports) -> tuple[Seen, float]:
    """Reports evenly spread over the seconds: revision and when the call began."""
    numbered = enumerate(reports)
    written: Seen = []
    began_s = time.monotonic()

    def report() -> None:
        for number, puts in numbered:
            time.sleep(max(0.0, began_s + number / REPORTS_PS - time.monotonic()))
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
    began_s = time.process_time()
    pipe.send("ready")
    last = pipe.recv()
    while not seen or seen[-1][0] < last:
        time.sleep(0.05)
    cpu_s = time.process_time() - began_s
    stop()
    pipe.send((seen, cpu_s))


def _follow_map(store: EtcdStore, seen: Seen) -> Callable[[], None]:
    spare_the_map()  # as a broker's process does
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
