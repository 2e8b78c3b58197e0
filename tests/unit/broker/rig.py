"""A whole broker over the memory store, with nodes that only remember what was asked of them."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from flask.testing import FlaskClient

from broker.api import live
from broker.api.app import create_app
from broker.api.context import BROKER, PEER, Parts
from broker.api.forward import Forwarder
from broker.batches import BatchWriter
from broker.core.actions import Order, Step, step_name
from broker.core.decisions import IntentChange
from broker.core.policy.registry import Registry
from broker.core.virtual_map import VirtualMap
from broker.decision_log import DecisionLog
from broker.desk import Desk
from broker.leader import Leadership
from broker.plans import Performer
from broker.watch import MapKeeper
from rtcdn import keys
from rtcdn.errors import NodeAway
from rtcdn.model import Capacity, GatewayInfo, Kind, Labels, LeaderInfo, PluginData
from rtcdn.store.memory import MemoryStore
from rtcdn.store.port import put_many
from rtcdn.tokens import OPERATOR, Claims, SigningKey, Verifier
from tests.support.engine import wait_for

NODES = {"vr1": Kind.VR, "ab1": Kind.AB, "st1": Kind.ST, "st2": Kind.ST}
REGION = "here"
WIDE = Capacity(10**9, 10**12, 10**12, 10**9)


def node_keys(node: str, kind: Kind) -> dict[str, str]:
    """What a collector writes of an idle node."""
    labels = Labels(f"http://{node}/admin", f"http://{node}/janus", host=node, version="1.4.1", capacity=WIDE)
    values = {"ADDRESS": f"{node}:8188", "CPU": "5", "MEM": "5", "WEIGHT": "5", "REGION": REGION}
    values |= {"LABELS": labels.to_json(), "PLUGIN": PluginData().to_json()}
    return {keys.node_field(kind, node, name): text for name, text in values.items()} | {keys.node(node): kind.value}


@dataclass
class FakeActor:
    """Remembers steps; fails at nodes of ``away``; ``before`` is called before each step."""

    done: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    before: Callable[[Step], None] = lambda step: None

    def perform(self, step: Step, vmap: VirtualMap) -> None:
        self.before(step)
        node = getattr(getattr(step, "after", None) or getattr(step, "before", None), "node", "")
        if node in self.away:
            raise NodeAway(f"node {node} is silent")
        self.steps.append(step)
        if not isinstance(step, Order):
            self.done.append(f"{step_name(step)} {step.session}/{step.id}")


class Rig:
    """One replica; several may share a store."""

    def __init__(
        self,
        store: MemoryStore,
        folder: Path,
        broker: str = "b1",
        stands: bool = True,
        leader: httpx.BaseTransport | None = None,
    ) -> None:
        self.store, self.actor = store, FakeActor()
        self.key = SigningKey.generate()
        issuers = folder / f"{broker}.json"
        issuers.write_text(json.dumps(self.key.jwks()))
        info = LeaderInfo(broker, f"https://{broker}.invalid", f"wss://{broker}.invalid")
        self.keeper = MapKeeper(store)
        self.leadership = Leadership(store, info)
        self.batches = BatchWriter(store, self.keeper)
        self.performer = Performer(store, self.keeper, self.leadership, self.actor)  # type: ignore[arg-type]
        self.decisions = DecisionLog(stream=(folder / f"{broker}.log").open("w"))
        self.desk = Desk(
            keeper=self.keeper,
            leadership=self.leadership,
            batches=self.batches,
            performer=self.performer,
            registry=Registry(),
            decisions=self.decisions,
        )
        verifier = Verifier((str(issuers),))
        self.parts = Parts(info, self.keeper, self.leadership, self.desk, self.decisions, verifier, self.key)
        self.app = create_app(self.parts, Forwarder(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), leader))
        self.keeper.journal = self.decisions.swapped
        self.keeper.listen(live.followers.heard)
        self.decisions.start()
        self.keeper.start()
        self.batches.start()
        if stands:
            self.leadership.start()
            wait_for(lambda: self.leadership.leads and self.keeper.current.leader, "elected")

    def close(self) -> None:
        """End its threads."""
        self.batches.close()
        self.leadership.close()
        self.keeper.close()
        self.decisions.close()

    def present(self, **nodes: Kind) -> None:
        """Nodes (all four by default) and a gateway appear, and the map shows them."""
        wanted = nodes or NODES
        texts: dict[str, str] = {}
        for name, kind in wanted.items():
            texts |= node_keys(name, kind)
        texts[keys.gateway("1")] = GatewayInfo(REGION, "https://gw.invalid", "gw:1").to_json()
        revision = put_many(self.store, texts)
        wait_for(lambda: self.keeper.current.revision >= revision, "the map shows them")

    def transport(self) -> httpx.WSGITransport:
        """By which another replica reaches this one."""

        def app(environ: dict[str, Any], start: Any) -> Any:
            return self.app({**environ, PEER: BROKER}, start)

        return httpx.WSGITransport(app)

    def client(self, peer: str = "nginx") -> FlaskClient:
        """A client whose certificate is of ``peer``."""
        client = self.app.test_client()
        client.environ_base[PEER] = peer
        return client

    def operator(self, **claims: Any) -> dict[str, str]:
        """Headers of an operator."""
        made = Claims("ops", **{"scope": OPERATOR, "exp": time.time() + 60, **claims})
        return {"Authorization": f"Bearer {self.key.sign(made)}"}

    def keys(self, prefix: str) -> set[str]:
        """Keys that stand in the store."""
        return set(self.store.read(prefix).values)

    def put_intent(self, change: IntentChange) -> None:
        """As another replica would write it."""
        self.store.put(change.key, change.value or "")
