"""The real collector as a process of its own, beside a real Janus, on a real etcd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rtcdn import keys
from rtcdn.janus.admin import AdminClient
from rtcdn.janus.operations import NodeClient
from rtcdn.janus.rest import RestClient
from rtcdn.model import PLAIN, SRTP, ContextInfo, Kind, Labels, PluginData
from rtcdn.store.etcd import EtcdStore
from tests.support.engine import Engine, free_port, wait_for
from tests.support.etcd import EtcdServer
from tests.support.janus import JanusNode, start_janus

ROOT = Path(__file__).parents[2]
LINKS = os.environ.get("RTCDN_TEST_LINKS", PLAIN)  # srtp: nodes say that they share a host, and stages have keys


class CollectorProcess:
    """``python3 -m collector`` for one node."""

    def __init__(
        self,
        node: JanusNode,
        etcd: EtcdServer,
        folder: Path,
        events_address: str,
        region: str = "here",
        sweep_s: int = 10,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """``events_address`` is the ``host:port`` that the node was told to send its events to."""
        self.node = node
        self.health = f"127.0.0.1:{free_port()}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"node_{node.id}.json").write_text(node.secrets.to_json())
        tls = etcd.tls(f"collector-{node.id}")
        self._log = folder / f"{node.id}.log"
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RTCDN_")},
            "RTCDN_ETCD": etcd.address,
            "RTCDN_TLS_CA": str(tls.ca),
            "RTCDN_TLS_CERT": str(tls.cert),
            "RTCDN_TLS_KEY": str(tls.key),
            "RTCDN_SECRETS_DIR": str(folder),
            "RTCDN_NODE_ID": node.id,
            "RTCDN_NODE_KIND": node.kind.value,
            "RTCDN_NODE_REGION": region,
            "RTCDN_JANUS_ADDRESS": node.address,
            "RTCDN_JANUS_ADMIN_URL": node.admin_url,
            "RTCDN_JANUS_REST_URL": node.rest_url,
            "RTCDN_MEDIA_IP": node.media_ip,
            "RTCDN_LINKS": LINKS,
            **({"RTCDN_NODE_HOST": "here"} if LINKS == SRTP else {}),
            "RTCDN_EVENTS_LISTEN": events_address,
            "RTCDN_HEALTH_LISTEN": self.health,
            "RTCDN_SWEEP_S": str(sweep_s),
            **(more or {}),
        }
        self.start()

    def start(self) -> None:
        """Start the process."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-m", "collector"], cwd=ROOT, env=self._env, stderr=log)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self._process.terminate()
        return self._process.wait(10)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait(10)

    def healthz(self) -> dict[str, object]:
        """What ``/healthz`` tells."""
        with urllib.request.urlopen(f"http://{self.health}/healthz", timeout=2) as answer:
            found: dict[str, object] = json.load(answer)
            return found

    def log(self) -> str:
        """What it logged."""
        return self._log.read_text()


@dataclass
class Place:
    """One node with its collector, as a test looks at it."""

    node: JanusNode
    client: NodeClient
    collector: CollectorProcess
    store: EtcdStore

    def values(self) -> dict[str, str]:
        """The node's keys that stand in the store."""
        found = self.store.read(f"{self.node.kind.value}:{self.node.id}:").values
        found = {**found, **self.store.read(keys.node(self.node.id)).values}
        return {key: value.text for key, value in found.items()}

    def field(self, name: str) -> str:
        """Text of one detail, empty when it is not there."""
        return self.values().get(keys.node_field(self.node.kind, self.node.id, name), "")

    def labels(self) -> Labels:
        """The node's labels."""
        return Labels.from_json(self.field("LABELS")) or Labels()

    def data(self) -> PluginData:
        """The node's plugin data."""
        return PluginData.from_json(self.field("PLUGIN")) or PluginData()

    def context(self, janus_id: str) -> ContextInfo | None:
        """One context of the plugin data."""
        return next((context for context in self.data().contexts if context.id == janus_id), None)

    def registered(self) -> bool:
        """Does its gate stand?"""
        return keys.node(self.node.id) in self.values()

    def wait_registered(self) -> None:
        """Return when it does."""
        wait_for(self.registered, f"{self.node.id} is registered\n{self.collector.log()}")


def client(node: JanusNode) -> NodeClient:
    """The node as the broker uses it."""
    admin = AdminClient(node.admin_url, node.secrets.admin_secret)
    rest = RestClient(node.rest_url, node.secrets.api_secret)
    return NodeClient(node.kind, admin, node.secrets, node.media_ip, rest=rest)


@contextmanager
def running_places(etcd: EtcdServer, folder: Path, sweep_s: int = 10) -> Iterator[dict[Kind, Place]]:
    """A node of each kind with its collector, registered, for as long as the block lasts."""
    made: dict[Kind, Place] = {}
    store = etcd.store()
    with Engine() as engine:
        network = engine.network()
        try:
            for kind in (Kind.VR, Kind.AB, Kind.ST):
                port = free_port(network.gateway)
                node = start_janus(engine, kind, network=network, events_port=port)
                collector = CollectorProcess(node, etcd, folder, f"{network.gateway}:{port}", sweep_s=sweep_s)
                made[kind] = Place(node, client(node), collector, store)
            for place in made.values():
                place.wait_registered()
            yield made
        finally:
            for place in made.values():
                place.collector.stop()
            store.close()
