"""Real Janus nodes under the broker's own core: intent, plan, actor and reconciling, in one thread and without a store.

Reports are read from the nodes by the collector's probe, so what the core sees is what a collector would tell.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from broker.act import Actor, Nodes
from broker.core.actions import Step, step_name
from broker.core.decisions import IntentChange
from broker.core.plan import plan_changes
from broker.core.reconcile import SWEPT_S, reconcile
from broker.core.virtual_map import VirtualMap
from collector.probe import Probe
from collector.report import plugin_data
from collector.view import View
from rtcdn import keys
from rtcdn.janus.operations import NodeClient
from rtcdn.model import (
    SRTP,
    Codec,
    ContextIntent,
    Kind,
    Labels,
    Leg,
    LinkIntent,
    ParticipantIntent,
    Record,
    SessionIntent,
    StreamInfo,
)
from tests.support.collector import client
from tests.support.engine import Engine
from tests.support.janus import JanusNode, start_janus

SESSION = "demo"


class LinkWorld:
    """One session on some nodes. ``commit`` decides nothing: tests say which contexts and links there are."""

    def __init__(self, nodes: Mapping[str, JanusNode], hosts: Mapping[str, str]) -> None:
        """``hosts``: on which host each node stands; links between hosts are SRTP then."""
        self.nodes, self.hosts = nodes, hosts
        self.clients: dict[str, NodeClient] = {name: client(node) for name, node in nodes.items()}
        self.now_s = time.time()
        self.revision = 1
        self.took_s: dict[str, float] = {}  # step -> how long it took last
        self.actor = Actor(Nodes({name: node.secrets for name, node in nodes.items()}), self._record, lambda _: None)
        snapshot = {key: (text, 1) for name in nodes for key, text in self._told(name)}
        self.vmap = VirtualMap.build(snapshot, self.now_s, self.revision)
        self.commit({keys.session(SESSION): SessionIntent()})

    def commit(self, records: Mapping[str, Record | None]) -> list[str]:
        """Write intent and perform the plan that follows; the steps."""
        changes = [IntentChange(key, record) for key, record in records.items()]
        plan = plan_changes(self.vmap, changes)
        self.intend(records)
        return self.perform(plan)

    def intend(self, records: Mapping[str, Record | None]) -> None:
        """Write intent and do nothing about it, as a leader that dies at once."""
        for key, record in records.items():
            self._record(IntentChange(key, record))

    def perform(self, steps: Iterable[Step]) -> list[str]:
        """Perform steps in their order; their names."""
        told = []
        for step in steps:
            began_s = time.perf_counter()
            self.actor.perform(step, self.vmap)
            told.append(f"{step_name(step)} {step.id}")
            self.took_s[told[-1]] = time.perf_counter() - began_s
        return told

    def reconcile(self) -> list[str]:
        """Every node that answers reports, time passes, what is amiss is mended; the steps."""
        self.now_s += SWEPT_S
        self.report(*(name for name, node in self.nodes.items() if node.ready()))
        return self.perform(reconcile(self.vmap, self.now_s))

    def report(self, *names: str) -> None:
        """Nodes report."""
        self.revision += 1
        found = [(key, text, self.revision) for name in names for key, text in self._told(name)]
        self.vmap = self.vmap.apply(found, self.now_s)

    def link(self, name: str) -> LinkIntent:
        """A link as it stands in the intent, with who holds it."""
        return self.vmap.sessions[SESSION].links[name]

    def _record(self, change: IntentChange) -> None:
        self.revision += 1
        self.vmap = self.vmap.with_changes([change], self.revision, self.now_s)

    def _told(self, name: str) -> list[tuple[str, str]]:
        node = self.nodes[name]
        labels = Labels(admin=node.admin_url, rest=node.rest_url, media_ip=node.media_ip)
        if self.hosts:
            labels = replace(labels, host=self.hosts[name], links=SRTP)
        plugin = plugin_data(Probe(self.clients[name]).contexts(), View(node.kind))
        fields = {"ADDRESS": node.address, "LABELS": labels.to_json(), "PLUGIN": plugin.to_json()}
        details = [(keys.node_field(node.kind, name, field), text) for field, text in fields.items()]
        return [*details, (keys.node(name), node.kind.value)]


@contextmanager
def running_links(hosts: Mapping[str, str] | None = None, **kinds: Kind) -> Iterator[LinkWorld]:
    """Nodes by name and kind, started side by side; ``hosts``: links between these are SRTP."""
    with Engine() as engine:
        network = engine.network()
        with ThreadPoolExecutor() as threads:
            made = {n: threads.submit(start_janus, engine, kind, n, network=network) for n, kind in kinds.items()}
            nodes = {name: each.result() for name, each in made.items()}
        yield LinkWorld(nodes, hosts or {})


def contexts(*names: str, **options: tuple[str, ...]) -> dict[str, Record | None]:
    """Intents of contexts named ``<duty>-<node>``."""
    kinds = {"ingress": Kind.VR, "relay": Kind.VR, "mix": Kind.AB, "stage": Kind.ST}
    found: dict[str, Record | None] = {}
    for name in names:
        duty, _, node = name.partition("-")
        slots = options.get("slots", ()) if duty == "stage" else ()
        found[keys.context(SESSION, name)] = ContextIntent(node, kinds[duty], duty, Codec.VP8, slots)
    return found


def links(**made: LinkIntent | None) -> dict[str, Record | None]:
    """Intents of links; underscores of a name stand for its hyphens."""
    return {keys.link(SESSION, name.replace("_", "-")): link for name, link in made.items()}


def publishing(
    name: str, context: str, streams: tuple[StreamInfo, ...], hold: tuple[int, int] = (0, 0)
) -> dict[str, Record | None]:
    """Intent of a participant who publishes."""
    leg = Leg("publish", Kind.VR, context.partition("-")[2], "", f"{SESSION}/{context}", "up", *hold, streams)
    return {keys.participant(SESSION, name): ParticipantIntent(legs=(leg,), region="here")}


def bridge(source: str, target: str) -> dict[str, Record | None]:
    """Intent of a bridge from the mix of one node to that of another."""
    link = LinkIntent("bridge", f"mix-{source}", f"mix-{target}")
    return {keys.link(SESSION, f"bridge-{source}-{target}"): link}


def trunk(source: str, target: str) -> dict[str, Record | None]:
    """Intent of a trunk between the mixes of two nodes."""
    link = LinkIntent("trunk", f"mix-{source}", f"mix-{target}")
    return {keys.link(SESSION, f"trunk-{source}-{target}"): link}
