"""Who asks a node of another network asks it at its public address."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from broker.act import Nodes
from gateway.legs import Nodes as Sockets
from rtcdn.model import Kind, Labels, Leg, NodeSecrets

LABELS = Labels(
    admin="http://10.0.0.1:8322/admin", rest="http://10.0.0.1:8321/janus", media_ip="10.0.0.1", public_ip="203.0.113.1"
)


def test_a_broker_asks_at_the_address_that_it_reaches() -> None:
    """Port and path stay; where there is no public address the private one is all there is."""
    nodes = Nodes({}, "home")
    near, far = replace(LABELS, network="home"), replace(LABELS, network="far")
    assert nodes.url(near, near.admin) == "http://10.0.0.1:8322/admin"
    assert nodes.url(far, far.rest) == "http://203.0.113.1:8321/janus"
    nameless = replace(far, public_ip="")
    assert nodes.url(nameless, nameless.admin) == "http://10.0.0.1:8322/admin"


async def test_a_gateway_connects_to_the_address_that_it_reaches(tmp_path: Path) -> None:
    """A leg says the node's network and both addresses."""
    (tmp_path / "node_st1.json").write_text(NodeSecrets(token_secret="t").to_json())
    leg = Leg("view", Kind.ST, "st1", "10.0.0.1:8320", network="far", public="203.0.113.1:8320")
    for network, address in (("far", "10.0.0.1:8320"), ("default", "203.0.113.1:8320")):
        sockets = Sockets(tmp_path, network)
        assert sockets.socket(leg).url == f"ws://{address}"
        await sockets.close()
