"""What the benches of the broker share: an etcd, node keys as collectors write them, a replica that does not lead.

Somebody else holds the leader's key, so the replica only follows the map and answers attaches.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rtcdn import keys
from rtcdn.model import Capacity, ContextIntent, GatewayInfo, Kind, Labels, LeaderInfo, PluginData, SessionIntent
from rtcdn.store.port import Store, put_many
from rtcdn.tokens import SigningKey
from tests.support.etcd import EtcdServer, running_etcd
from tests.support.processes import BrokerProcess

REGION = "here"
SESSION = "bench"
WIDE = Capacity(10**9, 10**12, 10**12, 10**9)  # never full, however many are attached
SLOTS = ("v1", "v2", "v3", "v4", "s1")


@dataclass
class Stand:
    """etcd with a running session on its keys."""

    folder: Path
    etcd: EtcdServer
    store: Store

    def replica(self, name: str, module: str = "broker") -> BrokerProcess:
        """A broker (or what ``module`` serves with a broker's settings), started and answering."""
        made = BrokerProcess(
            name,
            self.folder,
            self.etcd.tls("broker"),
            module=module,
            ETCD=self.etcd.address,
            SECRETS_DIR=str(self.folder),
            TOKEN_KEY=str(self.folder / "token_key.pem"),
            ISSUERS=str(self.folder / "issuers.json"),
            LOG_LEVEL="info",
        )
        made.start()
        return made.wait_ready()


def node_keys(node: str, kind: Kind, weight: int = 5, region: str = REGION) -> dict[str, str]:
    """Every key of a node."""
    labels = Labels(f"http://{node}.invalid/admin", f"http://{node}.invalid/janus", host=node, capacity=WIDE)
    values = {"ADDRESS": f"{node}:8188", "CPU": "5", "MEM": "5", "WEIGHT": str(weight), "REGION": region}
    values |= {"LABELS": labels.to_json(), "PLUGIN": PluginData().to_json()}
    return {keys.node_field(kind, node, name): text for name, text in values.items()} | {keys.node(node): kind.value}


def session_keys() -> dict[str, str]:
    """A running session with one stage, and the gateway that asks."""
    contexts = {
        "ingress-vr1": ContextIntent("vr1"),
        "mix-ab1": ContextIntent("ab1", Kind.AB, "mix"),
        "stage-st1": ContextIntent("st1", Kind.ST, "stage", slots=SLOTS),
    }
    texts = {keys.context(SESSION, name): context.to_json() for name, context in contexts.items()}
    texts[keys.session(SESSION)] = SessionIntent().to_json()
    texts[keys.gateway("1")] = GatewayInfo(REGION, "https://gateway.invalid", "gateway:1").to_json()
    texts[keys.LEADER] = LeaderInfo("elsewhere", "https://leader.invalid", "wss://leader.invalid").to_json()
    return texts


@contextmanager
def standing() -> Iterator[Stand]:
    """A stand for as long as the block lasts; processes started on it must be killed by who started them."""
    with tempfile.TemporaryDirectory() as name, running_etcd() as etcd:
        folder, private = Path(name), Ed25519PrivateKey.generate()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "token_key.pem").write_bytes(pem)
        (folder / "issuers.json").write_text(json.dumps(SigningKey(private).jwks()))
        store = etcd.store()
        for node, kind in (("vr1", Kind.VR), ("ab1", Kind.AB), ("st1", Kind.ST)):
            put_many(store, node_keys(node, kind))
        put_many(store, session_keys())
        try:
            yield Stand(folder, etcd, store)
        finally:
            store.close()
