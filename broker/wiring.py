"""The one place where a broker is put together; fakes are passed in by tests."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import Any

from flask import Flask

from broker import policies
from broker.act import Actor, Nodes
from broker.api import live
from broker.api.app import create_app
from broker.api.context import Parts
from broker.api.forward import Forwarder
from broker.batches import BatchWriter
from broker.core.decisions import IntentChange
from broker.core.policy.registry import Registry
from broker.core.wrappers import BUILT_IN_KINDS
from broker.decision_log import DecisionLog
from broker.desk import Desk
from broker.geo import Locator
from broker.leader import Leadership
from broker.metrics import Metrics
from broker.plans import Performer
from broker.probing import Probing
from broker.reconcile import Reconciler
from broker.settings import BrokerSettings
from broker.stream import GatewayStreams
from broker.watch import MapKeeper
from rtcdn import keys
from rtcdn.model import LeaderInfo, NodeSecrets
from rtcdn.secrets import load_node_secrets
from rtcdn.store.etcd import EtcdStore
from rtcdn.store.port import Store, Update
from rtcdn.tls import client_context
from rtcdn.tokens import SigningKey, Verifier


@dataclass
class Broker:
    """A whole broker: its application and the threads behind it."""

    app: Flask
    parts: Parts
    reconciler: Reconciler
    streams: GatewayStreams
    batches: BatchWriter
    store: Store

    def start(self) -> None:
        """Start every thread."""
        self.parts.decisions.start()
        self.streams.start()
        self.parts.keeper.start()
        self.parts.leadership.start()
        self.batches.start()
        self.reconciler.start()

    def close(self) -> None:
        """Stop every thread; the leadership is given up, so that another takes it at once."""
        self.reconciler.close()
        self.batches.close()
        self.parts.leadership.close()
        self.streams.close()
        self.parts.keeper.close()
        self.parts.verifier.close()
        self.parts.decisions.close()
        if self.parts.probing:
            self.parts.probing.close()
        self.store.close()


def from_settings(settings: BrokerSettings) -> Broker:
    """A broker on etcd, as the settings say."""
    base = settings.base
    tls = client_context(base.tls)
    return build(
        settings,
        store=EtcdStore(base.etcd, base.tls, base.namespace),
        secrets=load_node_secrets(base.secrets_dir),
        verifier=Verifier(settings.issuers, base.namespace, tls),
        signing=SigningKey.from_pem(settings.token_key),
        tls=tls,
    )


def build(
    settings: BrokerSettings,
    *,
    store: Store,
    secrets: Mapping[str, NodeSecrets],
    verifier: Verifier,
    signing: SigningKey,
    tls: ssl.SSLContext,
) -> Broker:
    """Put a broker together over any store."""
    info = LeaderInfo(settings.broker_id, settings.api_url, settings.stream_url)
    kinds = {**BUILT_IN_KINDS, **_entries("rtcdn.wrappers")}
    registry = policies_of(settings)
    keeper, decisions = MapKeeper(store, kinds), DecisionLog()
    leadership = Leadership(store, info)
    streams = GatewayStreams(settings.stream_listen, settings.base.tls, keeper, leadership)

    def record(change: IntentChange) -> None:
        keeper.put((change,), leadership.commit({change.key: change.value or ""}))

    nodes = Nodes(secrets, settings.network)
    performer = Performer(store, keeper, leadership, Actor(nodes, record, streams.send))
    batches = BatchWriter(store, keeper)
    desk = Desk(
        keeper=keeper,
        leadership=leadership,
        batches=batches,
        performer=performer,
        registry=registry,
        decisions=decisions,
        policy=settings.policy,
    )
    reconciler = Reconciler(
        keeper=keeper,
        leadership=leadership,
        desk=desk,
        performer=performer,
        registry=registry,
        policy=settings.policy,
        watched=lambda: streams.watched,
    )
    locator = Locator(settings.geo_databases, settings.geo_overrides)
    parts = Parts(info, keeper, leadership, desk, decisions, verifier, signing, settings.base.namespace, locator)
    parts = replace(parts, probing=Probing(settings.probers, tls, nodes))
    _connect(parts, reconciler, streams)
    _gauges(parts.metrics, parts, reconciler, streams, batches)
    return Broker(create_app(parts, Forwarder(tls)), parts, reconciler, streams, batches, store)


def policies_of(settings: BrokerSettings) -> Registry:
    """Every policy there is; raises ConfigError with all that is wrong."""
    return policies.registry(settings.policies, _entries("rtcdn.policies"), settings.policy)


def _connect(parts: Parts, reconciler: Reconciler, streams: GatewayStreams) -> None:
    """Who hears of what."""

    def heard(update: Update) -> None:
        parts.decisions.remember(parts.keeper.current)
        live.followers.heard(update)
        if any(change.key == keys.LEADER and change.value is None for change in update.changes):
            parts.leadership.nudge()

    def led(leads: bool) -> None:
        streams.led(leads)
        if leads:
            reconciler.nudge()

    parts.keeper.journal = parts.decisions.swapped
    parts.keeper.listen(heard)
    parts.leadership.listen(led)


def _gauges(
    metrics: Metrics, parts: Parts, reconciler: Reconciler, streams: GatewayStreams, batches: BatchWriter
) -> None:
    keeper = parts.keeper
    metrics.gauge("leads", "1 on the replica that leads", lambda: float(parts.leadership.leads))
    metrics.gauge("map_revision", "Revision of the map", lambda: keeper.current.revision)
    metrics.gauge("map_age_seconds", "For how long the store is away", lambda: keeper.age_s)
    metrics.gauge("map_nodes", "Nodes on the map", lambda: len(keeper.current.nodes))
    metrics.gauge("map_sessions", "Sessions on the map", lambda: len(keeper.current.sessions))
    metrics.gauge("keys_waiting", "Participants' keys not written yet", lambda: batches.waiting)
    metrics.gauge("gateways_connected", "Gateways that take orders here", lambda: len(streams.connected))
    metrics.gauge("orders_waiting", "Orders not acknowledged yet", lambda: streams.unacknowledged)
    metrics.gauge("repairs", "Steps performed to mend what was not as it should be", lambda: reconciler.repairs)


def _entries(group: str) -> dict[str, Any]:
    """What other packages add, by name."""
    return {entry.name: entry.load() for entry in entry_points(group=group)}
