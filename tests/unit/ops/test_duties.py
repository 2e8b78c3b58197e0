"""What a host runs."""

from __future__ import annotations

import pytest

from ops.duties import images

NODES = [{"id": "eu1-vr1", "kind": "VR", "host": "eu1"}, {"id": "eu2-ai1", "kind": "AI", "host": "eu2"}]
GATEWAYS = [{"id": "1", "host": "eu1", "prober": 8202}, {"id": "2", "host": "us1"}]
BROKERS = [{"id": "broker-1", "host": "eu3"}]
GROUPS = {"etcd": ["eu2"], "nginx": ["us1"], "speaker": ["eu3"]}


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("eu1", ["control", "janus", "prober"]),
        ("eu2", ["control", "etcd"]),
        ("eu3", ["control", "speaker"]),
        ("us1", ["control", "nginx"]),
        ("us2", []),
    ],
)
def test_a_host_needs_the_images_of_its_duties(host: str, names: list[str]) -> None:
    """And no other: a spare host needs none."""
    assert images(host, NODES, GATEWAYS, BROKERS, GROUPS) == names
    acme = ["acme"] if "nginx" in names else []
    assert images(host, NODES, GATEWAYS, BROKERS, GROUPS, acme={"directory": "https://a"}) == [*acme, *names]
