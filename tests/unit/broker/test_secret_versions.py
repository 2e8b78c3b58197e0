"""While a node's secrets change, who uses the node picks those that it presents."""

from __future__ import annotations

import json
from pathlib import Path

from broker.act import Nodes
from broker.core.virtual_map import VirtualMap
from gateway.legs import Nodes as GatewayNodes
from gateway.legs import socket_key
from rtcdn.model import Kind, Leg, NodeSecrets
from rtcdn.reports import Labels

OLD = NodeSecrets(version="1", admin_secret="old", context_key="o")
BOTH = NodeSecrets(version="2", admin_secret="new", context_key="n", others=(OLD,))


def seen(version: str) -> VirtualMap:
    """A map with one node that presents a version."""
    labels = Labels(admin="http://10.0.0.1:8322/admin", rest="http://10.0.0.1:8321/janus", secret_version=version)
    keys = {"JN:st1": "ST", "ST:st1:ADDRESS": "10.0.0.1:8320", "ST:st1:LABELS": labels.to_json()}
    return VirtualMap.build({key: (text, 1) for key, text in keys.items()}, 1.0, 1)


def test_a_broker_makes_a_new_client_when_the_node_presents_other_secrets() -> None:
    """And keeps the one it has as long as nothing changes."""
    nodes = Nodes({"st1": BOTH})
    before = nodes.client(seen("1"), "st1")
    assert nodes.client(seen("1"), "st1") is before
    assert nodes.client(seen("2"), "st1") is not before
    assert [nodes.secrets_of("st1", version).admin_secret for version in ("1", "2", "")] == ["old", "new", "new"]


def test_a_gateway_goes_by_the_version_of_the_grant(tmp_path: Path) -> None:
    """Each version has a socket of its own."""
    (tmp_path / "node_st1.json").write_text(json.dumps(BOTH.to_dict()), encoding="utf-8")
    nodes = GatewayNodes(tmp_path)
    legs = [
        Leg(kind=Kind.ST, node="st1", address="10.0.0.1:8320", secret_version=version) for version in ("1", "2", "")
    ]
    assert [nodes.secrets(leg).context_key for leg in legs] == ["o", "n", "n"]
    assert len({socket_key(leg) for leg in legs[:2]}) == 2
