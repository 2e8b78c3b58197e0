"""A whole CDN on loopback and one bridge network: etcd, four Janus nodes with collectors, brokers, gateways."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.rest import RestClient
from rtcdn.model import Kind
from rtcdn.store.port import Store
from rtcdn.tls import client_context
from rtcdn.tokens import OPERATOR, Claims, SigningKey
from tests.support.collector import CollectorProcess
from tests.support.engine import Engine, Network, free_port, wait_for
from tests.support.etcd import EtcdServer, running_etcd
from tests.support.janus import JanusNode, start_janus
from tests.support.processes import START_S, BrokerProcess, GatewayProcess, ProberProcess

REGION = "here"
FAR = "there"
NODES = (("vr1", Kind.VR), ("ab1", Kind.AB), ("st1", Kind.ST), ("st2", Kind.ST))


class Cdn:
    """What a test holds of it."""

    def __init__(self, folder: Path, engine: Engine, etcd: EtcdServer, far: Collection[str] = ()) -> None:
        """``far``: names of nodes and gateways in the other region, FAR."""
        self.folder, self.engine, self.etcd, self.far = folder, engine, etcd, far
        self.store: Store = etcd.store()
        self.host_ip = ""  # of this machine, as the nodes see it
        self.nodes: dict[str, JanusNode] = {}
        self.collectors: dict[str, CollectorProcess] = {}
        self.brokers: list[BrokerProcess] = []
        self.gateways: list[GatewayProcess] = []
        self.probers: list[ProberProcess] = []
        self._key = _signing_key(folder / "token_key.pem")
        (folder / "issuers.json").write_text(json.dumps(self._key.jwks()))
        self.secrets = folder / "secrets"
        self.secrets.mkdir()

    def region(self, name: str) -> str:
        """Where a node or gateway is."""
        return FAR if name in self.far else REGION

    def add_node(self, name: str, kind: Kind, network: Network) -> None:
        """A Janus and its collector."""
        port = free_port(network.gateway)
        node = start_janus(self.engine, kind, name, network=network, events_port=port)
        self.nodes[name] = node
        self.collectors[name] = CollectorProcess(
            node, self.etcd, self.secrets, f"{network.gateway}:{port}", self.region(name)
        )

    def add_broker(self, name: str) -> BrokerProcess:
        """One more replica; not started."""
        made = BrokerProcess(
            name,
            self.folder,
            self.etcd.tls("broker"),
            ETCD=self.etcd.address,
            SECRETS_DIR=str(self.secrets),
            TOKEN_KEY=str(self.folder / "token_key.pem"),
            ISSUERS=str(self.folder / "issuers.json"),
            PROBERS=",".join(f"{REGION}={prober.url}" for prober in self.probers),
        )
        self.brokers.append(made)
        return made

    def add_prober(self) -> ProberProcess:
        """A prober, before the brokers; not started."""
        name = f"prober-{len(self.probers) + 1}"
        settings = {"ETCD": self.etcd.address, "SECRETS_DIR": str(self.secrets)}
        made = ProberProcess(name, self.folder, self.etcd.tls(name), self.etcd.tls("broker"), **settings)
        self.probers.append(made)
        return made

    def add_gateway(self, name: str) -> GatewayProcess:
        """One more gateway; not started."""
        made = GatewayProcess(
            name,
            self.folder,
            self.etcd.tls(f"gateway-{name}"),
            self.region(name),
            ETCD=self.etcd.address,
            SECRETS_DIR=str(self.secrets),
            ISSUERS=str(self.folder / "issuers.json"),
            BROKERS=",".join(broker.url for broker in self.brokers),
            BROKER_STREAMS=",".join(broker.stream_url for broker in self.brokers),
        )
        self.gateways.append(made)
        return made

    def api(self, by: str = "ops") -> httpx.Client:
        """A client with the certificate of ``by`` and, unless it is a gateway's, an operator token."""
        token = self._key.sign(Claims("tester", scope=OPERATOR, exp=time.time() + 3600))
        headers = {} if by.startswith("gateway-") else {"Authorization": f"Bearer {token}"}
        tls = client_context(self.etcd.tls(by))
        return httpx.Client(verify=tls, headers=headers, timeout=20, trust_env=False)

    def leader(self) -> BrokerProcess:
        """The replica that leads, awaited."""
        return (
            wait_for(lambda: next((each for each in self.brokers if each.leads()), None), "a leader", START_S)
            or _never()
        )

    def follower(self) -> BrokerProcess:
        """A replica that does not lead."""
        self.leader()
        return next(each for each in self.brokers if not each.leads())

    def client(self, name: str) -> NodeClient:
        """A node as the actor uses it, to see what is really there."""
        node = self.nodes[name]
        admin = AdminClient(node.admin_url, node.secrets.admin_secret)
        rest = RestClient(node.rest_url, node.secrets.api_secret)
        return NodeClient(node.kind, admin, node.secrets, node.media_ip, rest=rest)

    def keys(self, prefix: str) -> dict[str, Any]:
        """What stands in the store, as JSON."""
        return {key: json.loads(value.text) for key, value in self.store.read(prefix).values.items()}

    def close(self) -> None:
        """End every process."""
        for process in (*self.gateways, *self.brokers, *self.probers):
            process.thaw() if process.alive else None
            process.kill()
        for collector in self.collectors.values():
            collector.kill()
        self.store.close()


@contextmanager
def running_cdn(
    folder: Path,
    brokers: int = 2,
    gateways: int = 1,
    far: Collection[str] = (),
    *,
    probers: int = 0,
    also: Iterable[tuple[str, Kind]] = (),
) -> Iterator[Cdn]:
    """A CDN for as long as the block lasts, every node (those of ``also`` too) on the map of every replica."""
    with running_etcd() as etcd, Engine() as engine:
        cdn = Cdn(folder, engine, etcd, far)
        try:
            network = engine.network()
            cdn.host_ip = network.gateway
            for name, kind in (*NODES, *also):
                cdn.add_node(name, kind, network)
            for _ in range(probers):
                cdn.add_prober().start()
            for number in range(brokers):
                cdn.add_broker(f"broker-{number + 1}").start()
            for number in range(gateways):
                cdn.add_gateway(str(number + 1)).start()
            for process in (*cdn.probers, *cdn.brokers, *cdn.gateways):
                process.wait_ready()
            cdn.leader()
            for broker in cdn.brokers:
                _wait_for_map(cdn, broker)
            yield cdn
        finally:
            cdn.close()


def _wait_for_map(cdn: Cdn, broker: BrokerProcess) -> None:
    with cdn.api() as http:

        def complete() -> bool:
            seen = http.get(f"{broker.url}/v1/map").json()
            present = [name for name, node in seen["nodes"].items() if not node.get("silent")]
            return len(present) == len(cdn.nodes) and len(seen["gateways"]) == len(cdn.gateways)

        wait_for(complete, f"{broker.id} sees every node and gateway", START_S)


def _signing_key(path: Path) -> SigningKey:
    private = Ed25519PrivateKey.generate()
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return SigningKey(private)


def _never() -> Any:
    raise AssertionError("wait_for returns what is true")
